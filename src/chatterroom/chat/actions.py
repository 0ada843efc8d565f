"""What users can do, whichever way they ask: check, append, answer.

The gRPC servicer and the sockets both come here, so that a rule holds on every way in.
"""

import asyncio
from dataclasses import dataclass

from chatterroom.chat.conversation import AddMember, CreateRoom, LeaveRoom, PostMessage
from chatterroom.chat.log import Appended, ConversationLog
from chatterroom.chat.people import People
from chatterroom.chat.read_marks import ReadMarks
from chatterroom.chat.store_mongo import ChatStore, Membership
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    RoomId,
    UserId,
    new_id,
    private_conversation_id,
    room_conversation_id,
    room_id_of_request,
)

__all__ = ["MAX_MESSAGE_CHARACTERS", "MAX_ROOM_NAME_CHARACTERS", "Actions"]

MAX_MESSAGE_CHARACTERS = 8_000
MAX_ROOM_NAME_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Actions:
    """The commands of one chat service. A missing client id makes every call a new request."""

    log: ConversationLog
    store: ChatStore
    people: People
    read_marks: ReadMarks

    async def send_private_message(
        self, sender_id: UserId, receiver_id: UserId, message: str, client_id: ClientId | None
    ) -> asyncio.Future[Appended]:
        """Submit a private message; see `ConversationLog.submit`."""
        _check_message(message)
        if sender_id == receiver_id:
            raise ChatterRoomError(
                ErrorCode.MESSAGE_TO_ONESELF, "a private chat is between two users"
            )
        conversation_id = private_conversation_id(sender_id, receiver_id)
        if not self.log.has_entries(conversation_id):
            await self._require_acquainted(sender_id, receiver_id, conversation_id)
        return self.log.submit(
            PostMessage(conversation_id, sender_id, client_id or _fresh(), message, receiver_id)
        )

    def send_room_message(
        self, room_id: RoomId, sender_id: UserId, message: str, client_id: ClientId | None
    ) -> asyncio.Future[Appended]:
        """Submit a message to a room; see `ConversationLog.submit`."""
        _check_message(message)
        conversation_id = room_conversation_id(room_id)
        return self.log.submit(
            PostMessage(conversation_id, sender_id, client_id or _fresh(), message)
        )

    async def create_room(
        self,
        creator_id: UserId,
        room_name: str,
        members_ids: list[UserId],
        client_id: ClientId | None,
    ) -> Appended:
        """Create a room; a repeat with the same client id returns the first one."""
        name = room_name.strip()
        if not 1 <= len(name) <= MAX_ROOM_NAME_CHARACTERS or not name.isprintable():
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                f"room_name must have 1 to {MAX_ROOM_NAME_CHARACTERS} printable characters",
                field="room_name",
            )
        request_id = client_id or _fresh()
        others = list(dict.fromkeys(user for user in members_ids if user != creator_id))
        await self.people.require_known(others)
        room_id = room_id_of_request(creator_id, request_id)
        return await self.log.append(
            CreateRoom(room_conversation_id(room_id), creator_id, request_id, name, tuple(others))
        )

    async def add_member(
        self,
        room_id: RoomId,
        actor_id: UserId | None,
        user_id: UserId,
        client_id: ClientId | None,
    ) -> Appended:
        """Add a user to a room, on behalf of a member or, with None, of a service."""
        await self.people.require_known([user_id])
        return await self.log.append(
            AddMember(
                room_conversation_id(room_id),
                actor_id or user_id,
                client_id or _fresh(),
                user_id,
                by_service=actor_id is None,
            )
        )

    async def leave_room(
        self, room_id: RoomId, user_id: UserId, client_id: ClientId | None
    ) -> Appended:
        """End a user's membership."""
        return await self.log.append(
            LeaveRoom(room_conversation_id(room_id), user_id, client_id or _fresh())
        )

    async def mark_read(
        self, user_id: UserId, conversation_id: ConversationId, message_index: int
    ) -> tuple[int, int]:
        """Raise a user's read mark, at most to the newest message; return it and what is unread."""
        membership = await self.require_membership(user_id, conversation_id)
        newest = (await self.store.load(conversation_id)).message_index
        known = max(membership.read_index, self.read_marks.pending(user_id, conversation_id))
        reached = max(known, min(message_index, newest))
        self.read_marks.raise_to(user_id, conversation_id, reached)
        return reached, max(0, newest - reached)

    async def require_membership(
        self, user_id: UserId, conversation_id: ConversationId
    ) -> Membership:
        """Return a user's membership, or raise CONVERSATION_NOT_FOUND whatever the reason."""
        membership = await self.store.membership(user_id, conversation_id)
        if membership is None:
            raise ChatterRoomError(
                ErrorCode.CONVERSATION_NOT_FOUND,
                "there is no such conversation, or you are not in it",
                conversation_id=conversation_id,
            )
        return membership

    async def _require_acquainted(
        self, sender_id: UserId, receiver_id: UserId, conversation_id: ConversationId
    ) -> None:
        if await self.store.membership(sender_id, conversation_id) is None:
            await self.people.require_known([receiver_id])


def _fresh() -> ClientId:
    return ClientId(new_id())


def _check_message(message: str) -> None:
    if not message.strip():
        raise ChatterRoomError(ErrorCode.EMPTY_MESSAGE, "the message is empty", field="message")
    if len(message) > MAX_MESSAGE_CHARACTERS:
        raise ChatterRoomError(
            ErrorCode.MESSAGE_TOO_LONG,
            f"a message has at most {MAX_MESSAGE_CHARACTERS} characters",
            field="message",
            max_characters=MAX_MESSAGE_CHARACTERS,
        )
    if "\0" in message:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "the message holds a NUL character", field="message"
        )
