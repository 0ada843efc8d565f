"""The chat service, broken on purpose: each mutant breaks one rule, and a run must notice.

Nothing in the product knows of this. `twin.py` starts the services and applies a mutant to the
chat service before it runs.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pymongo import WriteConcern
from pymongo.errors import BulkWriteError

from chatterroom.chat import feed, hub, log, store_mongo
from chatterroom.chat.conversation import Conversation, apply
from chatterroom.chat.documents_mongo import document_of, entries_above
from chatterroom.chat.entries import Entry, MemberLeft, MemberRemoved, MessagePosted
from chatterroom.chat.hub import Hub, Subscription
from chatterroom.chat.log import ConversationLog
from chatterroom.chat.memberships import Membership
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.storage.availability_mongo import available
from torture.schedule import FLUSH, HONEST, KILL, STOP, Mix

__all__ = ["MUTANTS", "Mutant"]

_LATER_S = 0.05

_ENGINE_CRASHES = Mix(
    faults=((KILL, "mongod", 3), (KILL, "chat", 1)), pause_s=(4.0, 6.0), first_s=2.0, together=0.0
)
_CHAT_CRASHES = Mix(
    faults=((KILL, "chat", 3), (KILL, "gateway", 1)), pause_s=(1.5, 3.0), together=0.0
)
_MILD = Mix(faults=((STOP, "redis", 1), (FLUSH, "redis", 1)), pause_s=(2.0, 3.0), stop_s=(0.5, 1.0))


@dataclass(frozen=True)
class Mutant:
    """What is broken, how, and which faults show it best."""

    what: str
    apply: Callable[[], None]
    mix: Mix = HONEST
    seconds: float = 12.0


def _acknowledge_before_insert() -> None:
    insert = ChatStore.insert_messages
    running: set[asyncio.Task[None]] = set()

    async def insert_later(store: ChatStore, entries: Sequence[MessagePosted]) -> None:
        await asyncio.sleep(_LATER_S)
        with contextlib.suppress(StorageUnavailableError):
            await insert(store, entries)

    async def promise(store: ChatStore, entries: Sequence[MessagePosted]) -> int:
        task = asyncio.create_task(insert_later(store, entries))
        running.add(task)
        task.add_done_callback(running.discard)
        return len(entries)

    _patch(ChatStore, "insert_messages", promise)


def _no_unique_keys() -> None:
    document, after = document_of, entries_above

    def document_anywhere(entry: Entry) -> dict[str, Any]:
        stored = document(entry)
        stored["_id"] += f"~{secrets.token_hex(4)}"
        return stored

    def after_all_of(conversation_id: ConversationId, seq: int) -> dict[str, Any]:
        bounds = after(conversation_id, seq)
        return {**bounds, "$gt": bounds["$gt"] + "~~"}

    async def prepare(_: ChatStore) -> None:
        """Create no index."""

    _patch(store_mongo, "document_of", document_anywhere)
    _patch(store_mongo, "entries_above", after_all_of)
    _patch(ChatStore, "prepare", prepare)


def _cached_membership() -> None:
    publish, load, membership = feed.publish, ChatStore.load, ChatStore.membership
    members: dict[ConversationId, dict[UserId, Any]] = {}
    memberships: dict[tuple[UserId, ConversationId], Membership] = {}

    def remember(state: Conversation) -> Conversation:
        known = members.setdefault(state.id, {})
        known.update(state.members)
        return replace(state, members=dict(known))

    def apply_but_keep(state: Conversation, entry: Entry) -> Conversation:
        after = apply(state, entry)
        gone = isinstance(entry, MemberLeft | MemberRemoved)
        return replace(after, members=state.members) if gone else after

    async def load_but_keep(
        store: ChatStore, conversation_id: ConversationId, known: Conversation | None = None
    ) -> Conversation:
        return remember(await load(store, conversation_id, known))

    async def membership_for_ever(
        store: ChatStore, user_id: UserId, conversation_id: ConversationId
    ) -> Membership | None:
        found = await membership(store, user_id, conversation_id)
        if found is not None:
            memberships[user_id, conversation_id] = found
        return found or memberships.get((user_id, conversation_id))

    def publish_without_removal(entry: Entry) -> feed.Published:
        return msgspec.structs.replace(publish(entry), left=None)

    _patch(log, "apply", apply_but_keep)
    _patch(ChatStore, "load", load_but_keep)
    _patch(ChatStore, "membership", membership_for_ever)
    _patch(hub, "publish", publish_without_removal)


def _no_resume() -> None:
    start = Hub.start

    async def start_from_now(
        self: Hub, subscription: Subscription, after: int | None = None
    ) -> None:
        del after
        await start(self, subscription, None)

    _patch(Hub, "start", start_from_now)


def _fan_out_before_commit() -> None:
    commit = ConversationLog._commit_kind  # noqa: SLF001

    async def tell_then_commit(self: ConversationLog, plans: list[Any]) -> None:
        for plan in plans:
            self._on_committed(plan.line.id, [entry for _, entry in plan.items])
        await commit(self, plans)

    _patch(ConversationLog, "_commit_kind", tell_then_commit)


def _keep_deleted_texts_of_edits() -> None:
    change = ChatStore._change_message  # noqa: SLF001

    async def change_the_message_alone(
        self: ChatStore, entry: Entry, target: MessagePosted, session: Any
    ) -> None:
        await change(self, entry, msgspec.structs.replace(target, edit_seqs=()), session)

    _patch(ChatStore, "_change_message", change_the_message_alone)


def _keep_deleted_texts_in_feeds() -> None:
    publish = feed.publish

    def publish_without_erasing(entry: Entry) -> feed.Published:
        return msgspec.structs.replace(publish(entry), erases=False)

    _patch(hub, "publish", publish_without_erasing)


def _forget_to_change_messages() -> None:
    async def change_nothing(*_: Any) -> None:
        """Leave the message as it is; its entry is stored."""

    _patch(ChatStore, "_change_message", change_nothing)


def _insert_with(concern: WriteConcern) -> Callable[[], None]:
    def apply() -> None:
        async def insert(store: ChatStore, entries: Sequence[MessagePosted]) -> int:
            messages = store._messages(entries[0].conversation_id)  # noqa: SLF001
            documents = [document_of(entry) for entry in entries]
            with available():
                try:
                    await messages.with_options(write_concern=concern).insert_many(documents)
                except BulkWriteError as error:
                    return int(error.details["writeErrors"][0]["index"])
            return len(entries)

        _patch(ChatStore, "insert_messages", insert)

    return apply


def _patch(owner: object, name: str, replacement: object) -> None:
    """Replace what exists; a mutant of something that was renamed must not survive unnoticed."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner!r} has no {name}: this mutant needs an update")
    setattr(owner, name, replacement)


