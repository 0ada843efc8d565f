"""`python -m tests.system.broken …` is `chatterroom …` with a bug in every loop and some commands.

Every other round of every background loop fails. So does whatever stores the text "poison",
deletes a message of the text "undeletable", or announces the text "unannounced".
"""

import itertools
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from chatterroom import background

POISON, UNDELETABLE, UNANNOUNCED = "poison", "undeletable", "unannounced"


class InjectedError(Exception):
    pass


def break_loops() -> None:
    """Must come before what runs loops is imported."""
    keep_running = background.keep_running

    async def keep_running_badly(
        what: str, work: Callable[[], Awaitable[None]], every_s: float = 0.0
    ) -> None:
        rounds = itertools.count()

        async def fail_every_other_time() -> None:
            if next(rounds) % 2 == 0:
                raise InjectedError(what)
            await work()

        await keep_running(what, fail_every_other_time, every_s)

    background.keep_running = keep_running_badly


def break_commands() -> None:
    from chatterroom.chat.entries import MessageDeleted
    from chatterroom.chat.hub import Hub
    from chatterroom.chat.store_mongo import ChatStore

    insert_messages = ChatStore.insert_messages
    insert_firsts = ChatStore.insert_firsts
    insert_with_effects = ChatStore.insert_with_effects
    committed = Hub.committed

    async def insert(self: Any, entries: Any) -> int:
        _refuse(*entries)
        return await insert_messages(self, entries)

    async def insert_first(self: Any, entries: Any) -> bool:
        _refuse(*entries)
        return await insert_firsts(self, entries)

    async def insert_change(self: Any, entry: Any, after: Any, target: Any) -> bool:
        _refuse(entry)
        if isinstance(entry, MessageDeleted) and target.message == UNDELETABLE:
            raise InjectedError(UNDELETABLE)
        return await insert_with_effects(self, entry, after, target)

    def announce(self: Any, conversation_id: Any, entries: Any) -> None:
        if any(getattr(entry, "message", "") == UNANNOUNCED for entry in entries):
            raise InjectedError(UNANNOUNCED)
        committed(self, conversation_id, entries)

    ChatStore.insert_messages = insert  # type: ignore[method-assign]
    ChatStore.insert_firsts = insert_first  # type: ignore[method-assign]
    ChatStore.insert_with_effects = insert_change  # type: ignore[method-assign]
    Hub.committed = announce  # type: ignore[method-assign]


def _refuse(*entries: Any) -> None:
    if any(getattr(entry, "message", "") == POISON for entry in entries):
        raise InjectedError(POISON)


def main() -> None:
    command, *arguments = sys.argv[1:]
    if command == "up":
        from chatterroom.engines.up import UpOptions, run

        named = dict(zip(arguments[::2], arguments[1::2], strict=True))
        options = UpOptions(
            int(named["--users"]),
            int(named["--chat"]),
            "127.0.0.1",
            int(named["--gateway-port"]),
            Path(named["--data-dir"]),
        )
        sys.exit(run(options, (sys.executable, "-m", "tests.system.broken")))
    break_loops()
    if command == "chat":
        break_commands()
    from chatterroom import cli

    sys.argv = ["chatterroom", command, *arguments]
    cli.main()


if __name__ == "__main__":
    main()
