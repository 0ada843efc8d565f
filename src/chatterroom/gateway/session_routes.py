"""One's own sessions over HTTP: which there are, and how to end them."""

from typing import Annotated

from msgspec import Meta, Struct

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import parse_session_id
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, Moment, Nothing, example
from chatterroom.gateway.user_bodies import SessionIdText
from chatterroom.pb import users_pb2

__all__ = ["SESSION_ENDPOINTS"]


class SessionEntry(Struct):
    """One login of the user on one device."""

    session_id: SessionIdText
    device: Annotated[str, example("Mozilla/5.0", "The `User-Agent` of the login.")]
    address: Annotated[str, example("203.0.113.7", "The address that logged in.")]
    created_at: Moment
    last_seen_at: Annotated[
        str, example("2026-11-23T16:45:00.123Z", "Accurate to about a minute.", format="date-time")
    ]
    current: Annotated[bool, example(True, "Whether this is the session of the request.")]


class Sessions(Struct):
    """A page of the user's sessions, newest first."""

    sessions: list[SessionEntry]
    has_more: Annotated[bool, example(False, "Whether there are older sessions.")]


class SessionsQuery(Struct):
    """Which page."""

    limit: (
        Annotated[
            int, Meta(ge=1, le=200, description="The largest number to return; 100 by default.")
        ]
        | None
    ) = None
    before: (
        Annotated[SessionIdText, Meta(description="Return only sessions older than this one.")]
        | None
    ) = None


class SessionsEnded(Struct):
    """All other sessions have been ended."""

    message: Annotated[str, example("Other sessions ended successfully")]
    ended: Annotated[int, example(2, "The number of sessions that were ended.")]


async def sessions(call: Call[None, SessionsQuery], platform: Platform) -> Sessions:
    """List your sessions."""
    answer = await platform.services.users.call(
        lambda stub: stub.ListSessions,
        users_pb2.ListSessionsRequest(
            user_id=call.user_id, limit=call.query.limit or 0, before=call.query.before or ""
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return Sessions(
        [
            SessionEntry(
                each.session_id,
                each.device,
                each.address,
                each.created_at,
                each.last_seen_at,
                each.current,
            )
            for each in answer.sessions
        ],
        answer.has_more,
    )


async def end_session(call: Call[None, Nothing], platform: Platform) -> Done:
    """End one of your sessions: its tokens stop working and its sockets are closed."""
    session_id = parse_session_id(call.path["session_id"])
    await platform.services.users.call(
        lambda stub: stub.LogoutUser,
        users_pb2.LogoutUserRequest(session_id=session_id),
        caller=call.caller,
        safe_to_repeat=False,
    )
    return Done("Session ended successfully")


async def end_other_sessions(call: Call[None, Nothing], platform: Platform) -> SessionsEnded:
    """End all your sessions except the current one."""
    answer = await platform.services.users.call(
        lambda stub: stub.EndOtherSessions,
        users_pb2.EndOtherSessionsRequest(user_id=call.user_id),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return SessionsEnded(answer.message, answer.ended)


SESSION_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/user-service/sessions",
        handler=sessions,
        query=SessionsQuery,
        answer=Sessions,
        service="users",
        errors=(ErrorCode.MALFORMED_ID,),
    ),
    Endpoint(
        method="DELETE",
        path="/user-service/sessions",
        handler=end_other_sessions,
        answer=SessionsEnded,
        service="users",
    ),
    Endpoint(
        method="DELETE",
        path="/user-service/sessions/{session_id}",
        handler=end_session,
        answer=Done,
        service="users",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.NOT_FOUND),
    ),
)
