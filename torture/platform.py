"""The platform of a run: reached by links that can be disturbed, unplugged, plugged in, healed."""

import asyncio
import contextlib
import random
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil

from chatterroom.engines.errors import EngineError
from chatterroom.engines.ports import LOOPBACK
from torture.limits_off import without_limits
from torture.links import LINKED, Link
from torture.replica_set import ReplicaSet
from torture.running import RunningPlatform
from torture.schedule import LINK, PRIMARY
from torture.twin import WHOLE, link_variable

__all__ = ["NotHealedError", "Platform"]

_HEAL_S = 60.0
_STOP_S = 45.0


class NotHealedError(EngineError):
    """The platform did not get up again by itself."""


class Platform(RunningPlatform):
    """A platform whose limits for strangers are off.

    Services reach the engines, and clients the gateway, by `links`, one for each of them. With
    more than one of `mongods` these are a replica set of ours; else `up` starts its own mongod.
    """

    def __init__(
        self,
        directory: Path,
        *,
        users: int,
        chat: int,
        seed: int,
        mutant: str | None,
        mongods: int = 1,
    ) -> None:
        super().__init__(
            directory,
            (sys.executable, "-m", "torture.twin", mutant or WHOLE),
            users=users,
            chat=chat,
            settings=without_limits(),
        )
        self._addresses: dict[str, str] = {}
        self.mongods = (
            ReplicaSet(directory / "mongod", directory / "logs", members=mongods, seed=seed)
            if mongods > 1
            else None
        )
        members = [member.name for member in self.mongods.members] if self.mongods else ["mongod"]
        self._mongods = members
        self.links = {
            name: Link(partial(self._address, name), random.Random(f"link {name} {seed}"))
            for name in (*members, *(end for end in LINKED if end != "mongod"))
        }

    @property
    def url(self) -> str:
        """Where clients find it: at its link."""
        return f"http://{LOOPBACK}:{self.links['gateway'].port}"

    async def start(self) -> None:
        """Return once everything is ready."""
        for link in self.links.values():
            await link.start()
        if self.mongods is not None:
            await self.mongods.start()
        await super().start()

    async def links_to(self, target: str) -> list[Link]:
        """Return the links of a name: to all mongods, to the one that is primary, to another."""
        end = target.removesuffix(LINK)
        if end == PRIMARY:
            primary = await self.mongods.primary() if self.mongods else None
            return [self.links[primary.name]] if primary else []
        return [self.links[name] for name in (self._mongods if end == "mongod" else [end])]

    async def unplug(self) -> None:
        """Kill every process of it at one moment, as far as there is one."""
        if self._process is None:
            return
        family = self.processes()
        # Stopped first, so that it neither replaces nor ends in order what is killed.
        supervisor = psutil.Process(self._process.pid)
        supervisor.suspend()
        for process in [*family, supervisor]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if self.mongods is not None:
            await self.mongods.kill()
        await self._process.wait()
        await asyncio.to_thread(psutil.wait_procs, family, timeout=_STOP_S)

    async def plug_in(self) -> None:
        """Start again on the data that is left; raises `EngineError` where it does not get up."""
        self._log_start = self._log().stat().st_size
        if self.mongods is not None:
            await self.mongods.heal(_HEAL_S)
        await self._launch()
        await self._wait_until_whole(_HEAL_S)

    async def _end(self) -> None:
        self._mend()
        if self.mongods is not None:
            self.mongods.wake()
        await super()._end()
        if self.mongods is not None:
            await self.mongods.stop()
        for link in self.links.values():
            await link.close()

    async def heal(self) -> None:
        """Wake what is stopped, mend links, and return once everything is up.

        Raises `NotHealedError`.
        """
        self.wake()
        self._mend()
        if self._process is None:
            return
        try:
            if self.mongods is not None:
                await self.mongods.heal(_HEAL_S)
            await self._wait_until_whole(_HEAL_S)
        except EngineError as error:
            raise NotHealedError(f"{_HEAL_S:g} s after the last fault: {error}") from error

    @property
    def mongo_url(self) -> str:
        """The database past the platform, as one who may do anything."""
        return self.mongods.internal_url if self.mongods is not None else super().mongo_url

    def deaths(self) -> list[tuple[str, int]]:
        """Return the processes that ended though nobody killed them, and their exit codes."""
        return super().deaths() + (self.mongods.deaths() if self.mongods is not None else [])

    def _environment(self) -> Mapping[str, str]:
        ports = {
            link_variable("mongod"): ",".join(f"{self.links[each].port}" for each in self._mongods),
            link_variable("redis"): f"{self.links['redis'].port}",
        }
        mongo_urls = self.mongods.environment() if self.mongods is not None else {}
        return {**super()._environment(), **ports, **mongo_urls}

    def _mend(self) -> None:
        for link in self.links.values():
            link.mend()

    def _address(self, name: str) -> str:
        """Return where one of those that have a link listens; ports stay the same."""
        if name == "gateway":
            return f"{LOOPBACK}:{self.port}"
        for member in self.mongods.members if self.mongods is not None else ():
            if member.name == name:
                return member.address
        if not self._addresses.get(name) and (part := self.parts().get(name)):
            self._addresses[name] = part.address
        return self._addresses.get(name, "")
