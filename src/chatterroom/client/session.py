"""The session socket: everything of one user's conversations on one connection, kept up.

The rules are elsewhere (`inbox.py`: order and resuming; `outbox.py`: exactly-once sends); here
they meet the connection and time.
"""

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import count
from types import TracebackType
from typing import Any, Self

import msgspec

from chatterroom.client.backoff import Backoff, full_jitter
from chatterroom.client.connection_websockets import ClosedError, Connection, open_connection
from chatterroom.client.credentials import Credentials
from chatterroom.client.errors import (
    ApiError,
    ConnectionLostError,
    SessionClosedError,
    UnacknowledgedError,
)
from chatterroom.client.events import (
    Acknowledged,
    Conversations,
    Entry,
    Event,
    Frame,
    GoingAway,
    Gone,
    Head,
    KnownEntry,
    Marks,
    Presence,
    Ready,
    Refusal,
    RequestAnswered,
    RequestReceived,
    Resumed,
    Typing,
    Unknown,
    UserPresence,
    decode_frame,
)
from chatterroom.client.inbox import Inbox, Verdict
from chatterroom.client.outbox import Outbox, Outgoing
from chatterroom.client.pace import Pace
from chatterroom.client.session_commands import SessionCommands
from chatterroom.core.ids import UserId, private_conversation_id

__all__ = ["Session", "SessionState"]

# Refusals that say nothing about the command: it is worth trying again.
_PASSING = frozenset(
    {
        "storage_unavailable",
        "overloaded",
        "service_unavailable",
        "request_timed_out",
        "rate_limited",
    }
)
_RETRY_BASE_S = 0.2
_RETRY_CAP_S = 2.0
# A rate limit says when there is room again: only a little is added, so that the sessions of one
# user do not all come back in the same moment.
_LIMITED = "rate_limited"
_LIMITED_BASE_S = 0.05
# A command that has to wait for longer is refused, and not repeated while others wait behind it.
_LONGEST_RETRY_S = 10.0

_NORMAL = 1000
_STAY_AWAY = 4400
"""From this close code on, connecting again is no use, with two exceptions."""
_TOKEN_EXPIRED = 4401
_TOO_MANY_MESSAGES = 4429
_PAUSE_AFTER_TOO_MANY_S = 3.0

_UNAUTHORIZED = 401
_PASSING_STATUSES = frozenset({408, 425, 429})
_SERVER_ERRORS = 500

_BACKOFF_BASE_S = 0.25
# A connection that was live for so long was a good one: begin again with short delays.
_STABLE_S = 5.0
_READY_S = 30.0
# Of the time in which a server that stops wants to be left.
_LEAVING_PART = 0.8
# A server closes a socket that sends a longer message, and would again after every repeat.
_MAX_COMMAND_BYTES = 60 * 1024

_RESUME_REF = "resume"
"""Commands have numbers."""


class SessionState(Enum):
    """Where a session is with its connection."""

    CONNECTING = "connecting"
    """A connection is being opened and brought up to date."""
    LIVE = "live"
    """Events come as they happen."""
    OFFLINE = "offline"
    """The connection is lost; the next attempt follows."""
    CLOSED = "closed"
    """The session has ended for good."""


class _ReopenError(Exception):
    """This connection is of no more use; a new one is."""


