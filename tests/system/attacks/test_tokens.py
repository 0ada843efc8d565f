"""Rows 1 to 9: tokens that are none, at every door, and pages of other sites."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatterroom.auth.token_keys import load_signing_key, thumbprint
from chatterroom.core.ids import new_id
from chatterroom.pb import users_pb2, users_pb2_grpc

from .services import channel
from .wire import status_of
from .world import Person, World

PATHS = ("/ws/chat", "/ws/alert")
GONE = "(left out)"


class Forge:
    """Makes tokens as the platform does, with its own key, but for what is said otherwise."""

    def __init__(self, world: World) -> None:
        self.key = load_signing_key(world.secret_path())
        self.public = (world.secret_path() / "token-verification-key.pem").read_bytes()
        real = jwt.decode(world.mallory.token, options={"verify_signature": False})
        self.claims = real | {"sub": world.alice.id}
        self.header = {"alg": "EdDSA", "typ": "at+jwt", "kid": thumbprint(self.key.public_key())}

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return self.made(header, claims, self.key.sign)

    def with_claims(self, **changes: object) -> str:
        claims = {name: v for name, v in (self.claims | changes).items() if v != GONE}
        return self.signed(self.header, claims)

    def with_header(self, **changes: object) -> str:
        return self.signed(self.header | changes, self.claims)

    def by_public_key(self, algorithm: str, secret: bytes) -> str:
        def sign(text: bytes) -> bytes:
            return hmac.digest(secret, text, hashlib.sha256)

        return self.made(self.header | {"alg": algorithm}, self.claims, sign)

    def made(
        self, header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]
    ) -> str:
        parts = [json.dumps(part).encode() for part in (header, claims)]
        text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        return (text + b"." + base64.urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


def of_stranger(forge: Forge, **header: object) -> str:
    return forge.made(forge.header | header, forge.claims, Ed25519PrivateKey.generate().sign)


JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
TOKENS: dict[str, Callable[[Forge], str]] = {
    "1-rubbish": lambda _: "a.b.c",
    "1-no-text": lambda _: "....",
    **{
        f"2-alg-{name or 'empty'}": lambda f, name=name: f.made(
            f.header | {"alg": name}, f.claims, lambda _: b""
        )
        for name in ("none", "None", "NONE", "nOnE", "")
    },
    "2-signature-cut-off": lambda f: f.with_claims().rpartition(".")[0] + ".",
    "2-signature-of-another-text": lambda f: ".".join(
        [*f.with_claims().split(".")[:2], f.with_claims(sub="x").split(".")[2]]
    ),
    "3-hs256-with-the-public-key": lambda f: f.by_public_key("HS256", f.public),
    "3-hs256-with-its-raw-bytes": lambda f: f.by_public_key(
        "HS256", f.key.public_key().public_bytes_raw()
    ),
    "3-key-of-a-stranger": of_stranger,
    "4-kid-is-a-path": lambda f: f.with_header(kid="../../../../dev/null"),
    "4-kid-is-sql": lambda f: f.with_header(kid="' OR 1=1 --"),
    "4-kid-is-an-address": lambda f: f.with_header(kid="http://127.0.0.1:1/keys"),
    "4-kid-is-a-list": lambda f: f.with_header(kid=[f.header["kid"]]),
    "4-brings-its-key": lambda f: of_stranger(f, jwk=JWK),
    "4-says-where-its-key-is": lambda f: of_stranger(f, jku="http://127.0.0.1:1/keys"),
    "4-brings-a-certificate": lambda f: of_stranger(f, x5u="http://127.0.0.1:1/", x5c=["MII="]),
    "5-another-issuer": lambda f: f.with_claims(iss="https://evil.example"),
    "5-another-audience": lambda f: f.with_claims(aud="other"),
    "5-another-type": lambda f: f.with_header(typ="JWT"),
    "5-expired": lambda f: f.with_claims(exp=int(time.time()) - 1),
    "5-not-yet-valid": lambda f: f.with_claims(nbf=int(time.time()) + 3600),
    "5-expiry-is-text": lambda f: f.with_claims(exp="9999999999x"),
    "5-expiry-is-missing": lambda f: f.with_claims(exp=GONE),
    "5-expiry-is-1e99": lambda f: f.with_claims(exp=1e99),
    "5-expiry-is-10-30": lambda f: f.with_claims(exp=10**30),
    "5-subject-is-an-object": lambda f: f.with_claims(sub={"$ne": None}),
    "5-session-is-missing": lambda f: f.with_claims(sid=GONE),
    "7-long": lambda f: f.with_claims(padding="x" * 5_000),
    "7-critical-extension": lambda f: f.with_header(crit=["b64"], b64=True),
}


@pytest.mark.parametrize("name", TOKENS, ids=lambda name: f"row-{name}")
def test_a_token_that_is_none_opens_no_door(world: World, name: str):
    token = TOKENS[name](Forge(world))
    headers = {"Authorization": f"Bearer {token}"}
    answer = world.alice.http.get("/chat-service/conversations", headers=headers)
    assert (answer.status_code, answer.json()["code"][:6]) == (401, "token_"), answer.text
    for path in PATHS:
        for offered in (headers, {"Sec_WebSocket_Protocol": f"chatterroom.v1, bearer.{token}"}):
            with world.open(f"{path}?userId={world.alice.id}", **offered) as socket:
                assert status_of(socket.head) == 401, socket.head
    with channel(world, "users") as plain:
        stub = users_pb2_grpc.UserServiceStub(plain)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetUserProfile(
                users_pb2.GetUserProfileRequest(user_id=world.alice.id),
                metadata=[("authorization", f"Bearer {token}")],
                timeout=10,
            )
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_that_the_forge_makes_as_it_should_be_is_accepted(world: World):
    """Without this, the refusals above might be of something else."""
    headers = {"Authorization": f"Bearer {Forge(world).with_claims()}"}
    assert world.alice.http.get("/chat-service/conversations", headers=headers).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_row_1_no_token_on_a_socket(world: World, path: str):
    with world.open(f"{path}?userId={world.alice.id}") as socket:
        assert status_of(socket.head) == 401
        assert b"token_missing" in socket.head


def test_row_6_tokens_of_a_session_that_has_ended(world: World, mallory: Person):
    tokens = mallory.log_in()
    old = dict(mallory.http.headers)
    assert mallory.http.post("/user-service/logout").status_code == 200
    mallory.log_in()
    answer = world.client(mallory.address).get(
        "/chat-service/conversations", headers={"Authorization": old["authorization"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    with world.open(f"/ws/chat?userId={mallory.id}", Authorization=old["authorization"]) as socket:
        assert status_of(socket.head) == 401
    refreshed = mallory.http.post(
        "/user-service/refresh", json={"refresh_token": tokens["refresh_token"]}
    )
    assert refreshed.status_code == 401


def test_row_6_tokens_of_a_user_who_is_deleted(world: World):
    leaver = Person(world, "leaver")
    body = {"password": leaver.password}
    assert leaver.http.post("/user-service/me/deletion", json=body).status_code == 200
    answer = leaver.http.get("/chat-service/conversations")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    with leaver.open() as socket:
        assert status_of(socket.head) == 401


def test_row_6_a_token_for_somebody_who_does_not_exist_acts_for_nobody(world: World):
    forge = Forge(world)
    headers = {"Authorization": f"Bearer {forge.with_claims(sub=new_id())}"}
    answer = world.alice.http.get(f"/chat-service/rooms/{world.room}", headers=headers)
    assert answer.status_code == 404


def test_row_7_a_token_of_100_kb_is_not_even_read(world: World):
    answer = world.talk(
        b"GET /status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"a" * 100_000
    )
    assert status_of(answer) == 400


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization", "jwt"])
def test_row_8_a_token_in_a_url_is_none(world: World, mallory: Person, name: str):
    with world.client(mallory.address) as http:
        answer = http.get("/chat-service/conversations", params={name: mallory.token})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    for path in PATHS:
        with world.open(f"{path}?userId={mallory.id}&{name}={mallory.token}") as socket:
            assert status_of(socket.head) == 401


# What a browser says of a page, beside the gateway's own {host}.
ORIGINS = {
    "evil": "https://evil.example",
    "null": "null",
    "empty": "",
    "file": "file://",
    "suffix": "http://{host}.evil.example",
    "prefix": "http://evil-{host}",
    "user-part": "http://{host}@evil.example",
    "other-port": "http://{name}:1",
    "no-port": "http://{name}",
    "other-scheme": "ftp://{host}",
    "two": "http://{host}, http://evil.example",
    "path": "http://{host}/x",
    "cyrillic": "http://\u0441hat.example",
    "broken": "http://[",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ORIGINS)
def test_row_9_a_page_of_another_site_opens_no_socket(
    world: World, mallory: Person, name: str, path: str
):
    host = "chat.example:8080"
    origin = ORIGINS[name].format(host=host, name="chat.example").encode().decode("latin-1")
    with mallory.open(path, Host=host, Origin=origin) as socket:
        assert status_of(socket.head) == 403, socket.head
        assert b"origin_not_allowed" in socket.head


@pytest.mark.parametrize("path", PATHS)
def test_row_9_the_own_page_and_programs_open_sockets(mallory: Person, path: str):
    with mallory.open(path, Origin="http://chat.example") as socket:
        assert socket.is_open
    with mallory.open(path) as socket:
        assert socket.is_open
