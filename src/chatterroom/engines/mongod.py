"""A real mongod as a child process: a one-node replica set, journaled, on loopback only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.engine import Engine
from chatterroom.engines.locate import locate_mongod
from chatterroom.engines.ports import LOOPBACK, is_listening

__all__ = ["Mongod"]

_REPLICA_SET = "rs0"
_START_DEADLINE_S = 120.0  # recovery after a crash reads the journal
_CALL_TIMEOUT_MS = 2_000
_OPLOG_MB = 256
_TRANSACTION_LIFETIME_S = 5


class Mongod(Engine):
    """One mongod, the writable primary of its replica set: transactions and majority work.

    Data acknowledged with `w: majority, j: true` is there again after any kind of end.
    """

    name = "mongod"
    stop_deadline_s = 30.0

    def __init__(
        self, directory: Path, *, cache_gb: float = 1.0, log_path: Path | None = None
    ) -> None:
        super().__init__(directory, log_path)
        self._cache_gb = cache_gb

    def url(self, database: str) -> str:
        """Return the connection URL of `database`.

        It names the replica set, so that a driver waits for the primary while mongod restarts.
        """
        return f"mongodb://{LOOPBACK}:{self.port}/{database}?replicaSet={_REPLICA_SET}"

    def _locate(self) -> Path:
        return locate_mongod()

    def _arguments(self, data: Path, port: int) -> list[str]:
        return [
            *("--dbpath", str(data)),
            *("--bind_ip", LOOPBACK),
            *("--port", str(port)),
            "--nounixsocket",
            *("--replSet", _REPLICA_SET),
            *("--oplogSize", str(_OPLOG_MB)),
            *("--wiredTigerCacheSizeGB", str(self._cache_gb)),
            "--quiet",
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # Who dies in a transaction leaves it open, and what it has written blocks the next
            # entry of a conversation: for a minute, if mongod is not told otherwise.
            *("--setParameter", f"transactionLifetimeLimitSeconds={_TRANSACTION_LIFETIME_S}"),
            # There is no other member for clients to move to: waiting for them delays the stop.
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
        ]

    async def _wait_usable(self, process: ChildProcess) -> None:
        # A driver that meets a closed port waits half a second before it tries again.
        await process.wait_until(
            lambda: is_listening(self.port), name=self.name, deadline_s=_START_DEADLINE_S
        )
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            LOOPBACK,
            self.port,
            directConnection=True,
            serverSelectionTimeoutMS=_CALL_TIMEOUT_MS,
            socketTimeoutMS=_CALL_TIMEOUT_MS,
        )
        async with client:
            await process.wait_until(
                lambda: self._is_primary(client), name=self.name, deadline_s=_START_DEADLINE_S
            )

    async def _is_primary(self, client: AsyncMongoClient[dict[str, Any]]) -> bool:
        try:
            hello = await client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return True
            await self._configure(client)
        except (AutoReconnect, OperationFailure):
            # Still reading its configuration; what keeps it from going on is in its log.
            return False
        return False

    async def _configure(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        config = await client.local["system.replset"].find_one()
        member = {"_id": 0, "host": self.address}
        if config is None:
            await client.admin.command(
                "replSetInitiate", {"_id": _REPLICA_SET, "members": [member]}
            )
        elif [known["host"] for known in config["members"]] != [self.address]:
            # A set whose only member was known by another port finds itself in no set; only
            # force changes a set without a primary.
            await client.admin.command("replSetReconfig", _moved(config, member), force=True)


def _moved(config: Mapping[str, Any], member: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key != "term"}
    return {**kept, "version": config["version"] + 1, "members": [member]}
