"""One siege: honest people chat, hostile ones attack, what is left is judged. Prints nothing."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
from torture.checker import check
from torture.people import settle
from torture.records import Died, Fault, Healed, load
from torture.running import RunningPlatform

from siege.front import Target
from siege.honest import Honest
from siege.hostile import Hostiles
from siege.judging import Result, has_grown, latency, reasons_against
from siege.tally import Tally

__all__ = ["Options", "run"]

_WARM_UP_S = 10.0
_ANSWERS_S = 30.0
_MEMORY_S = 60.0
_TICK_S = 0.5
_ENGINES = ("mongod", "redis")
# Default limits, but for these: hostile people come through a trusted proxy, so that each has an
# address, and many accounts are made at once from where the honest are.
_SETTINGS = {
    "CHATTERROOM_GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32",
    "CHATTERROOM_GATEWAY_CREDENTIALS_BURST": "200",
}


@dataclass(frozen=True)
class Options:
    """What a siege is made of. The same seed makes the same people and phases."""

    directory: Path
    """Gets the histories, the result and the logs."""
    seconds: float
    seed: int
    attacks: Sequence[str]
    people: int = 12
    rooms: int = 4
    p99_bound_s: float = 2.0
    required_acks: int = 1_000
    warm_up_s: float = _WARM_UP_S

    @property
    def histories(self) -> Path:
        """Where the records are."""
        return self.directory / "history"


async def run(options: Options, tell: Callable[[str], None]) -> Result:
    """Besiege a platform of its own, and leave nothing behind but files. `tell` hears the phase."""
    options.histories.mkdir(parents=True)
    platform = RunningPlatform(
        options.directory / "platform",
        (sys.executable, "-m", "chatterroom"),
        users=2,
        chat=2,
        settings=_SETTINGS,
    )
    tell("starting the platform")
    try:
        await platform.start()
        result = await _besieged(options, platform, tell)
    finally:
        tell("stopping the platform")
        await platform.stop()
    (options.directory / "result.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(result))
    )
    return result


async def _besieged(
    options: Options, platform: RunningPlatform, tell: Callable[[str], None]
) -> Result:
    people = await settle(
        platform.url, users=options.people, rooms=options.rooms, wanderers=0, seed=options.seed
    )
    victims = [person.user_id for person in people.everybody]
    target = Target(platform.port, _grpc_addresses(platform), victims)
    honest = Honest(people, options.histories, options.seed)
    try:
        honest.start()
        if options.warm_up_s:
            # What fills once and stays, caches and pools, is no growth.
            tell("warming up")
            await _attack(options, target, honest, options.warm_up_s, tell)
        before = _memory(platform)
        tell("besieging")
        tallies = await _attack(options, target, honest, options.seconds, tell)
        honest.record.write(Healed)
        tell("waiting for answers")
        unanswered = await honest.finish(_ANSWERS_S)
        tell("reading everything back")
        await honest.read_everything(platform.mongo_url)
        tell("waiting for memory to be given back")
        memory = await _memory_in_the_end(platform, before)
        for process, exit_code in platform.deaths():
            honest.record.write(Died, process=process, exit_code=exit_code)
    finally:
        await honest.close()
    tell("judging")
    return _judged(options, unanswered, memory, tallies)


async def _attack(
    options: Options, target: Target, honest: Honest, seconds: float, tell: Callable[[str], None]
) -> dict[str, Tally]:
    hostiles = Hostiles(target, options.attacks, seed=options.seed, seconds=seconds)
    try:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        on: set[str] = set()
        while loop.time() < ends_at:
            await asyncio.sleep(_TICK_S)
            for change in hostiles.changes():
                (on.add if change.event == "start" else on.discard)(change.attack)
                honest.record.write(Fault, event=change.event, op=change.attack, kind=change.attack)
            tell(f"{ends_at - loop.time():.0f} s left, {honest.acked} acked, {len(on)} attacks on")
        return await hostiles.tallies()
    finally:
        hostiles.stop()


def _judged(
    options: Options,
    unanswered: int,
    memory: Mapping[str, tuple[int, int]],
    tallies: Mapping[str, Tally],
) -> Result:
    records = list(load(options.histories))
    verdict = check(records, required_acks=options.required_acks)
    times, refused = latency(records)
    reasons = reasons_against(
        verdict=verdict,
        times=times,
        p99_bound_s=options.p99_bound_s,
        refused=refused,
        unanswered=unanswered,
        memory={name: sizes for name, sizes in memory.items() if not name.startswith(_ENGINES)},
    )
    return Result(
        seed=options.seed,
        seconds=options.seconds,
        passed=not reasons,
        reasons=reasons,
        latency=times,
        acked=verdict.acked,
        refused=refused,
        memory=dict(memory),
        attacks=dict(sorted(tallies.items())),
        verdict=verdict,
    )


def _grpc_addresses(platform: RunningPlatform) -> dict[str, str]:
    return {
        name: part.address
        for name, part in platform.parts().items()
        if name.startswith(("chat", "users", "discovery"))
    }


def _memory(platform: RunningPlatform) -> dict[str, int]:
    """Return the proportional set size of every process, in bytes."""
    return {
        name: psutil.Process(part.pid).memory_full_info().pss
        for name, part in platform.parts().items()
        if part.pid is not None
    }


async def _memory_in_the_end(
    platform: RunningPlatform, before: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """Wait until every process holds about what it held before, or for a minute."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _MEMORY_S
    while True:
        now = _memory(platform)
        sizes = {name: (size, now.get(name, 0)) for name, size in before.items()}
        grown = [n for n, pair in sizes.items() if has_grown(*pair) and not n.startswith(_ENGINES)]
        if not grown or loop.time() > deadline:
            return sizes
        await asyncio.sleep(_TICK_S)
