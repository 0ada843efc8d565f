"""How entries, rooms and memberships look in MongoDB: documents, and stages of queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from chatterroom.chat.conversation import Conversation, Member
from chatterroom.chat.entries import (
    Entry,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    ReactionAdded,
    ReactionRemoved,
    Role,
    RoleChanged,
    RoomCreated,
    RoomSettings,
    RoomUpdated,
)
from chatterroom.chat.memberships import Listed, Membership
from chatterroom.core.ids import ConversationId, UserId, message_id

__all__ = [
    "Document",
    "both_sides",
    "changed_roles",
    "conversation_of",
    "document_of",
    "entries_above",
    "entry_of",
    "listed_of",
    "membership_id",
    "membership_of",
    "message_change",
    "new_membership",
    "newest_entries",
    "room_changes",
    "room_document",
]

# Sorts after every id of a conversation: "-" separates, "." is the next character.
_AFTER_ALL = "."

Document = dict[str, Any]


def message_change(entry: Entry) -> Document:
    """What an entry does to the document of the message that it is about."""
    seen = {"changed_seq": entry.seq}
    match entry:
        case MessageEdited():
            mentions = list(entry.mentions)
            new = {
                "message": entry.message,
                "mentions": mentions,
                "mention_names": list(entry.mention_names),
                "updated_at": entry.created_at,
            }
            return {"$set": {**seen, **new}, "$push": {"edit_seqs": entry.seq}}
        case MessageDeleted():
            gone = {"message": "", "deleted": True, "updated_at": entry.created_at}
            forgotten = dict.fromkeys(
                ("mentions", "mention_names", "reactions", "pinned", "edit_seqs"), ""
            )
            return {"$set": {**seen, **gone}, "$unset": forgotten}
        case ReactionAdded():
            return {"$set": seen, "$push": {"reactions": _reaction(entry)}}
        case ReactionRemoved():
            return {"$set": seen, "$pull": {"reactions": _reaction(entry)}}
        case MessagePinned():
            return {"$set": {**seen, "pinned": True}}
        case MessageUnpinned():
            return {"$set": seen, "$unset": {"pinned": ""}}
        case _:
            raise ValueError(f"{type(entry).__name__} changes no message")


def _reaction(entry: ReactionAdded | ReactionRemoved) -> Document:
    return {"emoji": entry.emoji, "user_id": entry.sender_id}


def entries_above(conversation_id: ConversationId, seq: int) -> Document:
    """Return what the `_id` of a conversation's entries above a seq fulfils."""
    return {
        "$gt": message_id(conversation_id, seq),
        "$lt": conversation_id + _AFTER_ALL,
    }


def newest_entries(
    collection: str, name: str, id_field: str, fields: Sequence[str] = ("seq",), limit: int = 1
) -> Document:
    """A stage that adds the newest entries of the conversation in `id_field`, newest first."""
    within = {
        "$and": [
            {"$gt": ["$_id", {"$concat": ["$$conversation", "-"]}]},
            {"$lt": ["$_id", {"$concat": ["$$conversation", _AFTER_ALL]}]},
        ]
    }
    return {
        "$lookup": {
            "from": collection,
            "let": {"conversation": id_field},
            "pipeline": [
                {"$match": {"$expr": within}},
                {"$sort": {"_id": -1}},
                {"$limit": limit},
                {"$project": {"_id": 0, **dict.fromkeys(fields, 1)}},
            ],
            "as": name,
        }
    }


def document_of(entry: Entry) -> Document:
    """Return an entry as it is stored."""
    document: Document = msgspec.to_builtins(entry, builtin_types=(datetime,))
    document["_id"] = message_id(entry.conversation_id, entry.seq)
    return document


def entry_of(document: Document) -> Entry:
    """Return the entry that a document stores."""
    entry: Entry = msgspec.convert(document, Entry)
    return entry


def room_document(state: Conversation) -> Document:
    """Return a room's state as it is stored."""
    return {
        "_id": state.id,
        "room_name": state.room_name,
        "creator_id": state.creator_id,
        "created_at": state.created_at,
        "seq": state.seq,
        "message_index": state.message_index,
        "settings": msgspec.to_builtins(state.settings),
        "member_count": len(state.members),
        "members": [member_document(user_id, member) for user_id, member in state.members.items()],
    }


