"""What a session says for each of its methods, as the chat service reads it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from chatterroom.chat import commands
from chatterroom.chat.commands import parse_command
from chatterroom.client import ApiError, Changed, Marked, Presence, Session, UserPresence

from .conftest import MOMENT, ROOM, SOMEBODY, common, next_events, soon

MESSAGE = f"{ROOM}-000000000007"
Call = Callable[[Session], Awaitable[Any]]

# Each method once with everything that it takes.
CHANGES: list[tuple[Call, dict[str, Any]]] = [
    (
        lambda session: session.edit(MESSAGE, "new", client_id="c"),
        {"type": "edit", "message_id": MESSAGE, "message": "new"},
    ),
    (
        lambda session: session.delete(MESSAGE, client_id="c"),
        {"type": "delete", "message_id": MESSAGE},
    ),
    (
        lambda session: session.react(MESSAGE, "👍", remove=True, client_id="c"),
        {"type": "react", "message_id": MESSAGE, "emoji": "👍", "remove": True},
    ),
    (
        lambda session: session.pin(MESSAGE, remove=True, client_id="c"),
        {"type": "pin", "message_id": MESSAGE, "remove": True},
    ),
    (
        lambda session: session.update_room(
            ROOM, room_name="Tea", settings={"posting": "admins"}, client_id="c"
        ),
        {
            "type": "update_room",
            "room_id": ROOM,
            "room_name": "Tea",
            "settings": {"posting": "admins"},
        },
    ),
    (
        lambda session: session.add_member(ROOM, SOMEBODY, client_id="c"),
        {"type": "add_member", "room_id": ROOM, "user_id": SOMEBODY},
    ),
    (
        lambda session: session.remove_member(ROOM, SOMEBODY, client_id="c"),
        {"type": "remove_member", "room_id": ROOM, "user_id": SOMEBODY},
    ),
    (
        lambda session: session.leave_room(ROOM, client_id="c"),
        {"type": "leave_room", "room_id": ROOM},
    ),
    (
        lambda session: session.change_role(ROOM, SOMEBODY, "admin", client_id="c"),
        {"type": "change_role", "room_id": ROOM, "user_id": SOMEBODY, "role": "admin"},
    ),
]


def test_every_change_that_the_chat_service_knows_has_a_method():
    known = {change.__struct_config__.tag for change in commands.Change.__args__}
    assert {said["type"] for _, said in CHANGES} == known


@pytest.mark.parametrize(("call", "said"), CHANGES, ids=[said["type"] for _, said in CHANGES])
async def test_a_change_is_said_once_more_after_a_loss_and_answered_with_its_place(
    server, connect, call: Call, said: dict[str, Any]
):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live()
    asking = asyncio.ensure_future(call(session))
    first = await peer.hear()
    await peer.hang_up()
    peer = await server.accepted()
    await peer.go_live()
    again = await peer.hear()
    assert again == first
    wanted = parse_command(msgspec.json.encode({**said, "client_id": "c", "ref": first["ref"]}))
    assert parse_command(msgspec.json.encode(again)) == wanted
    answer = {name: value for name, value in common(8).items() if name != "message_index"}
    await peer.say("ack", duplicate=True, **{**answer, "ref": again["ref"]})
    changed = await soon(asking)
    assert isinstance(changed, Changed)
    assert (changed.seq, changed.duplicate) == (8, True)


async def test_an_answer_that_is_none_is_an_error(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live()
    asking = asyncio.ensure_future(session.delete(MESSAGE))
    command = await peer.hear()
    await peer.say("ack", ref=command["ref"], created_at=MOMENT)
    with pytest.raises(ApiError, match="unreadable_answer"):
        await soon(asking)


async def test_marks_are_answered_with_those_that_hold(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live()
    asking = asyncio.ensure_future(session.mark(ROOM, read=3, delivered=4))
    command = await peer.hear()
    assert parse_command(msgspec.json.encode(command)) == commands.Mark(
        ref=command["ref"], conversation_id=ROOM, read=3, delivered=4
    )
    held = {"conversation_id": ROOM, "read_index": 5, "delivered_index": 6, "unread": 1}
    await peer.say("marked", ref=command["ref"], **held)
    assert await soon(asking) == Marked(**held)


async def test_presence_is_watched_on_every_connection(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live()
    asking = asyncio.ensure_future(session.watch_presence([SOMEBODY]))
    command = await peer.hear()
    there, gone = ([{"user_id": SOMEBODY, "online": online}] for online in (True, False))
    await peer.say("presence", ref=command["ref"], users=there)
    assert await soon(asking) == [UserPresence(SOMEBODY, online=True)]
    await peer.hang_up()
    peer = await server.accepted()
    await peer.go_live()
    again = await peer.hear()
    assert parse_command(msgspec.json.encode(again)) == commands.WatchPresence(user_ids=[SOMEBODY])
    await peer.say("presence", ref=None, users=gone)
    assert await next_events(session, 1) == [Presence([UserPresence(SOMEBODY, online=False)])]
