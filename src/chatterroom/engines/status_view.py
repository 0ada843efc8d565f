"""What `chatterroom up` shows: a live table on a terminal, else one plain line per change."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chatterroom.engines.supervisor import State, Status

__all__ = ["StatusView", "status_view"]

_STYLES = {
    State.STARTING: "yellow",
    State.READY: "green",
    State.RESTARTING: "red",
    State.STOPPED: "dim",
}


class StatusView(Protocol):
    """Where changes and the one announcement go."""

    def changed(self, status: Status) -> None:
        """Show that a process changed."""

    def announce(self, text: str) -> None:
        """Show one line that stays."""


@contextmanager
def status_view() -> Iterator[StatusView]:
    """Yield the view that fits standard output."""
    if not sys.stdout.isatty():
        yield _Lines()
        return
    with Live(auto_refresh=False) as live:
        yield _LiveTable(live)


class _Lines:
    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def changed(self, status: Status) -> None:
        line = f"{status.name} {status.state} {status.address}".rstrip()
        if self._last.get(status.name) != line:
            self._last[status.name] = line
            self.announce(line)

    def announce(self, text: str) -> None:
        print(text, flush=True)


class _LiveTable:
    def __init__(self, live: Live) -> None:
        self._live = live
        self._statuses: dict[str, Status] = {}
        self._announcement = Text()

    def changed(self, status: Status) -> None:
        self._statuses[status.name] = status
        self._draw()

    def announce(self, text: str) -> None:
        self._announcement = Text(text, style="bold")
        self._draw()

    def _draw(self) -> None:
        table = _table(self._statuses.values())
        self._live.update(Group(table, self._announcement), refresh=True)


def _table(statuses: Iterable[Status]) -> Table:
    table = Table("process", "address", "pid", "state", "restarts")
    for status in statuses:
        state = Text(status.state.value, style=_STYLES[status.state])
        pid = str(status.pid) if status.pid else ""
        table.add_row(status.name, status.address, pid, state, str(status.restarts))
    return table
