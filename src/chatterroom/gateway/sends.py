"""Sends on their way to the chat service, gathered into one call per instance and moment.

A call costs the same whether it carries one send or a hundred (docs/performance.md). So while a
call to an instance is under way, the next sends for it gather until there are enough to share what
another costs; after a pause the first goes at once.

    send ──► line (one conversation) ──► lane (one instance) ──► call ──► outcome
               ▲                                                   │
               └────────────── what a lost call carried ◄──────────┘
"""

# The types of the asynchronous stubs exist in the stub files only.
from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import structlog

from chatterroom.core.errors import ChatterRoomError, ErrorCode, internal_error
from chatterroom.core.ids import ConversationId
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.backend import ATTEMPTS, Backend, LostCallError, backoff_s
from chatterroom.rpc.balancer import Instance

__all__ = ["BATCH_BYTES", "BATCH_SENDS", "CALLS_AT_ONCE", "WORTH_A_CALL", "Sends"]

log = structlog.get_logger()

BATCH_SENDS = 256
# gRPC refuses messages above 4 MiB.
BATCH_BYTES = 1024 * 1024
# A further call starts beside those under way where so many sends share what it costs, or have
# waited so long: one call that hangs must not hold up the others.
WORTH_A_CALL = 8
CALLS_AT_ONCE = 8
_GATHER_S = 0.1
# Less than this says nothing about an instance.
_SHORTEST_CALL_S = 0.05

_CODES = {code.value: code for code in ErrorCode}
_data_decoder = msgspec.json.Decoder(dict[str, str | int | float])


class Sends:
    """Takes sends one by one and hands them over in batches.

    Sends of one conversation arrive in the order in which they were taken, also where calls fail
    and are repeated on other instances. Each must carry a client id: that makes repeats harmless.
    """

    def __init__(
        self, chat: Backend[chat_pb2_grpc.ChatServiceAsyncStub], max_open_sends: int
    ) -> None:
        self._chat = chat
        self._max_open_sends = max_open_sends
        self._open_sends = 0
        self._lines: dict[ConversationId, _Line] = {}
        self._lanes: dict[str, _Lane] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def send(
        self, conversation_id: ConversationId, request: chat_pb2.SendRequest
    ) -> chat_pb2.SendRoomMessageResponse:
        """Return where the message is stored, or raise what the service refused it with.

        Raises OVERLOADED where too many sends are open already. After SERVICE_UNAVAILABLE and
        REQUEST_TIMED_OUT the message may be stored nevertheless.
        """
        if self._open_sends >= self._max_open_sends:
            raise ChatterRoomError(
                ErrorCode.OVERLOADED,
                "Too many messages are being sent. Try again in a moment.",
                retry_after_s=1.0,
            )
        outcome = asyncio.get_running_loop().create_future()
        deadline = time.monotonic() + self._chat.timeout_s
        self._open_sends += 1
        self._enqueue(conversation_id, _Send(request, deadline, outcome))
        try:
            async with asyncio.timeout(self._chat.timeout_s):
                return _stored(await outcome)
        except TimeoutError:
            raise self._chat.timed_out() from None
        finally:
            self._open_sends -= 1

    async def close(self) -> None:
        """Give up the calls under way."""
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _enqueue(self, conversation_id: ConversationId, send: _Send) -> None:
        line = self._lines.get(conversation_id)
        if line is None:
            line = self._lines[conversation_id] = _Line(conversation_id)
            line.waiting.append(send)
            self._choose_lane(line)
            return
        line.waiting.append(send)
        if line.lane is not None:
            line.lane.sends += 1
            self._wake(line.lane)

    def _choose_lane(self, line: _Line) -> None:
        instance = self._chat.balancer.pick(key=line.conversation_id, avoid=line.tried)
        if instance is None:
            _refuse(line.waiting, self._chat.unavailable())
            del self._lines[line.conversation_id]
            return
        lane = self._lanes.get(instance.service_url)
        if lane is None:
            lane = self._lanes[instance.service_url] = _Lane(instance)
        lane.join(line)
        self._wake(lane)

    def _wake(self, lane: _Lane) -> None:
        # What else arrives in this turn of the loop comes along.
        if not lane.woken:
            lane.woken = True
            asyncio.get_running_loop().call_soon(self._start_calls, lane)

    def _start_calls(self, lane: _Lane) -> None:
        lane.woken = False
        while lane.lines and lane.admits_call():
            batch = self._next_batch(lane)
            if batch:
                lane.calls += 1
                lane.overdue = False
                call = asyncio.create_task(self._call(lane, batch))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
        if lane.lines and lane.timer is None:
            loop = asyncio.get_running_loop()
            lane.timer = loop.call_later(_GATHER_S, self._stop_gathering, lane)
        elif not lane.lines and not lane.calls and lane.timer is None:
            self._lanes.pop(lane.instance.service_url, None)

    def _stop_gathering(self, lane: _Lane) -> None:
        lane.timer = None
        lane.overdue = bool(lane.lines)
        self._wake(lane)

    def _next_batch(self, lane: _Lane) -> list[_Load]:
        batch: list[_Load] = []
        places, size = BATCH_SENDS, BATCH_BYTES
        while lane.lines and places > 0 and size > 0:
            line = lane.next_line()
            load = _Load(line)
            while line.waiting and places > 0 and size > 0:
                send = line.waiting.popleft()
                if not send.outcome.done():
                    load.sends.append(send)
                    places -= 1
                    size -= send.request.ByteSize()
            if load.sends:
                batch.append(load)
            else:
                del self._lines[line.conversation_id]
        return batch

    async def _call(self, lane: _Lane, batch: list[_Load]) -> None:
        try:
            pause_s = await self._carry(lane, batch)
        finally:
            lane.calls -= 1
            self._wake(lane)
        if pause_s is not None:
            await asyncio.sleep(pause_s)
        for load in batch:
            self._unload(load, carried=pause_s is None)

    async def _carry(self, lane: _Lane, batch: list[_Load]) -> float | None:
        """Carry out a call; return after which pause it is to be repeated, if it is."""
        sends = [send for load in batch for send in load.sends]
        try:
            answer = await self._chat.call_once(
                lane.instance,
                lambda stub: stub.SendMessages,
                chat_pb2.SendMessagesRequest(sends=[send.request for send in sends]),
                timeout_s=_patience_s(sends),
            )
            for send, result in zip(sends, answer.results, strict=True):
                if not send.outcome.done():
                    send.outcome.set_result(result)
        except ChatterRoomError as refused:
            _refuse(sends, refused)
        except LostCallError as lost:
            return self._after_loss(lane, batch, lost)
        except Exception as error:
            # Whatever it is: its sends must not wait in vain, nor those behind them.
            log.error("sends_failed", exc_info=error)
            _refuse(sends, internal_error())
        return None

    def _after_loss(self, lane: _Lane, batch: list[_Load], lost: LostCallError) -> float | None:
        # What waits for this instance is better off elsewhere.
        others = [lane.next_line() for _ in range(len(lane.lines))]
        for line in (*others, *(load.line for load in batch)):
            line.tried.add(lane.instance.service_url)
        for line in others:
            self._choose_lane(line)
        repeat = lost.may_pass and self._chat.allows_repeat()
        sends = [send for load in batch for send in load.sends]
        for send in sends:
            send.attempts += 1
        _refuse((s for s in sends if not repeat or s.attempts == ATTEMPTS), lost.error)
        return backoff_s(max(send.attempts for send in sends)) if repeat else None

    def _unload(self, load: _Load, *, carried: bool) -> None:
        line = load.line
        if carried:
            line.tried.clear()
        line.waiting.extendleft(send for send in reversed(load.sends) if not send.outcome.done())
        if line.waiting:
            self._choose_lane(line)
        else:
            del self._lines[line.conversation_id]


