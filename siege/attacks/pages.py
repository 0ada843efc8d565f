"""Pages that cost more to make than to ask for, and cursors that point nowhere."""

import asyncio
import base64
import json

from siege.front import Account, Attack, Front

__all__ = ["BIG_PAGES", "DAMAGED_CURSORS", "LONG_LISTS"]

_MESSAGES = 135
_AT_ONCE = 24


async def _big_pages(front: Front) -> None:
    user = await front.account()
    room = await front.room(user)
    filling = asyncio.create_task(front.fill(user, room, _MESSAGES))
    paths = [
        f"/chat-service/rooms/{room}?limit=200",
        f"/chat-service/rooms/{room}?limit=200&after=0",
        f"/chat-service/conversations/{room}/pins",
        "/chat-service/conversations?limit=200",
    ]

    async def ask() -> None:
        path = front.chance.choices(paths, (6, 2, 1, 1))[0]
        await front.call("GET", path, user=user)

    try:
        async for _ in front.each_phase():
            await front.repeat(ask, at_once=_AT_ONCE, pause_s=1.0)
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def _damaged_cursors(front: Front) -> None:
    user = await front.account()
    room = await front.room(user)

    async def ask() -> None:
        await front.call("GET", _damaged(front, user, room), user=user)

    async for _ in front.each_phase():
        await front.repeat(ask, at_once=4, pause_s=0.2)


async def _long_lists(front: Front) -> None:
    user = await front.account()
    rooms = [await front.room(user) for _ in range(3)]
    paths = ["/chat-service/conversations?limit=200", "/chat-service/blocks"]
    for room in rooms:
        paths += [
            f"/chat-service/rooms/{room}/members",
            f"/chat-service/conversations/{room}/pins",
            f"/chat-service/conversations/{room}/marks",
        ]

    async def ask() -> None:
        await front.call("GET", front.chance.choice(paths), user=user)

    async for _ in front.each_phase():
        await front.repeat(ask, at_once=8)


def _damaged(front: Front, user: Account, room: str) -> str:
    chance = front.chance
    huge = f"{chance.choice(['', '-'])}{'9' * chance.randrange(1, 400)}"
    fields = json.dumps({"at": "9999-99-99", "id": user.id, "n": [{}] * chance.randrange(9)})
    cursor = chance.choice(
        [
            base64.urlsafe_b64encode(chance.randbytes(chance.randrange(1, 200))).decode(),
            base64.urlsafe_b64encode(fields.encode()).decode(),
            "%00" * chance.randrange(1, 50),
            "A" * chance.randrange(1, 4_000),
            huge,
        ]
    )
    return chance.choice(
        [
            f"/chat-service/conversations?cursor={cursor}",
            f"/chat-service/conversations?limit={huge}",
            f"/chat-service/rooms/{room}?before={huge}",
            f"/chat-service/rooms/{room}?after={cursor}",
            f"/chat-service/rooms/{room}/members?cursor={cursor}",
            f"/chat-service/conversations/{room}/marks?cursor={cursor}",
            f"/chat-service/conversations/{room}/pins?cursor={cursor}",
            f"/user-service/sessions?cursor={cursor}",
        ]
    )


BIG_PAGES = Attack(
    "asks for pages of the largest messages, 24 at once",
    _big_pages,
    met_by="response-bytes-per-user",
)
LONG_LISTS = Attack("asks for every list there is, over and over", _long_lists)
DAMAGED_CURSORS = Attack(
    "pages with cursors and numbers that are damaged",
    _damaged_cursors,
    met_by="400 invalid_request",
)
