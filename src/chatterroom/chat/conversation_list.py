"""A user's conversations in the order of a chat list, page by page."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chatterroom.chat.lists_mongo import Row
from chatterroom.chat.marks import Place
from chatterroom.chat.memberships import Overview
from chatterroom.chat.pages import decode_cursor, encode_cursor
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.chat.unread import Position, Raised, position_of, unread
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.core.times import format_time, parse_time

__all__ = ["ListedConversation", "Unstored", "list_conversations"]

_LISTED = "conversations"
_FIRST = (datetime.max.replace(tzinfo=UTC), ConversationId(""))


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """A conversation and what is unread in it."""

    overview: Overview
    position: Position
    unread: int


@dataclass(frozen=True, slots=True)
class Unstored:
    """What `Activity` and `Marks` know and have not written yet."""

    active_at: Mapping[ConversationId, datetime]
    raised: Mapping[Place, Raised]


async def list_conversations(
    store: ChatStore,
    unstored: Unstored,
    user_id: UserId,
    limit: int,
    cursor: str,
) -> tuple[list[ListedConversation], str]:
    """Return a page, newest activity first, and the cursor of the next one, or "".

    A conversation that gets a message between two pages moves to the front, so it may be left out
    of the later page; none is shown twice.
    Raises INVALID_REQUEST where the cursor is damaged.
    """
    below = _place(decode_cursor(_LISTED, cursor)) if cursor else None
    listed = await store.lists.listed(user_id, limit + 1, below)
    if below is None and unstored.active_at:
        known = {each.conversation_id for each in listed}
        further = await store.lists.listed_of(
            user_id, [id_ for id_ in unstored.active_at if id_ not in known]
        )
        further.sort(key=lambda each: unstored.active_at[each.conversation_id], reverse=True)
        listed += further[:limit]
    # Where the index is outdated, a conversation comes late, never twice: it is shown in its place
    # among those of this page, and repaired, so that it is above where the next page begins.
    rows = sorted(await store.lists.rows(listed), key=_order, reverse=True)
    positions = {
        (id_ := row.membership.conversation_id): position_of(
            row.membership, unstored.raised.get((user_id, id_), Raised()), row.own_index
        )
        for row in rows[:limit]
    }
    behind = {
        (id_ := row.membership.conversation_id): positions[id_].read_index
        for row in rows[:limit]
        if positions[row.membership.conversation_id].read_index < row.message_index
    }
    overviews, deleted = await asyncio.gather(
        store.lists.overviews(rows[:limit]), store.lists.deleted_above(behind)
    )
    shown = rows[: len(overviews)]
    page = [_listed(each, positions, deleted) for each in overviews]
    if outdated := {
        row.membership.conversation_id: row.last_activity_at
        for row in shown
        if row.stored_at != row.last_activity_at
    }:
        await store.activity.repair(user_id, outdated)
    if len(shown) == len(rows):
        return page, ""
    at, conversation_id = min(_order(shown[-1]), below or _FIRST)
    return page, encode_cursor(_LISTED, format_time(at), conversation_id)


def _listed(
    overview: Overview,
    positions: Mapping[ConversationId, Position],
    deleted: Mapping[ConversationId, int],
) -> ListedConversation:
    id_ = overview.membership.conversation_id
    count = unread(positions[id_], overview.message_index, deleted.get(id_, 0))
    return ListedConversation(overview, positions[id_], count)


def _order(row: Row) -> tuple[datetime, ConversationId]:
    return row.last_activity_at, row.membership.conversation_id


def _place(place: list[str]) -> tuple[datetime, ConversationId]:
    at, conversation_id = place
    return parse_time(at), ConversationId(conversation_id)
