"""The state machine of a conversation. Pure: no I/O, and the caller passes the time.

A conversation is a log of entries numbered seq = 1, 2, 3, … without holes. `decide` answers a
command with the entry that comes next or with the rule it breaks; `apply` folds an entry into the
state that the next decision is made on:

    state, command ──decide──► entry          state, entry ──apply──► state

`message_index` counts the messages among the entries, so unread is a subtraction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

import msgspec

from chatterroom.chat.entries import (
    Entry,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    ReactionAdded,
    ReactionRemoved,
    Role,
    RoleChanged,
    RoomCreated,
    RoomSettings,
    RoomUpdated,
)
from chatterroom.chat.mentions import mentioned_names
from chatterroom.chat.reactions import spelling_of, stored_reaction
from chatterroom.chat.requests import MAX_UNACCEPTED_MESSAGES, not_accepted
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ClientId, ConversationId, RoomId, UserId, is_private

__all__ = [
    "MAX_EDITS",
    "MAX_MEMBERS",
    "MAX_MEMBERS_AT_ONCE",
    "MAX_REACTIONS",
    "MAX_REACTIONS_IN_ALL",
    "AddMember",
    "ChangeRole",
    "Command",
    "Conversation",
    "CreateRoom",
    "DeleteMessage",
    "EditMessage",
    "LeaveRoom",
    "Member",
    "MessageCommand",
    "PinMessage",
    "PostMessage",
    "ReactToMessage",
    "RemoveMember",
    "UpdateRoom",
    "answers",
    "apply",
    "decide",
    "no_such_room",
    "require_addable",
    "require_few_at_once",
]

MAX_MEMBERS = 10_000
MAX_MEMBERS_AT_ONCE = 100
"""Others whom a room begins with, or whom one request adds to it."""
MAX_EDITS = 500
"""Of one message: each stays an entry of its own, and a deletion has to erase it."""
MAX_REACTIONS = 50
"""Different ones on one message."""
MAX_REACTIONS_IN_ALL = 1_000
"""On one message, of all users: it is read and answered as a whole."""


@dataclass(frozen=True, slots=True)
class PostMessage:
    """Write to a conversation; `receiver_id` is the other user of a private chat, who has to accept
    it first where its opening message is a `request`.

    `mentions` are the users named in the text. Only the members among them are kept.
    `mention_names` are the folded names, in the same order.
    """

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    message: str
    receiver_id: UserId | None = None
    reply_to_seq: int | None = None
    mentions: tuple[UserId, ...] = ()
    mention_names: tuple[str, ...] = ()
    request: bool = False


@dataclass(frozen=True, slots=True)
class EditMessage:
    """Replace the text of one's own message."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    message_seq: int
    message: str
    mentions: tuple[UserId, ...] = ()
    mention_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteMessage:
    """Delete one's own message, or as an admin anybody's."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    message_seq: int


@dataclass(frozen=True, slots=True)
class ReactToMessage:
    """Add or take back one's own reaction."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    message_seq: int
    emoji: str
    remove: bool = False


@dataclass(frozen=True, slots=True)
class PinMessage:
    """Pin a message, or take the pin out."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    message_seq: int
    remove: bool = False


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Open a room; the creator becomes its owner, whether listed as a member or not."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    room_name: str
    members_ids: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class UpdateRoom:
    """Rename a room or change its settings; None leaves them as they are."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    room_name: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddMember:
    """Make `user_id` a member: by those the room allows, or by a service for itself."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    user_id: UserId
    by_service: bool = False
    accepted: bool = False
    """Whether the user has accepted an invitation of the sender."""


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """End the sender's own membership."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """End the membership of somebody of a lower role."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Give `user_id` a role; as the owner only. The role "owner" hands the ownership over."""

    conversation_id: ConversationId
    sender_id: UserId
    client_id: ClientId
    user_id: UserId
    role: Role


MessageCommand = EditMessage | DeleteMessage | ReactToMessage | PinMessage
Command = (
    PostMessage
    | MessageCommand
    | CreateRoom
    | UpdateRoom
    | AddMember
    | LeaveRoom
    | RemoveMember
    | ChangeRole
)

_ANSWERS: Mapping[type, tuple[type, ...]] = {
    PostMessage: (MessagePosted,),
    EditMessage: (MessageEdited,),
    DeleteMessage: (MessageDeleted,),
    ReactToMessage: (ReactionAdded, ReactionRemoved),
    PinMessage: (MessagePinned, MessageUnpinned),
    CreateRoom: (RoomCreated,),
    UpdateRoom: (RoomUpdated,),
    AddMember: (MemberAdded,),
    LeaveRoom: (MemberLeft,),
    RemoveMember: (MemberRemoved,),
    ChangeRole: (RoleChanged,),
}
_ONLY_ADMINS = "Only admins may do this."
_RANK: Mapping[Role, int] = {"member": 0, "admin": 1, "owner": 2}


