"""What no client library would send."""

import asyncio

from siege.front import Attack, Front
from siege.tally import NO_ANSWER, TAKEN, rule_of
from siege.wire import CLOSE, TEXT, Connection, frame, request

__all__ = ["FORBIDDEN_FRAMES", "OVERSIZE_BODIES"]

_ENDLESS = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
_ENOUGH_CHUNKS = 64
_FORBIDDEN = (
    frame(TEXT, b"{}", rsv=4),
    frame(0x3, b"{}"),
    frame(0xB, b""),
    frame(0x9, b"p" * 126),
    frame(0x9, b"p", fin=False),
    frame(0x0, b"a part of nothing"),
    frame(TEXT, b"part", fin=False) + frame(TEXT, b"another"),
    frame(TEXT, b"\xff\xfe\xfd"),
    frame(0x2, b"binary"),
    frame(CLOSE, b"\x03"),
    frame(CLOSE, (999).to_bytes(2)),
    b"\x81\x02{}",
    b"\x81\xff" + (2**62).to_bytes(8) + bytes(4),
    b"\x81\xff" + (2**63).to_bytes(8) + bytes(4),
    frame(TEXT, b"x" * 300_000),
    frame(TEXT, b"x", fin=False) + frame(0x0, b"x", fin=False) * 2_000,
    frame(0x9, b"ping") * 2_000,
)


async def _frames(front: Front) -> None:
    user = await front.account()

    async def break_rules() -> None:
        async with front.socket(user) as socket:
            if socket is None:
                await front.rest(1.0)
                return
            socket.write(front.chance.choice(_FORBIDDEN))
            front.tally.note(await _end_of(socket))

    async for _ in front.each_phase():
        await front.repeat(break_rules, at_once=6, pause_s=0.5)


async def _end_of(socket: Connection) -> str:
    try:
        async with asyncio.timeout(5):
            while (found := await socket.next_frame()) is not None:
                if found[0] == CLOSE:
                    return f"closed {int.from_bytes(found[1][:2]) or ''}".rstrip()
    except TimeoutError:
        return TAKEN
    return "hung up"


async def _bodies(front: Front) -> None:
    user = await front.account()
    headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-For": user.address}
    path = "/chat-service/private/send"

    async def send() -> None:
        match front.chance.randrange(4):
            case 0:
                start = request("POST", path, {**headers, "Content-Length": "10000000000"})
                await _pour(front, start, b"x" * 0x8000)
            case 1:
                start = request("POST", path, {**headers, "Content-Length": "0"})
                start = start.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
                await _pour(front, start, _ENDLESS)
            case 2:
                body = b"[" * 30_000 + b"]" * 30_000
                await _pour(front, request("POST", path, headers, body), b"")
            case _:
                await _pour(front, request("GET", "/", {"X-Long": "y" * 60_000}), b"")

    async for _ in front.each_phase():
        await front.repeat(send, at_once=6, pause_s=0.5)


async def _pour(front: Front, start: bytes, more: bytes) -> None:
    """Send a beginning, and more and more of the rest until there is an answer."""
    try:
        connection = await Connection.open(front.target.port)
    except (OSError, TimeoutError):
        front.tally.note(NO_ANSWER)
        return
    answer = asyncio.ensure_future(connection.reply())
    try:
        connection.write(start)
        for _ in range(_ENOUGH_CHUNKS if more else 0):
            if answer.done() or not front.goes_on:
                break
            connection.write(more)
            async with asyncio.timeout(2):
                await connection.drain()
        async with asyncio.timeout(12):
            reply = await answer
        front.tally.note(rule_of(reply.status, reply.body))
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
        front.tally.note("hung up" if connection.has_ended else NO_ANSWER)
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
        connection.close()


FORBIDDEN_FRAMES = Attack(
    "frames that RFC 6455 forbids, and floods of tiny ones",
    _frames,
    met_by="closed 1002",
    may_succeed=False,
)
OVERSIZE_BODIES = Attack(
    "bodies and heads that are too long, too deep, or never end",
    _bodies,
    met_by="413",
    may_succeed=False,
)
