"""Row 26: secrets where other users of the machine can read or replace them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.conftest import environment

from .world import World

SERVICES = ("gateway", "users", "chat", "discovery")
SETTINGS = {
    "CHATTERROOM_MONGO_URL": "mongodb://127.0.0.1:1/x",
    "CHATTERROOM_REDIS_URL": "redis://127.0.0.1:1",
    "CHATTERROOM_GATEWAY_PORT": "0",
    "CHATTERROOM_GRPC_PORT": "0",
}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatterroom", *arguments],
        env=environment() | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def modes(directory: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("shares", [False, True])
def test_row_26_an_open_directory_is_closed(tmp_path: Path, shares: bool):
    directory, shared = tmp_path / "secrets", tmp_path / "shares"
    opened = [directory, shared / "gateway"] if shares else [directory]
    for each in opened:
        each.mkdir(parents=True)
        each.chmod(0o777)
    (directory / "gateway-credential").write_text("x" * 40)
    (directory / "gateway-credential").chmod(0o666)
    more = ("--shares", str(shared)) if shares else ()
    done = run("secrets", str(directory), *more)
    assert done.returncode == 0, done.stderr
    assert "was open to other users" in done.stderr
    assert {stat.S_IMODE(each.stat().st_mode) for each in opened} == {0o700}
    assert modes(tmp_path) == {0o600}
    again = run("secrets", str(directory), *more)
    assert (again.returncode, again.stderr) == (0, "")


def test_row_26_a_link_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "secrets").symlink_to(tmp_path / "elsewhere")
    done = run("secrets", str(tmp_path / "secrets"))
    assert done.returncode == 1
    assert "symbolic link" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to another user")
def test_row_26_a_directory_of_another_user_is_refused(tmp_path: Path):
    (tmp_path / "secrets").mkdir()
    os.chown(tmp_path / "secrets", 12_345, 12_345)
    done = run("secrets", str(tmp_path / "secrets"))
    assert done.returncode == 1
    assert "belongs to another user" in done.stderr
    assert list((tmp_path / "secrets").iterdir()) == []


@pytest.mark.parametrize("service", SERVICES)
def test_row_26_no_process_starts_with_secrets_that_others_can_replace(
    tmp_path: Path, service: str
):
    assert run("secrets", str(tmp_path / "secrets")).returncode == 0
    (tmp_path / "secrets").chmod(0o777)
    started = run(service, CHATTERROOM_SECRETS_DIR=str(tmp_path / "secrets"), **SETTINGS)
    assert started.returncode == 1
    assert "can be written by other users" in started.stderr
    assert "Traceback" not in started.stderr


def test_row_26_what_up_has_made_is_closed(world: World):
    data = world.platform.data_dir
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for secrets in (data / "secrets", data / "mongod" / "secrets", data / "redis" / "secrets"):
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
        assert {mode & 0o077 for mode in modes(secrets)} == {0}