MUTANTS = {
    "ack-before-insert": Mutant(
        "acknowledges, and inserts 50 ms later", _acknowledge_before_insert, _CHAT_CRASHES
    ),
    "no-unique-keys": Mutant(
        "numbers entries from memory, without unique keys", _no_unique_keys, _CHAT_CRASHES
    ),
    "cached-membership": Mutant(
        "never forgets that somebody was a member", _cached_membership, _MILD
    ),
    "no-resume": Mutant("resumes from now on", _no_resume, _CHAT_CRASHES),
    "fan-out-before-commit": Mutant(
        "shows messages before they are stored", _fan_out_before_commit, _ENGINE_CRASHES
    ),
    "w0": Mutant("does not wait for MongoDB (w: 0)", _insert_with(WriteConcern(0))),
    "edits-outlive-deletion": Mutant(
        "leaves the texts of edits when a message is deleted",
        _keep_deleted_texts_of_edits,
        _MILD,
        seconds=20.0,
    ),
    "deleted-text-told": Mutant(
        "tells deleted texts from memory to those who come back",
        _keep_deleted_texts_in_feeds,
        _MILD,
    ),
    "changes-only-logged": Mutant(
        "stores changes as entries and leaves messages as they were",
        _forget_to_change_messages,
        _MILD,
    ),
    "unjournaled": Mutant(
        "does not wait for the journal (w: 1, j: false)",
        _insert_with(WriteConcern(1, j=False)),
        _ENGINE_CRASHES,
        seconds=25.0,
    ),
}
