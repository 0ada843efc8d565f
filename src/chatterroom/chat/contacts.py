"""Reaching out to others: who must be asked first, what waits for an answer, and the answers.

The rules are in `requests.py`. What is stored decides; events of the sockets only save looking.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from chatterroom.chat.blocks import Blocks
from chatterroom.chat.conversation import AddMember, CreateRoom, no_such_room, require_addable
from chatterroom.chat.entries import Entry, MessagePosted
from chatterroom.chat.events import encode_request_answered, encode_request_received
from chatterroom.chat.hub import Hub
from chatterroom.chat.log import Appended, ConversationLog
from chatterroom.chat.pages import decode_cursor, encode_cursor
from chatterroom.chat.people import People, no_such_user
from chatterroom.chat.requests import (
    MAX_INVITATIONS,
    MAX_MESSAGE_REQUESTS,
    ContactSettings,
    Invitation,
    Invited,
    Request,
    WhoMay,
    invitation_void,
    no_such_request,
    too_many_requests,
)
from chatterroom.chat.shared_quotas_redis import SharedQuotas
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core import times
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    RoomId,
    UserId,
    is_private,
    new_id,
    private_conversation_id,
)
from chatterroom.core.times import format_time

__all__ = ["Contacts", "FirstMessage", "Pair"]

Pair = tuple[UserId, UserId]
"""A sender and a receiver."""

_LISTED = "requests"
_VOID = {ErrorCode.ROOM_NOT_FOUND, ErrorCode.NOT_ALLOWED, ErrorCode.BLOCKED}


@dataclass(frozen=True, slots=True)
class FirstMessage:
    """What becomes of a message with which a private chat begins."""

    refusal: ChatterRoomError | None = None
    request: bool = False


@dataclass(frozen=True, slots=True)
class Contacts:
    """First messages, invitations, and the list of requests of one chat service."""

    log: ConversationLog
    store: ChatStore
    hub: Hub
    people: People
    blocks: Blocks
    quotas: SharedQuotas

    # Reaching out

    async def first_messages(self, pairs: Collection[Pair]) -> Mapping[Pair, FirstMessage]:
        """Return, for those pairs who have no private chat yet, what a message comes to."""
        chats = {pair: private_conversation_id(*pair) for pair in pairs if pair[0] != pair[1]}
        new = [pair for pair, chat in chats.items() if not self.log.has_entries(chat)]
        if not new:
            return {}
        known = await self.store.taking_part((pair[0], chats[pair]) for pair in new)
        new = [pair for pair in new if (pair[0], chats[pair]) not in known]
        unknown = await self.people.unknown(receiver for _, receiver in new)
        settings = await self.store.requests.settings_of({receiver for _, receiver in new})
        for pair in new:
            if pair[1] not in unknown:
                self.log.presume_empty(chats[pair])

        async def first(pair: Pair) -> FirstMessage:
            sender_id, receiver_id = pair
            if receiver_id in unknown:
                return FirstMessage(no_such_user(receiver_id))
            try:
                return await self._first_message(sender_id, receiver_id, settings[receiver_id])
            except ChatterRoomError as refusal:
                return FirstMessage(refusal)

        return dict(zip(new, await asyncio.gather(*map(first, new)), strict=True))

    async def who_must_accept(self, adder_id: UserId, others: Sequence[UserId]) -> list[UserId]:
        """Return those who must accept before they become members of a room.

        Raises RATE_LIMITED where one of them has too many invitations.
        """
        settings = await self.store.requests.settings_of(others)
        asked = [
            user_id
            for user_id in others
            if await self._must_accept(adder_id, user_id, settings[user_id].add_to_rooms)
        ]
        for user_id in asked:
            if await self.store.requests.open_invitations(user_id) >= MAX_INVITATIONS:
                raise too_many_requests(user_id)
        return asked

    async def invite(self, command: AddMember) -> Appended | Invited:
        """Invite somebody to a room, if they could be added to it; a repeat of what has added
        them is answered with that."""
        stored = await self.store.find_requests(
            command.conversation_id, [(command.sender_id, command.client_id)]
        )
        if stored:
            return await self.log.append(command)
        # What the room says of the two is looked up, not its members: there may be 10,000.
        lists, conversation_id = self.store.lists, command.conversation_id
        room, role, has_role = await asyncio.gather(
            lists.room(conversation_id),
            lists.role(command.sender_id, conversation_id),
            lists.role(command.user_id, conversation_id),
        )
        room_id = RoomId(conversation_id)
        if room is None or role is None:
            raise no_such_room(room_id)
        require_addable(role, room.settings, room.member_count, is_member=has_role is not None)
        now = times.now()
        new = await self._invite(room.room_name, [command.user_id], command, now)
        return Invited(
            room_id, command.user_id, command.client_id, room.seq, now, duplicate=not new
        )

    async def invite_to_new_room(self, command: CreateRoom, asked: Sequence[UserId]) -> None:
        """Invite those to a room who must accept before they become its members.

        Harmless to repeat: who has become a member meanwhile is left out.
        """
        if not asked:
            return
        members = await self.store.taking_part((user, command.conversation_id) for user in asked)
        asked = [user for user in asked if (user, command.conversation_id) not in members]
        await self._invite(command.room_name, asked, command, times.now())

    # Answering

    async def settings(self, user_id: UserId) -> ContactSettings:
        """Return who may add a user to rooms and write to them first."""
        return await self.store.requests.settings(user_id)

    async def change_settings(self, user_id: UserId, changes: Mapping[str, str]) -> ContactSettings:
        """Change some of a user's settings; return all of them. Raises INVALID_REQUEST."""
        try:
            msgspec.convert(changes, ContactSettings)
        except msgspec.ValidationError as error:
            raise ChatterRoomError(ErrorCode.INVALID_REQUEST, str(error)) from None
        if not changes:
            return await self.settings(user_id)
        return await self.store.requests.change_settings(user_id, dict(changes))

    async def requests(
        self, user_id: UserId, limit: int, cursor: str
    ) -> tuple[list[Request], str, int]:
        """Return a page of a user's open requests, newest first, the cursor of the next one or "",
        and how many are open."""
        after = _place_of(cursor) if cursor else None
        page, total = await self.store.requests.page(user_id, limit + 1, after)
        more = len(page) > limit
        return page[:limit], _cursor_of(page[limit - 1]) if more else "", total

    async def accept(self, user_id: UserId, conversation_id: ConversationId) -> None:
        """Take part in a private chat, or become a member of a room with the inviter's rights.

        Raises REQUEST_NOT_FOUND, and INVITATION_VOID where the inviter may not add people any more.
        """
        if is_private(conversation_id):
            if not await self.store.requests.accept_message_request(user_id, conversation_id):
                raise no_such_request(conversation_id)
            self.hub.announce(user_id, conversation_id, 1)
        else:
            await self._join(user_id, RoomId(conversation_id))
        self._notify_answered(user_id, conversation_id, accepted=True)

    async def decline(self, user_id: UserId, conversation_id: ConversationId) -> None:
        """Take a request out of a user's list for good. Nobody else is notified."""
        if not await self.store.requests.decline(user_id, conversation_id):
            raise no_such_request(conversation_id)
        self._notify_answered(user_id, conversation_id, accepted=False)

    async def decline_all_of(self, user_id: UserId, other: UserId) -> None:
        """Decline what another user has asked, as a block does."""
        for conversation_id in await self.store.requests.decline_all_of(user_id, other):
            self._notify_answered(user_id, conversation_id, accepted=False)

    def committed(self, conversation_id: ConversationId, entries: Sequence[Entry]) -> None:
        """Notify the receiver of a stored message request, and who has answered one by writing."""
        if not is_private(conversation_id):
            return
        for entry in entries:
            if not isinstance(entry, MessagePosted) or entry.receiver_id is None:
                continue
            if entry.request:
                request = Request(conversation_id, entry.sender_id, entry.created_at)
                self.hub.notify_user(entry.receiver_id, encode_request_received(request))
            elif entry.accepts:
                self._notify_answered(entry.sender_id, conversation_id, accepted=True)

    async def _must_accept(self, user_id: UserId, other: UserId, choice: WhoMay) -> bool:
        """Say whether `other`, whose choice it is, must accept what `user_id` does."""
        if choice == "shared":
            return not (
                await self.store.acquainted(user_id, [other])
                or await self.store.acquainted(other, [user_id])
            )
        return choice == "nobody"

    async def _first_message(
        self, sender_id: UserId, receiver_id: UserId, settings: ContactSettings
    ) -> FirstMessage:
        await self.quotas.spend(self.quotas.first_message(sender_id))
        if not await self._must_accept(sender_id, receiver_id, settings.message_first):
            return FirstMessage()
        if await self.store.requests.open_message_requests(receiver_id) >= MAX_MESSAGE_REQUESTS:
            raise too_many_requests(receiver_id)
        return FirstMessage(request=True)

    async def _invite(
        self,
        room_name: str,
        asked: Sequence[UserId],
        command: AddMember | CreateRoom,
        now: datetime,
    ) -> list[UserId]:
        """Return who had not been invited to the room before."""
        room_id = RoomId(command.conversation_id)
        invitations = [
            Invitation(user_id, room_id, command.sender_id, ClientId(new_id()), now)
            for user_id in asked
        ]
        new = await self.store.requests.invite(invitations)
        for user_id in new:
            request = Request(command.conversation_id, command.sender_id, now, room_name)
            self.hub.notify_user(user_id, encode_request_received(request))
        return new

    async def _join(self, user_id: UserId, room_id: RoomId) -> None:
        conversation_id = ConversationId(room_id)
        invitation = await self.store.requests.invitation(user_id, room_id)
        if invitation is None:
            raise no_such_request(conversation_id)
        command = AddMember(
            conversation_id, invitation.inviter_id, invitation.client_id, user_id, accepted=True
        )
        try:
            self.blocks.require_none(user_id, [invitation.inviter_id])
            await self.log.append(command)
        except ChatterRoomError as error:
            if error.code in _VOID:
                await self.store.requests.end_invitation(user_id, room_id)
                self._notify_answered(user_id, conversation_id, accepted=False)
                raise invitation_void() from error
            if error.code is not ErrorCode.ALREADY_A_MEMBER:
                raise
        await self.store.requests.end_invitation(user_id, room_id)

    def _notify_answered(
        self, user_id: UserId, conversation_id: ConversationId, *, accepted: bool
    ) -> None:
        self.hub.notify_user(user_id, encode_request_answered(conversation_id, accepted))


def _cursor_of(request: Request) -> str:
    return encode_cursor(_LISTED, format_time(request.created_at), request.conversation_id)


def _place_of(cursor: str) -> tuple[datetime, ConversationId]:
    moment, conversation_id = decode_cursor(_LISTED, cursor)
    return datetime.fromisoformat(moment), ConversationId(conversation_id)
