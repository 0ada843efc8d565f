"""Rooms over HTTP: who is in them, what they are called, what is allowed there."""

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import parse_room_id, parse_user_id
from chatterroom.gateway import chat_answers
from chatterroom.gateway import room_bodies as bodies
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import ListQuery, Nothing
from chatterroom.gateway.identity import require_oneself
from chatterroom.gateway.message_bodies import Changed
from chatterroom.pb import chat_pb2

__all__ = ["ROOM_ENDPOINTS"]


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
        answer.message,
        answer.room_id,
        answer.seq,
        client_id,
        answer.duplicate,
        list(answer.invited_ids),
    )


async def room_members(call: Call[None, ListQuery], platform: Platform) -> bodies.Room:
    """Get a room's name and settings, and a page of its members."""
    room_id = parse_room_id(call.path["room_id"])
    answer = await platform.services.chat.call(
        lambda stub: stub.GetRoom,
        chat_pb2.GetRoomRequest(
            room_id=room_id, limit=call.query.limit or 0, cursor=call.query.cursor
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return chat_answers.room(answer)


async def update_room(call: Call[bodies.UpdateRoom, Nothing], platform: Platform) -> Changed:
    """Rename a room or change its settings, as an admin."""
    room_id = parse_room_id(call.path["room_id"])
    body = call.body
    client_id = call.client_id(body.client_id)
    answer = await platform.services.chat.call(
        lambda stub: stub.UpdateRoom,
        chat_pb2.UpdateRoomRequest(
            room_id=room_id,
            user_id=call.user_id,
            room_name=body.room_name or "",
            settings=_settings(body.settings) if body.settings else None,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return chat_answers.changed(answer, client_id)


async def add_member(
    call: Call[bodies.AddMember, Nothing], platform: Platform
) -> bodies.MemberAdded:
    """Add a user to a room, or up to a hundred at once."""
    room_id = parse_room_id(call.path["room_id"])
    body = call.body
    if body.user_id is None and not body.user_ids:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, "Name the users to add.", field="user_id")
    answer = await platform.services.chat.call(
        lambda stub: stub.AddUserToRoom,
        chat_pb2.AddUserToRoomRequest(
            room_id=room_id,
            user_id=parse_user_id(body.user_id) if body.user_id is not None else "",
            user_ids=[parse_user_id(user_id, "user_ids") for user_id in body.user_ids or ()],
            client_id=call.client_id(body.client_id),
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    invited_ids = list(answer.invited_ids)
    return bodies.MemberAdded(
        answer.message, answer.seq, bool(invited_ids), answer.added, invited_ids
    )


async def leave_room(
    call: Call[bodies.LeaveRoom, Nothing], platform: Platform
) -> bodies.MembershipChanged:
    """Leave a room."""
    room_id = parse_room_id(call.path["room_id"])
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


async def remove_member(call: Call[None, Nothing], platform: Platform) -> Changed:
    """Remove a member from a room, as an admin."""
    room_id = parse_room_id(call.path["room_id"])
    client_id = call.client_id(None)
    answer = await platform.services.chat.call(
        lambda stub: stub.RemoveUserFromRoom,
        chat_pb2.RemoveUserFromRoomRequest(
            room_id=room_id,
            user_id=parse_user_id(call.path["user_id"]),
            actor_id=call.user_id,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return chat_answers.changed(answer, client_id)


async def change_role(call: Call[bodies.ChangeRole, Nothing], platform: Platform) -> Changed:
    """Change a member's role, or transfer ownership, as the owner."""
    room_id = parse_room_id(call.path["room_id"])
    client_id = call.client_id(call.body.client_id)
    answer = await platform.services.chat.call(
        lambda stub: stub.ChangeRole,
        chat_pb2.ChangeRoleRequest(
            room_id=room_id,
            user_id=parse_user_id(call.path["user_id"]),
            actor_id=call.user_id,
            role=call.body.role,
            client_id=client_id,
        ),
        caller=call.caller,
        safe_to_repeat=True,
        key=room_id,
    )
    return chat_answers.changed(answer, client_id)


def _settings(change: bodies.ChangeSettings) -> chat_pb2.RoomSettings:
    return chat_pb2.RoomSettings(
        adding=change.adding or "", posting=change.posting or "", history=change.history or ""
    )


_IN_ROOM = (ErrorCode.MALFORMED_ID, ErrorCode.ROOM_NOT_FOUND)

ROOM_ENDPOINTS = (
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
        method="PATCH",
        path="/chat-service/rooms/{room_id}",
        handler=update_room,
        body=bodies.UpdateRoom,
        answer=Changed,
        service="chat",
        repeatable=True,
        errors=(*_IN_ROOM, ErrorCode.NOT_ALLOWED, ErrorCode.UNCHANGED),
    ),
    Endpoint(
        method="PUT",
        path="/chat-service/rooms/{room_id}/add",
        handler=add_member,
        body=bodies.AddMember,
        answer=bodies.MemberAdded,
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
        query=ListQuery,
        answer=bodies.Room,
        service="chat",
        errors=_IN_ROOM,
    ),
    Endpoint(
        method="DELETE",
        path="/chat-service/rooms/{room_id}/members/{user_id}",
        handler=remove_member,
        answer=Changed,
        service="chat",
        repeatable=True,
        errors=(*_IN_ROOM, ErrorCode.NOT_A_MEMBER, ErrorCode.NOT_ALLOWED),
    ),
    Endpoint(
        method="PUT",
        path="/chat-service/rooms/{room_id}/members/{user_id}/role",
        handler=change_role,
        body=bodies.ChangeRole,
        answer=Changed,
        service="chat",
        repeatable=True,
        errors=(
            *_IN_ROOM,
            ErrorCode.NOT_A_MEMBER,
            ErrorCode.NOT_ALLOWED,
            ErrorCode.UNCHANGED,
        ),
    ),
)
