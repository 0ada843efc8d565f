"""What mongod was asked: how often each collection was read, by its own count."""

from typing import Any

import pymongo

__all__ = ["Reads"]

_DATABASE = "chatterroom_chat."
_KINDS = ("queries", "getmore", "commands")
_COMMANDS = ("find", "aggregate", "getMore")


class Reads:
    """Counts reads from when it is made.

    A `$lookup` counts as a read of the collection that it looks into, once for each document that
    it is done for.
    """

    def __init__(self, mongo_url: str) -> None:
        self._url = mongo_url
        self._collections, self._commands = self._look()

    def of(self, collection: str) -> int:
        """Return how often a collection of the chat service was read."""
        return self._look()[0].get(collection, 0) - self._collections.get(collection, 0)

    def commands(self) -> int:
        """Return how many commands that read mongod was sent, by anybody."""
        return self._look()[1] - self._commands

    def _look(self) -> tuple[dict[str, int], int]:
        with pymongo.MongoClient[dict[str, Any]](self._url) as client:
            totals = client.admin.command("top")["totals"]
            commands = client.admin.command("serverStatus")["metrics"]["commands"]
        collections = {
            name.removeprefix(_DATABASE): sum(counts[kind]["count"] for kind in _KINDS)
            for name, counts in totals.items()
            if name.startswith(_DATABASE)
        }
        return collections, sum(int(commands[name]["total"]) for name in _COMMANDS)
