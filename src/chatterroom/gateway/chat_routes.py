"""Private chats and rooms over HTTP.

Calls about one conversation prefer one instance of the chat service: it has that log at hand.
"""

from collections.abc import Mapping

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import (
    RoomId,
    parse_conversation_id,
    parse_room_id,
    parse_user_id,
    private_conversation_id,
)
from chatterroom.gateway import bodies
from chatterroom.gateway.bodies import Nothing
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.identity import require_oneself
from chatterroom.pb import chat_pb2

__all__ = ["CHAT_ENDPOINTS"]


async def send_private(call: Call[bodies.SendPrivate, Nothing], platform: Platform) -> bodies.Sent:
    """Send a private message."""
    body = call.body
    sender_id = require_oneself(body.sender_id, call.caller, "sender_id")
    receiver_id = parse_user_id(body.receiver_id, "receiver_id")
    client_id = call.client_id(body.client_id)
    answer = await platform.services.chat.call(
        lambda stub: stub.SendPrivateMessage,
        chat_pb2.SendPrivateMessageRequest(
            sender_id=sender_id,
            receiver_id=receiver_id,
            message=body.message,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=private_conversation_id(sender_id, receiver_id),
    )
    return _sent(answer, client_id)


async def private_history(
    call: Call[bodies.PrivateHistoryRequest, bodies.PageQuery], platform: Platform
) -> bodies.PrivateHistory:
    """Get a page of the private chat with a user."""
    body, query = call.body, call.query
    receiver_id = parse_user_id(call.path["receiver_id"], "receiver_id")
    sender_id = require_oneself(body.sender_id, call.caller, "sender_id")
    answer = await platform.services.chat.call(
        lambda stub: stub.GetPrivateChatHistory,
        chat_pb2.GetPrivateChatHistoryRequest(
            sender_id=sender_id,
            receiver_id=receiver_id,
            limit=query.limit or body.limit or 0,
            before=query.before or body.before or 0,
            after=body.after if query.after is None else query.after,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=private_conversation_id(sender_id, receiver_id),
    )
    return bodies.PrivateHistory(
        [_private_message(message) for message in answer.messages], answer.has_more
    )


async def create_room(
    call: Call[bodies.CreateRoom, Nothing], platform: Platform
) -> bodies.RoomCreated:
    """Create a room."""
    body = call.body
    creator_id = require_oneself(body.creator_id, call.caller, "creator_id")
    members_ids = [parse_user_id(member, "members_ids") for member in body.members_ids]
    client_id = call.client_id(body.client_id)
    answer = await platform.services.chat.call(
        lambda stub: stub.CreateRoom,
        chat_pb2.CreateRoomRequest(
            room_name=body.room_name,
            creator_id=creator_id,
            members_ids=members_ids,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.RoomCreated(
        answer.message, answer.room_id, answer.seq, client_id, answer.duplicate
    )


async def add_member(
    call: Call[bodies.AddMember, Nothing], platform: Platform
) -> bodies.MembershipChanged:
    """Add a user to a room."""
    room_id = _room_id(call.path)
    answer = await platform.services.chat.call(
        lambda stub: stub.AddUserToRoom,
        chat_pb2.AddUserToRoomRequest(
            room_id=room_id,
            user_id=parse_user_id(call.body.user_id),
            client_id=call.client_id(call.body.client_id),
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return bodies.MembershipChanged(answer.message, answer.seq)


async def room_history(
    call: Call[None, bodies.PageQuery], platform: Platform
) -> bodies.RoomHistory:
    """Get a page of a room's messages."""
    room_id = _room_id(call.path)
    answer = await platform.services.chat.call(
        lambda stub: stub.GetRoomHistory,
        chat_pb2.GetRoomHistoryRequest(
            room_id=room_id,
            limit=call.query.limit or 0,
            before=call.query.before or 0,
            after=call.query.after,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return bodies.RoomHistory(
        [_room_message(message) for message in answer.messages], answer.has_more
    )


async def leave_room(
    call: Call[bodies.LeaveRoom, Nothing], platform: Platform
) -> bodies.MembershipChanged:
    """Leave a room."""
    room_id = _room_id(call.path)
    answer = await platform.services.chat.call(
        lambda stub: stub.LeaveRoom,
        chat_pb2.LeaveRoomRequest(
            room_id=room_id,
            user_id=require_oneself(call.body.user_id, call.caller, "user_id"),
            client_id=call.client_id(call.body.client_id),
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return bodies.MembershipChanged(answer.message, answer.seq)


async def send_to_room(call: Call[bodies.SendToRoom, Nothing], platform: Platform) -> bodies.Sent:
    """Send a message to a room."""
    room_id = _room_id(call.path)
    client_id = call.client_id(call.body.client_id)
    answer = await platform.services.chat.call(
        lambda stub: stub.SendRoomMessage,
        chat_pb2.SendRoomMessageRequest(
            room_id=room_id,
            sender_id=require_oneself(call.body.sender_id, call.caller, "sender_id"),
            message=call.body.message,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return _sent(answer, client_id)


async def room_members(call: Call[None, Nothing], platform: Platform) -> bodies.Room:
    """Get a room's name and members."""
    room_id = _room_id(call.path)
    room = await platform.services.chat.call(
        lambda stub: stub.GetRoom,
        chat_pb2.GetRoomRequest(room_id=room_id),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return bodies.Room(
        room_id=room.room_id,
        room_name=room.room_name,
        creator_id=room.creator_id,
        created_at=room.created_at,
        members=[
            bodies.Member(member.user_id, member.joined_at, member.connected)
            for member in room.members
        ],
        seq=room.seq,
        message_index=room.message_index,
    )


async def conversations(
    call: Call[None, bodies.ConversationsQuery], platform: Platform
) -> bodies.Conversations:
    """List one's conversations, newest activity first."""
    answer = await platform.services.chat.call(
        lambda stub: stub.ListConversations,
        chat_pb2.ListConversationsRequest(
            user_id=call.user_id, limit=call.query.limit or 0, cursor=call.query.cursor
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.Conversations(
        [_conversation(conversation) for conversation in answer.conversations],
        answer.next_cursor,
    )


async def mark_read(call: Call[bodies.MarkRead, Nothing], platform: Platform) -> bodies.Read:
    """Say how far one has read a conversation."""
    conversation_id = parse_conversation_id(call.path["conversation_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.MarkRead,
        chat_pb2.MarkReadRequest(
            user_id=call.user_id,
            conversation_id=conversation_id,
            message_index=call.body.message_index,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return bodies.Read(answer.message, answer.read_index, answer.unread)


def _room_id(path: Mapping[str, str]) -> RoomId:
    return parse_room_id(path["room_id"])


def _sent(
    answer: chat_pb2.SendPrivateMessageResponse | chat_pb2.SendRoomMessageResponse, client_id: str
) -> bodies.Sent:
    return bodies.Sent(
        message=answer.message,
        id=answer.id,
        conversation_id=answer.conversation_id,
        seq=answer.seq,
        message_index=answer.message_index,
        created_at=answer.created_at,
        client_id=client_id,
        duplicate=answer.duplicate,
    )


def _private_message(message: chat_pb2.ChatMessageProto) -> bodies.PrivateMessage:
    return bodies.PrivateMessage(
        sender_id=message.sender_id,
        receiver_id=message.receiver_id,
        message=message.message,
        created_at=message.created_at,
        updated_at=message.updated_at,
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        message_index=message.message_index,
        client_id=message.client_id,
    )


def _room_message(message: chat_pb2.RoomMessageProto) -> bodies.RoomMessage:
    return bodies.RoomMessage(
        id=message.id,
        room_id=message.room_id,
        sender_id=message.sender_id,
        message=message.message,
        created_at=message.created_at,
        updated_at=message.updated_at,
        conversation_id=message.conversation_id,
        seq=message.seq,
        message_index=message.message_index,
        client_id=message.client_id,
    )


def _conversation(conversation: chat_pb2.ConversationProto) -> bodies.Conversation:
    last = conversation.last_message if conversation.HasField("last_message") else None
    return bodies.Conversation(
        conversation_id=conversation.conversation_id,
        kind="private" if conversation.kind == "private" else "room",
        room_id=conversation.room_id,
        room_name=conversation.room_name,
        peer_id=conversation.peer_id,
        seq=conversation.seq,
        message_index=conversation.message_index,
        read_index=conversation.read_index,
        unread=conversation.unread,
        last_activity_at=conversation.last_activity_at,
        last_message=_last_message(last) if last else None,
    )


def _last_message(message: chat_pb2.RoomMessageProto) -> bodies.LastMessage:
    return bodies.LastMessage(
        id=message.id,
        sender_id=message.sender_id,
        message=message.message,
        created_at=message.created_at,
        updated_at=message.updated_at,
        seq=message.seq,
        message_index=message.message_index,
    )


_IN_ROOM = (ErrorCode.MALFORMED_ID, ErrorCode.ROOM_NOT_FOUND)
_TEXT = (ErrorCode.EMPTY_MESSAGE, ErrorCode.MESSAGE_TOO_LONG)

# Sends first: the router tries the rows in this order.
CHAT_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/chat-service/private/send",
        handler=send_private,
        body=bodies.SendPrivate,
        answer=bodies.Sent,
        service="chat",
        repeatable=True,
        errors=(
            *_TEXT,
            ErrorCode.MALFORMED_ID,
            ErrorCode.MESSAGE_TO_ONESELF,
            ErrorCode.IDENTITY_MISMATCH,
            ErrorCode.USER_NOT_FOUND,
        ),
    ),
    Endpoint(
        method="POST",
        path="/chat-service/rooms/{room_id}/send",
        handler=send_to_room,
        body=bodies.SendToRoom,
        answer=bodies.Sent,
        service="chat",
        repeatable=True,
        errors=(*_TEXT, *_IN_ROOM, ErrorCode.IDENTITY_MISMATCH),
    ),
    Endpoint(
        method="POST",
        path="/chat-service/private/{receiver_id}",
        handler=private_history,
        body=bodies.PrivateHistoryRequest,
        query=bodies.PageQuery,
        answer=bodies.PrivateHistory,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.IDENTITY_MISMATCH),
    ),
    Endpoint(
        method="POST",
        path="/chat-service/rooms/create",
        handler=create_room,
        body=bodies.CreateRoom,
        answer=bodies.RoomCreated,
        service="chat",
        repeatable=True,
        errors=(
            ErrorCode.MALFORMED_ID,
            ErrorCode.TOO_MANY_MEMBERS,
            ErrorCode.IDENTITY_MISMATCH,
            ErrorCode.USER_NOT_FOUND,
        ),
    ),
    Endpoint(
        method="PUT",
        path="/chat-service/rooms/{room_id}/add",
        handler=add_member,
        body=bodies.AddMember,
        answer=bodies.MembershipChanged,
        service="chat",
        repeatable=True,
        errors=(
            *_IN_ROOM,
            ErrorCode.TOO_MANY_MEMBERS,
            ErrorCode.NOT_ALLOWED,
            ErrorCode.USER_NOT_FOUND,
            ErrorCode.ALREADY_A_MEMBER,
        ),
    ),
    Endpoint(
        method="PUT",
        path="/chat-service/rooms/{room_id}/leave",
        handler=leave_room,
        body=bodies.LeaveRoom,
        answer=bodies.MembershipChanged,
        service="chat",
        repeatable=True,
        errors=(*_IN_ROOM, ErrorCode.IDENTITY_MISMATCH),
    ),
    Endpoint(
        method="GET",
        path="/chat-service/rooms/{room_id}/members",
        handler=room_members,
        answer=bodies.Room,
        service="chat",
        errors=_IN_ROOM,
    ),
    Endpoint(
        method="GET",
        path="/chat-service/rooms/{room_id}",
        handler=room_history,
        query=bodies.PageQuery,
        answer=bodies.RoomHistory,
        service="chat",
        errors=_IN_ROOM,
    ),
    Endpoint(
        method="GET",
        path="/chat-service/conversations",
        handler=conversations,
        query=bodies.ConversationsQuery,
        answer=bodies.Conversations,
        service="chat",
    ),
    Endpoint(
        method="PUT",
        path="/chat-service/conversations/{conversation_id}/read",
        handler=mark_read,
        body=bodies.MarkRead,
        answer=bodies.Read,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.CONVERSATION_NOT_FOUND),
    ),
)
