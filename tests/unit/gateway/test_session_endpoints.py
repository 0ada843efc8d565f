"""Sessions over HTTP: what services are asked, what is answered, and what counts no more."""

import asyncio
import time

from chatterroom.auth.ended_sessions import EndedSession
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import new_id
from chatterroom.pb import users_pb2

MOMENT = "2026-11-23T16:45:00.123Z"


async def test_sessions_are_listed(world):
    entry = {
        "session_id": new_id(),
        "device": "Firefox",
        "address": "192.0.2.7",
        "created_at": MOMENT,
        "last_seen_at": MOMENT,
        "current": True,
    }
    world.user_service.answers["ListSessions"] = users_pb2.ListSessionsResponse(
        sessions=[users_pb2.SessionEntry(**entry)]
    )
    answer = await world.client.get("/user-service/sessions", headers=world.ada.headers)
    assert answer.json() == {"sessions": [entry], "has_more": False}
    heard = world.user_service.only("ListSessions")
    assert heard.request.user_id == world.ada.id
    assert heard.caller.session_id == world.ada.session_id


async def test_one_session_is_ended(world):
    session_id = new_id()
    answer = await world.client.delete(
        f"/user-service/sessions/{session_id}", headers=world.ada.headers
    )
    assert answer.json() == {"message": "Session ended successfully"}
    heard = world.user_service.only("LogoutUser")
    assert heard.request.session_id == session_id
    assert heard.caller.user_id == world.ada.id


async def test_the_session_of_another_is_not_found_and_nonsense_is_malformed(world):
    world.user_service.answers["LogoutUser"] = ChatterRoomError(ErrorCode.NOT_FOUND, "none")
    for session_id, status, code in (
        (new_id(), 404, "not_found"),
        ("x", 400, "malformed_id"),
        ("$ne", 400, "malformed_id"),
    ):
        answer = await world.client.delete(
            f"/user-service/sessions/{session_id}", headers=world.ada.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_all_other_sessions_are_ended(world):
    world.user_service.answers["EndOtherSessions"] = users_pb2.EndOtherSessionsResponse(
        message="Done", ended=2
    )
    answer = await world.client.delete("/user-service/sessions", headers=world.ada.headers)
    assert answer.json() == {"message": "Done", "ended": 2}
    heard = world.user_service.only("EndOtherSessions")
    assert heard.caller.session_id == world.ada.session_id


async def test_a_token_that_has_worked_is_refused_once_its_session_has_ended(world):
    path = "/user-service/sessions"
    assert (await world.client.get(path, headers=world.ada.headers)).status_code == 200
    end = EndedSession(world.ada.session_id, world.ada.id, time.time() + 60)
    world.verifier.ended.add(end)
    answer = await world.client.get(path, headers=world.ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert (await world.client.get(path, headers=world.bob.headers)).status_code == 200


async def test_a_socket_of_an_ended_session_is_refused_by_the_gateway(world):
    world.verifier.ended.add(EndedSession(world.ada.session_id, world.ada.id, time.time() + 60))
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(
        f"GET /ws/chat?userId={world.ada.id} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {world.ada.token}\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"token_invalid"' in answer
