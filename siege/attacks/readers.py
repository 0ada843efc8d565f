"""Those who ask for much and take nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable

from msgspec.json import encode

from siege.front import BIG_TEXT, Account, Attack, Front
from siege.tally import TAKEN
from siege.wire import TEXT, Connection, frame, request

__all__ = ["RESUME_FLOODS", "SLOW_HTTP_READERS", "SLOW_SOCKET_READERS"]

_MESSAGES = 60
_CONNECTIONS = 60
_SOCKETS = 24
_NARROW_BYTES = 2_048
_LONG_FRAME = 60_000


async def _slow_http(front: Front) -> None:
    user, room = await _user_with_room(front)
    headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-For": user.address}
    page = request("GET", f"/chat-service/rooms/{room}?limit=200", headers)

    async def ask() -> None:
        connection = await Connection.open(front.target.port, receive_bytes=_NARROW_BYTES)
        try:
            # Several on one connection: what is not read must hold back the rest.
            connection.write(page * 8)
            await front.rest(front.left_s)
            front.tally.note("cut off" if await _is_cut(connection) else "left waiting")
        finally:
            connection.close()

    async for _ in front.each_phase():
        await front.together(_without_losses(front, ask()) for _ in range(_CONNECTIONS))


async def _slow_sockets(front: Front) -> None:
    user, room = await _user_with_room(front)
    text = encode({"type": "send", "room_id": room, "message": BIG_TEXT})

    async def listen() -> None:
        async with front.socket(user, receive_bytes=_NARROW_BYTES) as socket:
            if socket is None:
                return
            while front.goes_on and not socket.has_ended:
                socket.write(frame(TEXT, text))
                async with asyncio.timeout(1):
                    await socket.drain()
                front.tally.note(TAKEN)
                await front.rest(0.5)

    async for _ in front.each_phase():
        await front.together(_without_losses(front, listen()) for _ in range(_SOCKETS))


async def _resume_flood(front: Front) -> None:
    user, room = await _user_with_room(front)
    resume = encode({"type": "resume", "conversations": {room: 0}})
    noise = encode({"type": "noise", "ref": "x" * _LONG_FRAME})

    async def resume_and_talk() -> None:
        async with front.socket(user, receive_bytes=_NARROW_BYTES) as socket:
            if socket is None:
                await front.rest(1)
                return
            for _ in range(200):
                if not front.goes_on or socket.has_ended:
                    break
                socket.write(frame(TEXT, resume) + frame(TEXT, noise) * 4)
                async with asyncio.timeout(2):
                    await socket.drain()
                front.tally.note(TAKEN, 5)
                await front.rest(0.05)
            await front.rest(front.left_s)

    async for _ in front.each_phase():
        await front.together(_without_losses(front, resume_and_talk()) for _ in range(_SOCKETS))


async def _user_with_room(front: Front) -> tuple[Account, str]:
    user = await front.account()
    room = await front.room(user)
    await front.fill(user, room, _MESSAGES)
    return user, room


async def _is_cut(connection: Connection) -> bool:
    """Read what has come; say whether the end is there."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await connection.until_ended()
            return True
    return False


async def _without_losses(front: Front, deed: Awaitable[None]) -> None:
    try:
        await deed
    except TimeoutError:
        front.tally.note("held back")
        await front.rest(front.left_s)
    except OSError:
        front.tally.note("cut off")


SLOW_HTTP_READERS = Attack("60 connections ask for big pages and read nothing", _slow_http)
SLOW_SOCKET_READERS = Attack(
    "24 sockets listen to a room of large messages and read nothing", _slow_sockets
)
RESUME_FLOODS = Attack(
    "24 sockets resume over and over and send long frames, and read nothing", _resume_flood
)
