import stat
from functools import partial

import pytest

from chatterroom.auth.secret_files import write_secret
from chatterroom.auth.secrets import (
    CALLED_SERVICES,
    CALLING_SERVICES,
    KnownCredentials,
    SecretsError,
    ServiceCredential,
    ServiceSecret,
    ensure_secrets,
    load_known_credentials,
    load_service_secret,
)
from chatterroom.auth.token_keys import VerificationKeys, load_signing_key

LOADERS = {
    "token-signing-key.pem": load_signing_key,
    "token-verification-key.pem": VerificationKeys.load,
    "service-credential-digests": partial(load_known_credentials, called="users"),
} | {
    f"{service}-credential": partial(load_service_secret, service=service)
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
    assert load_service_secret(directory, "chat").value
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


# Who else may open them


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [0o777, 0o755, 0o770, 0o1777, 0o2750])
def test_a_directory_that_was_open_to_others_is_closed_with_all_its_files(directory, before):
    key = directory / "token-signing-key.pem"
    content = key.read_bytes()
    key.chmod(0o644)
    (directory / "of-another-version").write_bytes(b"secret too")
    (directory / "of-another-version").chmod(0o666)
    directory.chmod(before)
    assert ensure_secrets(directory)
    assert mode(directory) == 0o700
    assert {mode(path) for path in directory.iterdir()} == {0o600}
    assert key.read_bytes() == content
    assert not ensure_secrets(directory)


def test_an_empty_directory_that_is_open_to_others_is_closed(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert ensure_secrets(tmp_path / "open")
    assert mode(tmp_path / "open") == 0o700


def test_a_link_in_place_of_the_directory_is_refused(directory, tmp_path):
    (tmp_path / "link").symlink_to(directory)
    with pytest.raises(SecretsError, match="symbolic link"):
        ensure_secrets(tmp_path / "link")


@pytest.mark.parametrize("name", [*LOADERS, "chat-credential.new"])
def test_a_link_in_place_of_a_file_is_refused_and_not_followed(directory, tmp_path, name):
    outside = tmp_path / "outside"
    outside.write_text("somebody else's" * 10)
    (directory / name).unlink(missing_ok=True)
    (directory / name).symlink_to(outside)
    with pytest.raises(SecretsError, match="symbolic link"):
        ensure_secrets(directory)
    assert outside.read_text() == "somebody else's" * 10


def test_what_lies_where_a_secret_is_written_is_not_followed(directory, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("as before")
    (directory / "chat-credential.new").symlink_to(outside)
    write_secret(directory / "chat-credential", b"x" * 40)
    assert outside.read_text() == "as before"
    assert not (directory / "chat-credential").is_symlink()
    assert mode(directory / "chat-credential") == 0o600


def test_what_belongs_to_another_user_is_refused(directory, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 12_345)
    with pytest.raises(SecretsError, match="belongs to another user"):
        ensure_secrets(directory)


PUBLIC = {"token-verification-key.pem", "service-credential-digests"}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("open_to", [0o604, 0o644, 0o602, 0o620])
def test_a_process_reads_no_file_that_others_could_have_read_or_written(directory, name, open_to):
    (directory / name).chmod(open_to)
    if name in PUBLIC and not open_to & 0o022:
        assert LOADERS[name](directory)
        return
    with pytest.raises(SecretsError, match="chmod 600") as caught:
        LOADERS[name](directory)
    assert str(directory / name) in str(caught.value)


@pytest.mark.parametrize("name", LOADERS)
def test_a_process_reads_what_its_group_may_read(directory, name):
    (directory / name).chmod(0o440)
    assert LOADERS[name](directory)


@pytest.mark.parametrize("name", LOADERS)
def test_a_process_reads_nothing_where_others_could_have_put_files(directory, name):
    directory.chmod(0o777)
    with pytest.raises(SecretsError, match="chmod 700"):
        LOADERS[name](directory)
    directory.chmod(0o1777)
    assert LOADERS[name](directory)


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
    digests = (directory / "service-credential-digests").read_text()
    for caller in CALLING_SERVICES:
        secret = load_service_secret(directory, caller)
        assert secret.value not in digests
        for called in CALLED_SERVICES:
            credential = secret.towards(called).value
            assert load_known_credentials(directory, called).holder(credential) == caller
            assert credential not in digests


def test_a_credential_is_good_at_the_service_it_was_made_for_and_nowhere_else(directory):
    for caller in CALLING_SERVICES:
        secret = load_service_secret(directory, caller)
        for called in CALLED_SERVICES:
            known = load_known_credentials(directory, called)
            assert known.holder(secret.value) is None
            for other in set(CALLED_SERVICES) - {called}:
                assert known.holder(secret.towards(other).value) is None


def test_credentials_and_secrets_are_not_shown():
    secret = ServiceSecret("s" * 40)
    assert secret.value not in repr(secret)
    assert secret.towards("users").value not in repr(secret.towards("users"))


def test_a_secret_that_is_replaced_stays_known_until_its_lines_are_removed(directory):
    old = load_service_secret(directory, "chat").towards("users")
    (directory / "chat-credential").unlink()
    ensure_secrets(directory)
    new = load_service_secret(directory, "chat").towards("users")
    known = load_known_credentials(directory, "users")
    assert (known.holder(old.value), known.holder(new.value)) == ("chat", "chat")
    path = directory / "service-credential-digests"
    line = f"chat users {old.digest}\n"
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, ""))
    assert load_known_credentials(directory, "users").holder(old.value) is None


def test_a_directory_of_a_version_that_sent_the_secrets_is_brought_up_to_date(directory):
    """Its lines were a service and the digest of its secret, good at every service."""
    path = directory / "service-credential-digests"
    secrets = {service: load_service_secret(directory, service) for service in CALLING_SERVICES}
    keys = {each.name: each.read_bytes() for each in directory.iterdir() if each != path}
    path.write_text(
        "".join(f"{name} {ServiceCredential(s.value).digest}\n" for name, s in secrets.items())
    )
    with pytest.raises(SecretsError, match="chatterroom secrets"):
        load_known_credentials(directory, "users")
    ensure_secrets(directory)
    assert {each.name: each.read_bytes() for each in directory.iterdir() if each != path} == keys
    for called in CALLED_SERVICES:
        known = load_known_credentials(directory, called)
        for name, secret in secrets.items():
            assert known.holder(secret.value) is None
            assert known.holder(secret.towards(called).value) == name


def test_digests_for_other_services_alone_stop_the_start(directory):
    path = directory / "service-credential-digests"
    kept = [line for line in path.read_text().splitlines() if " users " not in line]
    path.write_text("\n".join(kept))
    with pytest.raises(SecretsError, match="no line for calls to users"):
        load_known_credentials(directory, "users")
