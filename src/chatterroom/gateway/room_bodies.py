"""What requests and answers about rooms hold. The OpenAPI document is made from these types."""

from typing import Annotated

from msgspec import Meta, Struct

from chatterroom.gateway.fields import (
    ClientIdText,
    MessageIndex,
    Moment,
    NextCursor,
    OtherUserIdText,
    RequestBody,
    RoomIdText,
    RoomNameText,
    Seq,
    UserIdText,
    example,
)

__all__ = [
    "AddMember",
    "ChangeRole",
    "ChangeSettings",
    "CreateRoom",
    "LeaveRoom",
    "Member",
    "MemberAdded",
    "MembershipChanged",
    "Room",
    "RoomCreated",
    "RoomSettings",
    "UpdateRoom",
]


def _one_of(*values: str, meaning: str) -> Meta:
    return example(values[0], meaning, enum=list(values))


Adding = Annotated[str, _one_of("members", "admins", meaning="Who may add members.")]
Posting = Annotated[str, _one_of("members", "admins", meaning="Who may post.")]
History = Annotated[
    str, _one_of("everything", "since_joining", meaning="What new members may read.")
]
Role = Annotated[str, _one_of("member", "admin", "owner", meaning="What a member may do.")]


class CreateRoom(RequestBody):
    """A new room. Its creator is a member without being listed."""

    room_name: RoomNameText
    creator_id: UserIdText
    members_ids: list[OtherUserIdText]
    client_id: ClientIdText | None = None


class RoomCreated(Struct):
    """The room exists."""

    message: Annotated[str, example("Room created successfully")]
    room_id: RoomIdText
    seq: Seq
    client_id: ClientIdText
    duplicate: Annotated[
        bool, Meta(description="Whether a request with this `client_id` already created it.")
    ]
    invited_ids: Annotated[
        list[UserIdText],
        Meta(description="Users who are invited and become members when they accept."),
    ]


class ChangeSettings(RequestBody):
    """Settings to change; the others stay as they are."""

    adding: Adding | None = None
    posting: Posting | None = None
    history: History | None = None


class UpdateRoom(RequestBody):
    """What to change; the rest stays as it is."""

    room_name: Annotated[RoomNameText, Meta(min_length=1)] | None = None
    settings: ChangeSettings | None = None
    client_id: ClientIdText | None = None


class AddMember(RequestBody):
    """Who is added: one user or, with `user_ids`, up to a hundred."""

    user_id: OtherUserIdText | None = None
    user_ids: (
        Annotated[
            list[OtherUserIdText],
            Meta(
                max_length=100,
                description="Users who are already members are skipped, unless all of them are.",
            ),
        ]
        | None
    ) = None
    client_id: ClientIdText | None = None


class LeaveRoom(RequestBody):
    """Who leaves: the caller."""

    user_id: UserIdText
    client_id: ClientIdText | None = None


class MembershipChanged(Struct):
    """The room has taken note, at `seq`."""

    message: Annotated[str, example("User removed from room successfully")]
    seq: Seq


class MemberAdded(Struct):
    """The user is a member since `seq`, or `invited` to become one."""

    message: Annotated[str, example("User added to room successfully")]
    seq: Seq
    invited: Annotated[
        bool,
        Meta(
            description="Whether anybody must accept first. Without anybody added, `seq` is that "
            "of the room's newest entry."
        ),
    ]
    added: Annotated[int, example(1, "How many members this request added.")]
    invited_ids: Annotated[
        list[OtherUserIdText], Meta(description="Users who are invited and not yet members.")
    ]


class ChangeRole(RequestBody):
    """The new role. Who makes another the owner becomes an admin."""

    role: Role
    client_id: ClientIdText | None = None


class RoomSettings(Struct):
    """What is allowed in a room."""

    adding: Adding
    posting: Posting
    history: History


class Member(Struct):
    """A member of a room."""

    user_id: UserIdText
    joined_at: Moment
    connected: Annotated[bool, Meta(description="Whether the user seems to be online.")]
    role: Role


class Room(Struct):
    """A room and a page of who is in it, in the order of their ids."""

    room_id: RoomIdText
    room_name: RoomNameText
    creator_id: UserIdText
    created_at: Moment
    members: list[Member]
    seq: Seq
    message_index: MessageIndex
    settings: RoomSettings
    next_cursor: NextCursor
    member_count: Annotated[int, example(3, "The number of members of the whole room.")]
    role: Annotated[Role, Meta(description="The caller's role.")]
