import asyncio
import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatterroom.auth.ended_sessions import EndedSession
from chatterroom.auth.token_keys import VerificationKeys, thumbprint
from chatterroom.auth.tokens import TokenSigner, TokenVerifier
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId

KEY = Ed25519PrivateKey.generate()
VERIFIER = TokenVerifier(VerificationKeys.of(KEY.public_key()))
VERIFIER.ended.complete()
GONE = "(left out)"


def now():
    return datetime.now(UTC)


def token(headers=None, **changes):
    claims = {
        "iss": "chatterroom",
        "aud": "chatterroom",
        "sub": "alice",
        "sid": "session",
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
    }
    claims = {name: value for name, value in (claims | changes).items() if value != GONE}
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers={"typ": "at+jwt"} | (headers or {}))


def unsafe(header, claims, signature=b""):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    made = signature(signed.encode()) if callable(signature) else signature
    return f"{signed}.{part(made)}"


def refusal(text):
    with pytest.raises(ChatterRoomError) as caught:
        VERIFIER.verify(text)
    return caught.value.code


def test_a_signed_token_says_who_which_session_and_until_when():
    moment = now()
    signer = TokenSigner(KEY, 900)
    said = VERIFIER.verify(signer.sign(UserId("alice"), SessionId("s1"), moment))
    assert (said.user_id, said.session_id) == ("alice", "s1")
    assert said.expires_at == int((moment + timedelta(seconds=900)).timestamp())


def test_a_handmade_token_of_the_right_form_is_accepted():
    assert VERIFIER.verify(token()).user_id == "alice"


def test_an_expired_token_is_told_apart():
    assert refusal(token(exp=int(time.time()) - 1)) is ErrorCode.TOKEN_EXPIRED
    past = now() - timedelta(hours=1)
    signed = TokenSigner(KEY, 60).sign(UserId("alice"), SessionId("s1"), past)
    assert refusal(signed) is ErrorCode.TOKEN_EXPIRED


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"iss": "other"},
        {"aud": GONE},
        {"iss": GONE},
        {"sub": GONE},
        {"sid": GONE},
        {"exp": GONE},
        {"iat": GONE},
        {"exp": "soon"},
        {"exp": None},
        {"exp": 1e99},
        {"exp": 10**30},
        {"sid": 5},
        {"sid": None},
        {"nbf": 9_999_999_999},
        {"headers": {"typ": "JWT"}},
        {"headers": {"typ": None}},
        {"headers": {"crit": ["b64"], "b64": False}},
        {"headers": {"crit": ["b64"], "b64": True}},
    ],
    ids=str,
)
def test_a_token_with_wrong_or_missing_claims_is_refused(changes):
    assert refusal(token(**changes)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("sub", [5, None, {"$ne": None}])
def test_a_subject_that_is_no_text_is_refused(sub):
    claims = jwt.decode(token(), options={"verify_signature": False})
    header = {"alg": "EdDSA", "typ": "at+jwt"}
    assert refusal(unsafe(header, claims | {"sub": sub}, KEY.sign)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_an_unsigned_token_is_refused(algorithm):
    claims = jwt.decode(token(), options={"verify_signature": False})
    header = {"alg": algorithm, "typ": "at+jwt"}
    assert refusal(unsafe(header, claims)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize(
    "encoding",
    [
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.Raw, serialization.PublicFormat.Raw),
    ],
)
def test_the_public_key_is_no_shared_secret(encoding):
    secret = KEY.public_key().public_bytes(*encoding)
    claims = jwt.decode(token(), options={"verify_signature": False})
    header = {"alg": "HS256", "typ": "at+jwt"}
    forged = unsafe(
        header, claims, lambda signed: hmac.new(secret, signed, hashlib.sha256).digest()
    )
    assert refusal(forged) is ErrorCode.TOKEN_INVALID


def test_the_key_of_a_stranger_is_refused_also_where_the_token_brings_it():
    stranger = Ed25519PrivateKey.generate()
    claims = jwt.decode(token(), options={"verify_signature": False})
    header = {
        "alg": "EdDSA",
        "typ": "at+jwt",
        "kid": "../../etc/passwd",
        "jku": "http://127.0.0.1:1/keys",
        "jwk": {"kty": "OKP"},
    }
    assert refusal(unsafe(header, claims, stranger.sign)) is ErrorCode.TOKEN_INVALID


def test_a_changed_token_is_refused():
    head, body, signature = token().split(".")
    other = token(sub="bob").split(".")[1]
    for text in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}"):
        assert refusal(text) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "\0", "ey" * 1000, "9" * 5000])
def test_rubbish_is_refused(text):
    assert refusal(text) is ErrorCode.TOKEN_INVALID


def test_a_huge_token_is_refused_before_its_signature_is_looked_at():
    assert VERIFIER.verify(token(more="a" * 1_000)).user_id == "alice"
    assert refusal(token(more="a" * 2_000)) is ErrorCode.TOKEN_INVALID


def test_a_token_names_its_key_by_the_thumbprint():
    signed = TokenSigner(KEY, 60).sign(UserId("alice"), SessionId("s1"), now())
    assert jwt.get_unverified_header(signed)["kid"] == thumbprint(KEY.public_key())


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "token-verification-key.pem",
        "' OR 1=1 --",
        "http://127.0.0.1:1/key",
        "\0",
        "",
        "x" * 1000,
    ],
)
def test_a_key_that_is_not_known_by_its_id_verifies_nothing(kid):
    assert refusal(token(headers={"kid": kid})) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("kid", [5, None, ["x"], {"$ne": None}])
def test_a_key_id_that_is_no_text_is_refused(kid):
    claims = jwt.decode(token(), options={"verify_signature": False})
    text = unsafe({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}, claims, KEY.sign)
    assert refusal(text) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_an_address_of_keys_in_a_token_is_never_asked(name):
    asked = []
    server = await asyncio.start_server(lambda reader, writer: asked.append(writer), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        stranger = Ed25519PrivateKey.generate()
        claims = jwt.decode(token(), options={"verify_signature": False})
        header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "theirs"}
        header[name] = f"http://127.0.0.1:{port}/keys"
        assert refusal(unsafe(header, claims, stranger.sign)) is ErrorCode.TOKEN_INVALID
        # A connection of our own comes after any that the verification has made.
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        while not asked:
            await asyncio.sleep(0)
        writer.close()
        assert len(asked) == 1
        asked[0].close()


def test_a_token_of_an_ended_session_is_refused_and_of_another_is_not():
    verifier = TokenVerifier(VerificationKeys.of(KEY.public_key()))
    verifier.ended.complete()
    verifier.ended.add(EndedSession(SessionId("session"), UserId("alice"), time.time() + 60))
    with pytest.raises(ChatterRoomError) as caught:
        verifier.verify(token())
    assert caught.value.code is ErrorCode.TOKEN_INVALID
    assert verifier.verify(token(sid="another")).session_id == "another"


def test_no_token_is_taken_before_the_ended_sessions_are_known():
    verifier = TokenVerifier(VerificationKeys.of(KEY.public_key()))
    verifier.ended.add(EndedSession(SessionId("another"), UserId("alice"), time.time() + 60))
    with pytest.raises(ChatterRoomError) as caught:
        verifier.verify(token())
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert caught.value.retry_after_s == 1.0
    # What is wrong with a token is wrong at any time.
    with pytest.raises(ChatterRoomError) as caught:
        verifier.verify(token(exp=int(time.time()) - 1))
    assert caught.value.code is ErrorCode.TOKEN_EXPIRED
    verifier.ended.complete()
    assert verifier.verify(token()).user_id == "alice"
