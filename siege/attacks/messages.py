"""Floods of what one user may do: messages, edits, reactions, pins, signals."""

from typing import Any

from siege.front import BIG_TEXT, Attack, Front

__all__ = ["BIG_MESSAGES", "EDIT_FLOODS", "MESSAGE_FLOODS", "REACTION_FLOODS", "SIGNAL_FLOODS"]

_SOCKETS = 8
_PER_S = 50.0
_EMOJIS = [f"e{number}" for number in range(60)]


async def _messages(front: Front) -> None:
    user, listener = await front.account(), await front.account()
    room = await front.room(user, [listener.id])

    def make(number: int) -> dict[str, Any]:
        return {"type": "send", "room_id": room, "message": f"flood {number}"}

    async def send() -> None:
        async with front.socket(user) as socket:
            if socket is not None:
                await front.commands(socket, make, per_s=_PER_S)
        await front.rest(1.0)

    async for _ in front.each_phase():
        await front.repeat(send, at_once=_SOCKETS)


async def _big_messages(front: Front) -> None:
    user = await front.account()
    room = await front.room(user)
    body = {"sender_id": user.id, "message": BIG_TEXT}

    async def send() -> None:
        await front.call("POST", f"/chat-service/rooms/{room}/send", body, user=user)

    async for _ in front.each_phase():
        await front.repeat(send, at_once=8)


async def _edits(front: Front) -> None:
    user = await front.account()
    room = await front.room(user, front.target.victims[:3])

    async for _ in front.each_phase():
        said = await front.say(user, room, "to be edited")
        path = f"/chat-service/messages/{said['id']}"

        async def edit(path: str = path) -> None:
            text = f"{front.chance.random()}"
            await front.call("PUT", path, {"message": text}, user=user)

        def make(number: int, id_: str = said["id"]) -> dict[str, Any]:
            return {"type": "edit", "message_id": id_, "message": f"edit {number}"}

        async def edit_by_socket() -> None:
            async with front.socket(user) as socket:
                if socket is not None:
                    await front.commands(socket, make, per_s=_PER_S)
            await front.rest(1.0)

        await front.together(
            [
                front.repeat(edit, at_once=8),
                front.repeat(edit_by_socket, at_once=2),
            ]
        )
        await front.call("DELETE", path, user=user)


async def _reactions(front: Front) -> None:
    user = await front.account()
    room = await front.room(user, front.target.victims[:3])
    said = await front.say(user, room, "to be reacted to")
    path = f"/chat-service/messages/{said['id']}"

    async def react() -> None:
        method = front.chance.choice(["PUT", "DELETE"])
        emoji = front.chance.choice([*_EMOJIS, "..", "%2E%2E", "a%2Fb", "%F0%9F%91%8D" * 4])
        await front.call(method, f"{path}/reactions/{emoji}", user=user)

    async def pin() -> None:
        await front.call(front.chance.choice(["PUT", "DELETE"]), f"{path}/pin", user=user)

    async for _ in front.each_phase():
        await front.together([front.repeat(react, at_once=6), front.repeat(pin, at_once=2)])


async def _signals(front: Front) -> None:
    user = await front.account()
    room = await front.room(user, front.target.victims)
    said = await front.say(user, room, "to be marked")
    at = f"/chat-service/conversations/{room}"

    async def signal() -> None:
        match front.chance.randrange(4):
            case 0:
                await front.call("POST", f"{at}/typing", user=user)
            case 1:
                await front.call("PUT", f"{at}/read", {"message_index": said["seq"]}, user=user)
            case 2:
                body = {"message_index": said["seq"]}
                await front.call("PUT", f"{at}/delivered", body, user=user)
            case _:
                ids = ",".join(front.target.victims)
                await front.call("GET", f"/chat-service/presence?ids={ids}", user=user)

    async def signal_by_socket() -> None:
        async with front.socket(user) as socket:
            if socket is not None:
                await front.commands(socket, _signal(room), per_s=_PER_S)
        await front.rest(1.0)

    async for _ in front.each_phase():
        await front.together(
            [front.repeat(signal, at_once=6), front.repeat(signal_by_socket, at_once=4)]
        )


def _signal(room: str) -> Any:
    def make(number: int) -> dict[str, Any]:
        if number % 2:
            return {"type": "typing", "conversation_id": room}
        return {"type": "mark", "conversation_id": room, "read": number}

    return make


MESSAGE_FLOODS = Attack(
    "8 sockets of one user send 50 messages a second each",
    _messages,
    met_by="rate_limited messages",
)
BIG_MESSAGES = Attack(
    "the largest messages, 8 at once, without a pause",
    _big_messages,
    met_by="rate_limited message bytes",
)
EDIT_FLOODS = Attack(
    "edits one message over HTTP and sockets, then deletes it",
    _edits,
    met_by="rate_limited changes",
)
REACTION_FLOODS = Attack(
    "reacts, pins, and takes both back, without a pause", _reactions, met_by="rate_limited changes"
)
SIGNAL_FLOODS = Attack(
    "types, marks and asks who is online, in a room of victims",
    _signals,
    met_by="rate_limited marks",
)
