"""Who shares a conversation with whom. Looked up within bounds, however many conversations
somebody has."""

from collections.abc import Collection, Sequence
from typing import Any

from chatterroom.chat.documents_mongo import Document, membership_id
from chatterroom.core.ids import ConversationId, UserId, private_conversation_id
from chatterroom.core.slices import slices

__all__ = ["LOOKED_THROUGH", "acquainted"]

LOOKED_THROUGH = 1_000
"""Conversations of one user, the most recently active ones, in which others are looked for. Private
chats with them are found beyond that, too."""
_CONVERSATIONS_AT_ONCE = 200
_USERS_AT_ONCE = 500


async def acquainted(memberships: Any, user_id: UserId, others: Collection[UserId]) -> set[UserId]:
    """Return those of `others` with whom a user shares a conversation; one that waits to be
    accepted is not shared."""
    known: set[UserId] = set()
    for some in slices(sorted(set(others)), _USERS_AT_ONCE):
        known |= await _in_private_chats(memberships, user_id, some)
    left = set(others) - known
    if not left:
        return known
    conversations = await _newest(memberships, user_id)
    for part in slices(conversations, _CONVERSATIONS_AT_ONCE):
        found = await _among(memberships, part, left)
        known |= found
        left -= found
        if not left:
            break
    return known


async def _in_private_chats(
    memberships: Any, user_id: UserId, others: Sequence[UserId]
) -> set[UserId]:
    chats = {other: private_conversation_id(user_id, other) for other in others}
    both = {
        other: {membership_id(user_id, chat), membership_id(other, chat)}
        for other, chat in chats.items()
    }
    ids = [id_ for sides in both.values() for id_ in sides]
    wanted = {"_id": {"$in": ids}, "request": None}
    found = {
        each["_id"] async for each in memberships.find(wanted, {"_id": 1}, batch_size=len(ids) + 1)
    }
    return {other for other, sides in both.items() if sides <= found}


async def _newest(memberships: Any, user_id: UserId) -> list[ConversationId]:
    found = memberships.find(
        {"user_id": user_id, "request": None},
        {"_id": 0, "conversation_id": 1},
        batch_size=LOOKED_THROUGH + 1,
    )
    found = found.sort([("active_at", -1), ("_id", -1)]).limit(LOOKED_THROUGH)
    return [each["conversation_id"] async for each in found]


async def _among(
    memberships: Any, conversations: Sequence[ConversationId], users: Collection[UserId]
) -> set[UserId]:
    shared: list[Document] = [
        {
            "$match": {
                "conversation_id": {"$in": list(conversations)},
                "user_id": {"$in": list(users)},
                "request": None,
            }
        },
        {"$group": {"_id": "$user_id"}},
    ]
    # By the conversations: any of the users may have very many others.
    found = await memberships.aggregate(shared, hint="conversation")
    return {each["_id"] async for each in found}
