"""When conversations were last active, in the memberships that MongoDB keeps."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pymongo import UpdateMany, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from chatterroom.chat.documents_mongo import Document, listed_of, membership_id
from chatterroom.chat.lists_mongo import MongoLists
from chatterroom.core.cancellation import uncancelled
from chatterroom.core.ids import ConversationId, UserId, is_private
from chatterroom.storage.availability_mongo import available

__all__ = ["MongoActivity"]

_MIGRATION = "memberships.active_at"
_MIGRATED_AT_A_TIME = 200


@uncancelled
class MongoActivity:
    """`active_at` in the collection `memberships`: an `ActivityStore`.

    Memberships of earlier versions have none, nor a role: `migrate_some` adds both, and keeps in
    the collection `migrations` how far it has come.
    """

    def __init__(self, database: "AsyncDatabase[dict[str, Any]]", lists: MongoLists) -> None:
        self._memberships = database["memberships"]
        self._rooms = database["rooms"]
        self._migrations = database["migrations"]
        self._lists = lists

    async def raise_all(self, moments: Mapping[ConversationId, datetime]) -> None:
        """See `ActivityStore`."""
        updates = [
            UpdateMany({"conversation_id": conversation_id}, {"$max": {"active_at": at}})
            for conversation_id, at in moments.items()
        ]
        with available():
            await self._memberships.bulk_write(updates, ordered=False)

    async def raise_slice(
        self, conversation_id: ConversationId, at: datetime, after: UserId | None, limit: int
    ) -> UserId | None:
        """See `ActivityStore`."""
        wanted: Document = {"conversation_id": conversation_id}
        if after is not None:
            wanted["user_id"] = {"$gt": after}
        with available():
            found = self._memberships.find(
                wanted, {"_id": 0, "user_id": 1}, batch_size=limit + 1
            ).sort("user_id", 1)
            users = [document["user_id"] async for document in found.limit(limit)]
            if not users:
                return None
            await self._memberships.update_many(
                {**wanted, "user_id": {"$gte": users[0], "$lte": users[-1]}},
                {"$max": {"active_at": at}},
            )
        return UserId(users[-1]) if len(users) == limit else None

    async def repair(self, user_id: UserId, moments: Mapping[ConversationId, datetime]) -> None:
        """Raise what a list has found outdated, for its user alone."""
        updates = [
            UpdateOne({"_id": membership_id(user_id, id_)}, {"$max": {"active_at": at}})
            for id_, at in moments.items()
        ]
        with available():
            await self._memberships.bulk_write(updates, ordered=False)

    async def migrate_some(self) -> bool:
        """Complete the next memberships of an earlier version; return whether any are left."""
        with available():
            so_far = await self._migrations.find_one({"_id": _MIGRATION}) or {"after": ""}
            if so_far.get("done"):
                return False
            found = (
                self._memberships.find({"_id": {"$gt": so_far["after"]}})
                .sort("_id", 1)
                .limit(_MIGRATED_AT_A_TIME)
            )
            documents = [document async for document in found]
            if documents:
                await self._complete(documents)
            done = len(documents) < _MIGRATED_AT_A_TIME
            after = documents[-1]["_id"] if documents else so_far["after"]
            await self._migrations.update_one(
                {"_id": _MIGRATION},
                {"$max": {"after": after}, **({"$set": {"done": True}} if done else {})},
                upsert=True,
            )
        return not done

    async def _complete(self, documents: list[Document]) -> None:
        roles = await self._roles(each["conversation_id"] for each in documents)
        rows = await self._lists.rows([listed_of(each) for each in documents])
        updates = []
        for row in rows:
            user_id, conversation_id = row.membership.user_id, row.membership.conversation_id
            id_ = membership_id(user_id, conversation_id)
            updates.append(UpdateOne({"_id": id_}, {"$max": {"active_at": row.last_activity_at}}))
            if not is_private(conversation_id):
                role = roles.get((user_id, conversation_id), "member")
                lacking = {"_id": id_, "role": None}
                updates.append(UpdateOne(lacking, {"$set": {"role": role}}))
        await self._memberships.bulk_write(updates, ordered=False)

    async def _roles(
        self, conversation_ids: Iterable[ConversationId]
    ) -> dict[tuple[UserId, ConversationId], str]:
        """Return who is more than a member, and what."""
        rooms = list({id_ for id_ in conversation_ids if not is_private(id_)})
        more = {"input": "$members", "cond": {"$ne": ["$$this.role", "member"]}}
        pipeline: list[Document] = [
            {"$match": {"_id": {"$in": rooms}}},
            {"$project": {"members": {"$filter": more}}},
        ]
        return {
            (member["user_id"], room["_id"]): member["role"]
            async for room in await self._rooms.aggregate(pipeline)
            for member in room["members"]
        }
