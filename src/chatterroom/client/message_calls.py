"""Calls about messages: writing, reading, and what happens to a message afterwards."""

from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from chatterroom.client import answers
from chatterroom.client.answers import Page
from chatterroom.client.calls import LARGEST_PAGE, Calls
from chatterroom.client.events import Ack, Changed, Message
from chatterroom.client.paths import segment
from chatterroom.core.ids import new_id

__all__ = ["MessageCalls"]


class MessageCalls(Calls):
    """The messages of a room, or those exchanged with a user."""

    async def send(
        self,
        message: str,
        *,
        room_id: str | None = None,
        receiver_id: str | None = None,
        client_id: str | None = None,
    ) -> Ack:
        """Send a message to a room or a user; it is on disk when this returns.

        After a `ConnectionLostError` it may be, or not: repeat with the same `client_id`. Where
        that is to happen by itself, send through a session.
        """
        client_id = client_id or new_id()
        _require_one(room_id, receiver_id)
        if room_id is not None:
            path = f"/chat-service/rooms/{segment(room_id)}/send"
            body: msgspec.Struct = answers.SendToRoom(self.user_id, message, client_id)
        else:
            path = "/chat-service/private/send"
            body = answers.SendPrivate(self.user_id, receiver_id or "", message, client_id)
        return await self._call("POST", path, Ack, body=body)

    async def history(
        self,
        *,
        room_id: str | None = None,
        receiver_id: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int | None = None,
        entries: Literal["messages", "notices", "all"] | None = None,
    ) -> Page:
        """Return a page of a room's messages or of those exchanged with a user, oldest first.

        The newest page by default; with `before`, the newest of those with a smaller `seq`; with
        `after`, the oldest of those with a larger one. With `entries` the page also has what
        happens to the conversation ("notices"), or everything ("all"); `limit` counts both.
        """
        params = {"before": before, "after": after, "limit": limit, "entries": entries}
        _require_one(room_id, receiver_id)
        if receiver_id is None:
            path = f"/chat-service/rooms/{segment(room_id or '')}"
            stored = await self._call("GET", path, answers.StoredPage, params=params)
        else:
            path = f"/chat-service/private/{segment(receiver_id)}"
            body = answers.Reader(self.user_id)
            stored = await self._call("POST", path, answers.StoredPage, body=body, params=params)
        return stored.page()

    async def messages(
        self, *, room_id: str | None = None, receiver_id: str | None = None, after: int = 0
    ) -> AsyncIterator[Message]:
        """Go through a whole history, oldest first, each message once, page by page.

        Messages that are stored meanwhile are found, too. After an error go on with the last
        message's `seq` as `after`.
        """
        while True:
            page = await self.history(
                room_id=room_id, receiver_id=receiver_id, after=after, limit=LARGEST_PAGE
            )
            for message in page.messages:
                yield message
            if not page.has_more:
                return
            after = page.messages[-1].seq

    async def edit(self, message_id: str, message: str, *, client_id: str | None = None) -> Changed:
        """Replace the text of one's own message."""
        body = answers.EditMessage(message, client_id or new_id())
        return await self._call("PUT", _path(message_id), Changed, body=body)

    async def delete(self, message_id: str, *, client_id: str | None = None) -> Changed:
        """Delete one's own message for everybody, or as an admin of the room anybody's."""
        path = _path(message_id)
        return await self._call("DELETE", path, Changed, client_id=client_id or new_id())

    async def react(
        self, message_id: str, emoji: str, *, remove: bool = False, client_id: str | None = None
    ) -> Changed:
        """React to a message, or take the reaction back."""
        path = f"{_path(message_id)}/reactions/{segment(emoji)}"
        method = "DELETE" if remove else "PUT"
        return await self._call(method, path, Changed, client_id=client_id or new_id())

    async def pin(
        self, message_id: str, *, remove: bool = False, client_id: str | None = None
    ) -> Changed:
        """Pin a message to its conversation, or take the pin out."""
        method = "DELETE" if remove else "PUT"
        path = f"{_path(message_id)}/pin"
        return await self._call(method, path, Changed, client_id=client_id or new_id())

    async def pins(self, conversation_id: str) -> list[Message]:
        """Return the pinned messages of a conversation, oldest first."""
        path = f"/chat-service/conversations/{segment(conversation_id)}/pins"
        pins: list[Message] = []
        before: int | None = None
        while True:
            params = {"before": before, "limit": LARGEST_PAGE}
            page = await self._call("GET", path, answers.Pins, params=params)
            pins[:0] = page.messages
            if not page.has_more:
                return pins
            before = page.messages[0].seq


def _path(message_id: str) -> str:
    return f"/chat-service/messages/{segment(message_id)}"


def _require_one(room_id: str | None, receiver_id: str | None) -> None:
    if (room_id is None) == (receiver_id is None):
        raise ValueError("Pass either room_id or receiver_id.")
