"""The chat service's RPCs: read the request, act, write the answer."""

from typing import Any

from chatterroom.chat.actions import Actions
from chatterroom.chat.conversation import MessagePosted
from chatterroom.chat.conversation_list import list_conversations
from chatterroom.chat.live_rooms_redis import LiveRooms
from chatterroom.chat.store_mongo import Overview
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ClientId,
    ConversationId,
    RoomId,
    UserId,
    is_private,
    message_id,
    parse_client_id,
    parse_conversation_id,
    parse_room_id,
    parse_user_id,
    private_conversation_id,
    room_conversation_id,
)
from chatterroom.core.times import format_time
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.identity import current_caller, require_identity

__all__ = ["SERVICE_NAME", "ChatServicer"]

SERVICE_NAME = "chatterroom.chat.v1.ChatService"

DEFAULT_PAGE = 50
MAX_PAGE = 200


class ChatServicer(chat_pb2_grpc.ChatServiceServicer):
    """Serves `chatterroom.chat.v1.ChatService`."""

    def __init__(self, actions: Actions, live_rooms: LiveRooms) -> None:
        self._actions = actions
        self._store = actions.store
        self._live_rooms = live_rooms

    async def SendPrivateMessage(  # noqa: N802, D102 -- named and described by the proto file
        self, request: chat_pb2.SendPrivateMessageRequest, context: Any
    ) -> chat_pb2.SendPrivateMessageResponse:
        sender_id = _own(request.sender_id, "sender_id")
        receiver_id = parse_user_id(request.receiver_id, "receiver_id")
        appended = await (
            await self._actions.send_private_message(
                sender_id, receiver_id, request.message, _client_id(request.client_id)
            )
        )
        entry = appended.entry
        return chat_pb2.SendPrivateMessageResponse(
            message="Message sent successfully",
            id=message_id(entry.conversation_id, entry.seq),
            conversation_id=entry.conversation_id,
            seq=entry.seq,
            message_index=entry.message_index,
            created_at=format_time(entry.created_at),
            duplicate=appended.duplicate,
        )

    async def SendRoomMessage(  # noqa: N802, D102
        self, request: chat_pb2.SendRoomMessageRequest, context: Any
    ) -> chat_pb2.SendRoomMessageResponse:
        sender_id = _own(request.sender_id, "sender_id")
        appended = await self._actions.send_room_message(
            parse_room_id(request.room_id),
            sender_id,
            request.message,
            _client_id(request.client_id),
        )
        entry = appended.entry
        return chat_pb2.SendRoomMessageResponse(
            message="Message sent successfully",
            id=message_id(entry.conversation_id, entry.seq),
            conversation_id=entry.conversation_id,
            seq=entry.seq,
            message_index=entry.message_index,
            created_at=format_time(entry.created_at),
            duplicate=appended.duplicate,
        )

    async def GetPrivateChatHistory(  # noqa: N802, D102
        self, request: chat_pb2.GetPrivateChatHistoryRequest, context: Any
    ) -> chat_pb2.GetPrivateChatHistoryResponse:
        sender_id = _own(request.sender_id, "sender_id")
        receiver_id = parse_user_id(request.receiver_id, "receiver_id")
        conversation_id = private_conversation_id(sender_id, receiver_id)
        page, has_more = await self._page(conversation_id, request)
        if not page:
            await self._actions.people.require_known([receiver_id])
        messages = [_private_message(entry) for entry in page]
        return chat_pb2.GetPrivateChatHistoryResponse(messages=messages, has_more=has_more)

    async def GetRoomHistory(  # noqa: N802, D102
        self, request: chat_pb2.GetRoomHistoryRequest, context: Any
    ) -> chat_pb2.GetRoomHistoryResponse:
        room_id = parse_room_id(request.room_id)
        await self._require_reader(room_id)
        page, has_more = await self._page(room_conversation_id(room_id), request)
        messages = [_room_message(entry) for entry in page]
        return chat_pb2.GetRoomHistoryResponse(messages=messages, has_more=has_more)

    async def CreateRoom(  # noqa: N802, D102
        self, request: chat_pb2.CreateRoomRequest, context: Any
    ) -> chat_pb2.CreateRoomResponse:
        appended = await self._actions.create_room(
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
        )

    async def AddUserToRoom(  # noqa: N802, D102
        self, request: chat_pb2.AddUserToRoomRequest, context: Any
    ) -> chat_pb2.AddUserToRoomResponse:
        appended = await self._actions.add_member(
            parse_room_id(request.room_id),
            current_caller().user_id,
            parse_user_id(request.user_id),
            _client_id(request.client_id),
        )
        return chat_pb2.AddUserToRoomResponse(
            message="User added to room successfully", seq=appended.entry.seq
        )

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
        room = await self._store.room(conversation_id)
        viewer = current_caller().user_id
        if room is None or room.created_at is None or (viewer and viewer not in room.members):
            raise _no_room(room_id)
        connected = await self._live_rooms.connected(conversation_id)
        return chat_pb2.GetRoomResponse(
            room_id=room_id,
            room_name=room.room_name,
            creator_id=room.creator_id or "",
            created_at=format_time(room.created_at),
            members=[
                chat_pb2.RoomMember(
                    user_id=user_id,
                    joined_at=format_time(joined_at),
                    connected=user_id in connected,
                )
                for user_id, joined_at in room.members.items()
            ],
            seq=room.seq,
            message_index=room.message_index,
        )

    async def ListConversations(  # noqa: N802, D102
        self, request: chat_pb2.ListConversationsRequest, context: Any
    ) -> chat_pb2.ListConversationsResponse:
        user_id = _own(request.user_id, "user_id")
        limit = _limit(request.limit)
        page, cursor = await list_conversations(self._store, user_id, limit, request.cursor)
        pending = self._actions.read_marks.pending
        return chat_pb2.ListConversationsResponse(
            conversations=[
                _conversation(each, pending(user_id, each.membership.conversation_id))
                for each in page
            ],
            next_cursor=cursor,
        )

    async def MarkRead(  # noqa: N802, D102
        self, request: chat_pb2.MarkReadRequest, context: Any
    ) -> chat_pb2.MarkReadResponse:
        if request.message_index < 0:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "message_index is negative", field="message_index"
            )
        read_index, unread = await self._actions.mark_read(
            _own(request.user_id, "user_id"),
            parse_conversation_id(request.conversation_id),
            request.message_index,
        )
        return chat_pb2.MarkReadResponse(
            message="Conversation marked as read", read_index=read_index, unread=unread
        )

    async def _require_reader(self, room_id: RoomId) -> None:
        viewer = current_caller().user_id
        conversation_id = room_conversation_id(room_id)
        if viewer is None:
            if await self._store.room(conversation_id) is None:
                raise _no_room(room_id)
        elif await self._store.membership(viewer, conversation_id) is None:
            raise _no_room(room_id)

    async def _page(
        self,
        conversation_id: ConversationId,
        request: chat_pb2.GetRoomHistoryRequest | chat_pb2.GetPrivateChatHistoryRequest,
    ) -> tuple[list[MessagePosted], bool]:
        after = request.after if request.HasField("after") else None
        before = request.before or None
        if (before or 0) < 0 or (after or 0) < 0:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "before and after are seqs from 0 on", field="before"
            )
        return await self._store.page(conversation_id, _limit(request.limit), before, after)


