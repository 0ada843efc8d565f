"""What clients are told when something is wrong: problem details, and nothing from inside."""

import asyncio
import json
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import new_id

LOGIN = "/user-service/login"
JSON = {"Content-Type": "application/json"}
ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


def assert_problem(answer, status, code, field=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["code"] == code
    assert body.get("field") == field


async def assert_still_works(world):
    answer = await world.client.post(LOGIN, json={"email": "a@b.c", "password": "x"})
    assert answer.status_code == 200


WRONG_BODIES = [
    (b'{"email": {"$ne": null}, "password": "x"}', "invalid_request", "email"),
    (b'{"email": ["a"], "password": "x"}', "invalid_request", "email"),
    (b'{"email": 1, "password": "x"}', "invalid_request", "email"),
    (b'{"email": null, "password": "x"}', "invalid_request", "email"),
    (b'{"password": "x"}', "invalid_request", "email"),
    (b"{}", "invalid_request", "email"),
    (b"[]", "invalid_request", None),
    (b"null", "invalid_request", None),
    (b"", "malformed_json", None),
    (b"{", "malformed_json", None),
    (b'{"email": "a", "password": "x"} x', "malformed_json", None),
    (b"{'email': 'a'}", "malformed_json", None),
    (b'{"email": NaN, "password": "x"}', "malformed_json", None),
    (b'{"email": "\xff", "password": "x"}', "malformed_json", None),
    (b'{"email": "a", "password": "x", "more": "\xff"}', "malformed_json", None),
    (b'{"email": "a", "password": "x", "role": "admin"}', "invalid_request", "role"),
    (b'{"email": "\\ud800\\ud800", "password": "x"}', "malformed_json", None),
    (b'{"email": "a", "email": "b", "password": "x"}', "malformed_json", None),
    (b'{"email": "a", "\\u0065mail": "b", "password": "x"}', "malformed_json", None),
    (b"[" * 60_000, "invalid_request", None),
    (b'{"more": ' + b"[" * 60_000, "invalid_request", "more"),
    (b'{"more": ' * 7_000, "invalid_request", "more"),
    (b'{"email": "\\u0061", "more": ' + b"9" * 5000 + b"}", "invalid_request", "more"),
]


async def test_bodies_that_are_wrong(world):
    for body, code, field in WRONG_BODIES:
        answer = await world.client.post(LOGIN, content=body, headers=JSON)
        assert_problem(answer, 400, code, field)
        assert not world.user_service.heard
    await assert_still_works(world)


async def test_wrong_types_inside_lists_and_numbers_are_named(world):
    answer = await world.client.post(
        "/chat-service/rooms/create",
        json={"room_name": "x", "creator_id": world.ada.id, "members_ids": [1]},
        headers=world.ada.headers,
    )
    assert_problem(answer, 400, "invalid_request", "members_ids[0]")
    answer = await world.client.put(
        f"/chat-service/conversations/{ROOM}/read",
        content=b'{"message_index": 1e999}',
        headers={**world.ada.headers, **JSON},
    )
    assert_problem(answer, 400, "invalid_request", "message_index")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_other_content_types_are_refused(world, headers):
    answer = await world.client.post(LOGIN, content=b"email=a&password=b", headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")
    await assert_still_works(world)


async def test_a_charset_beside_json_is_fine(world):
    answer = await world.client.post(
        LOGIN,
        content=b'{"email": "a", "password": "b"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_that_are_too_large(world, size, chunked):
    async def chunks():
        for start in range(0, size, 8192):
            yield b"x" * min(8192, size - start)

    content = chunks() if chunked else b"x" * size
    answer = await world.client.post(LOGIN, content=content, headers=JSON)
    assert_problem(answer, 413, "body_too_large")
    await assert_still_works(world)


async def test_the_largest_body_is_read(world):
    body = json.dumps({"email": "a@b.c", "password": ""}).encode()
    body = body[:-2] + b"x" * (64 * 1024 - len(body)) + body[-2:]
    assert len(body) == 64 * 1024
    assert (await world.client.post(LOGIN, content=body, headers=JSON)).status_code == 200


async def test_an_endless_body_is_cut_off(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(
        b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    sent = 0
    with suppress(ConnectionError):
        while True:
            writer.write(chunk)
            await writer.drain()
            sent += len(chunk)
    assert sent < 32 * 1024 * 1024
    del reader
    writer.transport.abort()
    await assert_still_works(world)


async def test_expect_continue_is_refused_before_the_body(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(
        b"POST /user-service/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


async def test_paths_and_methods_that_do_not_exist(world):
    assert_problem(await world.client.get("/nothing"), 404, "not_found")
    assert_problem(await world.client.get("/chat-service/rooms/"), 404, "not_found")
    assert_problem(await world.client.get("/chat-service/rooms/..%2f..%2f"), 404, "not_found")
    answer = await world.client.get(LOGIN)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert_problem(await world.client.delete("/status"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/user-service/users/{bad}", None, "user_id"),
        ("GET", "/user-service/users?ids={bad}", None, "ids"),
        ("GET", "/chat-service/rooms/{bad}", None, "room_id"),
        ("GET", "/chat-service/rooms/{bad}/members", None, "room_id"),
        ("PUT", "/chat-service/rooms/{bad}/add", {"user_id": new_id()}, "room_id"),
        ("PUT", f"/chat-service/rooms/{ROOM}/add", {"user_id": "{bad}"}, "user_id"),
        ("PUT", f"/chat-service/rooms/{ROOM}/leave", {"user_id": "{bad}"}, "user_id"),
        ("POST", "/chat-service/private/{bad}", {"sender_id": "{ada}"}, "receiver_id"),
        (
            "POST",
            "/chat-service/private/send",
            {"sender_id": "{ada}", "receiver_id": "{bad}", "message": "x"},
            "receiver_id",
        ),
        (
            "POST",
            "/chat-service/rooms/create",
            {"room_name": "x", "creator_id": "{ada}", "members_ids": ["{bad}"]},
            "members_ids",
        ),
        (
            "POST",
            f"/chat-service/rooms/{ROOM}/send",
            {"sender_id": "{ada}", "message": "x", "client_id": "with spaces"},
            "client_id",
        ),
        (
            "PUT",
            "/chat-service/conversations/{bad}/read",
            {"message_index": 1},
            "conversation_id",
        ),
    ],
)
async def test_ids_that_are_none(world, method, path, body, field):
    for bad in ("x", "g" * 24, "507f1f77bcf86cd799439011", "%00", "é"):

        def fill(text, bad=bad):
            return text.replace("{bad}", bad).replace("{ada}", world.ada.id)

        filled = json.loads(fill(json.dumps(body, ensure_ascii=False))) if body else None
        if field == "client_id":
            filled["client_id"] = bad + " with spaces"
        answer = await world.client.request(
            method, fill(path), json=filled, headers=world.ada.headers
        )
        assert_problem(answer, 400, "malformed_id", field)
    assert not world.chat.heard
    assert not world.user_service.heard


WRONG_QUERIES = [
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=x", "limit"),
    ("limit=1.5", "limit"),
    ("before=-1", "before"),
    ("after=-1", "after"),
    ("after=99999999999999999999", "after"),
    ("limit=%ff", None),
    ("&".join(f"a{n}=1" for n in range(60)), None),
]


async def test_queries_that_are_wrong(world):
    for query, field in WRONG_QUERIES:
        answer = await world.client.get(
            f"/chat-service/rooms/{ROOM}?{query}", headers=world.ada.headers
        )
        assert_problem(answer, 400, "invalid_request", field)


async def test_empty_query_parameters_count_as_absent(world):
    answer = await world.client.get(
        f"/chat-service/rooms/{ROOM}?limit=&before=&unknown=1", headers=world.ada.headers
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.ROOM_NOT_FOUND, 404),
        (ErrorCode.NOT_ALLOWED, 403),
        (ErrorCode.ALREADY_A_MEMBER, 409),
        (ErrorCode.MESSAGE_TOO_LONG, 400),
        (ErrorCode.STORAGE_UNAVAILABLE, 503),
        (ErrorCode.RATE_LIMITED, 429),
        (ErrorCode.REQUEST_TIMED_OUT, 504),
    ],
)
async def test_what_a_service_refuses_reaches_the_client(world, code, status):
    world.chat.answers["GetRoom"] = ChatterRoomError(code, "as it says", retry_after_s=2.2, limit=7)
    answer = await world.client.get(
        f"/chat-service/rooms/{ROOM}/members", headers=world.ada.headers
    )
    assert_problem(answer, status, code.value)
    assert answer.json()["detail"] == "as it says"
    assert answer.json()["limit"] == 7
    assert answer.headers["retry-after"] == "3"


async def test_wrong_credentials_are_401_with_a_challenge(world):
    world.user_service.answers["LoginUser"] = ChatterRoomError(
        ErrorCode.WRONG_CREDENTIALS, "email or password is wrong"
    )
    answer = await world.client.post(LOGIN, json={"email": "a@b.c", "password": "x"})
    assert_problem(answer, 401, "wrong_credentials")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_unexpected_is_internal_and_logged_once(world, monkeypatch):
    from chatterroom.rpc.backend import Backend

    async def broken(self):
        raise RuntimeError("secret details")

    monkeypatch.setattr(Backend, "is_serving", broken)
    with capture_logs() as logs:
        answer = await world.client.get("/status")
    assert_problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert [entry["event"] for entry in logs] == ["request_failed"]
    assert isinstance(logs[0]["exc_info"], RuntimeError)


async def test_a_gateway_that_services_do_not_know_is_not_the_clients_fault(world):
    world.chat.answers["GetRoom"] = ChatterRoomError(
        ErrorCode.SERVICE_CREDENTIAL_INVALID, "The service credential is not valid."
    )
    answer = await world.client.get(
        f"/chat-service/rooms/{ROOM}/members", headers=world.ada.headers
    )
    assert_problem(answer, 500, "internal")


async def test_every_answer_carries_the_security_headers(world):
    for path in ("/status", "/nothing", "/openapi.json", "/", "/docs", "/docs.js"):
        headers = (await world.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers
    assert (await world.client.get("/status")).headers["cache-control"] == "no-store"
