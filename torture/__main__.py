"""`python -m torture`: load a real platform, break it at random, and judge what it promised.

Exit status: 0 passed, 1 failed, 2 unknown.
"""

import argparse
import asyncio
import secrets
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from chatterroom.client import ClientError
from chatterroom.engines.errors import EngineError
from torture.mutants import MUTANTS
from torture.platform import NotHealedError
from torture.report import EXIT_STATUS, progress_line, show, show_mutants
from torture.run import Options, Result, run
from torture.schedule import HONEST, only

_MINUTES = 1.0
_INTERRUPTED = 130


def main() -> int:
    """Run once, or once for every mutant."""
    arguments = _parser().parse_args()
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
        mix=arguments.faults,
    )
    try:
        if arguments.mutants:
            return _all_mutants(console, options)
        if arguments.broken:
            options = _broken(options, arguments.broken, keep_length=bool(arguments.minutes))
        result = _run(console, options)
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; everything is stopped")
        return _INTERRUPTED
    except NotHealedError as error:
        console.print(f"failed: {error}; logs: {directory}")
        return EXIT_STATUS["failed"]
    except (ClientError, EngineError, OSError) as error:
        console.print(f"unknown: {error or type(error).__name__}; logs: {directory}")
        return EXIT_STATUS["unknown"]
    show(console, result)
    console.print(f"histories and result: {directory}")
    return EXIT_STATUS[result.verdict.state]


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
        "--faults",
        type=lambda names: only(HONEST, [name.strip() for name in names.split(",")]),
        default=HONEST,
        help='only some faults: "kill mongod,stop chat"',
    )
    parser.add_argument("--break", dest="broken", choices=MUTANTS, metavar="NAME")
    parser.add_argument("--mutants", action="store_true", help="run every broken product in turn")
    parser.add_argument("--out", type=Path, default=Path(".data/torture"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
