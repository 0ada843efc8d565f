# ruff: noqa: E501 -- a row of a table is a line
"""One request each: what an attacker asks for, and the answer. Rows as in docs/security.md."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from .world import NOBODY, World

DEEP = 30_000
LOGIN, REGISTER, SEND = (
    "/user-service/login",
    "/user-service/register",
    "/chat-service/private/send",
)


@dataclass(frozen=True)
class Attack:
    """`{victim}`, `{me}`, `{room}` and `{shared}` in paths and bodies stand for their ids."""

    row: int
    what: str
    status: int
    code: str
    method: str = "POST"
    path: str = SEND
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"row-{self.row}-{self.what}"


def private(message: object = "hi", **more: object) -> dict[str, object]:
    return {"sender_id": "{me}", "receiver_id": "{victim}", "message": message, **more}


def login(**fields: object) -> dict[str, object]:
    return {"email": "a@example.org", "password": "correct horse", **fields}


def registration(**fields: object) -> dict[str, object]:
    return {"username": "eve-{nonce}", **login(email="eve-{nonce}@example.org"), **fields}


def raw(text: str) -> bytes:
    """A body of `private` with something that is no JSON value of Python's for the message."""
    return json.dumps(private("@@")).replace('"@@"', text).encode()


def get(path: str) -> dict[str, Any]:
    return {"method": "GET", "path": path}


def put(path: str, **body: object) -> dict[str, Any]:
    return {"method": "PUT", "path": path, "body": body}


