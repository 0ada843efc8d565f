import os
import stat
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chatterroom.auth import token_keys
from chatterroom.auth.secrets import SecretsError
from chatterroom.auth.token_keys import (
    VerificationKeys,
    ensure_token_keys,
    load_signing_key,
    public_numbers,
    retire_keys,
    rotate_keys,
    thumbprint,
)
from chatterroom.auth.tokens import TokenSigner, TokenVerifier
from chatterroom.core.errors import ChatterRoomError
from chatterroom.core.ids import SessionId, UserId

DAY_S = 86_400.0


@pytest.fixture
def directory(tmp_path):
    ensure_token_keys(tmp_path)
    return tmp_path


@pytest.fixture
def reread_at_once(monkeypatch):
    monkeypatch.setattr(token_keys, "_REREAD_S", 0.0)


def verifier_of(directory):
    verifier = TokenVerifier(VerificationKeys.load(directory))
    verifier.ended.complete()
    return verifier


def sign(directory):
    signer = TokenSigner(load_signing_key(directory), 900)
    return signer.sign(UserId("alice"), SessionId("s1"), datetime.now(UTC))


def signing_kid(directory):
    return thumbprint(load_signing_key(directory).public_key())


def aged(directory, ages):
    """Let the files of keys be so many seconds old."""
    for name, age in ages.items():
        os.utime(directory / name, (DAY_S - age, DAY_S - age))


def test_the_thumbprint_is_that_of_the_standard():
    # The example of RFC 8037, appendix A.3.
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(x + "="))
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert public_numbers(key) == {"kty": "OKP", "crv": "Ed25519", "x": x}


def test_a_rotation_changes_the_key_that_signs_and_keeps_old_tokens_valid(
    directory, reread_at_once
):
    verifier = verifier_of(directory)
    before, first = sign(directory), signing_kid(directory)
    kid = rotate_keys(directory)
    assert signing_kid(directory) == kid != first
    assert verifier.verify(before).user_id == "alice"
    # The verifier has been running all the while.
    assert verifier.verify(sign(directory)).user_id == "alice"
    assert set(verifier.keys.known()) == {first, kid}


def test_new_keys_are_for_the_owner_only(directory):
    rotate_keys(directory)
    assert len(list(directory.iterdir())) == 3
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_directory_without_a_signing_key_is_not_rotated(tmp_path):
    with pytest.raises(SecretsError, match="token-signing-key"):
        rotate_keys(tmp_path)
    assert not list(tmp_path.iterdir())


def test_keys_are_retired_when_their_successor_has_signed_for_long_enough(directory):
    first = signing_kid(directory)
    second, third = rotate_keys(directory), rotate_keys(directory)
    aged(
        directory,
        {
            "token-verification-key.pem": 5_000,
            f"token-verification-key-{second}.pem": 2_000,
            f"token-verification-key-{third}.pem": 500,
        },
    )
    assert retire_keys(directory, 1_000, DAY_S) == [first]
    assert set(VerificationKeys.load(directory).known()) == {second, third}
    assert retire_keys(directory, 1_000, DAY_S) == []
    assert retire_keys(directory, 1_000, DAY_S + 10_000) == [second]
    assert retire_keys(directory, 1_000, DAY_S + 99_999) == []
    assert verifier_of(directory).verify(sign(directory))


def test_a_key_that_signs_again_after_a_restore_is_not_retired(directory):
    restored = load_signing_key(directory)
    content = (directory / "token-signing-key.pem").read_bytes()
    rotate_keys(directory)
    (directory / "token-signing-key.pem").write_bytes(content)
    assert retire_keys(directory, 0, DAY_S * 1e6) == []
    assert thumbprint(restored.public_key()) in VerificationKeys.load(directory).known()


def test_tokens_of_before_keys_had_names_are_verified_by_the_first_key():
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    keys = VerificationKeys.of(key.public_key(), other.public_key())
    assert keys.find(None) is not None
    assert public_numbers(keys.find(None)) == public_numbers(key.public_key())


def test_unknown_ids_make_nobody_read_files_more_than_once_a_second():
    readings = []
    keys = VerificationKeys(lambda: readings.append(1) or {})
    for number in range(1_000):
        assert keys.find(f"unknown-{number}") is None
    assert len(readings) <= 2


def test_a_directory_that_breaks_later_takes_no_key_away(directory, reread_at_once):
    verifier = verifier_of(directory)
    token = sign(directory)
    (directory / "token-verification-key-broken.pem").write_bytes(b"rubbish")
    assert verifier.keys.find("unknown") is None
    assert verifier.verify(token).user_id == "alice"
    with pytest.raises(ChatterRoomError):
        verifier.verify("a.b.c")


def test_a_damaged_key_stops_a_start_and_is_not_shown(directory):
    (directory / "token-verification-key-x.pem").write_bytes(b"rubbish")
    with pytest.raises(SecretsError, match="token-verification-key-x") as caught:
        VerificationKeys.load(directory)
    assert "rubbish" not in str(caught.value)
