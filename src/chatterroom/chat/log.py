"""Appending to conversations: group commit, retry on a lost race, exactly once.

Commands that arrive while an insert is in flight gather and are stored by the next one, many
conversations at a time. The store's unique keys decide: an entry goes to `head + 1`, and losing
that place (another instance wrote) means to read again, decide again and insert again. A command
is answered only when its entry is on disk, and a repeated `(conversation, sender, client_id)` is
answered with the entry stored first.

No failure of one command ends the log or another command. Where an insert fails by a bug, the
conversations of that insert are read again and what is not stored is stored one by one: what
fails alone is answered with INTERNAL.

Within a conversation commands are decided in order of arrival. New messages are stored in groups,
and so are the first messages of private chats, in a transaction with the memberships that they
bring; all other entries are stored one by one, in a transaction with the documents that follow
from them: the message that was changed, the room, the memberships.
"""

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from chatterroom.background import each_apart, keep_running, report
from chatterroom.chat.conversation import (
    Command,
    Conversation,
    MessageCommand,
    PostMessage,
    answers,
    apply,
    decide,
)
from chatterroom.chat.entries import Entry, MessagePosted
from chatterroom.core import times
from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.errors import (
    ChatterRoomError,
    ErrorCode,
    StorageUnavailableError,
    internal_error,
)
from chatterroom.core.ids import ClientId, ConversationId, UserId, is_private

__all__ = ["Appended", "ConversationLog", "LogStore"]

log = structlog.get_logger()

MAX_BATCH = 500
# All of a transaction wait for its slowest part, and it must fit 16 MiB.
MAX_FIRSTS = 100
MAX_PENDING = 20_000
MAX_CACHED = 50_000
MAX_CACHED_MEMBERS = 500_000
"""Of all rooms whose state is kept: some 270 bytes each."""
# Shorter than what callers wait, so that they hear a reason.
DEADLINE_S = 1.5
_FIRST_RETRY_S = 0.05
_LAST_RETRY_S = 1.0

RequestKey = tuple[UserId, ClientId]


class LogStore(Protocol):
    """Where entries are kept. Two entries never share a seq of one conversation, nor a
    `(conversation, sender, client_id)`. What was stored survives a crash of everything.

    Any other exception than `StorageUnavailableError` is a bug; some may be stored then, too.
    """

    async def insert_messages(self, entries: Sequence[MessagePosted]) -> int:
        """Store messages of one kind of conversation, in order, up to the first whose seq or
        request is taken. Return how many were stored. Raises `StorageUnavailableError`."""

    async def insert_firsts(self, entries: Sequence[MessagePosted]) -> bool:
        """Store the first messages of private chats, with the memberships that they bring, all or
        nothing. Return False where a seq or request is taken. Raises `StorageUnavailableError`."""

    async def insert_with_effects(
        self, entry: Entry, after: Conversation, target: MessagePosted | None
    ) -> bool:
        """Store an entry and what follows from it, all or nothing.

        Return False where its seq or request is taken, or `target`, the message that it changes,
        has changed since it was read. Raises `StorageUnavailableError`.
        """

    async def message(self, conversation_id: ConversationId, seq: int) -> MessagePosted | None:
        """Return the message at `seq`, or None. Raises `StorageUnavailableError`."""

    async def load(
        self, conversation_id: ConversationId, known: Conversation | None = None
    ) -> Conversation:
        """Return the state at some moment after the call, of which `known` is an earlier one.

        Raises `StorageUnavailableError`.
        """

    async def find_requests(
        self, conversation_id: ConversationId, keys: Sequence[RequestKey]
    ) -> dict[RequestKey, Entry]:
        """Return what requests have stored. Raises `StorageUnavailableError`."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry on disk. `duplicate`: an earlier call with the same client id stored it."""

    entry: Entry
    duplicate: bool


@dataclass(slots=True)
class _Pending:
    command: Command
    answer: asyncio.Future[Appended]
    arrived: float
    refusal: ChatterRoomError | None = None
    attempted: Entry | None = None
    state_read: bool = False
    """Whether the state was read since it arrived."""
    suspect: bool = False
    """Whether an insert has failed by a bug of which it was a part: it is stored alone."""

    @property
    def key(self) -> RequestKey:
        return (self.command.sender_id, self.command.client_id)


@dataclass(slots=True)
class _Line:
    """The commands that wait for one conversation. While `busy`, one task alone handles it."""

    id: ConversationId
    state: Conversation | None = None
    waiting: deque[_Pending] = field(default_factory=deque)
    busy: bool = False