class Session(SessionCommands):
    """What happens to one user, and what the user says, over connections that come and go.

    Enter it, as an async context manager, to connect; iterate over it, in one task, for events.

    **Events** of a conversation come in the order of `seq`, each entry once and, while the user is
    in it, without a hole, also across reconnects. Between conversations no order is promised.
    Without `cursors`, what happens after the first connection comes; with them, everything after
    the entries they name, and conversations that they do not name begin with the entry that
    brought the user in. Events that are not entries (`seq` is None) are told once or, if something
    is lost, not at all.

    **Slow readers.** At most `max_waiting_events` wait. Beyond that the socket is not read, so
    that the server holds back. Where a command waits for its answer it is read nevertheless, and
    the entries that found no room are fetched again later.

    **Connections** that are lost are replaced, after a random delay that grows up to
    `longest_delay_s`. A peer that has been silent for `ping_after_s`, and does not answer a ping
    within `pong_within_s`, counts as lost. Iterating raises `SessionClosedError` where the server
    wants the session not to come back, and `ApiError` where the login has ended.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        cursors: Mapping[str, int] | None,
        on_state: Callable[[SessionState], None] | None,
        max_waiting_events: int,
        max_unacknowledged: int,
        messages_per_s: float,
        message_burst: int,
        ping_after_s: float,
        pong_within_s: float,
        longest_delay_s: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._url = f"ws{url.removeprefix('http')}/ws/chat"
        self._tls = tls
        self._credentials = credentials
        self._on_state = on_state
        self._max_waiting_events = max_waiting_events
        self._messages_per_s = messages_per_s
        self._message_burst = message_burst
        self._ping_after_s = ping_after_s
        self._pong_within_s = pong_within_s
        self._backoff = Backoff(_BACKOFF_BASE_S, longest_delay_s)

        self._state = SessionState.OFFLINE
        self._state_changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._live_since: float | None = None

        self._user_id = credentials.user_id
        self._inbox = Inbox(self._user_id, cursors)
        self._heads: list[Head] = []
        self._cursors = dict(cursors or {})
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._readable = asyncio.Event()
        self._readable.set()
        self._overflowed = False
        self._reopen = asyncio.Event()
        self._leave_timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0

        self._outbox = Outbox()
        self._outbox_changed = asyncio.Event()
        self._slots = asyncio.Semaphore(max_unacknowledged)
        self._answers: dict[str, asyncio.Future[bytes]] = {}
        self._refusals: dict[str, ApiError] = {}
        self._refs = count(1)
        self._resume_text = b""
        self._watched: list[str] = []
        self._is_complete = False
        self._ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._running = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session. Commands without an answer raise `SessionClosedError`; events that
        wait are dropped, and `cursors` do not count them."""
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.wait([self._running])
        self._events.clear()
        self._end(SessionClosedError(_NORMAL, "closed by this client"))

    # State

    @property
    def state(self) -> SessionState:
        """Where the session is with its connection."""
        return self._state

    async def wait_for(self, state: SessionState) -> None:
        """Return as soon as the session is in a state; raise why if it ends before."""
        while self._state is not state:
            if self._error is not None:
                raise self._error
            self._state_changed.clear()
            await self._state_changed.wait()

    @property
    def cursors(self) -> dict[str, int]:
        """The last `seq` of each conversation that iteration has given out.

        Kept after what an event led to is done, and given to the next session, they make it go on
        behind that event.
        """
        return dict(self._cursors)

    # Events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if isinstance(self._error, SessionClosedError) and self._error.code == _NORMAL:
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            self._arrived.clear()
            await self._arrived.wait()
        event = self._events.popleft()
        if isinstance(event, Entry | Unknown) and event.seq is not None:
            self._cursors[event.conversation_id or ""] = event.seq
        if self._overflowed and len(self._events) <= self._max_waiting_events // 2:
            self._reopen.set()
        self._update_readable()
        return event

    # Commands

    async def watch_presence(
        self, user_ids: Iterable[str], *, timeout_s: float = 60.0
    ) -> list[UserPresence]:
        """See `SessionCommands`; every further connection asks again by itself."""
        watched = list(user_ids)
        present = await super().watch_presence(watched, timeout_s=timeout_s)
        self._watched = watched
        return present

    async def _ask(
        self, type_: str, fields: dict[str, Any], *, repeatable: bool, timeout_s: float
    ) -> bytes:
        ref = str(next(self._refs))
        text = msgspec.json.encode({"type": type_, "ref": ref, **fields})
        if len(text) > _MAX_COMMAND_BYTES:
            raise ApiError(
                "message_too_long", f"A command can have at most {_MAX_COMMAND_BYTES} bytes."
            )
        command = Outgoing(ref, self._lane(fields) or f"ref {ref}", text, repeatable)
        try:
            async with asyncio.timeout(timeout_s), self._slots:
                return await self._answer_to(command)
        except TimeoutError:
            refusal = self._refusals.get(ref)
            if refusal is not None:
                raise refusal from None
            raise UnacknowledgedError(type_, fields.get("client_id")) from None
        finally:
            self._refusals.pop(ref, None)

    def _lane(self, fields: dict[str, Any]) -> str | None:
        """Return the conversation that a command is about."""
        receiver_id = fields.get("receiver_id")
        if isinstance(receiver_id, str):
            return private_conversation_id(UserId(self._user_id), UserId(receiver_id))
        message_id = fields.get("message_id")
        if isinstance(message_id, str):
            return message_id.rpartition("-")[0]
        return fields.get("conversation_id") or fields.get("room_id")

    async def _answer_to(self, command: Outgoing) -> bytes:
        if self._error is not None:
            raise self._error
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[command.ref] = answer
        self._outbox.put(command)
        self._outbox_changed.set()
        self._update_readable()
        try:
            return await answer
        finally:
            del self._answers[command.ref]
            self._outbox.answered(command.ref)
            self._outbox_changed.set()
            self._update_readable()

    # Connections

    async def _run(self) -> None:
        """Connect until the session ends, and then say why."""
        try:
            while True:
                self._enter(SessionState.CONNECTING)
                pause_s = await self._live_once()
                self._disconnected()
                self._enter(SessionState.OFFLINE)
                # All who were told the same pause must not come back in the same moment.
                await asyncio.sleep(pause_s + self._backoff.next_delay())
        except asyncio.CancelledError:
            self._end(SessionClosedError(_NORMAL, "closed by this client"))
            raise
        except Exception as error:  # noqa: BLE001 -- whoever iterates gets it
            self._end(error)

    async def _live_once(self) -> float:
        """Open a connection and use it until it ends.

        Return how long to stay away at least, or raise why there must not be another.
        """
        token = None
        try:
            token = await self._credentials.fresh()
            address = f"{self._url}?userId={self._user_id}"
            async with open_connection(address, token, self._tls) as connection:
                await self._converse(connection)
        except ApiError as refused:
            return await self._after_refusal(refused, token)
        except ClosedError as closed:
            return await self._after_close(closed, token or "")
        except (ConnectionLostError, _ReopenError):
            pass
        return 0.0

    async def _after_refusal(self, refused: ApiError, token: str | None) -> float:
        status = refused.status or 0
        if token is None and status == _UNAUTHORIZED:
            raise refused  # the renewal itself was refused
        if token is not None and status == _UNAUTHORIZED:
            return await self._renew(token)
        if status in _PASSING_STATUSES or status >= _SERVER_ERRORS:
            return refused.retry_after_s or 0.0
        raise SessionClosedError(status, str(refused)) from refused

    async def _after_close(self, closed: ClosedError, token: str) -> float:
        if closed.code == _TOKEN_EXPIRED:
            return await self._renew(token)
        if closed.code == _TOO_MANY_MESSAGES:
            return _PAUSE_AFTER_TOO_MANY_S
        if closed.code >= _STAY_AWAY:
            raise SessionClosedError(closed.code, closed.reason)
        return 0.0

    async def _renew(self, token: str) -> float:
        try:
            await self._credentials.renewed(token)
        except ApiError as error:
            if error.status == _UNAUTHORIZED:
                raise
            return error.retry_after_s or 0.0
        except ConnectionLostError:
            pass
        return 0.0

    async def _converse(self, connection: Connection) -> None:
        """Read, write and watch one connection until it ends; raise how it ended."""
        self._overflowed = False
        self._reopen.clear()
        self._ready.clear()
        self._heads.clear()
        self._heard_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(connection))
                tasks.create_task(self._write(connection))
                tasks.create_task(self._watch(connection))
                tasks.create_task(self._reopen_when_due())
        except BaseExceptionGroup as group:
            # All of them end for the same reason; who found out first knows it best.
            raise group.exceptions[0] from None
        finally:
            if self._leave_timer is not None:
                self._leave_timer.cancel()
                self._leave_timer = None

    def _disconnected(self) -> None:
        loop = asyncio.get_running_loop()
        if self._live_since is not None and loop.time() - self._live_since >= _STABLE_S:
            self._backoff.reset()
        self._live_since = None
        for ref in self._outbox.disconnected():
            answer = self._answers.get(ref)
            if answer is not None and not answer.done():
                answer.set_exception(ConnectionLostError("the connection was lost"))

    def _enter(self, state: SessionState) -> None:
        if state is self._state:
            return
        self._state = state
        self._state_changed.set()
        if self._on_state is not None:
            self._on_state(state)

    def _end(self, error: Exception) -> None:
        if self._error is not None:
            return
        self._error = error
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)
        self._arrived.set()
        self._enter(SessionState.CLOSED)

    # Reading

    async def _read(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self._readable.is_set():
                await self._readable.wait()
            text = await connection.receive()
            self._heard_at = loop.time()
            try:
                frame = decode_frame(text)
            except ValueError as error:
                raise _ReopenError(f"the server sent something unreadable: {error}") from None
            self._take(frame, text)

    def _take(self, frame: Frame, text: bytes) -> None:
        match frame:
            case Ready() | Conversations():
                self._take_heads(frame)
            case Resumed():
                if not self._is_complete:
                    raise _ReopenError("there is more to resume")
                self._live_since = asyncio.get_running_loop().time()
                self._enter(SessionState.LIVE)
            case GoingAway(within_s):
                self._leave_within(within_s)
            case Acknowledged(ref=ref) | Presence(ref=str() as ref):
                self._answer(ref, text)
            case Refusal(ref=ref) if ref == _RESUME_REF:
                raise _ReopenError(f"resuming was refused: {frame.detail}")
            case Refusal():
                self._refuse(frame)
            case Entry():
                self._take_entry(frame)
            case Unknown() if isinstance(frame.fields.get("ref"), str):
                self._answer(frame.fields["ref"], text)
            case Unknown() if frame.seq is not None:
                self._take_entry(frame)
            case (
                Typing() | Marks() | Presence() | RequestReceived() | RequestAnswered() | Unknown()
            ):
                # What is gone in a moment is the first to go where there is no room.
                if len(self._events) < self._max_waiting_events:
                    self._pass_on(frame)

    def _take_heads(self, frame: Ready | Conversations) -> None:
        self._heads += frame.conversations
        if frame.has_more:
            return
        heads, self._heads = self._heads, []
        opening = self._inbox.open(heads)
        self._cursors |= opening.started
        for conversation_id in opening.gone:
            self._pass_on(Gone(conversation_id))
        self._is_complete = opening.is_complete
        self._resume_text = msgspec.json.encode(
            {"type": "resume", "ref": _RESUME_REF, "conversations": opening.resume}
        )
        self._ready.set()

    def _take_entry(self, entry: KnownEntry | Unknown) -> None:
        if self._overflowed or len(self._events) >= self._max_waiting_events:
            self._overflowed = True
            return
        verdict = self._inbox.take(entry)
        if verdict is Verdict.HOLE:
            raise _ReopenError(f"{entry.conversation_id} lacks what comes before {entry.seq}")
        if verdict is Verdict.NEXT:
            self._pass_on(entry)

    def _pass_on(self, event: Event) -> None:
        self._events.append(event)
        self._arrived.set()
        self._update_readable()

    def _update_readable(self) -> None:
        """Stop reading where events pile up, unless an answer is behind them."""
        if len(self._events) < self._max_waiting_events or len(self._outbox):
            if not self._readable.is_set():
                self._heard_at = asyncio.get_running_loop().time()
                self._readable.set()
        else:
            self._readable.clear()

    def _leave_within(self, seconds: float) -> None:
        """Leave this connection at a random moment: everybody else has been asked to, too."""
        if self._leave_timer is None:
            delay_s = random.uniform(0.0, seconds * _LEAVING_PART)
            loop = asyncio.get_running_loop()
            self._leave_timer = loop.call_later(delay_s, self._reopen.set)

    async def _reopen_when_due(self) -> None:
        await self._reopen.wait()
        raise _ReopenError("there is something to fetch again, or the server stops")

    # Writing

    def _answer(self, ref: str | None, text: bytes) -> None:
        answer = self._answers.get(ref or "")
        if answer is not None and not answer.done():
            answer.set_result(text)

    def _refuse(self, refusal: Refusal) -> None:
        answer = self._answers.get(refusal.ref or "")
        command = self._outbox.get(refusal.ref or "")
        if answer is None or answer.done() or command is None:
            return
        error = ApiError(refusal.code, refusal.detail, None, refusal.retry_after_s)
        wait_s = refusal.retry_after_s or 0.0
        may_pass = refusal.code in _PASSING and wait_s <= _LONGEST_RETRY_S
        if not may_pass or not command.repeatable:
            answer.set_exception(error)
            return
        self._refusals[command.ref] = error
        if refusal.code == _LIMITED and wait_s:
            delay_s = wait_s + full_jitter(command.postponed, _LIMITED_BASE_S, _RETRY_CAP_S)
        else:
            delay_s = max(wait_s, full_jitter(command.postponed, _RETRY_BASE_S, _RETRY_CAP_S))
        self._outbox.postpone(command.ref, asyncio.get_running_loop().time() + delay_s)
        self._outbox_changed.set()

    async def _write(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(self._messages_per_s, self._message_burst, loop.time())
        try:
            async with asyncio.timeout(_READY_S):
                await self._ready.wait()
        except TimeoutError:
            raise _ReopenError("the server did not say what there is to resume") from None
        pace.spend(loop.time())
        await connection.send(self._resume_text)
        if self._watched:
            # The server watches for one connection only.
            watch = {"type": "watch_presence", "user_ids": self._watched}
            pace.spend(loop.time())
            await connection.send(msgspec.json.encode(watch))
        while True:
            await self._something_due()
            delay_s = pace.delay(loop.time())
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            command = self._outbox.next_due(loop.time())
            if command is not None:
                pace.spend(loop.time())
                await connection.send(command.text)

    async def _something_due(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._outbox.is_due(loop.time()):
            self._outbox_changed.clear()
            next_time = self._outbox.next_time(loop.time())
            try:
                async with asyncio.timeout_at(next_time):
                    await self._outbox_changed.wait()
            except TimeoutError:
                pass

    # Watching

    async def _watch(self, connection: Connection) -> None:
        """Ping a silent peer. While nothing is read on purpose, silence says nothing."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._readable.is_set():
                await self._readable.wait()
            left_s = self._heard_at + self._ping_after_s - loop.time()
            if left_s > 0:
                await asyncio.sleep(left_s)
                continue
            try:
                async with asyncio.timeout(self._pong_within_s):
                    await connection.ping()
            except TimeoutError:
                if self._readable.is_set() and self._heard_at + self._ping_after_s < loop.time():
                    raise _ReopenError("the peer does not answer") from None
            self._heard_at = loop.time()
