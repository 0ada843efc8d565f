"""A real mongod as a child process: a one-node replica set, journaled, on loopback only.

Nobody gets in without a password. We come as mongod's own internal user, whose password is the key
file, so that there is no moment at which a stranger could make the first user.
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.directory import EngineDirectory
from chatterroom.engines.engine import Engine
from chatterroom.engines.kept_secret import kept_secret
from chatterroom.engines.locate import locate_mongod
from chatterroom.engines.ports import LOOPBACK, is_listening

__all__ = ["Mongod", "internal_url"]

_REPLICA_SET = "rs0"
_START_DEADLINE_S = 120.0  # recovery after a crash reads the journal
_CALL_TIMEOUT_MS = 2_000
_OPLOG_MB = 256
_TRANSACTION_LIFETIME_S = 5
_KEY_FILE = "key-file"
_USER_NOT_FOUND = 11
# The user, and where it is looked up, by which the members of a replica set know each other.
_INTERNAL = ("__system", "local")


class Mongod(Engine):
    """One mongod, the writable primary of its replica set: transactions and majority work.

    Each of `databases` has a user of its own, who may read and write that database only.
    Data acknowledged with `w: majority, j: true` is there again after any kind of end.
    """

    name = "mongod"
    stop_deadline_s = 30.0

    def __init__(
        self,
        directory: Path,
        *,
        databases: Sequence[str] = (),
        cache_gb: float = 1.0,
        log_path: Path | None = None,
        others_ports: Container[int] = (),
    ) -> None:
        super().__init__(directory, log_path=log_path, others_ports=others_ports)
        self._databases = databases
        self._cache_gb = cache_gb

    def url(self, database: str) -> str:
        """Return the connection URL of `database`, as its own user or, without one, as anything.

        It names the replica set, so that a driver waits for the primary while mongod restarts.
        """
        user, source = (database, "admin") if database in self._databases else _INTERNAL
        place = f"{self.address}/{database}?replicaSet={_REPLICA_SET}&authSource={source}"
        return f"mongodb://{user}:{self._password(user)}@{place}"

    def _password(self, user: str) -> str:
        name = _KEY_FILE if user == _INTERNAL[0] else user
        return kept_secret(self._directory.secret_file(name))

    def _locate(self) -> Path:
        return locate_mongod()

    def _arguments(self, data: Path, port: int) -> list[str]:
        key_file = self._directory.secret_file(_KEY_FILE)
        kept_secret(key_file)
        return [
            *("--keyFile", str(key_file)),
            *("--setParameter", "enableLocalhostAuthBypass=false"),
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
            internal_url(self._directory.path, self.address),
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
                await self._ensure_users(client)
                return True
            await self._configure(client)
        except (AutoReconnect, OperationFailure):
            # Still reading its configuration; what keeps it from going on is in its log.
            return False
        return False

    async def _ensure_users(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        for database in self._databases:
            given: dict[str, Any] = {
                "pwd": self._password(database),
                "roles": [{"role": "readWrite", "db": database}],
            }
            try:
                await client.admin.command("updateUser", database, **given)
            except OperationFailure as failure:
                if failure.code != _USER_NOT_FOUND:
                    raise
                await client.admin.command("createUser", database, **given)

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


def internal_url(directory: Path, address: str) -> str:
    """Return the URL with which the mongod of a directory lets its owner do anything."""
    user, source = _INTERNAL
    key = kept_secret(EngineDirectory(directory).secret_file(_KEY_FILE))
    return f"mongodb://{user}:{key}@{address}/?authSource={source}&directConnection=true"


def _moved(config: Mapping[str, Any], member: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key != "term"}
    return {**kept, "version": config["version"] + 1, "members": [member]}
