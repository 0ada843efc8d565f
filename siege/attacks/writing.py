"""Attacks by doing: messages, edits, reactions, typing, rooms and resumes, as fast as possible."""

import json
from typing import Any

from siege.front import BIG_TEXT, Account, Attack, Front
from siege.wire import TEXT, frame

__all__ = ["ATTACKS"]

_SOCKETS = 6


async def _on_sockets(front: Front, user: Account, make: Any, *, per_s: float) -> None:
    async def on_one() -> None:
        async with front.socket(user) as socket:
            if socket is not None:
                socket.write(frame(TEXT, b'{"type":"resume"}'))
                await front.commands(socket, make, per_s=per_s)
        await front.rest(0.5)

    await front.repeat(on_one, at_once=_SOCKETS)


async def message_flood(front: Front) -> None:
    """Send on several sockets of one user as fast as each may."""
    owner = await front.account()
    room = await front.room(owner)
    async for _ in front.each_phase():
        await _on_sockets(
            front,
            owner,
            lambda number: {"type": "send", "room_id": room, "message": f"flood {number}"},
            per_s=45,
        )


async def edit_flood(front: Front) -> None:
    """Edit one message without an end, then delete it."""
    owner = await front.account()
    room = await front.room(owner)
    async for _ in front.each_phase():
        message = (await front.say(owner, room, "to be edited"))["id"]
        await _on_sockets(
            front,
            owner,
            lambda number, id_=message: {
                "type": "edit",
                "message_id": id_,
                "message": f"edit {number} {front.chance.random()}",
            },
            per_s=45,
        )
        await front.call("DELETE", f"/chat-service/messages/{message}", user=owner)


async def reaction_flood(front: Front) -> None:
    """React and take it back, pin and unpin."""
    owner = await front.account()
    room = await front.room(owner)
    message = (await front.say(owner, room, "react to me"))["id"]

    def command(number: int) -> dict[str, Any]:
        kind = "react" if number % 2 else "pin"
        more = {"emoji": "👍"} if kind == "react" else {}
        return {"type": kind, "message_id": message, "remove": number % 4 > 1, **more}

    async for _ in front.each_phase():
        await _on_sockets(front, owner, command, per_s=45)


async def typing_flood(front: Front) -> None:
    """Type and mark, where honest people would have to hear of it."""
    owner = await front.account()
    room = await front.room(owner, front.target.victims[:3])
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("POST", f"/chat-service/conversations/{room}/typing", user=owner),
            at_once=8,
        )


async def room_flood(front: Front) -> None:
    """Create rooms without an end."""
    owner = await front.account()
    body = {"room_name": "one more", "creator_id": owner.id, "members_ids": []}
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("POST", "/chat-service/rooms/create", body, user=owner), at_once=4
        )


async def resume_flood(front: Front) -> None:
    """Resume with much to catch up, read nothing, and go on sending."""
    owner = await front.account()
    room = await front.room(owner)
    await front.fill(owner, room, 40)
    resume = json.dumps({"type": "resume", "conversations": {room: 0}}).encode()
    filler = frame(TEXT, b'{"type":"ping","ref":"' + b"x" * 60 + b'"}' + b" " * 100_000)
    async for _ in front.each_phase():

        async def resume_and_flood() -> None:
            async with front.socket(owner, receive_bytes=4096) as socket:
                if socket is None:
                    return
                socket.write(frame(TEXT, resume))
                front.tally.note("not read")
                for _ in range(20):
                    socket.write(filler)
                    await front.rest(0.1)
                await front.rest(5)

        await front.repeat(resume_and_flood, at_once=_SOCKETS, pause_s=0.2)


async def big_messages(front: Front) -> None:
    """Write the largest messages without an end."""
    owner = await front.account()
    room = await front.room(owner)
    body = {"sender_id": owner.id, "message": BIG_TEXT}
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("POST", f"/chat-service/rooms/{room}/send", body, user=owner),
            at_once=8,
        )


ATTACKS = {
    "message-flood": Attack("messages on many sockets of one user", message_flood),
    "edit-flood": Attack("edits of one message, then its deletion", edit_flood),
    "reaction-flood": Attack("reactions and pins, back and forth", reaction_flood),
    "typing-flood": Attack("typing in a room of others", typing_flood),
    "room-flood": Attack("rooms without an end", room_flood),
    "resume-flood": Attack("resumes that nobody reads, with frames behind them", resume_flood),
    "big-messages": Attack("the largest messages, without an end", big_messages),
}
