"""A replica set of several mongods, whose members are killed, stopped and started one by one."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import PyMongoError

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError
from chatterroom.engines.kept_secret import kept_secret
from chatterroom.engines.mongod import Mongod
from chatterroom.engines.ports import is_listening

__all__ = ["DATABASES", "Member", "ReplicaSet"]

DATABASES = {
    "CHATTERROOM_USERS_MONGO_URL": "chatterroom_users",
    "CHATTERROOM_CHAT_MONGO_URL": "chatterroom_chat",
}

_CACHE_GB = 0.25
_KEY_FILE = "key-file"
_SET = "rs0"
# An election takes seconds, not the ten and more of the default: faults last no longer.
_SETTINGS = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500}
_DEADLINES = "serverSelectionTimeoutMS=1000&socketTimeoutMS=1000&timeoutMS=1000"
_START_S = 60.0
_ELECTION_S = 30.0
_STEP_DOWN_S = 3
_POLL_S = 0.1


class Member(Mongod):
    """One mongod of the set. `is_busy` while a fault has it: faults leave it to that one."""

    stop_deadline_s = 20.0

    def __init__(self, directory: Path, log_path: Path, number: int) -> None:
        super().__init__(
            directory, databases=list(DATABASES.values()), cache_gb=_CACHE_GB, log_path=log_path
        )
        self.name = f"mongod-{number}"
        self.is_busy = False
        self._was_killed = False
        self._starting = asyncio.Lock()

    @property
    def is_running(self) -> bool:
        """Whether its process lives, stopped or not."""
        return self._process is not None and self._process.exit_code is None

    @property
    def own_exit(self) -> int | None:
        """The exit code, if it ended without having been killed or asked to end."""
        return None if self._was_killed or self._process is None else self._process.exit_code

    async def spawn(self) -> ChildProcess:
        """Start the process."""
        process = await super().spawn()
        self._was_killed = False
        return process

    async def start_again(self) -> None:
        """Start it unless it runs; return when it can be used."""
        async with self._starting:
            if not self.is_running:
                await self.start()

    async def kill(self) -> None:
        """Kill -9, and return when it has ended."""
        self._was_killed = True
        await self.process.kill()

    async def end(self) -> None:
        """Stop it in order."""
        self._was_killed = True
        await self.stop()

    def signal(self, number: signal.Signals) -> None:
        """Send SIGSTOP or SIGCONT."""
        if self.is_running:
            os.kill(self.process.pid, number)

    async def hello(self) -> dict[str, Any]:
        """Return what it says of itself; nothing if it does not answer."""
        try:
            return await self.command("hello")
        except PyMongoError:
            return {}

    async def command(self, *given: Any, **more: Any) -> dict[str, Any]:
        """Run a command at this member alone, as one who may do anything. Raises `PyMongoError`."""
        return await asyncio.to_thread(self._command, *given, **more)

    def _command(self, *given: Any, **more: Any) -> dict[str, Any]:
        # Members die at any moment, and whoever waits for them gives up: PyMongo's asynchronous
        # client leaves the socket open when it is cancelled while it connects, this one does not.
        with MongoClient[dict[str, Any]](self._url) as client:
            return client.admin.command(*given, **more)

    @property
    def _url(self) -> str:
        user = f"__system:{kept_secret(self.key_file)}"
        options = f"authSource=local&directConnection=true&{_DEADLINES}"
        return f"mongodb://{user}@{self.address}/?{options}"

    @property
    def key_file(self) -> Path:
        """The file by which members know each other."""
        return self._directory.secret_file(_KEY_FILE)

    async def create_users(self) -> None:
        """Create the user of each database. It must be the primary."""
        async with AsyncMongoClient[dict[str, Any]](self._url) as client:
            await self._ensure_users(client)

    async def _wait_usable(self, process: ChildProcess) -> None:
        await process.wait_until(
            lambda: is_listening(self.port), name=self.name, deadline_s=_START_S
        )
        await process.wait_until(self._answers, name=self.name, deadline_s=_START_S)

    async def _answers(self) -> bool:
        hello = await self.hello()
        # Before the set is made it is neither.
        return bool(
            hello.get("isWritablePrimary") or hello.get("secondary") or hello.get("isreplicaset")
        )


class ReplicaSet:
    """The members, on directories below one."""

    def __init__(self, directory: Path, logs: Path, *, members: int, seed: int) -> None:
        self._chance = random.Random(f"members {seed}")
        self._directory = directory
        self.members = [
            Member(directory / f"{number}", logs / f"mongod-{number}.log", number)
            for number in range(1, members + 1)
        ]

    async def start(self) -> None:
        """Start all, make them one set, and create the users."""
        first, *others = self.members
        kept_secret(first.key_file)
        for other in others:
            other.key_file.parent.mkdir(parents=True, mode=0o700)
            shutil.copy(first.key_file, other.key_file)
        await self.start_missing()
        config = [
            {"_id": number, "host": member.address} for number, member in enumerate(self.members)
        ]
        await first.command(
            "replSetInitiate", {"_id": _SET, "members": config, "settings": _SETTINGS}
        )
        await self.wait_until_whole(_ELECTION_S)
        primary = await self.primary()
        if primary is None:
            raise EngineError("the replica set lost its primary while it was made")
        await primary.create_users()

    def url(self, database: str) -> str:
        """Return the connection URL of a database, as its own user."""
        own = self.members[0].url(database)
        return own.replace(self.members[0].address, self._hosts())

    @property
    def internal_url(self) -> str:
        """Return the URL of one who may do anything, at whichever member is the primary."""
        key = kept_secret(self.members[0].key_file)
        return f"mongodb://__system:{key}@{self._hosts()}/?authSource=local&replicaSet={_SET}"

    def environment(self) -> dict[str, str]:
        """Return the settings that make services use this set."""
        return {variable: self.url(database) for variable, database in DATABASES.items()}

    async def primary(self) -> Member | None:
        """Return the primary, if one answers."""
        for member, hello in await self._hellos():
            if hello.get("isWritablePrimary"):
                return member
        return None

    async def choose(self, role: str) -> Member | None:
        """Return the primary or one of the secondaries that no other fault has."""
        is_it = "isWritablePrimary" if role == "primary" else "secondary"
        fit = [
            member
            for member, hello in await self._hellos()
            if hello.get(is_it) and not member.is_busy
        ]
        return self._chance.choice(fit) if fit else None

    async def step_down(self, member: Member) -> None:
        """Make the primary give up its place, at once."""
        with contextlib.suppress(PyMongoError):
            await member.command(
                {"replSetStepDown": _STEP_DOWN_S, "secondaryCatchUpPeriodSecs": 0}, force=True
            )

    async def start_missing(self) -> None:
        """Start those that do not run, and return when they can be used."""
        await asyncio.gather(*(member.start_again() for member in self.members))

    async def heal(self, deadline_s: float) -> None:
        """Let those that are stopped go on, start those that are missing, and wait for all."""
        self.wake()
        await self.start_missing()
        await self.wait_until_whole(deadline_s)

    def wake(self) -> None:
        """Let stopped members go on."""
        for member in self.members:
            member.signal(signal.SIGCONT)

    async def wait_until_whole(self, deadline_s: float) -> None:
        """Return when there is one primary and all others follow it. Raises `EngineError`."""
        try:
            async with asyncio.timeout(deadline_s):
                while not await self._is_whole():  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise EngineError(f"the replica set was not whole within {deadline_s:g} s") from None

    def deaths(self) -> list[tuple[str, int]]:
        """Return the members that ended by themselves, and how."""
        ended = ((member.name, member.own_exit) for member in self.members)
        return [(name, code) for name, code in ended if code is not None]

    async def kill(self) -> None:
        """Kill all in one moment."""
        await asyncio.gather(*(member.kill() for member in self.members if member.is_running))

    async def stop(self) -> None:
        """End all."""
        self.wake()
        await asyncio.gather(*(member.end() for member in self.members if member.is_running))

    async def _is_whole(self) -> bool:
        hellos = [hello for _, hello in await self._hellos()]
        primaries = sum(bool(hello.get("isWritablePrimary")) for hello in hellos)
        followers = sum(bool(hello.get("secondary")) for hello in hellos)
        return primaries == 1 and primaries + followers == len(self.members)

    async def _hellos(self) -> Sequence[tuple[Member, dict[str, Any]]]:
        running = [member for member in self.members if member.is_running]
        hellos = await asyncio.gather(*(member.hello() for member in running))
        return list(zip(running, hellos, strict=True))

    def _hosts(self) -> str:
        return ",".join(member.address for member in self.members)
