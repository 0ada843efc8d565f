"""Who chats where: the accounts and rooms of a run, made through the public endpoints."""

import asyncio
import random
import secrets
from dataclasses import dataclass, field

from chatterroom.client import Client
from chatterroom.core.ids import UserId, private_conversation_id

__all__ = ["People", "Person", "Target", "settle"]

_AT_ONCE = 4


@dataclass(frozen=True)
class Target:
    """Where a message goes: a room or, in private, a user."""

    conversation: str
    room_id: str | None = None
    receiver_id: str | None = None


@dataclass
class Person:
    """One account, logged in."""

    name: str
    client: Client
    rooms: list[Target] = field(default_factory=list)
    """The most popular first."""
    friends: list[Target] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        """The id of the account."""
        return self.client.user_id


@dataclass(frozen=True)
class People:
    """Everybody. The wanderers leave rooms and are brought back by one who stays."""

    everybody: list[Person]
    wanderers: list[Person]


async def settle(url: str, *, users: int, rooms: int, wanderers: int, seed: int) -> People:
    """Register users, log them in, put them into rooms and pairs."""
    chance = random.Random(f"people {seed}")
    gate = asyncio.Semaphore(_AT_ONCE)
    everybody = await asyncio.gather(*(_join(url, f"u{n:02}", gate) for n in range(users)))
    wandering = everybody[users - wanderers :]
    for number in range(rooms):
        # Everybody is in the first, and ever fewer in the others.
        members = chance.sample(everybody, max(3, users // (number + 1)))
        for person in wandering:
            if person not in members:
                members.append(person)
        # The first of a room creates it, and stays: wanderers are at the end of everybody.
        members.sort(key=everybody.index)
        founder, *others = members
        receipt = await founder.client.create_room(
            f"room {number}", [person.user_id for person in others]
        )
        for person in members:
            person.rooms.append(Target(receipt.room_id, room_id=receipt.room_id))
    for one, other in zip(everybody, [*everybody[1:], everybody[0]], strict=True):
        pair = private_conversation_id(UserId(one.user_id), UserId(other.user_id))
        one.friends.append(Target(pair, receiver_id=other.user_id))
        other.friends.append(Target(pair, receiver_id=one.user_id))
    return People(everybody, wandering)


async def _join(url: str, name: str, gate: asyncio.Semaphore) -> Person:
    client = Client(url, timeout_s=6.0)
    unique, password = secrets.token_hex(4), secrets.token_urlsafe(12)
    email = f"{name}.{unique}@example.org"
    async with gate:
        await client.register(f"{name}-{unique}", email, password)
        await client.login(email, password, keep_password=True)
    return Person(name, client)
