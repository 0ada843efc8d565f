"""What users can do, whichever way they ask: check, append, answer.

The gRPC servicer and the sockets both come here, so that a rule holds on every way in. A missing
client id makes every call a new request. A repeat is answered with what the first call has stored,
also where the user may not do it any more.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import regex

from chatterroom.chat.blocks import Blocks
from chatterroom.chat.contacts import Contacts, FirstMessage, Pair
from chatterroom.chat.conversation import (
    AddMember,
    ChangeRole,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    LeaveRoom,
    MessageCommand,
    PinMessage,
    PostMessage,
    ReactToMessage,
    RemoveMember,
    UpdateRoom,
    require_few_at_once,
)
from chatterroom.chat.departed import Departed
from chatterroom.chat.entries import Role, RoomCreated
from chatterroom.chat.events import encode_typing
from chatterroom.chat.hub import Hub
from chatterroom.chat.log import Appended, ConversationLog
from chatterroom.chat.marks import Marks
from chatterroom.chat.memberships import Membership
from chatterroom.chat.people import People
from chatterroom.chat.presence import Presence, Watcher
from chatterroom.chat.quotas import Quotas
from chatterroom.chat.reactions import MAX_REACTION_CHARACTERS, no_reaction, parse_reaction
from chatterroom.chat.requests import Invited, not_accepted
from chatterroom.chat.shared_quotas_redis import Cost
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.chat.unread import Raised, own_index, position_of, unread
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    MessageId,
    RoomId,
    UserId,
    client_id_of_part,
    is_private,
    new_id,
    place_of,
    private_conversation_id,
    room_conversation_id,
    room_id_of_request,
)
from chatterroom.core.readable_names import readable_name

__all__ = ["MAX_MESSAGE_CHARACTERS", "MAX_ROOM_NAME_CHARACTERS", "Actions"]

# Neither a space or a control, nor drawn as nothing (the Braille blank is a symbol to Unicode), nor
# a mark without anything to stand on.
_VISIBLE = regex.compile(r"(?V1)[^\s\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{M}\p{DI}\u2800]")

MAX_MESSAGE_CHARACTERS = 8_000
MAX_ROOM_NAME_CHARACTERS = 128
# So many rooms are left, at least, by one call that forgets a user who is in more.
_LEFT_AT_ONCE = 100


Done = TypeVar("Done", Appended, Appended | Invited)


@dataclass(frozen=True, slots=True)
class Actions:
    """The commands of one chat service."""

    log: ConversationLog
    store: ChatStore
    hub: Hub
    people: People
    marks: Marks
    presence: Presence
    blocks: Blocks
    departed: Departed
    contacts: Contacts
    quotas: Quotas

    def admit_message(self, sender_id: UserId, message: str) -> None:
        """Check a text and count it; raises what is wrong with it, or RATE_LIMITED.

        For those who must know before they look anything up; they pass `admitted` to the send.
        """
        _check_message(message)
        self.quotas.spend_message(sender_id, message)

    async def send_private_message(
        self,
        sender_id: UserId,
        receiver_id: UserId,
        message: str,
        client_id: ClientId | None,
        reply_to: MessageId | None = None,
        *,
        firsts: Mapping[Pair, FirstMessage] | None = None,
        admitted: bool = False,
    ) -> asyncio.Future[Appended]:
        """Submit a private message; see `ConversationLog.submit`.

        `firsts` is what `Contacts.first_messages` has returned; without it, it is asked.
        """
        if not admitted:
            self.admit_message(sender_id, message)
        if sender_id == receiver_id:
            raise ChatterRoomError(
                ErrorCode.MESSAGE_TO_ONESELF, "A private chat is between two users."
            )
        pair = (sender_id, receiver_id)
        if firsts is None:
            firsts = await self.contacts.first_messages([pair])
        first = firsts.get(pair, FirstMessage())
        mentions = await self.people.mentioned(message)
        command = PostMessage(
            private_conversation_id(sender_id, receiver_id),
            sender_id,
            client_id or _fresh(),
            message,
            receiver_id,
            _seq_of(reply_to),
            tuple(mentions.values()),
            tuple(mentions),
            first.request,
        )
        try:
            self.blocks.require_none(sender_id, [receiver_id])
            self.departed.require_present(receiver_id)
            if first.refusal is not None:
                raise first.refusal
            await self._require_answerable(command, reply_to)
        except ChatterRoomError as refusal:
            return self.log.submit(command, refusal)
        return self.log.submit(command)

    async def send_room_message(
        self,
        room_id: RoomId,
        sender_id: UserId,
        message: str,
        client_id: ClientId | None,
        reply_to: MessageId | None = None,
        *,
        admitted: bool = False,
    ) -> asyncio.Future[Appended]:
        """Submit a message to a room; see `ConversationLog.submit`."""
        if not admitted:
            self.admit_message(sender_id, message)
        mentions = await self.people.mentioned(message)
        command = PostMessage(
            room_conversation_id(room_id),
            sender_id,
            client_id or _fresh(),
            message,
            None,
            _seq_of(reply_to),
            tuple(mentions.values()),
            tuple(mentions),
        )
        try:
            await self._require_answerable(command, reply_to)
        except ChatterRoomError as refusal:
            return self.log.submit(command, refusal)
        return self.log.submit(command)

    async def edit_message(
        self, user_id: UserId, message_id: MessageId, message: str, client_id: ClientId | None
    ) -> Appended:
        """Replace the text of a user's own message."""
        _check_message(message)
        self.quotas.spend_edit(user_id, message)
        conversation_id, seq = place_of(message_id)
        mentions = await self.people.mentioned(message)
        command = EditMessage(
            conversation_id,
            user_id,
            client_id or _fresh(),
            seq,
            message,
            tuple(mentions.values()),
            tuple(mentions),
        )
        return await self._change_message(command, speaks=True)

    async def delete_message(
        self, user_id: UserId, message_id: MessageId, client_id: ClientId | None
    ) -> Appended:
        """Delete a message for everybody."""
        self.quotas.spend_change(user_id)
        conversation_id, seq = place_of(message_id)
        return await self._change_message(
            DeleteMessage(conversation_id, user_id, client_id or _fresh(), seq)
        )

    async def react_to_message(
        self,
        user_id: UserId,
        message_id: MessageId,
        emoji: str,
        client_id: ClientId | None,
        *,
        remove: bool,
    ) -> Appended:
        """Add or take back a user's reaction."""
        if not remove:
            emoji = parse_reaction(emoji)
        elif not 1 <= len(emoji) <= MAX_REACTION_CHARACTERS:
            # Of any other kind: earlier versions may have stored it.
            raise no_reaction()
        self.quotas.spend_change(user_id)
        conversation_id, seq = place_of(message_id)
        return await self._change_message(
            ReactToMessage(conversation_id, user_id, client_id or _fresh(), seq, emoji, remove),
            speaks=not remove,
        )

    async def pin_message(
        self, user_id: UserId, message_id: MessageId, client_id: ClientId | None, *, remove: bool
    ) -> Appended:
        """Pin a message, or take the pin out."""
        self.quotas.spend_change(user_id)
        conversation_id, seq = place_of(message_id)
        return await self._change_message(
            PinMessage(conversation_id, user_id, client_id or _fresh(), seq, remove), speaks=True
        )

    async def create_room(
        self,
        creator_id: UserId,
        room_name: str,
        members_ids: Sequence[UserId],
        client_id: ClientId | None,
    ) -> tuple[Appended, list[UserId]]:
        """Create a room; a repeat with the same client id returns the first one.

        Also returns those who are no members yet, but invited.
        """
        name = _checked_name(room_name)
        self.quotas.spend_change(creator_id)
        request_id = client_id or _fresh()
        others = list(dict.fromkeys(user for user in members_ids if user != creator_id))
        room_id = room_id_of_request(creator_id, request_id)
        command = CreateRoom(
            room_conversation_id(room_id), creator_id, request_id, name, tuple(others)
        )
        shared = self.contacts.quotas
        cost = shared.room(creator_id, others)
        try:
            require_few_at_once(len(others))
            await self._require_reachable(creator_id, others)
            asked = set(await self.contacts.who_must_accept(creator_id, others))
            await shared.spend(cost)
        except ChatterRoomError as refusal:
            appended = await self.log.submit(command, refusal)
            return appended, _not_among_members(appended, others)
        members = tuple(user for user in others if user not in asked)
        appended = await self._paid(cost, self.log.append(replace(command, members_ids=members)))
        invited = _not_among_members(appended, others)
        # For a repeat, too: the first call may have been cut off in between.
        await self.contacts.invite_to_new_room(command, invited)
        return appended, invited

    async def update_room(
        self,
        user_id: UserId,
        room_id: RoomId,
        room_name: str | None,
        settings: Mapping[str, str],
        client_id: ClientId | None,
    ) -> Appended:
        """Rename a room or change its settings."""
        name = None if room_name is None else _checked_name(room_name)
        self.quotas.spend_change(user_id)
        return await self.log.append(
            UpdateRoom(
                room_conversation_id(room_id), user_id, client_id or _fresh(), name, settings
            )
        )

    async def add_member(
        self,
        room_id: RoomId,
        actor_id: UserId | None,
        user_id: UserId,
        client_id: ClientId | None,
    ) -> Appended | Invited:
        """Add a user to a room, on behalf of a member or, with None, of a service; or invite who
        must accept first."""
        if actor_id is not None:
            self.quotas.spend_change(actor_id)
        command = AddMember(
            room_conversation_id(room_id),
            actor_id or user_id,
            client_id or _fresh(),
            user_id,
            by_service=actor_id is None,
        )
        try:
            await self._require_reachable(command.sender_id, [user_id])
            if actor_id is None:
                return await self.log.append(command)
            asked = await self.contacts.who_must_accept(actor_id, [user_id])
            cost = self.contacts.quotas.added(actor_id, [user_id])
            await self.contacts.quotas.spend(cost)
        except ChatterRoomError as refusal:
            return await self.log.submit(command, refusal)
        if asked:
            return await self._paid(cost, self.contacts.invite(command))
        return await self._paid(cost, self.log.append(command))

    async def add_members(
        self,
        room_id: RoomId,
        actor_id: UserId | None,
        user_ids: Sequence[UserId],
        client_id: ClientId | None,
    ) -> list[Appended | Invited]:
        """Add up to a hundred users, one after the other, each as `add_member` does.

        Nobody is added where one of them does not exist or is blocked. Those who are members
        already are left out, so that a repeat goes on where the first call has stopped; raises
        ALREADY_A_MEMBER where nobody is left, and nothing was repeated.
        """
        users = list(dict.fromkeys(user_ids))
        require_few_at_once(len(users))
        conversation_id = room_conversation_id(room_id)
        members = await self.store.taking_part((user, conversation_id) for user in users)
        new = [user for user in users if (user, conversation_id) not in members]
        request_id = client_id or _fresh()
        if new and actor_id is not None:
            # Before anybody is added. It holds for each of them again.
            await self._require_reachable(actor_id, new)
        done: list[Appended | Invited] = []
        refusal: ChatterRoomError | None = None
        # Without anybody new, the last one answers for the request: it may be a repeat.
        for user in new or users[-1:]:
            part = client_id_of_part(request_id, user)
            try:
                done.append(await self.add_member(room_id, actor_id, user, part))
            except ChatterRoomError as error:
                # Added by somebody else in the meantime.
                if error.code is not ErrorCode.ALREADY_A_MEMBER:
                    raise
                refusal = error
        if refusal is not None and not done:
            raise refusal
        return done

    async def leave_room(
        self, room_id: RoomId, user_id: UserId, client_id: ClientId | None
    ) -> Appended:
        """End a user's own membership."""
        self.quotas.spend_change(user_id)
        return await self.log.append(
            LeaveRoom(room_conversation_id(room_id), user_id, client_id or _fresh())
        )

    async def forget_user(self, user_id: UserId) -> int:
        """End memberships of rooms of a user, as `leave_room` does; return how many.

        Some hundred at a time: call it until it returns 0. Private chats stay to the other side,
        who cannot write there any more. After a failure some rooms may have been left.
        """
        await self.departed.add(user_id)
        await self.store.requests.forget_user(user_id)
        left = 0
        failure: ChatterRoomError | None = None
        after: ConversationId | None = None
        while left < _LEFT_AT_ONCE and (
            rooms := await self.store.rooms_of(user_id, _LEFT_AT_ONCE, after)
        ):
            after = rooms[-1]
            for room in rooms:
                try:
                    await self.log.append(LeaveRoom(room, user_id, _fresh()))
                    left += 1
                except ChatterRoomError as error:
                    if error.code is ErrorCode.INTERNAL:
                        failure = error  # the other rooms are left all the same
                    elif error.code is not ErrorCode.ROOM_NOT_FOUND:
                        raise  # else removed, or left in another way, in the meantime
        if failure is not None and not left:
            raise failure
        return left

    async def remove_member(
        self, room_id: RoomId, actor_id: UserId, user_id: UserId, client_id: ClientId | None
    ) -> Appended:
        """End somebody else's membership."""
        self.quotas.spend_change(actor_id)
        return await self.log.append(
            RemoveMember(room_conversation_id(room_id), actor_id, client_id or _fresh(), user_id)
        )

    async def change_role(
        self,
        room_id: RoomId,
        actor_id: UserId,
        user_id: UserId,
        role: Role,
        client_id: ClientId | None,
    ) -> Appended:
        """Give a member another role; "owner" hands the room over."""
        self.quotas.spend_change(actor_id)
        return await self.log.append(
            ChangeRole(
                room_conversation_id(room_id), actor_id, client_id or _fresh(), user_id, role
            )
        )

    async def mark(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        *,
        read: int | None = None,
        delivered: int = 0,
    ) -> tuple[int, int, int]:
        """Raise a user's marks, at most to the newest message. None: nothing was read.

        Return the read mark, the delivery mark, and how much is unread.
        """
        self.quotas.spend_mark(user_id)
        before = self.marks.pending(user_id, conversation_id)
        membership = await self.require_membership(user_id, conversation_id)
        newest = await self.store.newest_index(conversation_id)
        raised = Raised(
            max(before.read, min(read or 0, newest)),
            max(before.delivered, min(delivered, newest)),
            before.seen or read is not None,
        )
        position, deleted = position_of(membership, raised, 0), 0
        if position.read_index < newest:
            entries = await self.store.lists.newest_entries(conversation_id)
            position = position_of(membership, raised, own_index(user_id, entries))
            counted = await self.store.lists.deleted_above({conversation_id: position.read_index})
            deleted = counted.get(conversation_id, 0)
        marks = (position.read_index, position.delivered_index)
        is_news_over = raised.seen and membership.added_by is not None
        if marks != (membership.read_index, membership.delivered_index) or is_news_over:
            peer = membership.peer_id
            hidden = peer is not None and (
                membership.request is not None or self.blocks.between(user_id, peer)
            )
            self.marks.raise_to(
                user_id,
                conversation_id,
                read=position.read_index,
                delivered=position.delivered_index,
                seen=raised.seen,
                hidden_from=peer if hidden else None,
            )
        return *marks, unread(position, newest, deleted)

    def sees_marks_of(self, viewer: UserId | None, membership: Membership) -> bool:
        """Say whether somebody in a conversation, or a service, sees a member's marks."""
        member_id, peer_id = membership.user_id, membership.peer_id
        if peer_id is None or viewer is None or viewer == member_id:
            return True
        return membership.request is None and not self.blocks.between(viewer, member_id)

    async def set_typing(
        self, user_id: UserId, conversation_id: ConversationId, *, is_member: bool = False
    ) -> None:
        """Tell the others in a conversation that a user is writing.

        `is_member` spares the look whether the user is in the room.
        """
        self.quotas.spend_typing(user_id, conversation_id)
        if is_private(conversation_id) or not is_member:
            self._require_speaking(await self.require_membership(user_id, conversation_id))
        event = encode_typing(conversation_id, user_id)
        self.hub.broadcast(conversation_id, event, skip=user_id)

    async def presence_of(
        self, viewer: UserId | None, user_ids: Sequence[UserId]
    ) -> dict[UserId, bool]:
        """Return who is online; see `Presence.of`. None is a service."""
        if viewer is not None:
            self.quotas.spend_presence(viewer)
        return await self.presence.of(viewer, user_ids)

    async def watch_presence(
        self, watcher: Watcher, user_ids: Sequence[UserId]
    ) -> dict[UserId, bool]:
        """Return who is online, and tell `watcher` of changes; see `Presence.watch`."""
        self.quotas.spend_presence(watcher.user_id)
        return await self.presence.watch(watcher, user_ids)

    async def require_membership(
        self, user_id: UserId, conversation_id: ConversationId
    ) -> Membership:
        """Return a user's membership, or raise CONVERSATION_NOT_FOUND whatever the reason."""
        membership = await self.store.membership(user_id, conversation_id)
        if membership is None:
            raise ChatterRoomError(
                ErrorCode.CONVERSATION_NOT_FOUND,
                "There is no such conversation, or you are not in it.",
                conversation_id=conversation_id,
            )
        return membership

    async def block(self, user_id: UserId, other: UserId, *, blocked: bool) -> None:
        """Block a user or end the block; see `Blocks.set`. Raises USER_NOT_FOUND."""
        self.quotas.spend_change(user_id)
        if blocked:
            await self.people.require_known([other])
        await self.blocks.set(user_id, other, blocked=blocked)
        if blocked:
            await self.contacts.decline_all_of(user_id, other)

    def _require_speaking(self, membership: Membership) -> None:
        """Raise BLOCKED in a private chat with a block, and NOT_ACCEPTED before the user has
        accepted it; rooms have other rules."""
        if membership.peer_id is not None:
            self.blocks.require_none(membership.user_id, [membership.peer_id])
            if membership.request is not None:
                raise not_accepted("Accept the message request first.")

    async def _paid(self, cost: Cost, work: Awaitable[Done]) -> Done:
        """Do what was paid for; what is refused, or had been done before, costs nothing."""
        try:
            done = await work
        except ChatterRoomError as error:
            # With storage in doubt it may have been done.
            if error.code is not ErrorCode.STORAGE_UNAVAILABLE:
                await self.contacts.quotas.refund(cost)
            raise
        if done.duplicate:
            await self.contacts.quotas.refund(cost)
        return done

    async def _require_reachable(self, user_id: UserId, others: Sequence[UserId]) -> None:
        """Raise unless all whom somebody brings into a room exist, and no block is between."""
        self.blocks.require_none(user_id, others)
        await self.people.require_known(others)

    async def _change_message(self, command: MessageCommand, *, speaks: bool = False) -> Appended:
        """Change a message that the user may see. What else it may do in a room the room's
        state says; who `speaks` in a private chat must not be blocked there, and have
        accepted it."""
        user_id, conversation_id = command.sender_id, command.conversation_id
        try:
            if is_private(conversation_id):
                membership = await self.require_membership(user_id, conversation_id)
                if speaks:
                    self._require_speaking(membership)
            elif not await self._may_read(user_id, conversation_id, command.message_seq):
                raise ChatterRoomError(
                    ErrorCode.MESSAGE_NOT_FOUND, "There is no such message, or it was deleted."
                )
        except ChatterRoomError as refusal:
            return await self.log.submit(command, refusal)
        return await self.log.append(command)

    async def _may_read(self, user_id: UserId, conversation_id: ConversationId, seq: int) -> bool:
        membership = await self.store.membership(user_id, conversation_id)
        if membership is None:
            return False
        floors = await self.store.reading_floors([membership])
        return seq > floors.get(conversation_id, 0)

    async def _require_answerable(self, command: PostMessage, reply_to: MessageId | None) -> None:
        if reply_to is None:
            return
        place, seq = place_of(reply_to)
        # Strangers hear the same whether or not there is such a message.
        if (
            place != command.conversation_id
            or not await self._may_read(command.sender_id, place, seq)
            or await self.store.message(place, seq) is None
        ):
            raise ChatterRoomError(
                ErrorCode.MESSAGE_NOT_FOUND,
                "The message you are replying to is not in this conversation.",
                field="reply_to",
            )