@dataclass(frozen=True, slots=True)
class Member:
    """Since when somebody is in a room, and what they may do there."""

    joined_at: datetime
    role: Role = "member"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the entries up to `seq` add up to. seq 0: nothing was ever written.

    `members` stays empty in private chats, whose commands say who takes part; `requested_by` is
    the one whom the other has not accepted yet.
    """

    id: ConversationId
    seq: int = 0
    message_index: int = 0
    room_name: str = ""
    creator_id: UserId | None = None
    created_at: datetime | None = None
    settings: RoomSettings = field(default_factory=RoomSettings)
    members: Mapping[UserId, Member] = field(default_factory=dict)
    requested_by: UserId | None = None


def decide(
    state: Conversation, command: Command, now: datetime, target: MessagePosted | None = None
) -> Entry:
    """Return the entry that `command` appends to `state`, or raise the rule it breaks.

    `target` is the message that a `MessageCommand` is about, None where there is none. A room one
    is not in is answered like a room that does not exist. A refusal is only as true as the state
    is fresh; an entry proves itself by being stored at its seq.
    """
    if not is_private(state.id) and not isinstance(command, CreateRoom):
        _require_admitted(state, command)
    match command:
        case PostMessage():
            return _post(state, command, now)
        case EditMessage() | DeleteMessage() | ReactToMessage() | PinMessage():
            return _change_message(state, command, now, _require_target(target))
        case CreateRoom() | UpdateRoom():
            return _change_room(state, command, now)
        case AddMember() | LeaveRoom() | RemoveMember() | ChangeRole():
            return _change_members(state, command, now)
        case _:
            assert_never(command)


def require_few_at_once(others: int) -> None:
    """Raise TOO_MANY_MEMBERS for more than a room can begin with, or one request can add."""
    if others > MAX_MEMBERS_AT_ONCE:
        raise ChatterRoomError(
            ErrorCode.TOO_MANY_MEMBERS,
            f"A room starts with at most {MAX_MEMBERS_AT_ONCE} others. "
            f"Add more afterwards, up to {MAX_MEMBERS_AT_ONCE} at a time.",
            max_members=MAX_MEMBERS_AT_ONCE,
        )


def require_addable(
    adder: Role | None, settings: RoomSettings, members: int, *, is_member: bool
) -> None:
    """Raise unless somebody with this role, or a service, may add one to so many members."""
    if is_member:
        raise ChatterRoomError(
            ErrorCode.ALREADY_A_MEMBER, "The user is already a member of this room."
        )
    if settings.adding == "admins" and adder is not None and _RANK[adder] < _RANK["admin"]:
        raise _not_allowed(_ONLY_ADMINS)
    if members >= MAX_MEMBERS:
        raise ChatterRoomError(
            ErrorCode.TOO_MANY_MEMBERS,
            f"A room can have at most {MAX_MEMBERS:,} members.",
            max_members=MAX_MEMBERS,
        )


def no_such_room(room_id: RoomId) -> ChatterRoomError:
    """Return the error for a room that does not exist, or that one is not in."""
    return ChatterRoomError(
        ErrorCode.ROOM_NOT_FOUND, "There is no such room, or you are not in it.", room_id=room_id
    )


def answers(entry: Entry, command: Command) -> bool:
    """Say whether an entry can be what a command of the same request has appended."""
    return isinstance(entry, _ANSWERS[type(command)])


def apply(state: Conversation, entry: Entry) -> Conversation:
    """Return the state after `entry`, which must be the next one."""
    if entry.seq != state.seq + 1 or entry.conversation_id != state.id:
        raise ValueError(f"entry {entry.seq} does not follow {state.seq} of {state.id}")
    after = replace(state, seq=entry.seq, message_index=entry.message_index)
    if isinstance(entry, MessagePosted) and (entry.request or entry.accepts):
        after = replace(after, requested_by=entry.sender_id if entry.request else None)
    match entry:
        case RoomCreated():
            members = {user: Member(entry.created_at) for user in entry.members_ids}
            members[entry.sender_id] = Member(entry.created_at, "owner")
            return replace(
                after,
                room_name=entry.room_name,
                creator_id=entry.sender_id,
                created_at=entry.created_at,
                members=members,
            )
        case RoomUpdated():
            return replace(
                after,
                room_name=state.room_name if entry.room_name is None else entry.room_name,
                settings=entry.settings or state.settings,
            )
        case MemberAdded():
            member = Member(entry.created_at)
            return replace(after, members={**state.members, entry.user_id: member})
        case MemberLeft() | MemberRemoved():
            members = {user: who for user, who in state.members.items() if user != entry.user_id}
            if isinstance(entry, MemberLeft) and entry.new_owner_id is not None:
                members = _with_role(members, entry.new_owner_id, "owner")
            return replace(after, members=members)
        case RoleChanged():
            members = dict(state.members)
            if entry.role == "owner":
                members = _with_role(members, entry.sender_id, "admin")
            return replace(after, members=_with_role(members, entry.user_id, entry.role))
        case _:
            return after


def _post(state: Conversation, command: PostMessage, now: datetime) -> MessagePosted:
    accepts = False
    if is_private(state.id):
        accepts = state.requested_by not in (None, command.sender_id)
        if (
            state.requested_by == command.sender_id
            and state.message_index >= MAX_UNACCEPTED_MESSAGES
        ):
            raise not_accepted("Wait until your message request is accepted before you send more.")
    elif state.settings.posting == "admins":
        _require_rank(state, command.sender_id, "admin")
    mentions = _mentions(state, command)
    return MessagePosted(
        **_next(state, command, now, messages=1),
        message=command.message,
        updated_at=now,
        receiver_id=command.receiver_id,
        reply_to_seq=command.reply_to_seq,
        mentions=tuple(mentions.values()),
        mention_names=tuple(mentions),
        request=command.request and state.seq == 0,
        accepts=accepts,
    )


def _change_message(
    state: Conversation, command: MessageCommand, now: datetime, target: MessagePosted
) -> Entry:
    entry = {**_next(state, command, now), "message_seq": target.seq}
    own = target.sender_id == command.sender_id
    match command:
        case EditMessage():
            if not own:
                raise _not_allowed("Only its author can edit a message.")
            if command.message == target.message:
                raise _unchanged("The message already has this text.")
            if len(target.edit_seqs) >= MAX_EDITS:
                raise ChatterRoomError(
                    ErrorCode.INVALID_REQUEST,
                    f"This message has been edited {MAX_EDITS} times. It cannot be edited again.",
                    field="message",
                    max_edits=MAX_EDITS,
                )
            mentions = _mentions_after(state, command, target)
            return MessageEdited(
                **entry,
                message=command.message,
                mentions=tuple(mentions.values()),
                mention_names=tuple(mentions),
            )
        case DeleteMessage():
            if not own and (
                is_private(state.id) or _rank(state, command.sender_id) < _RANK["admin"]
            ):
                raise _not_allowed("Only its author or an admin can delete a message.")
            return MessageDeleted(**entry, deleted_index=target.message_index)
        case ReactToMessage():
            return _react(command, entry, target)
        case PinMessage():
            if target.pinned is not command.remove:
                raise _unchanged("the pin is as it should be already")
            return MessageUnpinned(**entry) if command.remove else MessagePinned(**entry)
        case _:
            assert_never(command)


def _named(command: PostMessage | EditMessage) -> dict[str, UserId]:
    return dict(zip(command.mention_names, command.mentions, strict=True))


def _mentions(state: Conversation, command: PostMessage) -> dict[str, UserId]:
    """Return whom a new text mentions, by name: who takes part."""
    if not command.mentions:
        return {}
    others = (command.receiver_id,) if is_private(state.id) else state.members
    return {name: user for name, user in _named(command).items() if user in others}


def _mentions_after(
    state: Conversation, command: EditMessage, target: MessagePosted
) -> dict[str, UserId]:
    """Return whom an edited text mentions, by name. A name that it mentioned before stays with the
    user it was of, who may have another by now."""
    kept = dict(zip(target.mention_names, target.mentions, strict=False))
    known = _named(command) | kept
    members = {
        name: user
        for name, user in known.items()
        if name in kept or user in state.members or user == target.receiver_id
    }
    return {name: members[name] for name in mentioned_names(command.message, members)}


def _react(command: ReactToMessage, entry: dict[str, Any], target: MessagePosted) -> Entry:
    stored = stored_reaction(command.emoji, command.sender_id, target.reactions)
    if command.remove:
        if stored is None:
            raise _unchanged("You have not reacted with this emoji.")
        return ReactionRemoved(**entry, emoji=stored.emoji)
    if stored is not None:
        raise _unchanged("You have already reacted with this emoji.")
    emoji = spelling_of(command.emoji, target.reactions)
    _require_room_for_a_reaction(target, emoji)
    return ReactionAdded(**entry, emoji=emoji)


def _require_room_for_a_reaction(target: MessagePosted, emoji: str) -> None:
    if len(target.reactions) >= MAX_REACTIONS_IN_ALL:
        reason = (
            f"This message has {MAX_REACTIONS_IN_ALL:,} reactions already, the most it can have."
        )
    elif len({reaction.emoji for reaction in target.reactions} | {emoji}) > MAX_REACTIONS:
        reason = f"A message can have at most {MAX_REACTIONS} different reactions."
    else:
        return
    raise ChatterRoomError(ErrorCode.INVALID_REQUEST, reason, field="emoji")


def _change_room(state: Conversation, command: CreateRoom | UpdateRoom, now: datetime) -> Entry:
    entry = _next(state, command, now)
    if isinstance(command, CreateRoom):
        if state.seq:
            raise ChatterRoomError(ErrorCode.ROOM_EXISTS, "This room already exists.")
        members = list(dict.fromkeys((command.sender_id, *command.members_ids)))
        require_few_at_once(len(members) - 1)
        return RoomCreated(**entry, room_name=command.room_name, members_ids=members)
    _require_rank(state, command.sender_id, "admin")
    settings = _merged(state.settings, command.settings)
    new_name = command.room_name if command.room_name != state.room_name else None
    new_settings = settings if settings != state.settings else None
    if new_name is None and new_settings is None:
        raise _unchanged("The room already has these settings.")
    return RoomUpdated(**entry, room_name=new_name, settings=new_settings)


def _merged(settings: RoomSettings, changes: Mapping[str, str]) -> RoomSettings:
    for name in changes.keys() - set(settings.__struct_fields__):
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, f"There is no setting {name[:32]}.", field="settings"
        )
    try:
        return msgspec.convert({**msgspec.structs.asdict(settings), **changes}, RoomSettings)
    except msgspec.ValidationError as error:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, str(error), field="settings") from None


def _change_members(
    state: Conversation,
    command: AddMember | LeaveRoom | RemoveMember | ChangeRole,
    now: datetime,
) -> Entry:
    entry = _next(state, command, now)
    match command:
        case AddMember():
            require_addable(
                None if command.by_service else state.members[command.sender_id].role,
                state.settings,
                len(state.members),
                is_member=command.user_id in state.members,
            )
            return MemberAdded(**entry, user_id=command.user_id, accepted=command.accepted)
        case LeaveRoom():
            heir = _successor(state, command.sender_id)
            return MemberLeft(**entry, user_id=command.sender_id, new_owner_id=heir)
        case RemoveMember():
            removed = _require_member(state, command.user_id)
            if _rank(state, command.sender_id) <= _RANK[removed.role]:
                raise _not_allowed(
                    "Only admins can remove members, and only the owner can remove admins."
                )
            return MemberRemoved(**entry, user_id=command.user_id)
        case ChangeRole():
            _require_rank(state, command.sender_id, "owner")
            if _require_member(state, command.user_id).role == command.role:
                raise _unchanged("The member already has this role.")
            if command.user_id == command.sender_id:
                raise _not_allowed("A room needs an owner. Transfer ownership instead.")
            return RoleChanged(**entry, user_id=command.user_id, role=command.role)
        case _:
            assert_never(command)


def _next(
    state: Conversation, command: Command, now: datetime, messages: int = 0
) -> dict[str, Any]:
    return {
        "conversation_id": state.id,
        "seq": state.seq + 1,
        "message_index": state.message_index + messages,
        "sender_id": command.sender_id,
        "client_id": command.client_id,
        "created_at": now,
    }


def _successor(state: Conversation, leaver_id: UserId) -> UserId | None:
    """Return who owns the room when its owner leaves: of the highest role, the longest there."""
    others = [(user, who) for user, who in state.members.items() if user != leaver_id]
    if state.members[leaver_id].role != "owner" or not others:
        return None
    return min(others, key=lambda other: (-_RANK[other[1].role], other[1].joined_at, other[0]))[0]


def _with_role(
    members: Mapping[UserId, Member], user_id: UserId, role: Role
) -> dict[UserId, Member]:
    return {**members, user_id: replace(members[user_id], role=role)}


def _rank(state: Conversation, user_id: UserId) -> int:
    return _RANK[state.members[user_id].role]


def _require_admitted(state: Conversation, command: Command) -> None:
    by_service = isinstance(command, AddMember) and command.by_service and state.seq > 0
    if command.sender_id not in state.members and not by_service:
        raise no_such_room(RoomId(state.id))


def _require_rank(state: Conversation, user_id: UserId, role: Role) -> None:
    if _rank(state, user_id) < _RANK[role]:
        raise _not_allowed("Only the owner may do this." if role == "owner" else _ONLY_ADMINS)


def _require_member(state: Conversation, user_id: UserId) -> Member:
    member = state.members.get(user_id)
    if member is None:
        raise ChatterRoomError(ErrorCode.NOT_A_MEMBER, "The user is not a member of this room.")
    return member


def _require_target(target: MessagePosted | None) -> MessagePosted:
    if target is None or target.deleted:
        raise ChatterRoomError(
            ErrorCode.MESSAGE_NOT_FOUND, "There is no such message, or it was deleted."
        )
    return target


def _not_allowed(reason: str) -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.NOT_ALLOWED, reason)


def _unchanged(reason: str) -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.UNCHANGED, reason)
