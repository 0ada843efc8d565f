"""Changes asked for on a socket, carried out: ids are checked, then the action is taken."""

from typing import assert_never

from chatterroom.chat.actions import Actions
from chatterroom.chat.commands import (
    AddMember,
    Change,
    ChangeRole,
    Delete,
    Edit,
    LeaveRoom,
    Pin,
    React,
    RemoveMember,
    UpdateRoom,
)
from chatterroom.chat.log import Appended
from chatterroom.chat.requests import Invited
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ClientId,
    UserId,
    parse_client_id,
    parse_message_id,
    parse_room_id,
    parse_user_id,
)

__all__ = ["carry_out"]


async def carry_out(actions: Actions, user_id: UserId, change: Change) -> Appended | Invited:
    """Append what `user_id` asks for, or invite, or raise the rule that it breaks."""
    client_id = parse_client_id(change.client_id) if change.client_id is not None else None
    if isinstance(change, Edit | Delete | React | Pin):
        return await _change_message(actions, user_id, change, client_id)
    return await _change_room(actions, user_id, change, client_id)


async def _change_message(
    actions: Actions, user_id: UserId, change: Edit | Delete | React | Pin, client: ClientId | None
) -> Appended:
    target = parse_message_id(change.message_id)
    match change:
        case Edit(message=message):
            return await actions.edit_message(user_id, target, message, client)
        case Delete():
            return await actions.delete_message(user_id, target, client)
        case React(emoji=emoji, remove=remove):
            return await actions.react_to_message(user_id, target, emoji, client, remove=remove)
        case Pin(remove=remove):
            return await actions.pin_message(user_id, target, client, remove=remove)
        case _:
            assert_never(change)


async def _change_room(
    actions: Actions,
    user_id: UserId,
    change: UpdateRoom | AddMember | RemoveMember | LeaveRoom | ChangeRole,
    client: ClientId | None,
) -> Appended | Invited:
    room_id = parse_room_id(change.room_id)
    match change:
        case UpdateRoom(room_name=name, settings=settings):
            return await actions.update_room(user_id, room_id, name, settings, client)
        case AddMember(user_id=str(added), user_ids=[]):
            return await actions.add_member(room_id, user_id, parse_user_id(added), client)
        case AddMember(user_id=first, user_ids=others):
            named = [*([] if first is None else [first]), *others]
            users = [parse_user_id(each, "user_ids") for each in named]
            if not users:
                raise ChatterRoomError(
                    ErrorCode.INVALID_REQUEST, "Name the users to add.", field="user_id"
                )
            return (await actions.add_members(room_id, user_id, users, client))[-1]
        case RemoveMember(user_id=removed):
            return await actions.remove_member(room_id, user_id, parse_user_id(removed), client)
        case LeaveRoom():
            return await actions.leave_room(room_id, user_id, client)
        case ChangeRole(user_id=member, role=role):
            return await actions.change_role(room_id, user_id, parse_user_id(member), role, client)
        case _:
            assert_never(change)
