"""Attacks by asking: big pages, long lists, answers that nobody takes, cursors that are damaged."""

import json

from siege.front import Attack, Front
from siege.wire import Connection, request

__all__ = ["ATTACKS"]

_BIG_MESSAGES = 60
_AT_ONCE = 24
_SLOW = 40
_ROOMS = 40


async def big_pages(front: Front) -> None:
    """Fill a room with the largest messages, then ask for pages of 200, many at once."""
    owner = await front.account()
    room = await front.room(owner)
    await front.fill(owner, room, _BIG_MESSAGES)
    path = f"/chat-service/rooms/{room}?limit=200"
    async for _ in front.each_phase():
        await front.repeat(lambda: front.call("GET", path, user=owner), at_once=_AT_ONCE)


async def unread_pages(front: Front) -> None:
    """Ask for big pages on connections that take nothing."""
    owner = await front.account()
    room = await front.room(owner)
    await front.fill(owner, room, _BIG_MESSAGES // 2)
    headers = {"Authorization": f"Bearer {owner.token}", "X-Forwarded-For": owner.address}
    asked = request("GET", f"/chat-service/rooms/{room}?limit=200", headers)
    async for _ in front.each_phase():

        async def ask_and_wait() -> None:
            try:
                connection = await Connection.open(front.target.port, receive_bytes=4096)
            except (OSError, TimeoutError):
                front.tally.note("not connected")
                return
            try:
                connection.write(asked)
                front.tally.note("not read")
                await front.rest(60)
            finally:
                connection.close()

        await front.repeat(ask_and_wait, at_once=_SLOW, pause_s=0.1)


async def poisoned_lists(front: Front) -> None:
    """Create rooms with a victim in them, and write much into each."""
    owner = await front.account()
    async for _ in front.each_phase():

        async def poison() -> None:
            victim = front.chance.choice(front.target.victims)
            body = {"room_name": "poison", "creator_id": owner.id, "members_ids": [victim]}
            made = await front.call("POST", "/chat-service/rooms/create", body, user=owner)
            if made.status == 200:
                await front.say(owner, json.loads(made.body)["room_id"], "☠" * 8_000)

        await front.repeat(poison, at_once=2)


async def long_lists(front: Front) -> None:
    """Be in many rooms, and ask for all lists there are, over and over."""
    owner = await front.account()
    rooms = [await front.room(owner) for _ in range(3)]
    paths = ["/chat-service/conversations?limit=200", "/chat-service/blocks"]
    for room in rooms:
        paths += [f"/chat-service/rooms/{room}/members", f"/chat-service/conversations/{room}/pins"]
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("GET", front.chance.choice(paths), user=owner), at_once=8
        )


async def damaged_cursors(front: Front) -> None:
    """Page with cursors that nobody gave out."""
    owner = await front.account()
    cursors = ["x", "%00", "2026", "a" * 500, "'; drop", "9" * 40, "{}"]
    async for _ in front.each_phase():

        async def ask() -> None:
            cursor = front.chance.choice(cursors)
            await front.call("GET", f"/chat-service/conversations?cursor={cursor}", user=owner)

        await front.repeat(ask, at_once=2, pause_s=0.05)


async def oversize_bodies(front: Front) -> None:
    """Send bodies of megabytes."""
    owner = await front.account()
    body = {"sender_id": owner.id, "message": "x" * 3_000_000}
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("POST", "/chat-service/private/send", body, user=owner), pause_s=0.3
        )


async def big_rooms(front: Front) -> None:
    """Name more first members than there may be."""
    owner = await front.account()
    strangers = [f"01{n:024}" for n in range(2_000)]
    body = {"room_name": "crowd", "creator_id": owner.id, "members_ids": strangers}
    async for _ in front.each_phase():
        await front.repeat(
            lambda: front.call("POST", "/chat-service/rooms/create", body, user=owner), pause_s=0.2
        )


ATTACKS = {
    "big-pages": Attack("pages of the largest messages, 24 at once", big_pages),
    "unread-pages": Attack("big pages that nobody reads", unread_pages),
    "poisoned-lists": Attack("rooms with victims in them", poisoned_lists),
    "long-lists": Attack("every list, over and over", long_lists),
    "damaged-cursors": Attack("cursors that nobody gave out", damaged_cursors),
    "oversize-bodies": Attack("bodies of megabytes", oversize_bodies),
    "big-rooms": Attack("rooms of thousands of strangers", big_rooms),
}
