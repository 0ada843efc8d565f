"""Messages over HTTP: sends, histories, and what happens to a message afterwards.

Calls about one conversation prefer one instance of the chat service: it has that log at hand.
"""

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ConversationId,
    MessageId,
    parse_conversation_id,
    parse_message_id,
    parse_room_id,
    parse_user_id,
    place_of,
    private_conversation_id,
    room_conversation_id,
)
from chatterroom.gateway import chat_answers
from chatterroom.gateway import message_bodies as bodies
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import HistoryQuery, Nothing, PinsQuery
from chatterroom.gateway.identity import require_oneself
from chatterroom.pb import chat_pb2

__all__ = ["MESSAGE_ENDPOINTS"]

_EMOJI_CHARACTERS = 32


async def send_private(call: Call[bodies.SendPrivate, Nothing], platform: Platform) -> bodies.Sent:
    """Send a private message."""
    body = call.body
    sender_id = require_oneself(body.sender_id, call.caller, "sender_id")
    receiver_id = parse_user_id(body.receiver_id, "receiver_id")
    client_id = call.client_id(body.client_id)
    answer = await platform.sends.send(
        private_conversation_id(sender_id, receiver_id),
        chat_pb2.SendRequest(
            sender_id=sender_id,
            receiver_id=receiver_id,
            message=body.message,
            client_id=client_id,
            reply_to=_reply_to(body.reply_to),
        ),
    )
    return chat_answers.sent(answer, client_id)


async def send_to_room(call: Call[bodies.SendToRoom, Nothing], platform: Platform) -> bodies.Sent:
    """Send a message to a room."""
    body = call.body
    room_id = parse_room_id(call.path["room_id"])
    client_id = call.client_id(body.client_id)
    answer = await platform.sends.send(
        room_conversation_id(room_id),
        chat_pb2.SendRequest(
            sender_id=require_oneself(body.sender_id, call.caller, "sender_id"),
            room_id=room_id,
            message=body.message,
            client_id=client_id,
            reply_to=_reply_to(body.reply_to),
        ),
    )
    return chat_answers.sent(answer, client_id)


async def private_history(
    call: Call[bodies.PrivateHistoryRequest, HistoryQuery], platform: Platform
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
            entries=query.entries or body.entries or "",
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=private_conversation_id(sender_id, receiver_id),
    )
    return bodies.PrivateHistory(
        [chat_answers.private_message(message) for message in answer.messages],
        answer.has_more,
        [chat_answers.log_entry(entry) for entry in answer.entries],
    )


