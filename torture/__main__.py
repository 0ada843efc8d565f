"""`python -m torture`: load a real platform, break it at random, and judge what it promised.

Exit status: 0 passed, 1 failed, 2 unknown.
"""

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog
from rich.console import Console

from chatterroom.client import ClientError
from chatterroom.engines.errors import EngineError
from torture.mutants import MUTANTS
from torture.platform import NotHealedError
from torture.report import EXIT_STATUS, progress_line, show, show_mutants
from torture.run import Options, Result, run
from torture.schedule import HONEST, REPLICATED, Mix, only

_MINUTES = 1.0
_INTERRUPTED = 130
_MONGODS = {"1": (1,), "3": (3,), "both": (1, 3)}
_WORST_LAST = [EXIT_STATUS[state] for state in ("passed", "unknown", "failed")]


def main() -> int:
    """Run once, once with one mongod and once with three, or once for every mutant."""
    parser = _parser()
    arguments = parser.parse_args()
    arguments.mongods = _MONGODS[arguments.mongods]
    try:
        for number in arguments.mongods:
            only(_mix(number), arguments.faults)
    except ValueError as error:
        parser.error(str(error))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    directory = arguments.out / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-seed{seed}"
    options = Options(
        directory=directory,
        seconds=60 * (arguments.minutes or _MINUTES),
        seed=seed,
        chat=arguments.chat,
        users=arguments.users,
        people=arguments.people,
        rooms=arguments.rooms,
    )
    # What engines say of themselves is in their logs.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        if arguments.mutants:
            return _all_mutants(console, options)
        if arguments.broken:
            options = _broken(options, arguments.broken, keep_length=bool(arguments.minutes))
            return _judged(console, options)
        statuses = [
            _judged(console, _with_mongods(options, number, arguments.faults))
            for number in arguments.mongods
        ]
        return max(statuses, key=_WORST_LAST.index)
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; everything is stopped")
        return _INTERRUPTED
    except NotHealedError as error:
        console.print(f"failed: {error}; logs: {directory}")
        return EXIT_STATUS["failed"]
    except (ClientError, EngineError, OSError) as error:
        console.print(f"unknown: {error or type(error).__name__}; logs: {directory}")
        return EXIT_STATUS["unknown"]


def _judged(console: Console, options: Options) -> int:
    result = _run(console, options)
    show(console, result)
    console.print(f"histories and result: {options.directory}")
    return EXIT_STATUS[result.verdict.state]


def _with_mongods(options: Options, mongods: int, faults: Sequence[str]) -> Options:
    mix = _mix(mongods)
    return replace(
        options,
        directory=options.directory / f"mongods-{mongods}",
        mongods=mongods,
        mix=only(mix, faults) if faults else mix,
    )


def _mix(mongods: int) -> Mix:
    return HONEST if mongods == 1 else REPLICATED


def _all_mutants(console: Console, options: Options) -> int:
    """Return 0 only where every mutant failed."""
    results = []
    for name, mutant in MUTANTS.items():
        console.print(f"mutant {name}: {mutant.what}")
        of_its_own = replace(options, directory=options.directory / name)
        results.append((name, mutant.what, _run(console, _broken(of_its_own, name))))
    show_mutants(console, results)
    console.print(f"histories and results: {options.directory}")
    return int(any(result.verdict.state != "failed" for _, _, result in results))


def _broken(options: Options, name: str, *, keep_length: bool = False) -> Options:
    mutant = MUTANTS[name]
    seconds = options.seconds if keep_length else mutant.seconds
    return replace(options, mutant=name, mix=mutant.mix, seconds=seconds)


def _run(console: Console, options: Options) -> Result:
    async def until_told() -> Result:
        # SIGTERM ends a run as Ctrl-C does: in order, with every child stopped.
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with progress_line(console) as tell:
            return await run(options, tell)

    return asyncio.run(until_told())


def _parser() -> argparse.ArgumentParser:
    broken = "\n".join(f"  {name:<22}{mutant.what}" for name, mutant in MUTANTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m torture",
        description=__doc__,
        epilog=f"the ways to break the product:\n{broken}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--minutes",
        type=float,
        help="of load and faults: 1, or as long as the broken product needs",
    )
    parser.add_argument("--seed", type=int, help="repeat a run's people, plans and faults")
    parser.add_argument("--chat", type=int, default=2, help="instances of the chat service")
    parser.add_argument("--users", type=int, default=2, help="instances of the user service")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument(
        "--mongods",
        choices=_MONGODS,
        default="1",
        help="nodes of MongoDB: 1, a replica set of 3, or a run with each (both)",
    )
    parser.add_argument(
        "--faults",
        type=lambda names: [name.strip() for name in names.split(",")],
        default=[],
        help='only some faults: "kill mongod,stop chat"; with 3 mongods: "lose majority"',
    )
    parser.add_argument("--break", dest="broken", choices=MUTANTS, metavar="NAME")
    parser.add_argument("--mutants", action="store_true", help="run every broken product in turn")
    parser.add_argument("--out", type=Path, default=Path(".data/torture"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
