"""Two connections that are one: a client's, and a service's behind it.

What is read from either is written to the other without being looked at, as fast as the slower
side takes it; when one ends so does the other. A side that takes nothing for long ends both.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from chatterroom.gateway.answers import Answer
from chatterroom.gateway.slow_readers import SlowReader

__all__ = ["Answering", "Connection", "Waiting"]

# A side that does not take what is left for it when the other has gone is cut off.
_FLUSH_S = 5.0
_SWITCHING = b"HTTP/1.1 101 "


class Connection:
    """A client, and the service's side of it once there is one.

    `first_bytes` go to the service as soon as it is reached; `unanswered` to the client where it
    hangs up without a word or cannot be reached. `watch` begins to watch a side that
    does not take what it gets. `ended` is called once, when either side is gone.
    """

    __slots__ = (
        "_ended",
        "_is_ended",
        "_is_half_closed",
        "client",
        "connecting",
        "deadline",
        "first_bytes",
        "service",
        "unanswered",
        "watch",
    )

    def __init__(
        self,
        client: asyncio.Transport,
        first_bytes: bytes,
        unanswered: Answer,
        watch: Callable[[asyncio.Transport], SlowReader],
        ended: "Callable[[Connection], None]",
    ) -> None:
        self.client = client
        self.first_bytes = first_bytes
        self.unanswered = unanswered
        self.watch = watch
        self.connecting: asyncio.Task[None] | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.service: asyncio.Transport | None = None
        self._ended = ended
        self._is_ended = False
        self._is_half_closed = False

    def end(self, gone: asyncio.Transport | None, failure: Exception | None) -> None:
        """Take note that one side is gone, and let go of the other."""
        if not self._is_ended:
            self._is_ended = True
            self.answered()
            self._ended(self)
        if self.connecting is not None and gone is self.client:
            self.connecting.cancel()
        for side in (self.client, self.service):
            if side is not None and side is not gone:
                _let_go(side, failure)

    def half_close(self, sink: asyncio.Transport) -> bool:
        """Say to `sink` that nothing more comes; return whether the other direction goes on."""
        if self._is_half_closed or sink.is_closing() or not sink.can_write_eof():
            return False
        self._is_half_closed = True
        sink.write_eof()
        return True

    def shut_out(self) -> None:
        """Let the service's refusal pass, and nothing further from the client."""
        assert self.service is not None  # noqa: S101 -- it has just refused
        self._is_half_closed = True
        self.client.set_protocol(_ShutOut(self))
        asyncio.get_running_loop().call_later(_FLUSH_S, self.service.abort)

    def answered(self) -> None:
        """Take note that the handshake has its answer, or needs none any more."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def refuse(self) -> None:
        """Answer the handshake ourselves: nobody else does."""
        if not self.client.is_closing():
            self.client.write(self.unanswered.as_last_words())
            self.client.close()

    def abort(self) -> None:
        """Close both sides now."""
        for side in (self.client, self.service):
            if side is not None:
                side.abort()


class Waiting(asyncio.Protocol):
    """The client's side while the service's does not exist yet. Nothing is read meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up connecting."""
        self._connection.end(self._connection.client, exc)


class _ShutOut(asyncio.Protocol):
    """The client's side after a refusal: what it still sends is not for anybody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def data_received(self, data: bytes) -> None:
        pass

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.end(self._connection.client, exc)


class Answering(asyncio.Protocol):
    """The service's side until it has answered the handshake."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass the handshake on, and let the client go on."""
        connection = self._connection
        connection.service = service = cast("asyncio.Transport", transport)
        if connection.client.is_closing():
            service.abort()
            return
        service.write(connection.first_bytes)
        connection.first_bytes = b""
        connection.client.set_protocol(_Pipe(connection, connection.client, service))
        connection.client.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Join the two sides, unless this is a refusal."""
        connection = self._connection
        assert connection.service is not None  # noqa: S101 -- it has just spoken
        connection.answered()
        connection.connecting = None
        connection.service.set_protocol(_Pipe(connection, connection.service, connection.client))
        if not _SWITCHING.startswith(data[: len(_SWITCHING)]):
            connection.shut_out()
        connection.client.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer in place of a service that has hung up."""
        connection = self._connection
        if connection.service is not None:
            connection.refuse()
        # Whatever the service died of, the client's answer must still go out.
        connection.end(connection.service, None)


class _Pipe(asyncio.Protocol):
    """One direction: what `source` reads, `sink` writes."""

    __slots__ = ("_behind", "_connection", "_sink", "_source", "data_received")

    def __init__(
        self, connection: Connection, source: asyncio.Transport, sink: asyncio.Transport
    ) -> None:
        self._connection = connection
        self._behind: SlowReader | None = None
        self._source = source
        self._sink = sink
        # The loop calls the other transport without a function of ours between.
        self.data_received = sink.write  # type: ignore[method-assign]

    def pause_writing(self) -> None:
        # `source` cannot take more of what `sink` sends: the one who sends must wait.
        if not self._sink.is_closing():
            self._sink.pause_reading()
        if self._behind is None:
            self._behind = self._connection.watch(self._source)

    def resume_writing(self) -> None:
        self._caught_up()
        if not self._sink.is_closing():
            self._sink.resume_reading()

    def eof_received(self) -> bool:
        return self._connection.half_close(self._sink)

    def connection_lost(self, exc: Exception | None) -> None:
        self._caught_up()
        self._connection.end(self._source, exc)

    def _caught_up(self) -> None:
        if self._behind is not None:
            self._behind.caught_up()
            self._behind = None


def _let_go(side: asyncio.Transport, failure: Exception | None) -> None:
    """Close after what is buffered is out, or at once after a failure."""
    if failure is not None:
        side.abort()
    elif not side.is_closing():
        side.close()
        if side.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_FLUSH_S, side.abort)
