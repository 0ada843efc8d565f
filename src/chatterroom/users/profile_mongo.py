"""Profiles in MongoDB: pictures and preferences, and changes to what users show of themselves."""

from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.database_mongo import SiblingStore
from chatterroom.users.look_alikes_mongo import skeleton_fields, username_taken
from chatterroom.users.names import username_key
from chatterroom.users.profile import Avatar, ProfileChange

__all__ = ["ProfileStore", "StoredAvatar"]

Document = dict[str, Any]


@dataclass(frozen=True)
class StoredAvatar:
    """A picture, and whether it was decoded and encoded anew before it was stored."""

    avatar: Avatar
    is_still: bool


@uncancelled
class ProfileStore(SiblingStore):
    """The parts of the collection `users` that the account itself can do without."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._users = database.users

    async def change(self, user_id: UserId, change: ProfileChange, picture: Avatar | None) -> None:
        """Change a profile, all at once, with the picture that the upload has become.

        Raises USERNAME_TAKEN; no such user is no error.
        """
        given: Document = {}
        if change.username is not None:
            given["username"] = change.username
            given["username_key"] = username_key(change.username)
            given |= skeleton_fields(change.username)
        if change.display_name is not None:
            given["display_name"] = change.display_name
        if change.preferences is not None:
            given["preferences"] = change.preferences
        if picture is not None:
            given["avatar"] = _document(picture)
        update: Document = {"$set": given} if given else {}
        if change.remove_avatar:
            update["$unset"] = {"avatar": True}
        if not update:
            return
        with available():
            try:
                await self._users.update_one({"_id": user_id}, update)
            except DuplicateKeyError:
                raise username_taken() from None

    async def preferences(self, user_id: UserId) -> str:
        """Return what a user's clients have stored: a JSON object."""
        with available():
            found = await self._users.find_one({"_id": user_id}, {"preferences": True})
        stored: str = (found or {}).get("preferences", "{}")
        return stored

    async def avatar(self, user_id: UserId) -> StoredAvatar | None:
        """Return a user's picture."""
        with available():
            found = await self._users.find_one({"_id": user_id}, {"avatar": True})
        picture = (found or {}).get("avatar")
        if picture is None:
            return None
        avatar = Avatar(picture["content_type"], picture["data"], picture["id"])
        return StoredAvatar(avatar, picture.get("is_still", False))

    async def replace_avatar(self, user_id: UserId, old: Avatar, new: Avatar | None) -> None:
        """Put another picture, or none, in the place of one, unless that has been changed."""
        update = {"$set": {"avatar": _document(new)}} if new else {"$unset": {"avatar": True}}
        with available():
            await self._users.update_one({"_id": user_id, "avatar.id": old.avatar_id}, update)


def _document(picture: Avatar) -> Document:
    return {
        "id": picture.avatar_id,
        "content_type": picture.content_type,
        "data": picture.data,
        "is_still": True,
    }
