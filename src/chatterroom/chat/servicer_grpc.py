"""The chat service's RPCs: read the request, act, write the answer."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from chatterroom.chat.actions import Actions
from chatterroom.chat.activity import Activity
from chatterroom.chat.contacts import FirstMessage, Pair
from chatterroom.chat.conversation import no_such_room
from chatterroom.chat.conversation_list import Unstored, list_conversations
from chatterroom.chat.entries import Entry, MessagePosted, Role
from chatterroom.chat.events import encode_entry
from chatterroom.chat.leases_redis import Leases
from chatterroom.chat.lists_mongo import ListedMember
from chatterroom.chat.log import Appended
from chatterroom.chat.memberships import Membership
from chatterroom.chat.pages import MAX_PAGE, checked_limit, decode_cursor, encode_cursor
from chatterroom.chat.protos import (
    contact_settings,
    conversation_proto,
    private_message,
    request_proto,
    room_message,
)
from chatterroom.chat.requests import Invited
from chatterroom.chat.unread import Raised, own_index, position_of
from chatterroom.core.errors import ChatterRoomError, ErrorCode, internal_error
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    MessageId,
    RoomId,
    UserId,
    message_id,
    parse_client_id,
    parse_conversation_id,
    parse_message_id,
    parse_room_id,
    parse_user_id,
    private_conversation_id,
    room_conversation_id,
)
from chatterroom.core.times import format_time
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.identity import current_caller, require_identity

__all__ = ["OPEN_TO", "SERVICE_NAME", "ChatServicer"]

log = structlog.get_logger()

SERVICE_NAME = "chatterroom.chat.v1.ChatService"

# Which services besides the gateway may call what (see rpc/identity.py).
OPEN_TO = {"ForgetUser": ("users",)}


class ChatServicer(chat_pb2_grpc.ChatServiceServicer):
    """Serves `chatterroom.chat.v1.ChatService`."""

    def __init__(self, actions: Actions, leases: Leases, activity: Activity) -> None:
        self._actions = actions
        self._store = actions.store
        self._leases = leases
        self._activity = activity

    async def SendPrivateMessage(  # noqa: N802, D102 -- named and described by the proto file
        self, request: chat_pb2.SendPrivateMessageRequest, context: Any
    ) -> chat_pb2.SendPrivateMessageResponse:
        appended = await (
            await self._actions.send_private_message(
                _own(request.sender_id, "sender_id"),
                parse_user_id(request.receiver_id, "receiver_id"),
                request.message,
                _client_id(request.client_id),
                _reply_to(request.reply_to),
            )
        )
        return chat_pb2.SendPrivateMessageResponse(**_sent(appended))

    async def SendRoomMessage(  # noqa: N802, D102
        self, request: chat_pb2.SendRoomMessageRequest, context: Any
    ) -> chat_pb2.SendRoomMessageResponse:
        appended = await (
            await self._actions.send_room_message(
                parse_room_id(request.room_id),
                _own(request.sender_id, "sender_id"),
                request.message,
                _client_id(request.client_id),
                _reply_to(request.reply_to),
            )
        )
        return chat_pb2.SendRoomMessageResponse(**_sent(appended))

    async def SendMessages(  # noqa: N802, D102
        self, request: chat_pb2.SendMessagesRequest, context: Any
    ) -> chat_pb2.SendMessagesResponse:
        _require_service()
        senders = [self._admit(send) for send in request.sends]
        pairs = _private_pairs(request.sends, senders)
        firsts = await self._actions.contacts.first_messages(pairs)
        # One after the other up to the log's queue: the order of the batch is the order there.
        submitted = [
            await self._submit(send, sender, firsts)
            for send, sender in zip(request.sends, senders, strict=True)
        ]
        return chat_pb2.SendMessagesResponse(results=[await _result(each) for each in submitted])

    async def EditMessage(  # noqa: N802, D102
        self, request: chat_pb2.EditMessageRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        appended = await self._actions.edit_message(
            _own(request.user_id, "user_id"),
            parse_message_id(request.message_id),
            request.message,
            _client_id(request.client_id),
        )
        return _changed(appended, "Message edited successfully")

    async def DeleteMessage(  # noqa: N802, D102
        self, request: chat_pb2.DeleteMessageRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        appended = await self._actions.delete_message(
            _own(request.user_id, "user_id"),
            parse_message_id(request.message_id),
            _client_id(request.client_id),
        )
        return _changed(appended, "Message deleted successfully")

    async def ReactToMessage(  # noqa: N802, D102
        self, request: chat_pb2.ReactToMessageRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        appended = await self._actions.react_to_message(
            _own(request.user_id, "user_id"),
            parse_message_id(request.message_id),
            request.emoji,
            _client_id(request.client_id),
            remove=request.remove,
        )
        word = "removed" if request.remove else "added"
        return _changed(appended, f"Reaction {word} successfully")

    async def PinMessage(  # noqa: N802, D102
        self, request: chat_pb2.PinMessageRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        appended = await self._actions.pin_message(
            _own(request.user_id, "user_id"),
            parse_message_id(request.message_id),
            _client_id(request.client_id),
            remove=request.remove,
        )
        word = "unpinned" if request.remove else "pinned"
        return _changed(appended, f"Message {word} successfully")

    async def ListPins(  # noqa: N802, D102
        self, request: chat_pb2.ListPinsRequest, context: Any
    ) -> chat_pb2.ListPinsResponse:
        conversation_id = parse_conversation_id(request.conversation_id)
        floor = await self._readable_after(conversation_id)
        if request.before < 0:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "before must be a seq, 0 or larger.", field="before"
            )
        limit = checked_limit(request.limit, MAX_PAGE)
        pins, more = await self._store.lists.pins(
            conversation_id, limit, request.before or None, floor
        )
        return chat_pb2.ListPinsResponse(
            messages=[room_message(pin) for pin in pins], has_more=more
        )

    async def UpdateRoom(  # noqa: N802, D102
        self, request: chat_pb2.UpdateRoomRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        settings = request.settings
        changes = {
            name: value
            for name, value in (
                ("adding", settings.adding),
                ("posting", settings.posting),
                ("history", settings.history),
            )
            if value
        }
        appended = await self._actions.update_room(
            _own(request.user_id, "user_id"),
            parse_room_id(request.room_id),
            request.room_name or None,
            changes,
            _client_id(request.client_id),
        )
        return _changed(appended, "Room updated successfully")

    async def RemoveUserFromRoom(  # noqa: N802, D102
        self, request: chat_pb2.RemoveUserFromRoomRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        appended = await self._actions.remove_member(
            parse_room_id(request.room_id),
            _own(request.actor_id, "actor_id"),
            parse_user_id(request.user_id),
            _client_id(request.client_id),
        )
        return _changed(appended, "User removed from room successfully")

    async def ChangeRole(  # noqa: N802, D102
        self, request: chat_pb2.ChangeRoleRequest, context: Any
    ) -> chat_pb2.ChangeResponse:
        appended = await self._actions.change_role(
            parse_room_id(request.room_id),
            _own(request.actor_id, "actor_id"),
            parse_user_id(request.user_id),
            _role(request.role),
            _client_id(request.client_id),
        )
        return _changed(appended, "Role changed successfully")

    async def ForgetUser(  # noqa: N802, D102
        self, request: chat_pb2.ForgetUserRequest, context: Any
    ) -> chat_pb2.ForgetUserResponse:
        _require_service()
        left = await self._actions.forget_user(parse_user_id(request.user_id))
        return chat_pb2.ForgetUserResponse(rooms_left=left)

    async def GetPrivateChatHistory(  # noqa: N802, D102
        self, request: chat_pb2.GetPrivateChatHistoryRequest, context: Any
    ) -> chat_pb2.GetPrivateChatHistoryResponse:
        sender_id = _own(request.sender_id, "sender_id")
        receiver_id = parse_user_id(request.receiver_id, "receiver_id")
        conversation_id = private_conversation_id(sender_id, receiver_id)
        page, has_more = await self._page(conversation_id, request)
        if not page:
            await self._actions.people.require_known([receiver_id])
        messages = [private_message(entry) for entry in page if isinstance(entry, MessagePosted)]
        return chat_pb2.GetPrivateChatHistoryResponse(
            messages=messages, has_more=has_more, entries=_others(page)
        )

    async def GetRoomHistory(  # noqa: N802, D102
        self, request: chat_pb2.GetRoomHistoryRequest, context: Any
    ) -> chat_pb2.GetRoomHistoryResponse:
        room_id = parse_room_id(request.room_id)
        readable_after = await self._room_readable_after(room_id)
        conversation_id = room_conversation_id(room_id)
        page, has_more = await self._page(conversation_id, request, readable_after)
        messages = [room_message(entry) for entry in page if isinstance(entry, MessagePosted)]
        return chat_pb2.GetRoomHistoryResponse(
            messages=messages, has_more=has_more, entries=_others(page)
        )

    async def CreateRoom(  # noqa: N802, D102
        self, request: chat_pb2.CreateRoomRequest, context: Any
    ) -> chat_pb2.CreateRoomResponse:
        appended, invited = await self._actions.create_room(
            _own(request.creator_id, "creator_id"),
            request.room_name,
            [parse_user_id(user_id, "members_ids") for user_id in request.members_ids],
            _client_id(request.client_id),
        )
        return chat_pb2.CreateRoomResponse(
            message="Room created successfully",
            room_id=appended.entry.conversation_id,
            seq=appended.entry.seq,
            duplicate=appended.duplicate,
            invited_ids=invited,
        )

    async def AddUserToRoom(  # noqa: N802, D102
        self, request: chat_pb2.AddUserToRoomRequest, context: Any
    ) -> chat_pb2.AddUserToRoomResponse:
        room_id, actor_id = parse_room_id(request.room_id), current_caller().user_id
        client_id = _client_id(request.client_id)
        users = [parse_user_id(user_id, "user_ids") for user_id in request.user_ids]
        if request.user_id or not users:
            users.insert(0, parse_user_id(request.user_id))
        if request.user_ids:
            done = await self._actions.add_members(room_id, actor_id, users, client_id)
        else:
            done = [await self._actions.add_member(room_id, actor_id, users[0], client_id)]
        return _added(done)

    async def LeaveRoom(  # noqa: N802, D102
        self, request: chat_pb2.LeaveRoomRequest, context: Any
    ) -> chat_pb2.LeaveRoomResponse:
        appended = await self._actions.leave_room(
            parse_room_id(request.room_id),
            _own(request.user_id, "user_id"),
            _client_id(request.client_id),
        )
        return chat_pb2.LeaveRoomResponse(
            message="User removed from room successfully", seq=appended.entry.seq
        )

    async def GetRoom(  # noqa: N802, D102
        self, request: chat_pb2.GetRoomRequest, context: Any
    ) -> chat_pb2.GetRoomResponse:
        room_id = parse_room_id(request.room_id)
        conversation_id = room_conversation_id(room_id)
        viewer = current_caller().user_id
        lists = self._store.lists
        limit, after = checked_limit(request.limit, MAX_PAGE), _after("members", request.cursor)
        role = await lists.role(viewer, conversation_id) if viewer else None
        room = await lists.room(conversation_id) if role or not viewer else None
        if room is None:
            raise no_such_room(room_id)
        members = await lists.members(conversation_id, limit + 1, after)
        shown = members[:limit]
        connected = await self._leases.connected(
            conversation_id, [each.membership.user_id for each in shown]
        )
        return chat_pb2.GetRoomResponse(
            room_id=room_id,
            room_name=room.room_name,
            creator_id=room.creator_id,
            created_at=format_time(room.created_at),
            members=[
                chat_pb2.RoomMember(
                    user_id=(user_id := each.membership.user_id),
                    joined_at=format_time(each.membership.added_at),
                    connected=user_id in connected
                    and not (viewer and self._actions.blocks.between(viewer, user_id)),
                    role=each.role or "",
                )
                for each in shown
            ],
            seq=room.seq,
            message_index=room.message_index,
            settings=chat_pb2.RoomSettings(**msgspec.structs.asdict(room.settings)),
            next_cursor=_next("members", shown, members),
            member_count=room.member_count,
            role=role or "",
        )

    async def ListConversations(  # noqa: N802, D102
        self, request: chat_pb2.ListConversationsRequest, context: Any
    ) -> chat_pb2.ListConversationsResponse:
        user_id = _own(request.user_id, "user_id")
        limit = checked_limit(request.limit)
        page, cursor = await list_conversations(
            self._store,
            Unstored(self._activity.waiting(user_id), self._actions.marks.all_pending()),
            user_id,
            limit,
            request.cursor,
        )
        return chat_pb2.ListConversationsResponse(
            conversations=[conversation_proto(each) for each in page], next_cursor=cursor
        )

    async def MarkRead(  # noqa: N802, D102
        self, request: chat_pb2.MarkReadRequest, context: Any
    ) -> chat_pb2.MarkReadResponse:
        read_index, _, unread = await self._actions.mark(
            _own(request.user_id, "user_id"),
            parse_conversation_id(request.conversation_id),
            read=_index(request.message_index),
        )
        return chat_pb2.MarkReadResponse(
            message="Conversation marked as read", read_index=read_index, unread=unread
        )

    async def SetTyping(  # noqa: N802, D102
        self, request: chat_pb2.SetTypingRequest, context: Any
    ) -> chat_pb2.SetTypingResponse:
        user_id = _own(request.user_id, "user_id")
        await self._actions.set_typing(user_id, parse_conversation_id(request.conversation_id))
        return chat_pb2.SetTypingResponse(message="Others were notified")

    async def GetPresence(  # noqa: N802, D102
        self, request: chat_pb2.GetPresenceRequest, context: Any
    ) -> chat_pb2.GetPresenceResponse:
        viewer = _own(request.user_id, "user_id") if request.user_id else current_caller().user_id
        users = [parse_user_id(user_id, "user_ids") for user_id in request.user_ids]
        presence = await self._actions.presence_of(viewer, users)
        return chat_pb2.GetPresenceResponse(
            users=[
                chat_pb2.Presence(user_id=user_id, online=online)
                for user_id, online in presence.items()
            ]
        )

    async def BlockUser(  # noqa: N802, D102
        self, request: chat_pb2.BlockUserRequest, context: Any
    ) -> chat_pb2.BlockUserResponse:
        await self._actions.block(
            _own(request.user_id, "user_id"),
            parse_user_id(request.blocked_id, "blocked_id"),
            blocked=not request.remove,
        )
        word = "unblocked" if request.remove else "blocked"
        return chat_pb2.BlockUserResponse(message=f"User {word} successfully")

    async def GetContactSettings(  # noqa: N802, D102
        self, request: chat_pb2.GetContactSettingsRequest, context: Any
    ) -> chat_pb2.ContactSettings:
        user_id = _own(request.user_id, "user_id")
        return contact_settings(await self._actions.contacts.settings(user_id))

    async def SetContactSettings(  # noqa: N802, D102
        self, request: chat_pb2.SetContactSettingsRequest, context: Any
    ) -> chat_pb2.ContactSettings:
        user_id = _own(request.user_id, "user_id")
        wanted = request.settings
        changes = {
            name: value
            for name, value in (
                ("add_to_rooms", wanted.add_to_rooms),
                ("message_first", wanted.message_first),
            )
            if value
        }
        return contact_settings(await self._actions.contacts.change_settings(user_id, changes))

    async def ListRequests(  # noqa: N802, D102
        self, request: chat_pb2.ListRequestsRequest, context: Any
    ) -> chat_pb2.ListRequestsResponse:
        page, cursor, total = await self._actions.contacts.requests(
            _own(request.user_id, "user_id"), checked_limit(request.limit), request.cursor
        )
        return chat_pb2.ListRequestsResponse(
            requests=[request_proto(each) for each in page], next_cursor=cursor, total=total
        )

    async def AcceptRequest(  # noqa: N802, D102
        self, request: chat_pb2.AnswerRequestRequest, context: Any
    ) -> chat_pb2.AnswerRequestResponse:
        await self._actions.contacts.accept(
            _own(request.user_id, "user_id"), parse_conversation_id(request.conversation_id)
        )
        return chat_pb2.AnswerRequestResponse(message="Request accepted")

    async def DeclineRequest(  # noqa: N802, D102
        self, request: chat_pb2.AnswerRequestRequest, context: Any
    ) -> chat_pb2.AnswerRequestResponse:
        await self._actions.contacts.decline(
            _own(request.user_id, "user_id"), parse_conversation_id(request.conversation_id)
        )
        return chat_pb2.AnswerRequestResponse(message="Request declined")

    async def ListBlocks(  # noqa: N802, D102
        self, request: chat_pb2.ListBlocksRequest, context: Any
    ) -> chat_pb2.ListBlocksResponse:
        user_id = _own(request.user_id, "user_id")
        return chat_pb2.ListBlocksResponse(user_ids=await self._actions.blocks.stored(user_id))

    async def MarkDelivered(  # noqa: N802, D102
        self, request: chat_pb2.MarkReadRequest, context: Any
    ) -> chat_pb2.MarkReadResponse:
        read, _, unread = await self._actions.mark(
            _own(request.user_id, "user_id"),
            parse_conversation_id(request.conversation_id),
            delivered=_index(request.message_index),
        )
        return chat_pb2.MarkReadResponse(
            message="Conversation marked as delivered", read_index=read, unread=unread
        )

    async def ListMarks(  # noqa: N802, D102
        self, request: chat_pb2.ListMarksRequest, context: Any
    ) -> chat_pb2.ListMarksResponse:
        conversation_id = parse_conversation_id(request.conversation_id)
        await self._readable_after(conversation_id)
        viewer = current_caller().user_id
        limit, after = checked_limit(request.limit, MAX_PAGE), _after("marks", request.cursor)
        pending = self._actions.marks.all_pending()
        members = await self._store.lists.members(conversation_id, limit + 1, after)
        shown = members[:limit]
        newest = await self._store.lists.newest_entries(conversation_id)
        marks = []
        for each in (member.membership for member in shown):
            if not self._actions.sees_marks_of(viewer, each):
                continue
            raised = pending.get((each.user_id, conversation_id), Raised())
            position = position_of(each, raised, own_index(each.user_id, newest))
            marks.append(
                chat_pb2.Mark(
                    user_id=each.user_id,
                    read_index=position.read_index,
                    delivered_index=position.delivered_index,
                    joined_index=each.joined_index or 0,
                )
            )
        return chat_pb2.ListMarksResponse(marks=marks, next_cursor=_next("marks", shown, members))

    def _admit(self, send: chat_pb2.SendRequest) -> UserId | ChatterRoomError:
        """Return who sends, once counted; or the refusal, before anything is looked up for it."""
        try:
            sender_id = parse_user_id(send.sender_id, "sender_id")
            self._actions.admit_message(sender_id, send.message)
        except Exception as error:  # noqa: BLE001 -- logged; the rest of the batch goes on
            return _known(error)
        return sender_id

    async def _submit(
        self,
        send: chat_pb2.SendRequest,
        sender_id: UserId | ChatterRoomError,
        firsts: Mapping[Pair, FirstMessage],
    ) -> asyncio.Future[Appended] | ChatterRoomError:
        if isinstance(sender_id, ChatterRoomError):
            return sender_id
        try:
            client_id, reply_to = _client_id(send.client_id), _reply_to(send.reply_to)
            if send.receiver_id:
                receiver_id = parse_user_id(send.receiver_id, "receiver_id")
                return await self._actions.send_private_message(
                    sender_id,
                    receiver_id,
                    send.message,
                    client_id,
                    reply_to,
                    firsts=firsts,
                    admitted=True,
                )
            return await self._actions.send_room_message(
                parse_room_id(send.room_id),
                sender_id,
                send.message,
                client_id,
                reply_to,
                admitted=True,
            )
        except Exception as error:  # noqa: BLE001 -- logged; the rest of the batch goes on
            return _known(error)

    async def _readable_after(self, conversation_id: ConversationId) -> int:
        """Return the seq after which the caller may read, or raise where it may not at all."""
        viewer = current_caller().user_id
        if viewer is None:
            return 0
        membership = await self._actions.require_membership(viewer, conversation_id)
        return await self._floor(membership)

    async def _floor(self, membership: Membership) -> int:
        floors = await self._store.reading_floors([membership])
        return floors.get(membership.conversation_id, 0)

    async def _room_readable_after(self, room_id: RoomId) -> int:
        conversation_id = room_conversation_id(room_id)
        viewer = current_caller().user_id
        if viewer is None:
            if await self._store.lists.room(conversation_id) is None:
                raise no_such_room(room_id)
            return 0
        membership = await self._store.membership(viewer, conversation_id)
        if membership is None:
            raise no_such_room(room_id)
        return await self._floor(membership)

    async def _page(
        self,
        conversation_id: ConversationId,
        request: chat_pb2.GetRoomHistoryRequest | chat_pb2.GetPrivateChatHistoryRequest,
        readable_after: int = 0,
    ) -> tuple[Sequence[Entry], bool]:
        after = request.after if request.HasField("after") else None
        before = request.before or None
        if (before or 0) < 0 or (after or 0) < 0:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                "before and after must be seqs, 0 or larger.",
                field="before",
            )
        if after is not None:
            after = max(after, readable_after)
        limit = checked_limit(request.limit)
        if request.entries in ("", "messages"):
            return await self._store.histories.page(
                conversation_id, limit, before, after, floor=readable_after
            )
        entries, more = await self._store.histories.entries_page(
            conversation_id, limit, before, after, kind=request.entries, floor=readable_after
        )
        return await self._store.erasures.hide(entries), more


def _others(page: Sequence[Entry]) -> list[str]:
    """Return what is no message as sockets are sent it."""
    return [encode_entry(each).decode() for each in page if not isinstance(each, MessagePosted)]


def _own(user_id: str, field: str) -> UserId:
    """Accept the caller's own id; a service may name anybody."""
    parsed = parse_user_id(user_id, field)
    require_identity(parsed, field)
    return parsed