NO_TOKEN = {"Authorization": ""}
FORM = "sender_id={me}&receiver_id={victim}&message=hi"
ATTACKS = [
    Attack(1, "no-token", 401, "token_missing", **get("/chat-service/conversations"), headers=NO_TOKEN),
    Attack(1, "no-token-and-a-body", 401, "token_missing", body=private(), headers=NO_TOKEN),
    Attack(1, "rubbish", 401, "token_invalid", **get("/user-service/users/{victim}"), headers={"Authorization": "Bearer a.b.c"}),
    Attack(1, "another-scheme", 401, "token_missing", **get("/chat-service/blocks"), headers={"Authorization": "Basic YTpi"}),
    Attack(10, "somebody-elses-sender-id", 403, "identity_mismatch", body=private(sender_id="{victim}", receiver_id="{me}")),
    Attack(10, "in-a-room", 403, "identity_mismatch", path="/chat-service/rooms/{shared}/send", body={"sender_id": "{victim}", "message": "hi"}),
    Attack(10, "as-creator", 403, "identity_mismatch", path="/chat-service/rooms/create", body={"room_name": "x", "creator_id": "{victim}", "members_ids": []}),
    Attack(12, "history-as-somebody-else", 403, "identity_mismatch", path="/chat-service/private/{friend}", body={"sender_id": "{victim}"}),
    Attack(13, "adds-himself", 404, "room_not_found", **put("/chat-service/rooms/{room}/add", user_id="{me}")),
    Attack(13, "removes-another", 403, "not_allowed", method="DELETE", path="/chat-service/rooms/{shared}/members/{victim}"),
    Attack(13, "leaves-for-another", 403, "identity_mismatch", **put("/chat-service/rooms/{shared}/leave", user_id="{victim}")),
    Attack(13, "makes-himself-owner", 403, "not_allowed", **put("/chat-service/rooms/{shared}/members/{me}/role", role="owner")),
    Attack(13, "renames", 403, "not_allowed", method="PATCH", path="/chat-service/rooms/{shared}", body={"room_name": "mine"}),
    *(
        Attack(17, f"{member}-at-registration", 400, "invalid_request", path=REGISTER, body=registration(**{member: value}))
        for member, value in {"role": "admin", "id": NOBODY, "user_id": NOBODY, "created_at": "2020-01-01T00:00:00Z", "password_hash": "x", "$set": {}}.items()
    ),
    *(
        Attack(17, f"{member}-of-a-message", 400, "invalid_request", body=private(**{member: value}))
        for member, value in {"id": "x", "seq": 1, "message_index": 1, "created_at": "2020-01-01T00:00:00Z", "conversation_id": "{room}"}.items()
    ),
    Attack(17, "owner-of-a-room", 400, "invalid_request", path="/chat-service/rooms/create", body={"room_name": "x", "creator_id": "{me}", "members_ids": [], "owner_id": "{me}"}),
    *(
        Attack(18, f"operators-as-{name}-{operator}", 400, "invalid_request", path=LOGIN, body=login(**{name: {operator: value}}))
        for name in ("email", "password")
        for operator, value in {"$ne": None, "$gt": "", "$where": "1", "$regex": ".*"}.items()
    ),
    Attack(18, "operators-beside", 400, "invalid_request", path=LOGIN, body=login(**{"$where": "sleep(9)"})),
    Attack(18, "dotted-key", 400, "invalid_request", path=LOGIN, body=login(**{"email.x": "y"})),
    Attack(18, "operators-as-id", 400, "invalid_request", body=private(receiver_id={"$ne": None})),
    Attack(18, "list-as-id", 400, "invalid_request", body=private(receiver_id=["{victim}"])),
    Attack(18, "operators-as-text", 400, "invalid_request", body=private({"$gt": ""})),
    Attack(18, "operators-in-a-query", 400, "malformed_id", **get("/user-service/users?ids={{'$ne':1}}")),
    Attack(19, "id-malformed", 400, "malformed_id", **get("/user-service/users/nobody")),
    Attack(19, "id-of-24-not-hex", 400, "malformed_id", **get("/user-service/users/zzzzzzzzzzzzzzzzzzzzzzzz")),
    Attack(19, "id-of-24-hex", 400, "malformed_id", **get("/chat-service/rooms/0123456789abcdef01234567")),
    Attack(19, "id-with-nul", 400, "malformed_id", **get("/chat-service/rooms/{room}%00")),
    Attack(19, "id-with-nul-in-a-body", 400, "malformed_id", body=private(receiver_id="{victim}\0")),
    Attack(19, "id-in-capitals-of-another-script", 400, "malformed_id", body=private(receiver_id="А" * 26)),
    Attack(19, "id-that-is-a-list", 400, "invalid_request", path="/chat-service/rooms/create", body={"room_name": "x", "creator_id": "{me}", "members_ids": [["{victim}"]]}),
    Attack(19, "id-that-is-a-number", 400, "invalid_request", body=private(receiver_id=5)),
    Attack(20, "expression-as-email", 401, "wrong_credentials", path=LOGIN, body=login(email="(a+)+$" * 20 + "@example.org")),
    Attack(21, "one-byte-too-much", 413, "body_too_large", body=b" " * (64 * 1024 + 1)),
    Attack(22, "gzip", 415, "unsupported_media_type", body=b"\x1f\x8b" + bytes(1000), headers={"Content-Encoding": "gzip"}),
    Attack(22, "brotli", 415, "unsupported_media_type", body=b"{{}}", headers={"Content-Encoding": "br"}),
    Attack(23, "deep-lists", 400, "invalid_request", body=raw("[" * DEEP + "]" * DEEP)),
    Attack(23, "deep-objects", 400, "invalid_request", body=raw('{"a":' * (DEEP // 3) + "1" + "}" * (DEEP // 3))),
    Attack(23, "deep-for-a-list-of-texts", 400, "invalid_request", path="/chat-service/rooms/create", body=b'{"members_ids":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    Attack(23, "deep-and-never-closed", 400, "invalid_request", body=b"[" * 60_000),
    Attack(24, "a-member-twice", 400, "malformed_json", body=raw('"a", "message": "b"')),
    Attack(24, "a-member-twice-in-disguise", 400, "malformed_json", body=raw('"a", "\\u006dessage": "b"')),
    *(Attack(24, name, 400, "malformed_json", body=raw(text)) for name, text in {"nan": "NaN", "infinity": "-Infinity", "single-quotes": "'a'", "comment": "/**/1", "lone-surrogate": '"\\ud800"'}.items()),
    *(Attack(24, name, 400, "invalid_request", body=raw(text)) for name, text in {"1e999": "1e999", "number-of-5000-digits": "9" * 5000, "null": "null"}.items()),
    Attack(25, "text-not-utf-8", 400, "malformed_json", body=b'{"email": "\xff@example.org", "password": "x"}', path=LOGIN),
    Attack(25, "surrogates-in-utf-8", 400, "malformed_json", body=b'{"email": "\xed\xa0\x80", "password": "x"}', path=LOGIN),
    Attack(25, "path-not-utf-8", 400, "malformed_id", **get("/chat-service/rooms/%ff%fe")),
    Attack(25, "query-not-utf-8", 400, "invalid_request", **get("/user-service/users?query=%ff")),
    *(
        Attack(26, f"form-as-{kind.partition('/')[2]}", 415, "unsupported_media_type", body=FORM.encode(), headers={"Content-Type": kind})
        for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "application/jsonp")
    ),
    Attack(26, "json-as-plain-text", 415, "unsupported_media_type", body=private(), headers={"Content-Type": "text/plain;charset=UTF-8"}),
    *(Attack(37, name, 404, "not_found", **get(path)) for name, path in {"dots": "/..%2f..%2fetc/passwd", "dots-twice-encoded": "/%252e%252e/%252e%252e/etc/passwd", "backslashes": "/..%5c..%5cwindows", "file-behind-a-page": "/docs/../../../etc/passwd", "nul-behind-a-file": "/docs.css%00.html"}.items()),
    Attack(37, "dots-in-place-of-an-id", 404, "not_found", **get("/chat-service/rooms/..%2f..%2fusers")),
    Attack(41, "password-of-a-megabyte", 413, "body_too_large", path=LOGIN, body=login(password="x" * 1_000_000)),
    Attack(41, "password-of-60-kB", 401, "wrong_credentials", path=LOGIN, body=login(password="x" * 60_000)),
    Attack(41, "password-of-60-kB-at-registration", 400, "weak_password", path=REGISTER, body=registration(password="x" * 60_000)),
    *(
        Attack(43, f"username-{name}", 400, "invalid_request", path=REGISTER, body=registration(username=text))
        for name, text in {
            "bidi": "ev\u202eil", "zero-width": "ad\u200bmin", "nul": "eve\0", "invisible": "\u3164\u3164\u3164",
            "of-two-scripts": "аdmin", "spaces": "a b c", "combining": "a\u0301\u0301\u0301b", "only-dots": "...",
        }.items()
    ),
    *(
        Attack(43, f"room-name-{name}", 400, "invalid_request", path="/chat-service/rooms/create", body={"room_name": text, "creator_id": "{me}", "members_ids": []})
        for name, text in {"bidi": "Te\u202ea", "zero-width": "\u200b", "nul": "Te\0a", "line-break": "Te\na", "spaces": "   "}.items()
    ),
    Attack(50, "members-100000", 413, "body_too_large", path="/chat-service/rooms/create", body={"room_name": "x", "creator_id": "{me}", "members_ids": [NOBODY] * 100_000}),
    Attack(50, "private-to-oneself", 400, "message_to_oneself", body=private(receiver_id="{me}")),
    Attack(50, "presence-of-many", 400, "invalid_request", **get("/chat-service/presence?ids=" + ",".join([NOBODY] * 201))),
]  # fmt: skip


def filled(world: World) -> Callable[[Any], Any]:
    """Return what puts ids in the place of their names, in texts within anything."""
    ids = {
        "{me}": world.mallory.id,
        "{victim}": world.alice.id,
        "{friend}": world.bob.id,
        "{room}": world.room,
        "{shared}": world.shared_room,
        "{nonce}": NOBODY[:6],
    }

    def fill(value: Any) -> Any:
        if isinstance(value, bytes):
            return fill(value.decode("latin-1")).encode("latin-1")
        if isinstance(value, dict):
            return {key: fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [fill(each) for each in value]
        if isinstance(value, str):
            for name, id_ in ids.items():
                value = value.replace(name, id_)
        return value

    return fill


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_a_request_of_an_attacker_is_refused(world: World, attack: Attack):
    fill = filled(world)
    headers = {"Content-Type": "application/json"} | attack.headers
    body = fill(attack.body)
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    # From an address of its own: what is tried at the doors is counted there.
    headers |= {"X-Forwarded-For": f"198.19.{attack.row}.{len(attack.what)}"}
    with world.client("") as http:
        http.headers["Authorization"] = f"Bearer {world.mallory.token}"
        answer = http.request(attack.method, fill(attack.path), content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (attack.status, attack.code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
