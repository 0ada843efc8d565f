"""A user's conversations in the order of a chat list, page by page."""

from collections.abc import Mapping
from datetime import UTC, datetime

from chatterroom.chat.lists_mongo import Row
from chatterroom.chat.memberships import Overview
from chatterroom.chat.pages import decode_cursor, encode_cursor
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.core.times import format_time, parse_time

__all__ = ["list_conversations"]

_LISTED = "conversations"
_FIRST = (datetime.max.replace(tzinfo=UTC), ConversationId(""))


async def list_conversations(
    store: ChatStore,
    waiting: Mapping[ConversationId, datetime],
    user_id: UserId,
    limit: int,
    cursor: str,
) -> tuple[list[Overview], str]:
    """Return a page, newest activity first, and the cursor of the next one, or "".

    `waiting` is what `Activity` has not written yet. A conversation that gets a message between
    two pages moves to the front, so it may be left out of the later page; none is shown twice.
    Raises INVALID_REQUEST where the cursor is damaged.
    """
    below = _place(decode_cursor(_LISTED, cursor)) if cursor else None
    listed = await store.lists.listed(user_id, limit + 1, below)
    if below is None and waiting:
        known = {each.conversation_id for each in listed}
        further = await store.lists.listed_of(user_id, [id_ for id_ in waiting if id_ not in known])
        further.sort(key=lambda each: waiting[each.conversation_id], reverse=True)
        listed += further[:limit]
    # Where the index is outdated, a conversation comes late, never twice: it is shown in its place
    # among those of this page, and repaired, so that it is above where the next page begins.
    rows = sorted(await store.lists.rows(listed), key=_order, reverse=True)
    page = await store.lists.overviews(rows[:limit])
    shown = rows[: len(page)]
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


def _order(row: Row) -> tuple[datetime, ConversationId]:
    return row.last_activity_at, row.membership.conversation_id


def _place(place: list[str]) -> tuple[datetime, ConversationId]:
    at, conversation_id = place
    return parse_time(at), ConversationId(conversation_id)
