"""Calls about one's conversations: the list, marks, typing, presence, and blocked users."""

from collections.abc import AsyncIterator, Iterable

from chatterroom.client import answers
from chatterroom.client.answers import Conversation, ReadMark
from chatterroom.client.calls import LARGEST_PAGE, Calls
from chatterroom.client.events import Mark, UserPresence
from chatterroom.client.paths import segment

__all__ = ["ConversationCalls"]


class ConversationCalls(Calls):
    """The conversations that one takes part in, and the people in them."""

    async def conversations(self) -> AsyncIterator[Conversation]:
        """Go through one's conversations, newest activity first, page by page.

        One that gets a message meanwhile may, as it moves up, not come at all.
        """
        cursor = ""
        while True:
            page = await self._call(
                "GET",
                "/chat-service/conversations",
                answers.ConversationPage,
                params={"cursor": cursor or None, "limit": LARGEST_PAGE},
            )
            for conversation in page.conversations:
                yield conversation
            cursor = page.next_cursor
            if not cursor:
                return

    async def mark_read(self, conversation_id: str, message_index: int) -> ReadMark:
        """Say how far one has read; the highest mark wins."""
        path = f"/chat-service/conversations/{segment(conversation_id)}/read"
        return await self._call("PUT", path, ReadMark, body=answers.MarkRead(message_index))

    async def mark_delivered(self, conversation_id: str, message_index: int) -> ReadMark:
        """Say how far a conversation has reached one of one's devices; the highest mark wins."""
        path = f"/chat-service/conversations/{segment(conversation_id)}/delivered"
        return await self._call("PUT", path, ReadMark, body=answers.MarkDelivered(message_index))

    async def marks(self, conversation_id: str) -> list[Mark]:
        """Return how far each member has read and received a conversation."""
        path = f"/chat-service/conversations/{segment(conversation_id)}/marks"
        marks: list[Mark] = []
        cursor = ""
        while True:
            params = {"cursor": cursor or None, "limit": LARGEST_PAGE}
            page = await self._call("GET", path, answers.MemberMarks, params=params)
            marks += page.marks
            cursor = page.next_cursor
            if not cursor:
                return marks

    async def tell_typing(self, conversation_id: str) -> None:
        """Tell the others that one is writing; repeat it every few seconds while it is so."""
        path = f"/chat-service/conversations/{segment(conversation_id)}/typing"
        await self._call("POST", path, answers.Done)

    async def presence(self, user_ids: Iterable[str]) -> list[UserPresence]:
        """Return who is online, of up to 200 users that one shares a conversation with.

        To be told of changes, use `Session.watch_presence`.
        """
        params = {"ids": ",".join(user_ids)}
        path = "/chat-service/presence"
        return (await self._call("GET", path, answers.Presences, params=params)).users

    async def block(self, user_id: str) -> None:
        """Block a user: no private messages either way, no adding each other to rooms."""
        await self._call("PUT", f"/chat-service/blocks/{segment(user_id)}", answers.Done)

    async def unblock(self, user_id: str) -> None:
        """Block a user no more."""
        await self._call("DELETE", f"/chat-service/blocks/{segment(user_id)}", answers.Done)

    async def blocked(self) -> list[str]:
        """Return the ids of the users one has blocked."""
        return (await self._call("GET", "/chat-service/blocks", answers.Blocks)).user_ids
