"""Users, tokens and rooms for a benchmark, thousands of them in seconds.

This is a setup, no workload: users are written straight into the user service's database, without
a password, and their tokens are signed with the platform's own key. Rooms are created by the
chat service, as a service asks for them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pymongo

from bench.platform import Platform
from chatterroom.auth.secrets import load_service_secret
from chatterroom.auth.token_keys import load_signing_key
from chatterroom.auth.tokens import TokenSigner
from chatterroom.chat.conversation import MAX_MEMBERS_AT_ONCE
from chatterroom.core.ids import SessionId, UserId, new_id
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata

__all__ = ["Person", "create_rooms", "make_people"]

_TOKEN_S = 24 * 3600
_ROOMS_AT_ONCE = 8
_AT_ONCE = MAX_MEMBERS_AT_ONCE
_CALL_S = 30.0


@dataclass(frozen=True)
class Person:
    """A user with an access token that outlives the benchmark."""

    user_id: UserId
    token: str


def make_people(platform: Platform, count: int) -> list[Person]:
    """Make users."""
    signer = TokenSigner(load_signing_key(platform.secrets), _TOKEN_S)
    now = datetime.now(UTC)
    ids = [UserId(new_id()) for _ in range(count)]
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(platform.mongo_url)
    with client:
        client["chatterroom_users"]["users"].insert_many(
            {
                "_id": user_id,
                "username": user_id,
                "username_key": user_id,
                "email": f"{user_id}@example.org",
                "email_key": f"{user_id}@example.org",
                "password_hash": "",
                "created_at": now,
            }
            for user_id in ids
        )
    return [Person(user_id, signer.sign(user_id, SessionId(new_id()), now)) for user_id in ids]


def create_rooms(platform: Platform, rooms: Sequence[Sequence[Person]]) -> list[str]:
    """Create rooms of these members, the first of each its owner; return their ids."""
    return asyncio.run(_create_rooms(platform, rooms))


async def _create_rooms(platform: Platform, rooms: Sequence[Sequence[Person]]) -> list[str]:
    metadata = call_metadata(
        load_service_secret(platform.secrets, "gateway").towards("chat"), SERVICE
    )
    gate = asyncio.Semaphore(_ROOMS_AT_ONCE)
    async with open_channel(platform.chat_rpc) as channel:
        stub = chat_pb2_grpc.ChatServiceStub(channel)

        async def create(number: int, members: Sequence[Person]) -> str:
            request = chat_pb2.CreateRoomRequest(
                room_name=f"room {number}",
                creator_id=members[0].user_id,
                members_ids=[member.user_id for member in members[1:][:_AT_ONCE]],
            )
            more = [member.user_id for member in members[1:][_AT_ONCE:]]
            async with gate:
                answer = await stub.CreateRoom(request, metadata=metadata, timeout=_CALL_S)
                for start in range(0, len(more), _AT_ONCE):
                    step = chat_pb2.AddUserToRoomRequest(
                        room_id=answer.room_id, user_ids=more[start : start + _AT_ONCE]
                    )
                    await stub.AddUserToRoom(step, metadata=metadata, timeout=_CALL_S)
            return str(answer.room_id)

        return await asyncio.gather(*(create(n, members) for n, members in enumerate(rooms)))