async def room_history(call: Call[None, HistoryQuery], platform: Platform) -> bodies.RoomHistory:
    """Get a page of a room's messages."""
    room_id = parse_room_id(call.path["room_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.GetRoomHistory,
        chat_pb2.GetRoomHistoryRequest(
            room_id=room_id,
            limit=call.query.limit or 0,
            before=call.query.before or 0,
            after=call.query.after,
            entries=call.query.entries or "",
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return bodies.RoomHistory(
        [chat_answers.room_message(message) for message in answer.messages],
        answer.has_more,
        [chat_answers.log_entry(entry) for entry in answer.entries],
    )


async def edit_message(
    call: Call[bodies.EditMessage, Nothing], platform: Platform
) -> bodies.Changed:
    """Replace the text of your own message."""
    message_id, conversation_id = _message(call)
    client_id = call.client_id(call.body.client_id)
    answer = await platform.services.chat.call(
        lambda stub: stub.EditMessage,
        chat_pb2.EditMessageRequest(
            message_id=message_id,
            user_id=call.user_id,
            message=call.body.message,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return chat_answers.changed(answer, client_id)


async def delete_message(call: Call[None, Nothing], platform: Platform) -> bodies.Changed:
    """Delete a message for everyone: your own or, as an admin of the room, anyone's."""
    message_id, conversation_id = _message(call)
    client_id = call.client_id(None)
    answer = await platform.services.chat.call(
        lambda stub: stub.DeleteMessage,
        chat_pb2.DeleteMessageRequest(
            message_id=message_id, user_id=call.user_id, client_id=client_id
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return chat_answers.changed(answer, client_id)


async def add_reaction(call: Call[None, Nothing], platform: Platform) -> bodies.Changed:
    """React to a message with one emoji, or a `:short_name:`."""
    return await _react(call, platform, remove=False)


async def remove_reaction(call: Call[None, Nothing], platform: Platform) -> bodies.Changed:
    """Remove your own reaction."""
    return await _react(call, platform, remove=True)


async def pin_message(call: Call[None, Nothing], platform: Platform) -> bodies.Changed:
    """Pin a message to its conversation."""
    return await _pin(call, platform, remove=False)


async def unpin_message(call: Call[None, Nothing], platform: Platform) -> bodies.Changed:
    """Unpin a message."""
    return await _pin(call, platform, remove=True)


async def pins(call: Call[None, PinsQuery], platform: Platform) -> bodies.Pins:
    """List the newest pinned messages of a conversation, oldest first."""
    conversation_id = parse_conversation_id(call.path["conversation_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.ListPins,
        chat_pb2.ListPinsRequest(
            conversation_id=conversation_id,
            limit=call.query.limit or 0,
            before=call.query.before or 0,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return bodies.Pins(
        [chat_answers.message(message) for message in answer.messages], answer.has_more
    )


async def _react(call: Call[None, Nothing], platform: Platform, *, remove: bool) -> bodies.Changed:
    message_id, conversation_id = _message(call)
    client_id = call.client_id(None)
    answer = await platform.services.chat.call(
        lambda stub: stub.ReactToMessage,
        chat_pb2.ReactToMessageRequest(
            message_id=message_id,
            user_id=call.user_id,
            emoji=_emoji(call.path["emoji"]),
            remove=remove,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return chat_answers.changed(answer, client_id)


async def _pin(call: Call[None, Nothing], platform: Platform, *, remove: bool) -> bodies.Changed:
    message_id, conversation_id = _message(call)
    client_id = call.client_id(None)
    answer = await platform.services.chat.call(
        lambda stub: stub.PinMessage,
        chat_pb2.PinMessageRequest(
            message_id=message_id, user_id=call.user_id, remove=remove, client_id=client_id
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=conversation_id,
    )
    return chat_answers.changed(answer, client_id)


def _message(
    call: Call[bodies.EditMessage, Nothing] | Call[None, Nothing],
) -> tuple[MessageId, ConversationId]:
    message_id = parse_message_id(call.path["message_id"])
    return message_id, place_of(message_id)[0]


def _reply_to(given: str | None) -> str:
    return "" if given is None else parse_message_id(given, "reply_to")


def _emoji(text: str) -> str:
    # What is no UTF-8 has become a replacement character on its way here.
    if len(text) <= _EMOJI_CHARACTERS and "\N{REPLACEMENT CHARACTER}" not in text:
        return text
    raise ChatterRoomError(
        ErrorCode.INVALID_REQUEST,
        f"emoji must be 1 to {_EMOJI_CHARACTERS} characters in UTF-8, percent-encoded.",
        field="emoji",
    )


_MESSAGE = "/chat-service/messages/{message_id}"
_IN_ROOM = (ErrorCode.MALFORMED_ID, ErrorCode.ROOM_NOT_FOUND)
_OF_MESSAGE = (
    ErrorCode.MALFORMED_ID,
    ErrorCode.CONVERSATION_NOT_FOUND,
    ErrorCode.ROOM_NOT_FOUND,
    ErrorCode.MESSAGE_NOT_FOUND,
)
_TEXT = (ErrorCode.EMPTY_MESSAGE, ErrorCode.MESSAGE_TOO_LONG)
_REACTION_ERRORS = (*_OF_MESSAGE, ErrorCode.INVALID_REQUEST, ErrorCode.UNCHANGED)
_PIN_ERRORS = (*_OF_MESSAGE, ErrorCode.NOT_ALLOWED, ErrorCode.UNCHANGED)

# Sends first: the router tries the rows in this order.
MESSAGE_ENDPOINTS = (
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
            ErrorCode.MESSAGE_NOT_FOUND,
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
        errors=(
            *_TEXT,
            *_IN_ROOM,
            ErrorCode.IDENTITY_MISMATCH,
            ErrorCode.NOT_ALLOWED,
            ErrorCode.MESSAGE_NOT_FOUND,
        ),
    ),
    Endpoint(
        method="POST",
        path="/chat-service/private/{receiver_id}",
        handler=private_history,
        body=bodies.PrivateHistoryRequest,
        query=HistoryQuery,
        answer=bodies.PrivateHistory,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.IDENTITY_MISMATCH),
    ),
    Endpoint(
        method="GET",
        path="/chat-service/rooms/{room_id}",
        handler=room_history,
        query=HistoryQuery,
        answer=bodies.RoomHistory,
        service="chat",
        errors=_IN_ROOM,
    ),
    Endpoint(
        method="PUT",
        path=_MESSAGE,
        handler=edit_message,
        body=bodies.EditMessage,
        answer=bodies.Changed,
        service="chat",
        repeatable=True,
        errors=(*_TEXT, *_OF_MESSAGE, ErrorCode.NOT_ALLOWED, ErrorCode.UNCHANGED),
    ),
    Endpoint(
        method="DELETE",
        path=_MESSAGE,
        handler=delete_message,
        answer=bodies.Changed,
        service="chat",
        repeatable=True,
        errors=(*_OF_MESSAGE, ErrorCode.NOT_ALLOWED),
    ),
    Endpoint(
        method="PUT",
        path=f"{_MESSAGE}/reactions/{{emoji}}",
        handler=add_reaction,
        answer=bodies.Changed,
        service="chat",
        repeatable=True,
        errors=_REACTION_ERRORS,
    ),
    Endpoint(
        method="DELETE",
        path=f"{_MESSAGE}/reactions/{{emoji}}",
        handler=remove_reaction,
        answer=bodies.Changed,
        service="chat",
        repeatable=True,
        errors=_REACTION_ERRORS,
    ),
    Endpoint(
        method="PUT",
        path=f"{_MESSAGE}/pin",
        handler=pin_message,
        answer=bodies.Changed,
        service="chat",
        repeatable=True,
        errors=_PIN_ERRORS,
    ),
    Endpoint(
        method="DELETE",
        path=f"{_MESSAGE}/pin",
        handler=unpin_message,
        answer=bodies.Changed,
        service="chat",
        repeatable=True,
        errors=_PIN_ERRORS,
    ),
    Endpoint(
        method="GET",
        path="/chat-service/conversations/{conversation_id}/pins",
        handler=pins,
        query=PinsQuery,
        answer=bodies.Pins,
        service="chat",
        errors=(
            ErrorCode.MALFORMED_ID,
            ErrorCode.CONVERSATION_NOT_FOUND,
            ErrorCode.ROOM_NOT_FOUND,
        ),
    ),
)
