"""Profiles in MongoDB: pictures and preferences, and changes to what users show of themselves."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from chatterroom.core.cancellation import uncancelled
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.storage.availability_mongo import available
from chatterroom.users.accounts import username_key
from chatterroom.users.database_mongo import SiblingStore
from chatterroom.users.profile import Avatar, ProfileChange

__all__ = ["ProfileStore"]

Document = dict[str, Any]


@uncancelled
class ProfileStore(SiblingStore):
    """The parts of the collection `users` that the account itself can do without."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._users = database.users

    async def change(self, user_id: UserId, change: ProfileChange) -> None:
        """Change a profile, all at once. Raises USERNAME_TAKEN; no such user is no error."""
        given: Document = {}
        if change.username is not None:
            given["username"] = change.username
            given["username_key"] = username_key(change.username)
        if change.display_name is not None:
            given["display_name"] = change.display_name
        if change.preferences is not None:
            given["preferences"] = change.preferences
        if change.avatar is not None:
            picture = change.avatar
            given["avatar"] = {
                "id": picture.avatar_id,
                "content_type": picture.content_type,
                "data": picture.data,
            }
        update: Document = {"$set": given} if given else {}
        if change.remove_avatar:
            update["$unset"] = {"avatar": True}
        if not update:
            return
        with available():
            try:
                await self._users.update_one({"_id": user_id}, update)
            except DuplicateKeyError:
                raise ChatterRoomError(
                    ErrorCode.USERNAME_TAKEN,
                    "an account with this username exists already",
                    field="username",
                ) from None

    async def preferences(self, user_id: UserId) -> str:
        """Return what a user's clients have stored: a JSON object."""
        with available():
            found = await self._users.find_one({"_id": user_id}, {"preferences": True})
        stored: str = (found or {}).get("preferences", "{}")
        return stored

    async def avatar(self, user_id: UserId) -> Avatar | None:
        """Return a user's picture."""
        with available():
            found = await self._users.find_one({"_id": user_id}, {"avatar": True})
        picture = (found or {}).get("avatar")
        if picture is None:
            return None
        return Avatar(picture["content_type"], picture["data"], picture["id"])
