"""Calls about rooms and who is in them."""

from collections.abc import AsyncIterator, Iterable, Mapping

import msgspec

from chatterroom.client import answers
from chatterroom.client.answers import Member, MembershipChange, Room, RoomReceipt
from chatterroom.client.calls import LARGEST_PAGE, Calls
from chatterroom.client.events import Changed
from chatterroom.client.paths import segment
from chatterroom.core.ids import new_id

__all__ = ["MEMBERS_AT_ONCE", "RoomCalls"]

MEMBERS_AT_ONCE = 100
"""More a server does not take at once."""


class RoomCalls(Calls):
    """Rooms: what they are called, what they allow, and who is in them."""

    async def create_room(
        self, name: str, members: Iterable[str] = (), *, client_id: str | None = None
    ) -> RoomReceipt:
        """Create a room of oneself and other users. A repeated `client_id` creates one room.

        Those who must accept first are invited: `invited_ids` says who. A server takes a hundred
        others with the room; more are added to it afterwards.
        """
        others = list(dict.fromkeys(members))
        client_id = client_id or new_id()
        first, more = others[:MEMBERS_AT_ONCE], others[MEMBERS_AT_ONCE:]
        body = answers.CreateRoom(name, self.user_id, first, client_id)
        room = await self._call("POST", "/chat-service/rooms/create", RoomReceipt, body=body)
        if not more:
            return room
        change = await self.add_members(room.room_id, more, client_id=client_id)
        invited_ids = [*room.invited_ids, *change.invited_ids]
        return msgspec.structs.replace(room, invited_ids=invited_ids)

    async def add_members(
        self, room_id: str, user_ids: Iterable[str], *, client_id: str | None = None
    ) -> MembershipChange:
        """Add users to a room that one is in, a hundred at a time, or invite those who must accept.

        Those who are members already are left out, and the whole may be repeated. Where nobody is
        left to add, raises `ApiError` with the code "already_a_member".
        """
        users = list(dict.fromkeys(user_ids))
        client_id = client_id or new_id()
        seq, added = 0, 0
        invited_ids: list[str] = []
        for start in range(0, len(users), MEMBERS_AT_ONCE):
            body = answers.AddMembers(users[start : start + MEMBERS_AT_ONCE], client_id)
            path = f"/chat-service/rooms/{segment(room_id)}/add"
            step = await self._call("PUT", path, MembershipChange, body=body)
            seq, added = step.seq, added + step.added
            invited_ids += step.invited_ids
        return MembershipChange(seq, bool(invited_ids), added, invited_ids)

    async def add_member(
        self, room_id: str, user_id: str, *, client_id: str | None = None
    ) -> MembershipChange:
        """Add a user to a room that one is in, or invite one who must accept first."""
        body = answers.ChangeMembership(user_id, client_id or new_id())
        return await self._call(
            "PUT", f"/chat-service/rooms/{segment(room_id)}/add", MembershipChange, body=body
        )

    async def leave_room(self, room_id: str, *, client_id: str | None = None) -> MembershipChange:
        """Leave a room."""
        body = answers.ChangeMembership(self.user_id, client_id or new_id())
        return await self._call(
            "PUT", f"/chat-service/rooms/{segment(room_id)}/leave", MembershipChange, body=body
        )

    async def room(self, room_id: str) -> Room:
        """Return a room's details and all its members, which a large room gives in pages."""
        room = await self._room_page(room_id, "")
        members, cursor = list(room.members), room.next_cursor
        while cursor:
            page = await self._room_page(room_id, cursor)
            members += page.members
            cursor = page.next_cursor
        return msgspec.structs.replace(room, members=members, next_cursor="")

    async def members(self, room_id: str) -> AsyncIterator[Member]:
        """Go through a room's members in the order of their ids, page by page."""
        cursor = ""
        while True:
            page = await self._room_page(room_id, cursor)
            for member in page.members:
                yield member
            cursor = page.next_cursor
            if not cursor:
                return

    async def update_room(
        self,
        room_id: str,
        *,
        room_name: str | None = None,
        settings: Mapping[str, str] | None = None,
        client_id: str | None = None,
    ) -> Changed:
        """Rename a room or change the settings that are given; as one of its admins."""
        body = answers.UpdateRoom(room_name, settings, client_id or new_id())
        return await self._call(
            "PATCH", f"/chat-service/rooms/{segment(room_id)}", Changed, body=body
        )

    async def remove_member(
        self, room_id: str, user_id: str, *, client_id: str | None = None
    ) -> Changed:
        """Remove somebody of a lower role from a room."""
        path = f"/chat-service/rooms/{segment(room_id)}/members/{segment(user_id)}"
        return await self._call("DELETE", path, Changed, client_id=client_id or new_id())

    async def change_role(
        self, room_id: str, user_id: str, role: str, *, client_id: str | None = None
    ) -> Changed:
        """Make a member "admin", "member", or, handing the room over, "owner"; as its owner."""
        body = answers.ChangeRole(role, client_id or new_id())
        path = f"/chat-service/rooms/{segment(room_id)}/members/{segment(user_id)}/role"
        return await self._call("PUT", path, Changed, body=body)

    async def _room_page(self, room_id: str, cursor: str) -> Room:
        path = f"/chat-service/rooms/{segment(room_id)}/members"
        params = {"cursor": cursor or None, "limit": LARGEST_PAGE}
        return await self._call("GET", path, Room, params=params)