def room_changes(entry: Entry, after: Conversation) -> list[tuple[Document, list[Document] | None]]:
    """Return the updates of a room's document that follow from an entry, with the filters of the
    array of members. The whole is not written: it may hold 10,000 members."""
    now: Document = {"seq": entry.seq, "message_index": entry.message_index}
    counted = {**now, "member_count": len(after.members)}
    roles: list[tuple[Document, list[Document] | None]] = [
        ({"$set": {"members.$[one].role": role}}, [{"one.user_id": user_id}])
        for user_id, role in changed_roles(entry).items()
    ]
    match entry:
        case MemberAdded():
            member = member_document(entry.user_id, after.members[entry.user_id])
            return [({"$push": {"members": member}, "$set": counted}, None)]
        case MemberLeft() | MemberRemoved():
            gone = {"members": {"user_id": entry.user_id}}
            return [({"$pull": gone, "$set": counted}, None), *roles]
        case RoomUpdated():
            settings = msgspec.to_builtins(after.settings)
            changed = {"room_name": after.room_name, "settings": settings}
            return [({"$set": {**now, **changed}}, None)]
        case _:
            return [({"$set": now}, None), *roles]


def member_document(user_id: UserId, member: Member) -> Document:
    """Return a member as the room's document holds them."""
    return {"user_id": user_id, "joined_at": member.joined_at, "role": member.role}


def conversation_of(
    conversation_id: ConversationId, seq: int, index: int, room: Document | None
) -> Conversation:
    """Return the state at its head; `room` is a room's document."""
    if room is None:
        return Conversation(conversation_id)
    if room["seq"] > seq:
        seq, index = room["seq"], room["message_index"]
    return Conversation(
        conversation_id,
        seq,
        index,
        room["room_name"],
        room["creator_id"],
        room["created_at"],
        msgspec.convert(room["settings"], RoomSettings),
        {each["user_id"]: Member(each["joined_at"], each["role"]) for each in room["members"]},
    )


def membership_id(user_id: UserId, conversation_id: ConversationId) -> str:
    """Return the primary key of a membership."""
    return f"{user_id}:{conversation_id}"


def new_membership(
    entry: Entry, user_id: UserId, peer_id: UserId | None, role: Role | None = None
) -> Document:
    """Return the membership that begins with an entry; `peer_id` is the other in a private chat,
    `role` what the user is in a room."""
    waits = isinstance(entry, MessagePosted) and entry.request and entry.sender_id != user_id
    is_message = isinstance(entry, MessagePosted)
    return {
        **({"request": "pending"} if waits else {}),
        **({"added_by": entry.sender_id} if _is_news(entry, user_id) else {}),
        "_id": membership_id(user_id, entry.conversation_id),
        "user_id": user_id,
        "conversation_id": entry.conversation_id,
        "private": peer_id is not None,
        "peer_id": peer_id,
        "joined_seq": entry.seq,
        "joined_index": entry.message_index - is_message,
        # What was said before somebody came is not unread to them; their own words neither.
        "read_index": _seen(entry, user_id),
        "delivered_index": _seen(entry, user_id),
        "added_at": entry.created_at,
        "active_at": entry.created_at,
        **({"role": role} if role is not None else {}),
    }


def changed_roles(entry: Entry) -> dict[UserId, Role]:
    """Return whose role an entry changes, apart from those whose membership begins or ends."""
    match entry:
        case RoleChanged(role="owner"):
            return {entry.sender_id: "admin", entry.user_id: "owner"}
        case RoleChanged():
            return {entry.user_id: entry.role}
        case MemberLeft(new_owner_id=heir) if heir is not None:
            return {heir: "owner"}
        case _:
            return {}


def both_sides(entry: MessagePosted) -> list[tuple[UserId, UserId | None]]:
    """Return each of the two in a private chat, with the other; nobody in a room."""
    sender, receiver = entry.sender_id, entry.receiver_id
    return [(sender, receiver), (receiver, sender)] if receiver is not None else []


def _seen(entry: Entry, user_id: UserId) -> int:
    if isinstance(entry, MessagePosted) and entry.sender_id != user_id:
        return entry.message_index - 1
    return entry.message_index


def _is_news(entry: Entry, user_id: UserId) -> bool:
    """Say whether somebody else has brought a user into a room, unasked."""
    match entry:
        case MemberAdded(accepted=True):
            return False
        case MemberAdded() | RoomCreated():
            return entry.sender_id != user_id
        case _:
            return False


def membership_of(document: Document) -> Membership:
    """Return the membership that a document stores."""
    return Membership(
        document["user_id"],
        document["conversation_id"],
        document["peer_id"],
        document["joined_seq"],
        document["read_index"],
        document["delivered_index"],
        document["added_at"],
        document.get("joined_index"),
        document.get("added_by"),
        document.get("request"),
    )


def listed_of(document: Document) -> Listed:
    """Return the same, with its place in the user's list."""
    return Listed(membership_of(document), document.get("active_at"))
