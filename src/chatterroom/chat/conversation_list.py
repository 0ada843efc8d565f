"""A user's conversations in the order of a chat list, page by page."""

from chatterroom.chat.memberships import Overview
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.ids import UserId
from chatterroom.core.times import format_time

__all__ = ["list_conversations"]


async def list_conversations(
    store: ChatStore, user_id: UserId, limit: int, cursor: str
) -> tuple[list[Overview], str]:
    """Return a page, newest activity first, and the cursor of the next one, or "".

    A conversation that gets new entries between two pages moves to the front, so it may be left
    out of the later page; it is never shown at an outdated place.
    """
    overviews = sorted(await store.overviews(user_id), key=_place, reverse=True)
    rest = [overview for overview in overviews if not cursor or _place(overview) < cursor]
    page = rest[:limit]
    return page, _place(page[-1]) if len(rest) > limit else ""


def _place(overview: Overview) -> str:
    """Where a conversation stands: by last activity, ties by id. Sorts as text."""
    activity = format_time(overview.last_activity_at)
    return f"{activity} {overview.membership.conversation_id}"
