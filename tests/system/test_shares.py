"""Every process starts with its share of the secrets, and with no less."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatterroom.auth.shares import SHARES, share_secrets
from chatterroom.engines.ports import free_port

from .conftest import START_S

SERVICES = ("gateway", "users", "chat", "discovery")


@pytest.fixture
def shares(tmp_path: Path) -> Path:
    share_secrets(tmp_path / "all", tmp_path / "shares")
    return tmp_path / "shares"


def start(service: str, directory: Path) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
    passwords = {
        f"CHATTERROOM_{database}_PASSWORD_FILE": str(directory / name)
        for database, name in (("MONGO", "mongo-password"), ("REDIS", "redis-password"))
        if name in SHARES[service]
    }
    # Nothing listens there: services start and stay up without their stores.
    environ |= passwords | {
        "CHATTERROOM_SECRETS_DIR": str(directory),
        "CHATTERROOM_MONGO_URL": f"mongodb://me@127.0.0.1:{free_port()}/mine",
        "CHATTERROOM_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "CHATTERROOM_GATEWAY_PORT": "0",
        "CHATTERROOM_DISCOVERY_GRPC_PORT": "0",
    }
    command = [sys.executable, "-m", "chatterroom", service]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE)


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_needs_nothing_but_its_share(shares, service):
    process = start(service, shares / service)
    assert process.stderr is not None
    with process:
        said = []
        while not any(word in "".join(said) for word in ("serving", "listening")):
            line = process.stderr.readline().decode()
            assert line, said
            said.append(line)
        process.send_signal(signal.SIGTERM)
        said.append(process.stderr.read().decode())
    assert process.returncode == 0
    for name in SHARES[service]:
        secret = (shares / service / name).read_text().strip()
        assert secret not in "".join(said)


@pytest.mark.parametrize(
    ("service", "name"), [(service, name) for service in SERVICES for name in SHARES[service]]
)
def test_a_missing_secret_stops_the_start_and_is_named(shares, service, name):
    (shares / service / name).unlink()
    with start(service, shares / service) as process:
        _, said = process.communicate(timeout=START_S)
    assert process.returncode == 1
    # Before it, the start itself is logged.
    assert said.count(b"\n") - said.count(b" starting ") == 1, said
    assert f"{shares / service / name}: No such file or directory" in said.decode()


def test_only_the_user_service_can_sign_tokens_and_nobody_has_the_credential_of_another(shares):
    contents = {
        holder.name: {path.read_text() for path in holder.iterdir()} for holder in shares.iterdir()
    }
    signing = (shares / "users" / "token-signing-key.pem").read_text()
    assert [name for name, texts in contents.items() if signing in texts] == ["users"]
    for service in ("gateway", "users", "chat"):
        credential = (shares / service / f"{service}-credential").read_text()
        assert [name for name, texts in contents.items() if credential in texts] == [service]


def test_sharing_again_gives_the_same(shares, tmp_path):
    before = {path: path.read_bytes() for path in shares.rglob("*") if path.is_file()}
    share_secrets(tmp_path / "all", shares)
    assert {path: path.read_bytes() for path in shares.rglob("*") if path.is_file()} == before


def test_later_keys_reach_those_who_verify_tokens_and_leave_them_again(shares, tmp_path):
    later = tmp_path / "all" / "token-verification-key-later.pem"
    later.write_text("a key")
    share_secrets(tmp_path / "all", shares)
    held = {holder.name for holder in shares.iterdir() if (holder / later.name).exists()}
    assert held == {"gateway", "users", "chat"}
    later.unlink()
    share_secrets(tmp_path / "all", shares)
    assert not list(shares.rglob(later.name))