@dataclass(slots=True, eq=False)
class _Send:
    request: chat_pb2.SendRequest
    deadline: float
    outcome: asyncio.Future[chat_pb2.SendResult]
    """Done also where nobody waits for it any more."""
    attempts: int = 0


@dataclass(slots=True, eq=False)
class _Line:
    """The sends of one conversation that wait, in order.

    It waits in one lane, or else a call carries the sends before it: nothing can overtake.
    """

    conversation_id: ConversationId
    waiting: deque[_Send] = field(default_factory=deque)
    lane: _Lane | None = None
    tried: set[str] = field(default_factory=set)
    """Instances that have failed since the last call that did not."""


@dataclass(slots=True, eq=False)
class _Load:
    """What a call carries of one line."""

    line: _Line
    sends: list[_Send] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Lane:
    """What waits for one instance, and how many calls to it are under way."""

    instance: Instance
    lines: deque[_Line] = field(default_factory=deque)
    sends: int = 0
    calls: int = 0
    woken: bool = False
    overdue: bool = False
    timer: asyncio.TimerHandle | None = None

    def admits_call(self) -> bool:
        if self.calls == 0:
            return True
        worth_it = self.sends >= WORTH_A_CALL or self.overdue
        return worth_it and self.calls < CALLS_AT_ONCE

    def join(self, line: _Line) -> None:
        line.lane = self
        self.lines.append(line)
        self.sends += len(line.waiting)

    def next_line(self) -> _Line:
        line = self.lines.popleft()
        line.lane = None
        self.sends -= len(line.waiting)
        return line


def _patience_s(sends: list[_Send]) -> float:
    remaining = max(send.deadline for send in sends) - time.monotonic()
    last = all(send.attempts == ATTEMPTS - 1 for send in sends)
    # An attempt that may be repeated leaves time for the repeat.
    return max(_SHORTEST_CALL_S, remaining if last else remaining / 2)


def _refuse(sends: Iterable[_Send], error: ChatterRoomError) -> None:
    for send in sends:
        if not send.outcome.done():
            send.outcome.set_exception(error)


def _stored(result: chat_pb2.SendResult) -> chat_pb2.SendRoomMessageResponse:
    if result.HasField("sent"):
        return result.sent
    error = result.error
    if error.code not in _CODES:
        # A newer service may know codes that this process does not.
        raise internal_error()
    raise ChatterRoomError(
        _CODES[error.code],
        error.message,
        retry_after_s=error.retry_after_s or None,
        **(_data_decoder.decode(error.data) if error.data else {}),
    )
