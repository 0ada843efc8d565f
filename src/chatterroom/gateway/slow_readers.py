"""Clients that do not take what is sent to them: bounded in bytes by address and user, and in time.

Nothing is done for a connection until its reader falls behind.
"""

import asyncio
import socket
import struct

import structlog

from chatterroom.gateway.in_flight import Holder, InFlight

__all__ = ["SlowReader", "SlowReaders"]

log = structlog.get_logger()

_AT_ONCE = struct.pack("ii", 1, 0)
# Who takes less than this in all of the time given might as well take nothing.
_LEAST_TAKEN_BYTES = 16 * 1024


class SlowReaders:
    """Watches over all readers that are behind."""

    def __init__(self, in_flight: InFlight, patience_s: float) -> None:
        self.in_flight = in_flight
        self.patience_s = patience_s

    def watch(self, transport: asyncio.Transport, holder: Holder) -> "SlowReader":
        """Watch a reader until it has caught up or its connection is lost.

        Cuts it off at once where it, or others of its address or user, leave too much.
        """
        return SlowReader(self, transport, holder)


class SlowReader:
    """One reader that is behind. Call `caught_up` once it is not any more, or gone."""

    __slots__ = ("_holder", "_readers", "_timer", "_transport", "_unread")

    def __init__(self, readers: SlowReaders, transport: asyncio.Transport, holder: Holder) -> None:
        self._readers = readers
        self._transport = transport
        self._holder = holder
        self._unread = transport.get_write_buffer_size()
        self._timer = self._next_look()
        if not readers.in_flight.add(holder, self._unread):
            self._cut("bytes in flight")

    def caught_up(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        self._readers.in_flight.give_back(self._holder, self._unread)
        self._unread = 0

    def _next_look(self) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(self._readers.patience_s, self._look)

    def _look(self) -> None:
        unread = self._transport.get_write_buffer_size()
        if not unread:
            self.caught_up()
            return
        if unread > self._unread - _LEAST_TAKEN_BYTES:
            self._cut("taken too little")
            return
        self._readers.in_flight.give_back(self._holder, self._unread - unread)
        self._unread = unread
        self._timer = self._next_look()

    def _cut(self, reason: str) -> None:
        log.info("slow_reader_cut", unread_bytes=self._unread, reason=reason)
        plain: socket.socket | None = self._transport.get_extra_info("socket")
        if plain is not None:
            # Else the kernel would keep what it has of it, and go on offering it.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()
