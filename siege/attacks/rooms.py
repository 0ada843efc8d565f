"""Rooms that nobody asked for."""

from chatterroom.core.ids import new_id
from siege.front import BIG_TEXT, Attack, Front

__all__ = ["HUGE_MEMBER_LISTS", "POISONED_LISTS", "ROOM_FLOODS"]

_STRANGERS = 2_160


async def _poisoned_lists(front: Front) -> None:
    user = await front.account()

    async def poison() -> None:
        victim = front.chance.choice(front.target.victims)
        body = {"room_name": "x" * 128, "creator_id": user.id, "members_ids": [victim]}
        reply = await front.call("POST", "/chat-service/rooms/create", body, user=user)
        if reply.status == 200:
            room = front.id_in(reply)
            text = {"sender_id": user.id, "message": BIG_TEXT}
            await front.call("POST", f"/chat-service/rooms/{room}/send", text, user=user)

    async for _ in front.each_phase():
        await front.repeat(poison, at_once=3, pause_s=0.2)


async def _room_flood(front: Front) -> None:
    user, friend = await front.account(), await front.account()

    async def make_and_change() -> None:
        body = {"room_name": "flood", "creator_id": user.id, "members_ids": [friend.id]}
        reply = await front.call("POST", "/chat-service/rooms/create", body, user=user)
        if reply.status != 200:
            return
        room = f"/chat-service/rooms/{front.id_in(reply)}"
        await front.call("PATCH", room, {"room_name": f"{front.chance.random()}"}, user=user)
        await front.call("PUT", f"{room}/leave", {"user_id": friend.id}, user=friend)
        await front.call("PUT", f"{room}/add", {"user_id": friend.id}, user=user)

    async for _ in front.each_phase():
        await front.repeat(make_and_change, at_once=4)


async def _huge_lists(front: Front) -> None:
    user = await front.account()

    async def invite() -> None:
        strangers = [new_id() for _ in range(_STRANGERS)]
        body = {"room_name": "crowd", "creator_id": user.id, "members_ids": strangers}
        await front.call("POST", "/chat-service/rooms/create", body, user=user)

    async for _ in front.each_phase():
        await front.repeat(invite, at_once=8, pause_s=1.0)


POISONED_LISTS = Attack(
    "creates rooms with victims and a message of 32 KB in each",
    _poisoned_lists,
)
ROOM_FLOODS = Attack(
    "creates rooms, renames them, leaves and comes back",
    _room_flood,
    met_by="rate_limited rooms created",
)
HUGE_MEMBER_LISTS = Attack(
    "creates rooms of 2,160 strangers, 8 at once",
    _huge_lists,
    met_by="too_many_members",
    may_succeed=False,
)