def _client_id(text: str) -> ClientId | None:
    return parse_client_id(text) if text else None


def _added(done: Sequence[Appended | Invited]) -> chat_pb2.AddUserToRoomResponse:
    added = [each for each in done if isinstance(each, Appended)]
    invited = [each for each in done if isinstance(each, Invited)]
    who = "User" if len(done) == 1 else "Users"
    return chat_pb2.AddUserToRoomResponse(
        message=f"{who} {'added' if added else 'invited'} to room successfully",
        seq=max([each.entry.seq for each in added] or [each.seq for each in invited]),
        added=sum(not each.duplicate for each in added),
        invited_ids=[each.user_id for each in invited],
    )


def _after(listed: str, cursor: str) -> UserId | None:
    """Return the member after whom a page begins."""
    return UserId(decode_cursor(listed, cursor)[0]) if cursor else None


def _next(listed: str, shown: Sequence[ListedMember], found: Sequence[ListedMember]) -> str:
    """Return the cursor of the page after `shown`; "" where it was all that was found."""
    return encode_cursor(listed, shown[-1].membership.user_id) if len(shown) < len(found) else ""


def _reply_to(text: str) -> MessageId | None:
    return parse_message_id(text, "reply_to") if text else None


def _index(message_index: int) -> int:
    if message_index < 0:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "message_index must not be negative.", field="message_index"
        )
    return message_index


