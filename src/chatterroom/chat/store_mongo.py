"""The conversations in the chat service's MongoDB database.

    room_messages, private_messages   the entries of all conversations of that kind
    rooms                             each room as its entries add up to: name, members
    memberships                       which conversations a user takes part in, and read marks
    ended_memberships                 whose memberships have ended within the last hour

An entry's `_id` is its conversation and its seq, so that the primary key alone keeps places
unique, orders the log and finds a message by id; a second unique key keeps requests unique. Both
begin with the conversation, which is the key to shard by.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

import msgspec
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, ReadPreference, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, ConfigurationError, DuplicateKeyError
from pymongo.read_concern import ReadConcern

from chatterroom.chat.acquaintance_mongo import acquainted
from chatterroom.chat.activity_mongo import MongoActivity
from chatterroom.chat.blocks_mongo import MongoBlockStore
from chatterroom.chat.bounded_mongo import read_bounded
from chatterroom.chat.conversation import Conversation
from chatterroom.chat.departed_mongo import MongoDepartedStore
from chatterroom.chat.documents_mongo import (
    Document,
    both_sides,
    changed_roles,
    conversation_of,
    document_of,
    entries_above,
    entry_of,
    membership_id,
    membership_of,
    message_change,
    new_membership,
    newest_entries,
    room_changes,
    room_document,
)
from chatterroom.chat.ended_memberships_mongo import EndedMemberships
from chatterroom.chat.entries import (
    Entry,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessagePosted,
    Role,
    RoomCreated,
)
from chatterroom.chat.erasures_mongo import MongoErasures
from chatterroom.chat.gathering import GatheredReads
from chatterroom.chat.histories_mongo import MongoHistories
from chatterroom.chat.lists_mongo import MongoLists
from chatterroom.chat.log import RequestKey
from chatterroom.chat.memberships import Membership
from chatterroom.chat.pages import MAX_PAGE_BYTES, entry_bytes, fitting
from chatterroom.chat.requests import MAX_UNACCEPTED_MESSAGES
from chatterroom.chat.requests_mongo import RequestStore
from chatterroom.chat.unread import Raised
from chatterroom.core.cancellation import calls_ended, uncancelled
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, UserId, is_private, message_id
from chatterroom.core.settings import SettingsError
from chatterroom.storage.availability_mongo import available

__all__ = ["ChatStore"]

_DUPLICATE_KEY = 11000
_TIMEOUT_S = 1.5
_USERS_A_READ = 500
_READ_AT_ONCE = 1_000
# Sorts after every id.
_BEHIND_ALL = "~"


@uncancelled
class ChatStore:
    """Entries, rooms and memberships. Writes are on the disks of a majority when they return.

    Every method raises `StorageUnavailableError` where MongoDB does not answer within a second
    and a half; reads see everything that was acknowledged before.
    """

    def __init__(self, client: AsyncMongoClient[Document]) -> None:
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        durable = WriteConcern("majority", j=True)
        database = client.get_default_database(codec_options=options).with_options(
            write_concern=durable,
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._client = client
        self.blocks = MongoBlockStore(database)
        self.departed = MongoDepartedStore(database)
        self.lists = MongoLists(database)
        self.histories = MongoHistories(database)
        self.activity = MongoActivity(database, self.lists)
        self.ended_memberships = EndedMemberships(database)
        self.erasures = MongoErasures(database)
        self.requests = RequestStore(database)
        self._prepared = False
        self._durable = durable
        self._database = database
        self._room_messages = database["room_messages"]
        self._private_messages = database["private_messages"]
        self._rooms = database["rooms"]
        self._memberships = database["memberships"]
        self._users_memberships = GatheredReads(self._memberships_of, _USERS_A_READ)

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> AsyncIterator[Self]:
        """Give the store of the database that `url` names, without waiting for it."""
        timeout_ms = int(_TIMEOUT_S * 1000)
        try:
            client: AsyncMongoClient[Document] = AsyncMongoClient(
                url,
                appname="chatterroom-chat",
                # The log finds out by itself what became of an insert; for the driver to be able to
                # repeat one, MongoDB has to write more each time.
                retryWrites=False,
                timeoutMS=timeout_ms,
                serverSelectionTimeoutMS=timeout_ms,
                connectTimeoutMS=timeout_ms,
                maxPoolSize=32,
            )
            store = cls(client)
        except (ConfigurationError, ValueError) as error:
            raise SettingsError(f"CHATTERROOM_CHAT_MONGO_URL is wrong: {error}") from None
        try:
            yield store
        finally:
            parts = (store.blocks, store.departed, store.ended_memberships, store.lists)
            others = (store.activity, store.erasures, store.histories, store.requests)
            for each in (store, *parts, *others):
                await calls_ended(each)
            await client.close()

    async def prepare(self) -> None:
        """Create what indexes are missing."""
        await self.blocks.prepare()
        await self.departed.prepare()
        await self.lists.prepare()
        await self.ended_memberships.prepare()
        await self.erasures.prepare()
        await self.requests.prepare()
        with available():
            for messages in (self._room_messages, self._private_messages):
                await messages.create_index(
                    [("conversation_id", 1), ("sender_id", 1), ("client_id", 1)],
                    unique=True,
                    name="request",
                )
                await messages.create_index(
                    [("conversation_id", 1), ("seq", 1)],
                    partialFilterExpression={"pinned": True},
                    name="pinned",
                )
                await messages.create_index(
                    [("conversation_id", 1), ("message_index", 1)],
                    partialFilterExpression={"deleted": True},
                    name="deleted",
                )
            await self._memberships.create_index(
                [("user_id", 1), ("added_at", 1)], name="user_added"
            )
            await self._memberships.create_index([("added_at", 1)], name="added")
            await self._memberships.create_index(
                [("conversation_id", 1), ("user_id", 1)], name="conversation"
            )

    async def ready(self) -> bool:
        """Say whether MongoDB answers and all indexes exist; creates those that do not."""
        try:
            if self._prepared:
                with available():
                    await self._client.admin.command("ping")
            else:
                await self.prepare()
                self._prepared = True
        except StorageUnavailableError:
            return False
        return True

    # Appending (see log.LogStore)

    async def insert_messages(self, entries: Sequence[MessagePosted]) -> int:
        """Store messages in order, up to the first whose seq or request is taken."""
        messages = self._messages(entries[0].conversation_id)
        documents = [document_of(entry) for entry in entries]
        with available():
            try:
                if len(documents) == 1:
                    # What the driver does for many takes a lone message a tenth longer.
                    await messages.insert_one(documents[0])
                else:
                    await messages.insert_many(documents)
            except DuplicateKeyError:
                return 0
            except BulkWriteError as error:
                if error.details["writeConcernErrors"]:
                    raise  # stored, perhaps, but not confirmed: not even what precedes an error
                first = error.details["writeErrors"][0]
                if first["code"] != _DUPLICATE_KEY:
                    raise
                return int(first["index"])
        return len(entries)

    async def insert_firsts(self, entries: Sequence[MessagePosted]) -> bool:
        """Store the first messages of private chats and the memberships that they bring, or
        return False where a place is taken."""
        messages = [document_of(entry) for entry in entries]
        memberships = [
            new_membership(entry, user, peer)
            for entry in entries
            for user, peer in both_sides(entry)
        ]

        async def insert(session: Any) -> None:
            await self._private_messages.insert_many(messages, session=session)
            await self._memberships.insert_many(memberships, session=session)

        with available():
            try:
                async with self._client.start_session() as session:
                    await session.with_transaction(
                        insert,
                        read_concern=ReadConcern("snapshot"),
                        write_concern=self._durable,
                    )
            except BulkWriteError as error:
                if error.details["writeErrors"][0]["code"] != _DUPLICATE_KEY:
                    raise
                return False
        return True

    async def insert_with_effects(
        self, entry: Entry, after: Conversation, target: MessagePosted | None
    ) -> bool:
        """Store an entry and what follows from it, or return False where its place is taken or
        `target` has changed."""
        with available():
            try:
                async with self._client.start_session() as session:
                    await session.with_transaction(
                        lambda running: self._insert_with_effects(entry, after, target, running),
                        read_concern=ReadConcern("snapshot"),
                        write_concern=self._durable,
                    )
            except (DuplicateKeyError, _TargetChangedError):
                return False
        return True

    async def message(self, conversation_id: ConversationId, seq: int) -> MessagePosted | None:
        """Return the message at `seq`, or None where there is none."""
        with available():
            found = await self._messages(conversation_id).find_one(
                {"_id": message_id(conversation_id, seq), "type": "message"}
            )
        return msgspec.convert(found, MessagePosted) if found else None

    async def load(
        self, conversation_id: ConversationId, known: Conversation | None = None
    ) -> Conversation:
        """Return what a conversation's entries add up to.

        With what was `known` of it before, the members of a room, who may be 10,000, are read only
        where something has changed.
        """
        # The head first: an entry that changes members is stored together with its room, so a
        # room read after the head knows of all such entries up to it.
        with available():
            head = await self._messages(conversation_id).find_one(
                {"_id": entries_above(conversation_id, 0)},
                {"seq": 1, "message_index": 1},
                sort=[("_id", -1)],
            )
            seq, index = (head["seq"], head["message_index"]) if head else (0, 0)
            if is_private(conversation_id):
                requested_by = await self._requested_by(conversation_id, index)
                return Conversation(conversation_id, seq, index, requested_by=requested_by)
            if known is not None and 0 < known.seq <= seq:
                found = await self._rooms.find_one({"_id": conversation_id}, {"seq": 1})
                if found is not None and found["seq"] <= known.seq:
                    return replace(known, seq=seq, message_index=index)
            room = await self._rooms.find_one({"_id": conversation_id})
        return conversation_of(conversation_id, seq, index, room)

    async def newest_index(self, conversation_id: ConversationId) -> int:
        """Return how many messages a conversation has."""
        with available():
            head = await self._messages(conversation_id).find_one(
                {"_id": entries_above(conversation_id, 0)}, {"message_index": 1}, sort=[("_id", -1)]
            )
        return head["message_index"] if head else 0

    async def find_requests(
        self, conversation_id: ConversationId, keys: Sequence[RequestKey]
    ) -> dict[RequestKey, Entry]:
        """Return the entries that requests have stored."""
        query = {
            "$or": [
                {"conversation_id": conversation_id, "sender_id": sender, "client_id": client}
                for sender, client in keys
            ]
        }
        with available():
            found = self._messages(conversation_id).find(query)
            entries = [entry_of(document) async for document in found]
        entries = await self.erasures.hide(entries)
        return {(entry.sender_id, entry.client_id): entry for entry in entries}

    # Reading

    async def entries_after(
        self, conversation_id: ConversationId, seq: int, limit: int, max_bytes: int = MAX_PAGE_BYTES
    ) -> tuple[list[Entry], bool]:
        """Return the oldest entries above `seq`, oldest first, and whether more follow.

        At most `limit`, and no more than `max_bytes` as JSON; but at least one, if there is one.
        """
        stages: list[Document] = [
            {"$match": {"_id": entries_above(conversation_id, seq)}},
            {"$sort": {"_id": 1}},
        ]
        with available():
            documents, more = await read_bounded(
                self._messages(conversation_id), stages, limit, max_bytes
            )
        entries = [entry_of(document) for document in documents]
        count = fitting(entries, entry_bytes, max_bytes)
        return await self.erasures.hide(entries[:count]), more or count < len(entries)

    async def heads(self, conversation_ids: Sequence[ConversationId]) -> dict[ConversationId, int]:
        """Return the seq of the newest entry of each conversation that has one."""
        heads: dict[ConversationId, int] = {}
        with available():
            for private in (False, True):
                ids = [id_ for id_ in conversation_ids if is_private(id_) is private]
                if not ids:
                    continue
                pipeline = [
                    {"$documents": [{"_id": id_} for id_ in ids]},
                    newest_entries(self._collection_name(private=private), "head", "$_id"),
                    {"$project": {"seq": {"$first": "$head.seq"}}},
                ]
                async for row in await self._database.aggregate(pipeline):
                    if row.get("seq"):
                        heads[row["_id"]] = row["seq"]
        return heads

    async def reading_floors(self, memberships: Sequence[Membership]) -> dict[ConversationId, int]:
        """Return, for rooms that hide their past from newcomers, the seq above which each reads."""
        joined = {
            each.conversation_id: each.joined_seq - 1
            for each in memberships
            if each.joined_seq > 1 and not is_private(each.conversation_id)
        }
        if not joined:
            return {}
        hiding = {"_id": {"$in": list(joined)}, "settings.history": "since_joining"}
        with available():
            return {
                room["_id"]: joined[room["_id"]]
                async for room in self._rooms.find(hiding, {"_id": 1})
            }

    async def room(self, conversation_id: ConversationId) -> Conversation | None:
        """Return a room with its members, or None where there is none."""
        state = await self.load(conversation_id)
        return state if state.seq else None

    async def membership(
        self, user_id: UserId, conversation_id: ConversationId
    ) -> Membership | None:
        """Return a user's membership of a conversation, or None."""
        with available():
            found = await self._memberships.find_one(
                {"_id": membership_id(user_id, conversation_id)}
            )
        return membership_of(found) if found else None

    async def taking_part(
        self, places: Iterable[tuple[UserId, ConversationId]]
    ) -> set[tuple[UserId, ConversationId]]:
        """Return those pairs of a user and a conversation in which the user takes part."""
        ids = {membership_id(*place): place for place in places}
        with available():
            found = self._memberships.find(
                {"_id": {"$in": list(ids)}}, {"_id": 1}, batch_size=len(ids) + 1
            )
            return {ids[document["_id"]] async for document in found}

    async def memberships(self, user_id: UserId) -> list[Membership]:
        """Return all memberships of a user, but for requests that wait.

        Those who ask at once share reads, and may wait for reads of others before theirs begins.
        """
        return (await self._users_memberships.of([user_id]))[user_id]

    async def rooms_of(
        self, user_id: UserId, limit: int, after: ConversationId | None = None
    ) -> list[ConversationId]:
        """Return rooms that a user is in, in the order of their ids, those behind `after`."""
        above = membership_id(user_id, after or ConversationId(""))
        behind_all = membership_id(user_id, ConversationId(_BEHIND_ALL))
        rooms = (
            self._memberships.find(
                {"_id": {"$gt": above, "$lt": behind_all}, "private": False},
                {"conversation_id": 1},
            )
            .sort("_id", 1)
            .limit(limit)
        )
        with available():
            return [document["conversation_id"] async for document in rooms]

    async def acquainted(self, user_id: UserId, others: Sequence[UserId]) -> set[UserId]:
        """Return those of `others` with whom a user shares a conversation, of the thousand most
        recently active ones where it is no private chat; one that waits to be accepted is not
        shared."""
        with available():
            return await acquainted(self._memberships, user_id, others)

    async def appeared_since(
        self, since: datetime, limit: int
    ) -> list[tuple[UserId, ConversationId, int]]:
        """Return whose memberships began at `since` or later, where, and with which seq.

        The newest `limit` of all users: one range of an index, however many users are asked for.
        """
        newest = (
            self._memberships.find(
                {"added_at": {"$gte": since}, "request": None},
                {"_id": 0, "user_id": 1, "conversation_id": 1, "joined_seq": 1},
            )
            .sort("added_at", -1)
            .limit(limit)
        )
        with available():
            return [
                (document["user_id"], document["conversation_id"], document["joined_seq"])
                async for document in newest
            ]

    # Marks

    async def raise_marks(self, marks: Mapping[tuple[UserId, ConversationId], Raised]) -> None:
        """Raise read and delivery marks to the given message indexes, where they are lower."""
        updates = [
            UpdateOne(
                {"_id": membership_id(*key)},
                {
                    "$max": {"read_index": mark.read, "delivered_index": mark.delivered},
                    **({"$unset": {"added_by": ""}} if mark.seen else {}),
                },
            )
            for key, mark in marks.items()
        ]
        with available():
            await self._memberships.bulk_write(updates, ordered=False)

    def _messages(self, conversation_id: ConversationId) -> Any:
        return self._private_messages if is_private(conversation_id) else self._room_messages

    def _collection_name(self, *, private: bool) -> str:
        return self._private_messages.name if private else self._room_messages.name

    async def _insert_with_effects(
        self, entry: Entry, after: Conversation, target: MessagePosted | None, session: Any
    ) -> None:
        await self._messages(entry.conversation_id).insert_one(document_of(entry), session=session)
        if target is not None:
            await self._change_message(entry, target, session)
            return
        joined: list[tuple[UserId, UserId | None, Role | None]] = []
        match entry:
            case MessagePosted(accepts=True):
                await self._memberships.update_one(
                    {"_id": membership_id(entry.sender_id, entry.conversation_id)},
                    {"$unset": {"request": ""}, "$set": {"added_at": entry.created_at}},
                    session=session,
                )
            case MessagePosted():
                joined = [(*pair, None) for pair in both_sides(entry)]
            case RoomCreated():
                await self._rooms.insert_one(room_document(after), session=session)
                joined = [(user, None, who.role) for user, who in after.members.items()]
            case _:
                for change, filters in room_changes(entry, after):
                    await self._rooms.update_one(
                        {"_id": after.id}, change, array_filters=filters, session=session
                    )
        if isinstance(entry, MemberAdded):
            joined = [(entry.user_id, None, "member")]
        if isinstance(entry, MemberLeft | MemberRemoved):
            gone = membership_id(entry.user_id, entry.conversation_id)
            await self._memberships.delete_one({"_id": gone}, session=session)
            await self.ended_memberships.add(entry.user_id, entry.conversation_id, session)
        for user_id, role in changed_roles(entry).items():
            changed = membership_id(user_id, entry.conversation_id)
            await self._memberships.update_one(
                {"_id": changed}, {"$set": {"role": role}}, session=session
            )
        if joined:
            documents = [new_membership(entry, *each) for each in joined]
            await self._memberships.insert_many(documents, session=session)

    async def _requested_by(
        self, conversation_id: ConversationId, message_index: int
    ) -> UserId | None:
        """Return who waits to be accepted in a private chat."""
        if not 0 < message_index <= MAX_UNACCEPTED_MESSAGES:
            return None  # nobody writes more before being accepted
        waiting = {"conversation_id": conversation_id, "request": {"$exists": True}}
        found = await self._memberships.find_one(waiting, {"peer_id": 1})
        return found["peer_id"] if found else None

    async def _memberships_of(self, user_ids: list[UserId]) -> dict[UserId, list[Membership]]:
        memberships: dict[UserId, list[Membership]] = {user_id: [] for user_id in user_ids}
        with available():
            found = self._memberships.find({"user_id": {"$in": user_ids}, "request": None})
            count = 0
            async for document in found.batch_size(_READ_AT_ONCE):
                memberships[document["user_id"]].append(membership_of(document))
                count += 1
                if count % _READ_AT_ONCE == 0:
                    await asyncio.sleep(0)  # what came in one batch is read without a pause
        return memberships

    async def _change_message(self, entry: Entry, target: MessagePosted, session: Any) -> None:
        messages = self._messages(entry.conversation_id)
        changed = await messages.update_one(
            {
                "_id": message_id(target.conversation_id, target.seq),
                "changed_seq": target.changed_seq,
            },
            message_change(entry),
            session=session,
        )
        if changed.matched_count == 0:
            raise _TargetChangedError
        if isinstance(entry, MessageDeleted) and target.edit_seqs:
            await self.erasures.begin(entry, target.edit_seqs, session)


class _TargetChangedError(Exception):
    """The message to change is not as it was read; aborts the transaction."""
