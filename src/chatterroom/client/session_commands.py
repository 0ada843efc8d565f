"""What a user says on a session: a method for each command of the socket."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from chatterroom.client.errors import ApiError
from chatterroom.client.events import (
    Ack,
    Changed,
    Marked,
    Presence,
    Reply,
    UserPresence,
    decode_reply,
)
from chatterroom.core.ids import new_id

__all__ = ["SessionCommands"]

T = TypeVar("T")


class SessionCommands(ABC):
    """Commands that are sent again, after every reconnect and every passing refusal, until they
    are answered. Where a rate limit asks for a pause, they wait for it, unless it is longer than
    ten seconds: then `ApiError` says how long (`retry_after_s`).

    Those that return `Ack` or `Changed` have then taken effect exactly once, and are on disk.
    Commands about one conversation take effect in the order of the calls, as `send` says. All
    raise `ApiError` for a refusal, and `UnacknowledgedError` after `timeout_s`: then the command
    may or may not have taken effect, and a repeat with the same `client_id` makes sure of it.
    """

    @abstractmethod
    async def _ask(
        self, type_: str, fields: dict[str, Any], *, repeatable: bool, timeout_s: float
    ) -> bytes:
        """Return the frame that answers a command."""

    async def send(
        self,
        message: str,
        *,
        room_id: str | None = None,
        receiver_id: str | None = None,
        reply_to: str | None = None,
        client_id: str | None = None,
        timeout_s: float = 60.0,
    ) -> Ack:
        """Send a message, exactly once, and return when it is on disk. `reply_to` is the id of the
        message that it answers.

        It is sent again, with the same `client_id`, after every reconnect and every passing
        refusal until it is acknowledged. Messages to one conversation are stored in the order of
        the calls. One exception: where the server refuses one for now, those that were under way
        behind it may be stored before it; wait for each `Ack` where that matters.

        Waits while `max_unacknowledged` commands have no answer. Raises `ApiError` for a refusal,
        and `UnacknowledgedError` after `timeout_s`: then it may or may not be stored, and a
        repeat with the same `client_id` stores it once.
        """
        if (room_id is None) == (receiver_id is None):
            raise ValueError("Pass either room_id or receiver_id.")
        fields: dict[str, Any] = {"message": message, "client_id": client_id or new_id()}
        fields |= {"room_id": room_id} if room_id else {"receiver_id": receiver_id}
        if reply_to is not None:
            fields["reply_to"] = reply_to
        return await self._say("send", Ack, fields, timeout_s)

    async def edit(
        self,
        message_id: str,
        message: str,
        *,
        client_id: str | None = None,
        timeout_s: float = 60.0,
    ) -> Changed:
        """Replace the text of one's own message."""
        fields = {"message_id": message_id, "message": message}
        return await self._change("edit", fields, client_id, timeout_s)

    async def delete(
        self, message_id: str, *, client_id: str | None = None, timeout_s: float = 60.0
    ) -> Changed:
        """Delete one's own message for everybody, or as an admin of the room anybody's."""
        return await self._change("delete", {"message_id": message_id}, client_id, timeout_s)

    async def react(
        self,
        message_id: str,
        emoji: str,
        *,
        remove: bool = False,
        client_id: str | None = None,
        timeout_s: float = 60.0,
    ) -> Changed:
        """React to a message, or take the reaction back."""
        fields = {"message_id": message_id, "emoji": emoji, "remove": remove}
        return await self._change("react", fields, client_id, timeout_s)

    async def pin(
        self,
        message_id: str,
        *,
        remove: bool = False,
        client_id: str | None = None,
        timeout_s: float = 60.0,
    ) -> Changed:
        """Pin a message to its conversation, or take the pin out."""
        fields = {"message_id": message_id, "remove": remove}
        return await self._change("pin", fields, client_id, timeout_s)

    async def update_room(
        self,
        room_id: str,
        *,
        room_name: str | None = None,
        settings: Mapping[str, str] | None = None,
        client_id: str | None = None,
        timeout_s: float = 60.0,
    ) -> Changed:
        """Rename a room or change the settings that are given; as one of its admins."""
        fields = {"room_id": room_id, "room_name": room_name, "settings": dict(settings or {})}
        return await self._change("update_room", fields, client_id, timeout_s)

    async def add_member(
        self, room_id: str, user_id: str, *, client_id: str | None = None, timeout_s: float = 60.0
    ) -> Changed:
        """Add a user to a room that one is in, or invite one who must accept first (`invited`)."""
        fields = {"room_id": room_id, "user_id": user_id}
        return await self._change("add_member", fields, client_id, timeout_s)

    async def remove_member(
        self, room_id: str, user_id: str, *, client_id: str | None = None, timeout_s: float = 60.0
    ) -> Changed:
        """Remove somebody of a lower role from a room."""
        fields = {"room_id": room_id, "user_id": user_id}
        return await self._change("remove_member", fields, client_id, timeout_s)

    async def leave_room(
        self, room_id: str, *, client_id: str | None = None, timeout_s: float = 60.0
    ) -> Changed:
        """Leave a room."""
        return await self._change("leave_room", {"room_id": room_id}, client_id, timeout_s)

    async def change_role(
        self,
        room_id: str,
        user_id: str,
        role: str,
        *,
        client_id: str | None = None,
        timeout_s: float = 60.0,
    ) -> Changed:
        """Make a member "admin", "member", or, handing the room over, "owner"; as its owner."""
        fields = {"room_id": room_id, "user_id": user_id, "role": role}
        return await self._change("change_role", fields, client_id, timeout_s)

    async def mark(
        self,
        conversation_id: str,
        *,
        read: int | None = None,
        delivered: int = 0,
        timeout_s: float = 60.0,
    ) -> Marked:
        """Say up to which message_index one has read and received; the highest mark wins."""
        fields: dict[str, Any] = {"conversation_id": conversation_id, "delivered": delivered}
        if read is not None:
            fields["read"] = read
        return await self._say("mark", Marked, fields, timeout_s)

    async def watch_presence(
        self, user_ids: Iterable[str], *, timeout_s: float = 60.0
    ) -> list[UserPresence]:
        """Return who of these is online, and hear of changes as `Presence` events from now on.

        Instead of the users that were named before. After a reconnect an event tells how it is
        then. Those one shares no conversation with count as offline.
        """
        fields = {"user_ids": list(user_ids)}
        return (await self._say("watch_presence", Presence, fields, timeout_s)).users

    async def command(
        self, type_: str, /, *, repeatable: bool = False, timeout_s: float = 60.0, **fields: Any
    ) -> Reply:
        """Say something else to the server, of any type, and return its answer.

        If the connection is lost before the answer, a `repeatable` command is sent again, as
        `send` does; others raise `ConnectionLostError`. Commands that name a conversation
        (`conversation_id`, `room_id`, `receiver_id`, `message_id`) keep their order with the
        messages to it.
        """
        answer = await self._ask(type_, fields, repeatable=repeatable, timeout_s=timeout_s)
        return decode_reply(answer)

    async def _change(
        self, type_: str, fields: dict[str, Any], client_id: str | None, timeout_s: float
    ) -> Changed:
        named = {**fields, "client_id": client_id or new_id()}
        return await self._say(type_, Changed, named, timeout_s)

    async def _say(
        self, type_: str, answer: type[T], fields: dict[str, Any], timeout_s: float
    ) -> T:
        text = await self._ask(type_, fields, repeatable=True, timeout_s=timeout_s)
        try:
            return msgspec.json.decode(text, type=answer)
        except msgspec.DecodeError as error:
            raise ApiError("unreadable_answer", str(error)) from None
