"""Attacks of those who are not logged in: connections, handshakes, passwords, gRPC, bad frames."""

from typing import Any

import grpc.aio

from siege.front import Attack, Front
from siege.tally import TAKEN
from siege.wire import TEXT, Connection, frame, handshake

__all__ = ["ATTACKS"]

_IDLE = 400
_CALL_BYTES = 4 * 1024 * 1024 - 1024
_CALL_S = 5.0


async def idle_connections(front: Front) -> None:
    """Open connections from one address and say nothing, or half of a handshake."""
    async for _ in front.each_phase():
        source = front.own_source()
        half = handshake("/ws/chat?userId=x", {})[:-4]

        async def open_and_wait(source: str = source, half: bytes = half) -> None:
            try:
                connection = await Connection.open(front.target.port, source=source)
            except (OSError, TimeoutError):
                front.tally.note("not connected")
                return
            try:
                if front.chance.random() < 0.5:
                    connection.write(half)
                front.tally.note("connected")
                await front.rest(15)
            finally:
                connection.close()

        await front.repeat(open_and_wait, at_once=_IDLE, pause_s=0.2)


async def password_guesses(front: Front) -> None:
    """Log in with wrong passwords, from one address."""
    address = front.new_address()
    async for _ in front.each_phase():

        async def guess() -> None:
            body = {"email": f"x{front.chance.randrange(50)}@example.org", "password": "wrong pass"}
            await front.call("POST", "/user-service/login", body, address=address)

        await front.repeat(guess, at_once=6)


async def password_changes(front: Front) -> None:
    """Have passwords hashed by changing one's own with a wrong one."""
    users = [await front.account() for _ in range(3)]
    body = {"current_password": "wrong password", "new_password": "another password"}
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call(
                "POST", "/user-service/me/password", body, user=front.chance.choice(users)
            ),
            at_once=6,
        )


async def unknown_callers(front: Front) -> None:
    """Send the largest gRPC requests without a credential."""
    method = "/chatterroom.chat.v1.ChatService/SendMessages"
    request = b"\x0a\x00" * (_CALL_BYTES // 2)
    async for _ in front.each_phase():
        address = front.target.services[front.chance.choice(sorted(front.target.services))]
        async with grpc.aio.insecure_channel(address) as channel:

            async def send(channel: grpc.aio.Channel = channel) -> None:
                call: Any = channel.unary_unary(method)
                try:
                    await call(request, timeout=_CALL_S)
                    front.tally.note(TAKEN)
                except grpc.aio.AioRpcError as error:
                    front.tally.note(error.code().name)

            await front.repeat(send, at_once=8, pause_s=0.05)


async def bad_frames(front: Front) -> None:
    """Break RFC 6455 on open sockets."""
    user = await front.account()
    frames = [
        frame(TEXT, b"\xff\xfe"),
        frame(TEXT, b"x", rsv=4),
        frame(0x3, b"x"),
        frame(0x0, b"x"),
        frame(0x9, b"x" * 200),
        bytes([0x81, 0xFF]) + (2**62).to_bytes(8) + bytes(4),
        frame(TEXT, b"{" * 100_000),
    ]
    async for _ in front.each_phase():

        async def send_one() -> None:
            async with front.socket(user) as socket:
                if socket is None:
                    return
                socket.write(front.chance.choice(frames))
                front.tally.note("sent")
                await front.rest(0.2)

        await front.repeat(send_one, at_once=3, pause_s=0.1)


async def ended_tokens(front: Front) -> None:
    """Go on with the tokens of sessions that have ended."""
    user = await front.account()
    await front.prepare("POST", "/user-service/logout", {}, address=user.address, token=user.token)
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("GET", "/chat-service/conversations", user=user),
            at_once=4,
            pause_s=0.02,
        )


ATTACKS = {
    "idle-connections": Attack(
        "connections and halves of handshakes of one address", idle_connections
    ),
    "password-guesses": Attack("wrong passwords from one address", password_guesses),
    "password-changes": Attack("wrong passwords at one's own account", password_changes),
    "unknown-callers": Attack("the largest gRPC requests without a credential", unknown_callers),
    "bad-frames": Attack("frames that RFC 6455 forbids", bad_frames),
    "ended-tokens": Attack("tokens of sessions that have ended", ended_tokens),
}
