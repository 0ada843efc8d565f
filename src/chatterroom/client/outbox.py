"""Commands that wait for an answer, and which of them is to be sent next. Pure.

A lane is a conversation. Within a lane commands are sent in the order in which they were put in,
on every connection again until they are answered.
"""

from bisect import insort
from dataclasses import dataclass
from itertools import count

__all__ = ["Outbox", "Outgoing"]


@dataclass(slots=True, eq=False)
class Outgoing:
    """A command on its way. `repeatable`: sending it again does nothing twice."""

    ref: str
    lane: str
    text: bytes
    repeatable: bool
    number: int = 0
    postponed: int = 0
    """How often the server has asked to try again."""
    not_before: float = 0.0
    sent: bool = False


class Outbox:
    """The commands of one session, in order.

    After the server has asked to try one of a lane again, the lane goes one by one until that one
    is answered: nothing more overtakes it.
    """

    def __init__(self) -> None:
        self._all: dict[str, Outgoing] = {}
        self._unsent: list[Outgoing] = []
        self._probing: dict[str, str] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._all)

    def put(self, command: Outgoing) -> None:
        """Add a command behind all others."""
        command.number = next(self._numbers)
        self._all[command.ref] = command
        self._unsent.append(command)

    def get(self, ref: str) -> Outgoing | None:
        """Return a command that waits for its answer."""
        return self._all.get(ref)

    def next_due(self, now: float) -> Outgoing | None:
        """Return the command to send now, and count it as sent on this connection."""
        index = self._first_due(now)
        if index is None:
            return None
        command = self._unsent.pop(index)
        command.sent = True
        if command.postponed:
            self._probing[command.lane] = command.ref
        return command

    def is_due(self, now: float) -> bool:
        """Say whether there is a command to send now."""
        return self._first_due(now) is not None

    def next_time(self, now: float) -> float | None:
        """Return when time alone will make a command due; None where nothing waits for time."""
        times = [
            command.not_before
            for command in self._unsent
            if command.lane not in self._probing and command.not_before > now
        ]
        return min(times, default=None)

    def answered(self, ref: str) -> None:
        """Forget a command: it has its answer, or nobody waits for one any more."""
        command = self._all.pop(ref, None)
        if command is None:
            return
        if not command.sent:
            self._unsent.remove(command)
        self._end_probe(command)

    def postpone(self, ref: str, until: float) -> None:
        """Send a command again, not before a moment: the server could not do it for now."""
        command = self._all.get(ref)
        if command is None or not command.sent:
            return
        self._end_probe(command)
        command.postponed += 1
        command.not_before = until
        self._put_back(command)

    def disconnected(self) -> list[str]:
        """Return the refs whose fate is unknown and stays so; send all others again."""
        self._probing.clear()
        sent = [command for command in self._all.values() if command.sent]
        unknown = [command.ref for command in sent if not command.repeatable]
        for command in sent:
            if command.repeatable:
                self._put_back(command)
            else:
                del self._all[command.ref]
        return unknown

    def _put_back(self, command: Outgoing) -> None:
        command.sent = False
        insort(self._unsent, command, key=lambda each: each.number)

    def _end_probe(self, command: Outgoing) -> None:
        if self._probing.get(command.lane) == command.ref:
            del self._probing[command.lane]

    def _first_due(self, now: float) -> int | None:
        held = set(self._probing)
        for index, command in enumerate(self._unsent):
            if command.lane in held:
                continue
            if command.not_before <= now:
                return index
            held.add(command.lane)
        return None
