"""One's conversations over HTTP: the list, marks, typing, and who is online."""

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import parse_conversation_id, parse_user_id
from chatterroom.gateway import chat_answers
from chatterroom.gateway import conversation_bodies as bodies
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, ListQuery, Nothing
from chatterroom.gateway.reading import listed
from chatterroom.pb import chat_pb2

__all__ = ["CONVERSATION_ENDPOINTS"]


async def conversations(
    call: Call[None, bodies.ConversationsQuery], platform: Platform
) -> bodies.Conversations:
    """List your conversations, newest activity first."""
    answer = await platform.services.chat.call(
        lambda stub: stub.ListConversations,
        chat_pb2.ListConversationsRequest(
            user_id=call.user_id, limit=call.query.limit or 0, cursor=call.query.cursor
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.Conversations(
        [chat_answers.conversation(shown) for shown in answer.conversations], answer.next_cursor
    )


async def mark_read(call: Call[bodies.MarkRead, Nothing], platform: Platform) -> bodies.Marked:
    """Mark a conversation as read up to a message."""
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
    return bodies.Marked(answer.message, answer.read_index, answer.unread)


async def mark_delivered(
    call: Call[bodies.MarkDelivered, Nothing], platform: Platform
) -> bodies.Marked:
    """Mark a conversation as delivered up to a message."""
    conversation_id = parse_conversation_id(call.path["conversation_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.MarkDelivered,
        chat_pb2.MarkReadRequest(
            user_id=call.user_id,
            conversation_id=conversation_id,
            message_index=call.body.message_index,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return bodies.Marked(answer.message, answer.read_index, answer.unread)


async def marks(call: Call[None, ListQuery], platform: Platform) -> bodies.Marks:
    """Get how far each member has read and received a conversation."""
    conversation_id = parse_conversation_id(call.path["conversation_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.ListMarks,
        chat_pb2.ListMarksRequest(
            conversation_id=conversation_id, limit=call.query.limit or 0, cursor=call.query.cursor
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return bodies.Marks(
        [
            bodies.Mark(mark.user_id, mark.read_index, mark.delivered_index, mark.joined_index)
            for mark in answer.marks
        ],
        answer.next_cursor,
    )


async def typing(call: Call[None, Nothing], platform: Platform) -> Done:
    """Notify the others in a conversation that you are typing. Not stored."""
    conversation_id = parse_conversation_id(call.path["conversation_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.SetTyping,
        chat_pb2.SetTypingRequest(conversation_id=conversation_id, user_id=call.user_id),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return Done(answer.message)


async def presence(call: Call[None, bodies.OnlineQuery], platform: Platform) -> bodies.Presences:
    """Get which of the given users are online. You must share a conversation with them."""
    answer = await platform.services.chat.call(
        lambda stub: stub.GetPresence,
        chat_pb2.GetPresenceRequest(
            user_id=call.user_id,
            user_ids=[parse_user_id(text, "ids") for text in listed(call.query.ids)],
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.Presences([bodies.Presence(user.user_id, user.online) for user in answer.users])


_CONVERSATION = "/chat-service/conversations/{conversation_id}"
_ERRORS = (ErrorCode.MALFORMED_ID, ErrorCode.CONVERSATION_NOT_FOUND)

CONVERSATION_ENDPOINTS = (
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
        path=f"{_CONVERSATION}/read",
        handler=mark_read,
        body=bodies.MarkRead,
        answer=bodies.Marked,
        service="chat",
        errors=_ERRORS,
    ),
    Endpoint(
        method="PUT",
        path=f"{_CONVERSATION}/delivered",
        handler=mark_delivered,
        body=bodies.MarkDelivered,
        answer=bodies.Marked,
        service="chat",
        errors=_ERRORS,
    ),
    Endpoint(
        method="GET",
        path=f"{_CONVERSATION}/marks",
        handler=marks,
        query=ListQuery,
        answer=bodies.Marks,
        service="chat",
        errors=_ERRORS,
    ),
    Endpoint(
        method="POST",
        path=f"{_CONVERSATION}/typing",
        handler=typing,
        answer=Done,
        service="chat",
        errors=_ERRORS,
    ),
    Endpoint(
        method="GET",
        path="/chat-service/presence",
        handler=presence,
        query=bodies.OnlineQuery,
        answer=bodies.Presences,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID,),
    ),
)
