"""What a client asks for and what counts as its answer: sends by HTTP or socket, history pages."""

import random
import re
from collections.abc import Sequence
from typing import Protocol

from bench.checking import VoidRunError
from bench.connections import Target
from bench.dialects import CHATTERROOM, Dialect, Opening
from bench.frames import cut_http, text_command, upgrade_request
from bench.people import Person
from bench.texts import Texts

__all__ = [
    "HTTP",
    "Door",
    "HistoryPages",
    "ListPages",
    "PrivateHttp",
    "PrivateSocket",
    "socket_target",
]

PAGE = 50
_HOST = "127.0.0.1"
_SEQ = re.compile(rb'"seq":(\d+)')


def _say_nothing(frame: bytes) -> bytes:
    del frame
    return b""


def _no_rooms(room: str, sender: int, number: int, text: str) -> bytes:
    raise NotImplementedError


HTTP = Dialect("HTTP", cut_http, _say_nothing, _no_rooms)


class Door(Protocol):
    """How one kind of call is made on one of many connections."""

    dialect: Dialect

    def targets(self, count: int) -> list[Target]:
        """Return the connections to open."""

    def request(self, line: int, number: int) -> bytes:
        """Return the bytes of a connection's `number`-th call."""

    def seq_of(self, frame: bytes) -> int | None:
        """Return the seq that an answer names, or None for what answers nothing.

        Raises `VoidRunError` for an answer that is not the one asked for.
        """


class PrivateHttp:
    """`POST /chat-service/private/send`: each connection is a user who writes to another."""

    dialect = HTTP

    def __init__(self, address: tuple[str, int], people: Sequence[Person]) -> None:
        self._address = address
        self._people = people
        self._texts = Texts(1)

    def targets(self, count: int) -> list[Target]:
        """One connection a sender."""
        return [Target(self._address, _NO_OPENING)] * count

    def request(self, line: int, number: int) -> bytes:
        """Write to the one across."""
        sender, receiver = _pair(self._people, line)
        body = b'{"sender_id":"%s","receiver_id":"%s","message":"%s"}' % (
            sender.user_id.encode(),
            receiver.user_id.encode(),
            self._texts.text(line, number).encode(),
        )
        return (
            b"POST /chat-service/private/send HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (_HOST.encode(), sender.token.encode(), len(body), body)
        )

    def seq_of(self, frame: bytes) -> int | None:
        """Every answer counts."""
        return _seq_of_answer(frame)


class PrivateSocket:
    """`send` on a session socket: each connection is a user who writes to another."""

    dialect = CHATTERROOM

    def __init__(self, address: tuple[str, int], people: Sequence[Person]) -> None:
        self._address = address
        self._people = people
        self._texts = Texts(2)

    def targets(self, count: int) -> list[Target]:
        """One socket a sender."""
        pairs = (_pair(self._people, line) for line in range(count))
        return [socket_target(self._address, sender, ()) for sender, _ in pairs]

    def request(self, line: int, number: int) -> bytes:
        """Write to the one across."""
        _, receiver = _pair(self._people, line)
        return text_command(
            b'{"type":"send","ref":"%d","client_id":"%d","receiver_id":"%s","message":"%s"}'
            % (
                number,
                number,
                receiver.user_id.encode(),
                self._texts.text(line, number).encode(),
            )
        )

    def seq_of(self, frame: bytes) -> int | None:
        """Acknowledgements count, events do not."""
        return _seq_of_answer(frame) if b'"type":"ack"' in frame[:24] else None


class HistoryPages:
    """`GET /chat-service/rooms/{room_id}`: pages of fifty, the newest or anywhere."""

    dialect = HTTP

    def __init__(
        self, address: tuple[str, int], reader: Person, room: str, head: int, *, newest: bool
    ) -> None:
        self._address = address
        self._reader = reader
        self._room = room
        self._head = head
        self._newest = newest
        self._chance = random.Random(head)

    def targets(self, count: int) -> list[Target]:
        """All connections are one user's."""
        return [Target(self._address, _NO_OPENING)] * count

    def request(self, line: int, number: int) -> bytes:
        """Ask for a page."""
        del line, number
        before = b""
        if not self._newest:
            # The first entry of a room is no message.
            before = b"&before=%d" % self._chance.randint(PAGE + 2, self._head)
        return (
            b"GET /chat-service/rooms/%s?limit=%d%s HTTP/1.1\r\nHost: %s\r\n"
            b"Authorization: Bearer %s\r\n\r\n"
            % (self._room.encode(), PAGE, before, _HOST.encode(), self._reader.token.encode())
        )

    def seq_of(self, frame: bytes) -> int | None:
        """Fifty messages in a row, or the run is void."""
        _require_ok(frame)
        seqs = [int(seq) for seq in _SEQ.findall(frame)]
        if seqs != list(range(seqs[0], seqs[0] + PAGE)):
            raise VoidRunError(f"a page has a hole: {seqs}")
        if self._newest and seqs[-1] != self._head:
            raise VoidRunError(f"the newest page ends at {seqs[-1]} of {self._head}")
        return seqs[-1]


class ListPages:
    """A page of fifty of a list, the first one: `marker` is what each of its items has once."""

    dialect = HTTP

    def __init__(self, address: tuple[str, int], reader: Person, path: str, marker: bytes) -> None:
        self._address = address
        self._marker = marker
        self._request = (
            b"GET %s?limit=%d HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n"
            % (path.encode(), PAGE, _HOST.encode(), reader.token.encode())
        )

    def targets(self, count: int) -> list[Target]:
        """All connections are one user's."""
        return [Target(self._address, _NO_OPENING)] * count

    def request(self, line: int, number: int) -> bytes:
        """Ask for the page."""
        del line, number
        return self._request

    def seq_of(self, frame: bytes) -> int | None:
        """Fifty items, or the run is void."""
        _require_ok(frame)
        count = frame.count(self._marker)
        if count != PAGE:
            raise VoidRunError(f"a page has {count} items")
        return count


def socket_target(
    address: tuple[str, int], person: Person, rooms: tuple[str, ...], *, resumes: bool = True
) -> Target:
    """Return a session socket; one that does not resume hears answers but no events."""
    headers = {
        "Authorization": f"Bearer {person.token}",
        "Sec-WebSocket-Protocol": "chatterroom.v1",
    }
    request = upgrade_request(f"/ws/chat?userId={person.user_id}", headers)
    steps = CHATTERROOM.steps if resumes else ((CHATTERROOM.steps[0][0], b""),)
    return Target(address, Opening(request, steps), rooms)


_NO_OPENING = Opening(b"", (), is_upgrade=False)


def _pair(people: Sequence[Person], line: int) -> tuple[Person, Person]:
    return people[2 * line], people[2 * line + 1]


def _require_ok(frame: bytes) -> None:
    if not frame.startswith(b"HTTP/1.1 200 "):
        raise VoidRunError(f"a request failed: {frame.decode(errors='replace')}")


def _seq_of_answer(frame: bytes) -> int:
    if frame.startswith(b"HTTP/"):
        _require_ok(frame)
    found = _SEQ.search(frame)
    if found is None:
        raise VoidRunError(f"not the answer to a message: {frame.decode(errors='replace')}")
    return int(found[1])