@dataclass(slots=True)
class _Plan:
    """What one commit does for one conversation."""

    line: _Line
    items: list[tuple[_Pending, MessagePosted]]
    repeats: list[tuple[_Pending, int]]
    """Commands that repeat the item at an index."""
    after: Conversation


class ConversationLog:
    """Appends to all conversations of one instance.

    `on_committed` hears of stored entries, in `seq` order within a conversation, before their
    commands are answered.
    """

    def __init__(
        self, store: LogStore, on_committed: Callable[[ConversationId, list[Entry]], None]
    ) -> None:
        self._store = store
        self._on_committed = on_committed
        self._lines: OrderedDict[ConversationId, _Line] = OrderedDict()
        self._members = 0
        """Members of all rooms whose state is kept."""
        self._ready: deque[_Line] = deque()
        self._work = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._pending = 0
        self._firsts: deque[tuple[_Line, _Pending]] = deque()
        self._storing_firsts = False

    async def run(self) -> None:
        """Commit what is submitted until cancelled."""
        async with self._tasks:
            await keep_running("log", self._commit_what_comes)

    async def append(self, command: Command) -> Appended:
        """Append and return the stored entry, or raise the rule that is broken.

        Raises OVERLOADED at once where too much waits already, and STORAGE_UNAVAILABLE where the
        deadline passes unanswered: then the entry may or may not be stored, and a repeat with
        the same client id finds out.
        """
        return await self.submit(command)

    def submit(
        self, command: Command, refusal: ChatterRoomError | None = None
    ) -> asyncio.Future[Appended]:
        """Queue a command behind those submitted before; the future is as `append` says.

        With a `refusal`, the reason why the caller will not have it, nothing is appended: the
        future raises it, unless the command repeats a request that was stored before.
        """
        if self._pending >= MAX_PENDING:
            raise ChatterRoomError(
                ErrorCode.OVERLOADED,
                "Too many messages are waiting to be stored. Try again in a moment.",
                retry_after_s=1.0,
            )
        loop = asyncio.get_running_loop()
        pending = _Pending(command, loop.create_future(), loop.time(), refusal)
        self._pending += 1
        pending.answer.add_done_callback(self._one_less)
        line = self._line(command.conversation_id)
        line.waiting.append(pending)
        if not line.busy:
            self._make_ready(line)
        return pending.answer

    def has_entries(self, conversation_id: ConversationId) -> bool:
        """Say whether a conversation is known to have been written to. False is no proof."""
        line = self._lines.get(conversation_id)
        return line is not None and line.state is not None and line.state.seq > 0

    def member_count(self, conversation_id: ConversationId) -> int:
        """Return how many members a room has, as far as is known without a read; else 0."""
        line = self._lines.get(conversation_id)
        return len(line.state.members) if line is not None and line.state is not None else 0

    def presume_empty(self, conversation_id: ConversationId) -> None:
        """Spare the first append to a conversation a look at what is most likely not there."""
        line = self._line(conversation_id)
        if line.state is None and not line.busy:
            self._keep(line, Conversation(conversation_id))

    async def _commit_what_comes(self) -> None:
        while True:
            raise_if_cancelled()
            await self._work.wait()
            plans = self._gather()
            if not self._ready:
                self._work.clear()
            if plans:
                await self._commit(plans)

    def _one_less(self, answer: asyncio.Future[Appended]) -> None:
        self._pending -= 1
        if not answer.cancelled():
            answer.exception()  # a client that went away leaves nobody to retrieve it

    def _line(self, conversation_id: ConversationId) -> _Line:
        line = self._lines.get(conversation_id)
        if line is None:
            line = self._lines[conversation_id] = _Line(conversation_id)
            self._evict()
        else:
            self._lines.move_to_end(conversation_id)
        return line

    def _evict(self) -> None:
        while len(self._lines) > MAX_CACHED or self._members > MAX_CACHED_MEMBERS:
            oldest = next(iter(self._lines.values()))
            if oldest.busy or oldest.waiting:
                self._lines.move_to_end(oldest.id)
                return
            self._keep(oldest, None)
            del self._lines[oldest.id]

    def _keep(self, line: _Line, state: Conversation | None) -> None:
        """Keep a conversation's state, or forget it."""
        before = len(line.state.members) if line.state is not None else 0
        more = (len(state.members) if state is not None else 0) - before
        line.state = state
        self._members += more
        if more > 0:
            self._evict()

    def _make_ready(self, line: _Line) -> None:
        line.busy = True
        self._ready.append(line)
        self._work.set()

    def _release(self, line: _Line) -> None:
        line.busy = False
        if line.waiting:
            self._make_ready(line)

    def _start(self, line: _Line, pendings: list[_Pending], work: Awaitable[None]) -> None:
        """Let a task of its own see to a line, and free the line when it has done so."""
        self._tasks.create_task(self._see_to(line, pendings, work))

    async def _see_to(self, line: _Line, pendings: list[_Pending], work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- reported; the other lines go on
            self._fail(line, pendings, error)
        self._release(line)

    def _fail(self, line: _Line, pendings: Iterable[_Pending], error: Exception) -> None:
        """Answer commands with INTERNAL. What is known of their conversation may be wrong now."""
        report("log", error)
        self._keep(line, None)
        for pending in pendings:
            _refuse(pending, internal_error())

    def _gather(self) -> list[_Plan]:
        """Plan one commit; hand what cannot be part of it to tasks of its own."""
        plans: list[_Plan] = []
        room = MAX_BATCH
        for _ in range(len(self._ready)):
            if room <= 0:
                break
            line = self._ready.popleft()
            plan = self._plan(line, room)
            if plan is not None:
                plans.append(plan)
                room -= len(plan.items)
        return plans

    def _plan(self, line: _Line, room: int) -> _Plan | None:
        """Decide what waits, up to what must be stored alone or needs a fresh state.

        None where the line was handed to a task or has nothing left to do.
        """
        if line.state is None:
            self._start(line, [], self._recover(line, []))
            return None
        plan = _Plan(line, [], [], line.state)
        places: dict[RequestKey, int] = {}
        now = times.now()
        while line.waiting and len(plan.items) < room:
            pending = line.waiting[0]
            if pending.answer.done():
                line.waiting.popleft()
                continue
            if (place := places.get(pending.key)) is not None:
                plan.repeats.append((line.waiting.popleft(), place))
                continue
            decided = self._decide_message(plan.after, pending, now)
            if decided is None:
                if plan.items:
                    break
                line.waiting.popleft()
                self._hand_over(line, line.state, pending)
                return None
            line.waiting.popleft()
            entry, plan.after = decided
            pending.attempted = entry
            places[pending.key] = len(plan.items)
            plan.items.append((pending, entry))
        if plan.items:
            return plan
        self._release(line)
        return None

    def _hand_over(self, line: _Line, state: Conversation, pending: _Pending) -> None:
        """Have a task of its own see to a command that is not stored with other messages."""
        begins = is_private(line.id) and state.seq == 0 and isinstance(pending.command, PostMessage)
        if not begins or pending.refusal is not None or pending.suspect:
            self._start(line, [pending], self._handle_alone(line, state, pending))
            return
        self._firsts.append((line, pending))
        if not self._storing_firsts:
            self._storing_firsts = True
            self._tasks.create_task(self._handle_firsts())

    def _decide_message(
        self, state: Conversation, pending: _Pending, now: datetime
    ) -> tuple[MessagePosted, Conversation] | None:
        """Return the message to store in a group and the state after it, or None for all that
        takes a look of its own."""
        # The first message of a private chat brings its memberships with it.
        if (
            not isinstance(pending.command, PostMessage)
            or state.seq == 0
            or pending.refusal
            or pending.suspect
        ):
            return None
        try:
            entry = decide(state, pending.command, now)
            if not isinstance(entry, MessagePosted) or entry.accepts:
                return None  # writing back to a request changes the sender's membership, too
            return entry, apply(state, entry)
        except Exception:  # noqa: BLE001 -- a broken rule or a bug: raised again when it is alone
            return None

    async def _commit(self, plans: list[_Plan]) -> None:
        rooms = [plan for plan in plans if not is_private(plan.line.id)]
        private = [plan for plan in plans if is_private(plan.line.id)]
        if rooms and private:
            await asyncio.gather(self._commit_kind(rooms), self._commit_kind(private))
        else:
            await self._commit_kind(rooms or private)

    async def _commit_kind(self, plans: list[_Plan]) -> None:
        while plans:
            entries = [entry for plan in plans for _, entry in plan.items]
            try:
                stored = await self._store.insert_messages(entries)
            except StorageUnavailableError as error:
                log.warning("commit_in_doubt", entries=len(entries), reason=error.reason)
                for plan in plans:
                    self._settle(plan, 0)
                return
            except Exception as error:  # noqa: BLE001 -- reported, and by whom it was, found out
                self._after_failed_insert(plans, error)
                return
            plans = self._settle_stored(plans, stored)

    def _after_failed_insert(self, plans: list[_Plan], error: Exception) -> None:
        """Fail the one message that was to be stored, or find out which of several failed."""
        pendings = [pending for plan in plans for pending, _ in plan.items]
        if len(pendings) > 1:
            log.warning("insert_divided", entries=len(pendings), reason=type(error).__name__)
        for pending in pendings:
            pending.suspect = True
        for plan in plans:
            if len(pendings) == 1:
                self._fail(plan.line, pendings, error)
                self._start(plan.line, [], self._recover(plan.line, [p for p, _ in plan.repeats]))
            else:
                self._settle(plan, 0)

    def _settle_stored(self, plans: list[_Plan], stored: int) -> list[_Plan]:
        """Settle the plans that `stored` entries reach into; return those not attempted yet."""
        for index, plan in enumerate(plans):
            if stored < len(plan.items):
                self._settle(plan, stored)
                return plans[index + 1 :]
            self._settle(plan, len(plan.items))
            stored -= len(plan.items)
        return []

    def _settle(self, plan: _Plan, stored: int) -> None:
        """Answer the first `stored` items; look into what became of the others."""
        line = plan.line
        if stored == len(plan.items):
            self._keep(line, plan.after)
        if stored:
            self._announce(line, [entry for _, entry in plan.items[:stored]])
        in_doubt = [pending for pending, _ in plan.items[stored:]]
        for pending, entry in plan.items[:stored]:
            _answer(pending, entry, duplicate=False)
        for pending, place in plan.repeats:
            if place < stored:
                _answer(pending, plan.items[place][1], duplicate=True)
            else:
                in_doubt.append(pending)
        if in_doubt:
            self._start(line, in_doubt, self._recover(line, in_doubt))
        else:
            self._release(line)

    async def _handle_firsts(self) -> None:
        """Store first messages of private chats; what comes meanwhile gathers."""
        while self._firsts:
            batch = [self._firsts.popleft() for _ in range(min(MAX_FIRSTS, len(self._firsts)))]
            try:
                stored = len(batch) > 1 and await self._store_firsts(batch)
            except Exception as error:  # noqa: BLE001 -- reported by the one that fails alone
                log.warning("insert_divided", entries=len(batch), reason=type(error).__name__)
                stored = False
            if not stored:
                for line, pending in batch:
                    alone = self._handle_alone(line, Conversation(line.id), pending)
                    self._start(line, [pending], alone)
        self._storing_firsts = False

    async def _store_firsts(self, batch: Sequence[tuple[_Line, _Pending]]) -> bool:
        """Return False where one of them, and so none, could be stored: each is to go alone."""
        now = times.now()
        entries: list[MessagePosted] = []
        states: list[Conversation] = []
        for line, pending in batch:
            entry = decide(Conversation(line.id), pending.command, now)
            assert isinstance(entry, MessagePosted)  # noqa: S101 -- no rule refuses a first message
            states.append(apply(Conversation(line.id), entry))
            entries.append(entry)
        for (_, pending), entry in zip(batch, entries, strict=True):
            pending.attempted = entry
        try:
            if not await self._store.insert_firsts(entries):
                return False
        except StorageUnavailableError as error:
            log.warning("commit_in_doubt", entries=len(entries), reason=error.reason)
            for line, pending in batch:
                self._start(line, [pending], self._recover(line, [pending]))
            return True
        for (line, pending), entry, after in zip(batch, entries, states, strict=True):
            self._keep(line, after)
            self._announce(line, [entry])
            _answer(pending, entry, duplicate=False)
            self._release(line)
        return True

    async def _handle_alone(self, line: _Line, state: Conversation, pending: _Pending) -> None:
        """Refuse a command, or store its entry with what follows from it."""
        if pending.refusal is not None:
            await self._refuse_unless_stored(line, pending, pending.refusal)
            return
        command = pending.command
        target = None
        try:
            if isinstance(command, MessageCommand):
                target = await self._store.message(line.id, command.message_seq)
            entry = decide(state, command, times.now(), target)
            pending.attempted = entry
            after = apply(state, entry)
            stored = await self._insert_alone(entry, after, target)
        except StorageUnavailableError as error:
            log.warning("commit_in_doubt", entries=1, reason=error.reason)
            stored = False
        except ChatterRoomError as error:
            if pending.state_read:
                await self._refuse_unless_stored(line, pending, error)
                return
            # The refusal may rest on an outdated state.
            stored = False
        if not stored:
            await self._recover(line, [pending])
            return
        self._keep(line, after)
        self._announce(line, [entry])
        _answer(pending, entry, duplicate=False)

    async def _insert_alone(
        self, entry: Entry, after: Conversation, target: MessagePosted | None
    ) -> bool:
        if isinstance(entry, MessagePosted) and entry.seq > 1 and not entry.accepts:
            return await self._store.insert_messages([entry]) == 1
        return await self._store.insert_with_effects(entry, after, target)

    async def _refuse_unless_stored(
        self, line: _Line, pending: _Pending, error: ChatterRoomError
    ) -> None:
        """Refuse a command that is not a repeat: what refuses it may be what it did itself.

        Looked for last, since what another instance has in flight can be stored at any moment
        before the state and the message are read that the refusal rests on.
        """
        try:
            found = await self._store.find_requests(line.id, [pending.key])
        except StorageUnavailableError:
            _refuse(pending, _unconfirmed())
        else:
            if entry := found.get(pending.key):
                _answer_stored(pending, entry, duplicate=True)
            else:
                _refuse(pending, error)

    def _announce(self, line: _Line, entries: list[Entry]) -> None:
        """Let others know of stored entries. Where that fails they are stored all the same."""
        try:
            self._on_committed(line.id, entries)
        except Exception as error:  # noqa: BLE001 -- reported; feeds compare with the store
            report("announcing", error)

    async def _recover(self, line: _Line, in_doubt: list[_Pending]) -> None:
        """Read the conversation again, answer what turns out to be stored, queue the rest."""
        loop = asyncio.get_running_loop()
        retry_s = _FIRST_RETRY_S
        while True:
            if self._too_late((*in_doubt, *line.waiting), loop.time()):
                line.waiting.clear()
                self._keep(line, None)
                return
            try:
                state = await self._load(line)
                found = await self._find(line, in_doubt)
                break
            except StorageUnavailableError as error:
                log.warning("recovery_delayed", reason=error.reason)
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))
            retry_s = min(_LAST_RETRY_S, retry_s * 2)
        self._keep(line, state)
        unanswered = []
        ours: list[Entry] = []
        for pending in in_doubt:
            if pending.answer.done():
                continue
            entry = found.get(pending.key)
            if entry is None:
                pending.attempted = None
                pending.state_read = True
                unanswered.append(pending)
                continue
            mine = _same(entry, pending.attempted)
            if mine:
                ours.append(entry)
            _answer_stored(pending, entry, duplicate=not mine)
        if ours:
            self._announce(line, sorted(ours, key=lambda entry: entry.seq))
        line.waiting.extendleft(reversed(unanswered))

    async def _load(self, line: _Line) -> Conversation:
        try:
            return await self._store.load(line.id, line.state)
        except StorageUnavailableError:
            raise
        except Exception:
            # Nothing that waits for this conversation can be decided.
            for pending in line.waiting:
                _refuse(pending, internal_error())
            line.waiting.clear()
            raise

    async def _find(self, line: _Line, in_doubt: Sequence[_Pending]) -> dict[RequestKey, Entry]:
        """Return what commands have stored; one that cannot be looked for is refused."""
        found: dict[RequestKey, Entry] = {}

        async def find(keys: Sequence[RequestKey]) -> None:
            found.update(await self._store.find_requests(line.id, keys))

        keys = list({pending.key for pending in in_doubt})
        failures = await each_apart(keys, find) if keys else ()
        for key, error in failures:
            report("log", error)
            for pending in in_doubt:
                if pending.key == key:
                    _refuse(pending, internal_error())
        return found

    def _too_late(self, pendings: Sequence[_Pending], now: float) -> bool:
        """Fail all if one has waited too long: those behind it must not overtake it."""
        if all(now - pending.arrived < DEADLINE_S for pending in pendings):
            return not pendings
        for pending in pendings:
            _refuse(pending, _unconfirmed())
        return True


def _same(stored: Entry, attempted: Entry | None) -> bool:
    """Say whether an entry is the one attempted; it may have been edited since."""
    return attempted is not None and (stored.seq, stored.created_at) == (
        attempted.seq,
        attempted.created_at,
    )


def _answer(pending: _Pending, entry: Entry, *, duplicate: bool) -> None:
    if not pending.answer.done():
        pending.answer.set_result(Appended(entry, duplicate))


def _answer_stored(pending: _Pending, entry: Entry, *, duplicate: bool) -> None:
    """Answer with what the request has stored, if a command of this kind can have stored it."""
    if answers(entry, pending.command):
        _answer(pending, entry, duplicate=duplicate)
    else:
        _refuse(pending, _reused(entry))


def _refuse(pending: _Pending, error: ChatterRoomError) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(error)


def _unconfirmed() -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.STORAGE_UNAVAILABLE,
        "Storage did not confirm in time. Retrying with the same client_id is safe.",
        retry_after_s=1.0,
    )


def _reused(entry: Entry) -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.CLIENT_ID_REUSED,
        "This client_id was used for a different kind of request in this conversation.",
        seq=entry.seq,
    )