def _seq_of(message_id: MessageId | None) -> int | None:
    return None if message_id is None else place_of(message_id)[1]


def _not_among_members(appended: Appended, others: Sequence[UserId]) -> list[UserId]:
    created = appended.entry
    assert isinstance(created, RoomCreated)  # noqa: S101 -- the log answers in kind
    return [user for user in others if user not in created.members_ids]


def _fresh() -> ClientId:
    return ClientId(new_id())


def _checked_name(room_name: str) -> str:
    name = readable_name(room_name, MAX_ROOM_NAME_CHARACTERS)
    if name is None:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST,
            f"room_name must have 1 to {MAX_ROOM_NAME_CHARACTERS} visible characters.",
            field="room_name",
        )
    return name


def _check_message(message: str) -> None:
    # Most messages begin with a letter: then nothing needs to be searched.
    if not "!" <= message[:1] <= "~" and not _VISIBLE.search(message):
        raise ChatterRoomError(ErrorCode.EMPTY_MESSAGE, "The message is empty.", field="message")
    if len(message) > MAX_MESSAGE_CHARACTERS:
        raise ChatterRoomError(
            ErrorCode.MESSAGE_TOO_LONG,
            f"A message can have at most {MAX_MESSAGE_CHARACTERS:,} characters.",
            field="message",
            max_characters=MAX_MESSAGE_CHARACTERS,
        )
    if "\0" in message:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "The message contains a NUL character.", field="message"
        )
