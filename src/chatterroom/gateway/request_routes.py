"""Who may reach one, and the requests of others, over HTTP."""

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import parse_conversation_id
from chatterroom.gateway import request_bodies as bodies
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, Nothing
from chatterroom.pb import chat_pb2

__all__ = ["REQUEST_ENDPOINTS"]


async def contact_settings(call: Call[None, Nothing], platform: Platform) -> bodies.ContactSettings:
    """Get who may add you to rooms and message you first."""
    answer = await platform.services.chat.call(
        lambda stub: stub.GetContactSettings,
        chat_pb2.GetContactSettingsRequest(user_id=call.user_id),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.ContactSettings(answer.add_to_rooms, answer.message_first)


async def change_contact_settings(
    call: Call[bodies.ChangeContactSettings, Nothing], platform: Platform
) -> bodies.ContactSettings:
    """Choose who may add you to rooms and message you first."""
    wanted = chat_pb2.ContactSettings(
        add_to_rooms=call.body.add_to_rooms or "", message_first=call.body.message_first or ""
    )
    answer = await platform.services.chat.call(
        lambda stub: stub.SetContactSettings,
        chat_pb2.SetContactSettingsRequest(user_id=call.user_id, settings=wanted),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.ContactSettings(answer.add_to_rooms, answer.message_first)


async def requests(
    call: Call[None, bodies.WaitingRequestsQuery], platform: Platform
) -> bodies.WaitingRequests:
    """List message requests and invitations that wait for your answer, newest first."""
    answer = await platform.services.chat.call(
        lambda stub: stub.ListRequests,
        chat_pb2.ListRequestsRequest(
            user_id=call.user_id, limit=call.query.limit or 0, cursor=call.query.cursor
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.WaitingRequests(
        [
            bodies.WaitingRequest(
                "room" if each.kind == "room" else "message",
                each.conversation_id,
                each.user_id,
                each.room_name,
                each.preview,
                each.created_at,
            )
            for each in answer.requests
        ],
        answer.next_cursor,
        answer.total,
    )


async def accept_request(call: Call[None, Nothing], platform: Platform) -> Done:
    """Accept a message request, or join a room you were invited to."""
    answer = await platform.services.chat.call(
        lambda stub: stub.AcceptRequest,
        chat_pb2.AnswerRequestRequest(
            user_id=call.user_id,
            conversation_id=(id_ := parse_conversation_id(call.path["conversation_id"])),
        ),
        caller=call.caller,
        safe_to_repeat=False,
        key=id_,
    )
    return Done(answer.message)


async def decline_request(call: Call[None, Nothing], platform: Platform) -> Done:
    """Decline a request. The sender is not notified."""
    answer = await platform.services.chat.call(
        lambda stub: stub.DeclineRequest,
        chat_pb2.AnswerRequestRequest(
            user_id=call.user_id,
            conversation_id=(id_ := parse_conversation_id(call.path["conversation_id"])),
        ),
        caller=call.caller,
        safe_to_repeat=False,
        key=id_,
    )
    return Done(answer.message)


_SETTINGS = "/chat-service/contact-settings"
_REQUEST = "/chat-service/requests/{conversation_id}"
_ERRORS = (ErrorCode.MALFORMED_ID, ErrorCode.REQUEST_NOT_FOUND)

REQUEST_ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_SETTINGS,
        handler=contact_settings,
        answer=bodies.ContactSettings,
        service="chat",
    ),
    Endpoint(
        method="PUT",
        path=_SETTINGS,
        handler=change_contact_settings,
        body=bodies.ChangeContactSettings,
        answer=bodies.ContactSettings,
        service="chat",
    ),
    Endpoint(
        method="GET",
        path="/chat-service/requests",
        handler=requests,
        query=bodies.WaitingRequestsQuery,
        answer=bodies.WaitingRequests,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID,),
    ),
    Endpoint(
        method="PUT",
        path=f"{_REQUEST}/accept",
        handler=accept_request,
        answer=Done,
        service="chat",
        errors=(*_ERRORS, ErrorCode.INVITATION_VOID, ErrorCode.TOO_MANY_MEMBERS),
    ),
    Endpoint(
        method="PUT",
        path=f"{_REQUEST}/decline",
        handler=decline_request,
        answer=Done,
        service="chat",
        errors=_ERRORS,
    ),
)
