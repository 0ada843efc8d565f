import stat
from functools import partial

import pytest

from chatterroom.auth.secrets import (
    CALLING_SERVICES,
    KnownCredentials,
    SecretsError,
    ServiceCredential,
    ensure_secrets,
    load_known_credentials,
    load_service_credential,
)
from chatterroom.auth.token_keys import VerificationKeys, load_signing_key

LOADERS = {
    "token-signing-key.pem": load_signing_key,
    "token-verification-key.pem": VerificationKeys.load,
    "service-credential-digests": load_known_credentials,
} | {
    f"{service}-credential": partial(load_service_credential, service=service)
    for service in CALLING_SERVICES
}


@pytest.fixture
def directory(tmp_path):
    ensure_secrets(tmp_path / "deep" / "secrets")
    return tmp_path / "deep" / "secrets"


def test_the_owner_alone_may_read_what_was_created(directory):
    assert {path.name for path in directory.iterdir()} == set(LOADERS)
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_second_call_keeps_every_secret(directory):
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    ensure_secrets(directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_only_what_is_missing_is_created(directory):
    key = (directory / "token-signing-key.pem").read_bytes()
    (directory / "chat-credential").unlink()
    ensure_secrets(directory)
    assert load_service_credential(directory, "chat").value
    assert (directory / "token-signing-key.pem").read_bytes() == key


def test_the_two_keys_belong_together(directory):
    message = b"message"
    signature = load_signing_key(directory).sign(message)
    key = VerificationKeys.load(directory).find(None)
    assert key is not None
    key.verify(signature, message)


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_secret_names_its_file_and_how_to_create_it(directory, name):
    (directory / name).unlink()
    with pytest.raises(SecretsError, match="chatterroom secrets") as caught:
        LOADERS[name](directory)
    assert str(directory / name) in str(caught.value)


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff\xfe\x00"])
def test_a_damaged_secret_names_its_file_and_not_its_content(directory, name, content):
    (directory / name).write_bytes(content)
    with pytest.raises(SecretsError) as caught:
        LOADERS[name](directory)
    assert name in str(caught.value)
    assert "rubbish" not in str(caught.value)


@pytest.mark.parametrize("offered", ["", "x", "é" * 40, "a" * 100_000])
def test_a_credential_is_its_holders_only_and_is_never_shown(offered):
    credential = ServiceCredential("a" * 40)
    known = KnownCredentials({credential.digest: "chat"})
    assert known.holder("a" * 40) == "chat"
    assert known.holder(offered) is None
    assert "a" * 40 not in repr(credential)


def test_every_credential_is_known_by_a_digest_that_tells_nothing_of_it(directory):
    known = load_known_credentials(directory)
    digests = (directory / "service-credential-digests").read_text()
    for service in CALLING_SERVICES:
        value = load_service_credential(directory, service).value
        assert known.holder(value) == service
        assert value not in digests


def test_a_credential_that_is_replaced_stays_known_until_its_line_is_removed(directory):
    old = load_service_credential(directory, "chat").value
    (directory / "chat-credential").unlink()
    ensure_secrets(directory)
    new = load_service_credential(directory, "chat").value
    known = load_known_credentials(directory)
    assert (known.holder(old), known.holder(new)) == ("chat", "chat")
    path = directory / "service-credential-digests"
    line = f"chat {ServiceCredential(old).digest}\n"
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, ""))
    assert load_known_credentials(directory).holder(old) is None