def _role(text: str) -> Role:
    try:
        role: Role = msgspec.convert(text, Role)
    except msgspec.ValidationError:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "role must be member, admin or owner.", field="role"
        ) from None
    return role


def _require_service() -> None:
    if current_caller().user_id is not None:
        raise ChatterRoomError(ErrorCode.NOT_ALLOWED, "Only services may call this.")


def _private_pairs(
    sends: Iterable[chat_pb2.SendRequest], senders: Iterable[UserId | ChatterRoomError]
) -> set[Pair]:
    """Return who writes to whom, as far as it can be read: what cannot is refused later."""
    pairs = set()
    for send, sender_id in zip(sends, senders, strict=True):
        if send.receiver_id and not isinstance(sender_id, ChatterRoomError):
            with contextlib.suppress(ChatterRoomError):
                pairs.add((sender_id, parse_user_id(send.receiver_id)))
    return pairs


def _known(error: Exception) -> ChatterRoomError:
    """Return what a send is answered with: one that fails must not take others with it."""
    if isinstance(error, ChatterRoomError):
        return error
    log.error("send_failed", exc_info=error)
    return internal_error()


def _sent(appended: Appended) -> dict[str, Any]:
    entry = appended.entry
    return {
        "message": "Message sent successfully",
        "id": message_id(entry.conversation_id, entry.seq),
        "conversation_id": entry.conversation_id,
        "seq": entry.seq,
        "message_index": entry.message_index,
        "created_at": format_time(entry.created_at),
        "duplicate": appended.duplicate,
    }


def _changed(appended: Appended, message: str) -> chat_pb2.ChangeResponse:
    entry = appended.entry
    return chat_pb2.ChangeResponse(
        message=message,
        id=message_id(entry.conversation_id, entry.seq),
        conversation_id=entry.conversation_id,
        seq=entry.seq,
        created_at=format_time(entry.created_at),
        duplicate=appended.duplicate,
    )


async def _result(submitted: asyncio.Future[Appended] | ChatterRoomError) -> chat_pb2.SendResult:
    try:
        if isinstance(submitted, ChatterRoomError):
            raise submitted
        sent = chat_pb2.SendRoomMessageResponse(**_sent(await submitted))
        return chat_pb2.SendResult(sent=sent)
    except Exception as failure:  # noqa: BLE001 -- logged; the rest of the batch goes on
        error = _known(failure)
        return chat_pb2.SendResult(
            error=chat_pb2.SendError(
                code=error.code.value,
                message=error.message,
                retry_after_s=error.retry_after_s or 0,
                data=msgspec.json.encode(error.data).decode(),
            )
        )
