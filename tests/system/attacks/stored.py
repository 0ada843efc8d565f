"""Conversations written into the chat service's database, as an attacker makes them in hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.database import Database

from chatterroom.core.ids import new_id

__all__ = ["entry", "fill_room", "join", "make_rooms"]


def moment(seconds: int = 0) -> datetime:
    now = datetime.now(UTC) + timedelta(seconds=seconds)
    return now.replace(microsecond=0)


def fill_room(
    database: Database[dict[str, Any]], room: str, sender: str, count: int, **content: Any
) -> None:
    """Write messages behind the creation of a room."""
    database["room_messages"].insert_many(
        _message(room, seq, seq - 1, sender, **content) for seq in range(2, count + 2)
    )


def make_rooms(
    database: Database[dict[str, Any]], owner: str, member: str, count: int, **content: Any
) -> list[str]:
    """Write rooms of two with a message each; return their ids, the last one active first."""
    rooms = [str(new_id()) for _ in range(count)]
    now = moment(-count)
    entries, documents, memberships = [], [], []
    for number, room in enumerate(rooms):
        at = now + timedelta(seconds=number)
        created = entry(room, 1, 0, owner, "room_created", at)
        created |= {"room_name": "Tea", "members_ids": [owner, member]}
        entries += [created, _message(room, 2, 1, owner, at=at, **content)]
        documents.append(_room(room, owner, (owner, member), at))
        memberships += [_membership(room, user, at) for user in (owner, member)]
    database["room_messages"].insert_many(entries)
    database["rooms"].insert_many(documents)
    database["memberships"].insert_many(memberships)
    return rooms[::-1]


def join(database: Database[dict[str, Any]], room: str, users: Iterable[str]) -> None:
    """Write further members of a room."""
    at, users = moment(), list(users)
    members = [{"user_id": user, "joined_at": at, "role": "member"} for user in users]
    change = {"$push": {"members": {"$each": members}}, "$inc": {"member_count": len(members)}}
    database["rooms"].update_one({"_id": room}, change)
    database["memberships"].insert_many(_membership(room, user, at) for user in users)


def entry(
    room: str, seq: int, index: int, sender: str, kind: str, at: datetime | None = None
) -> dict[str, Any]:
    return {
        "_id": f"{room}-{seq:012}",
        "type": kind,
        "conversation_id": room,
        "seq": seq,
        "message_index": index,
        "sender_id": sender,
        "client_id": str(new_id()),
        "created_at": at or moment(),
    }


def _message(
    room: str, seq: int, index: int, sender: str, *, at: datetime | None = None, **content: Any
) -> dict[str, Any]:
    posted = entry(room, seq, index, sender, "message", at)
    return {**posted, "updated_at": posted["created_at"], **content}


def _room(room: str, owner: str, users: Iterable[str], at: datetime) -> dict[str, Any]:
    roles = {owner: "owner"}
    members = [
        {"user_id": user, "joined_at": at, "role": roles.get(user, "member")} for user in users
    ]
    return {
        "_id": room,
        "room_name": "Tea",
        "creator_id": owner,
        "created_at": at,
        "seq": 1,
        "message_index": 0,
        "settings": {"adding": "members", "posting": "members", "history": "everything"},
        "members": members,
        "member_count": len(members),
    }


def _membership(room: str, user: str, at: datetime) -> dict[str, Any]:
    return {
        "_id": f"{user}:{room}",
        "user_id": user,
        "conversation_id": room,
        "private": False,
        "peer_id": None,
        "joined_seq": 1,
        "read_index": 0,
        "delivered_index": 0,
        "added_at": at,
        "active_at": at,
        "role": "member",
    }