def _own(user_id: str, field: str) -> UserId:
    """Accept the caller's own id; a service may name anybody."""
    parsed = parse_user_id(user_id, field)
    require_identity(parsed, field)
    return parsed


def _client_id(text: str) -> ClientId | None:
    return parse_client_id(text) if text else None


def _limit(limit: int) -> int:
    if not 0 <= limit <= MAX_PAGE:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, f"limit must be 1 to {MAX_PAGE}", field="limit"
        )
    return limit or DEFAULT_PAGE


def _no_room(room_id: RoomId) -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.ROOM_NOT_FOUND, "there is no such room, or you are not in it", room_id=room_id
    )


def _private_message(entry: MessagePosted) -> chat_pb2.ChatMessageProto:
    return chat_pb2.ChatMessageProto(
        sender_id=entry.sender_id,
        receiver_id=entry.receiver_id or "",
        message=entry.message,
        created_at=format_time(entry.created_at),
        updated_at=format_time(entry.updated_at),
        id=message_id(entry.conversation_id, entry.seq),
        conversation_id=entry.conversation_id,
        seq=entry.seq,
        message_index=entry.message_index,
        client_id=entry.client_id,
    )


def _room_message(entry: MessagePosted) -> chat_pb2.RoomMessageProto:
    return chat_pb2.RoomMessageProto(
        id=message_id(entry.conversation_id, entry.seq),
        room_id="" if is_private(entry.conversation_id) else entry.conversation_id,
        sender_id=entry.sender_id,
        message=entry.message,
        created_at=format_time(entry.created_at),
        updated_at=format_time(entry.updated_at),
        conversation_id=entry.conversation_id,
        seq=entry.seq,
        message_index=entry.message_index,
        client_id=entry.client_id,
    )


def _conversation(overview: Overview, pending_mark: int) -> chat_pb2.ConversationProto:
    membership = overview.membership
    private = is_private(membership.conversation_id)
    own_last = (
        overview.last_message is not None and overview.last_message.sender_id == membership.user_id
    )
    # Whoever wrote the last message has read what came before it.
    read_index = max(membership.read_index, pending_mark, overview.message_index if own_last else 0)
    return chat_pb2.ConversationProto(
        conversation_id=membership.conversation_id,
        kind="private" if private else "room",
        room_id="" if private else membership.conversation_id,
        room_name=overview.room_name,
        peer_id=membership.peer_id or "",
        seq=overview.seq,
        message_index=overview.message_index,
        read_index=read_index,
        unread=max(0, overview.message_index - read_index),
        last_activity_at=format_time(overview.last_activity_at),
        last_message=_room_message(overview.last_message) if overview.last_message else None,
    )
