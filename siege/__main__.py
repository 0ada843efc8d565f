"""`python -m siege`: hostile users attack a real platform on which honest ones chat.

It passes if the honest users' sends all succeed, nothing acknowledged is lost, their p99 stays
below the bound, no process ends, and every service gives its memory back. Exit status: 0 passed,
1 failed, 2 where it could not be tried.
"""

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog
from rich.console import Console

from chatterroom.client import ClientError
from chatterroom.engines.errors import EngineError
from siege.hostile import CATALOGUE
from siege.judging import Result
from siege.report import show
from siege.run import Options, run

_INTERRUPTED = 130
_EVERY_S = 5.0


def main() -> int:
    """Besiege once."""
    arguments = _parser().parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    options = Options(
        directory=arguments.out / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-seed{seed}",
        seconds=60 * arguments.minutes,
        seed=seed,
        attacks=arguments.attacks or list(CATALOGUE),
        people=arguments.people,
        p99_bound_s=arguments.p99,
        required_acks=arguments.acks,
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console.print(f"seed {seed}: {', '.join(options.attacks)}")
    try:
        result = asyncio.run(_until_told(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; everything is stopped")
        return _INTERRUPTED
    except (ClientError, EngineError, OSError, RuntimeError) as error:
        console.print(f"not tried: {error or type(error).__name__}; logs: {options.directory}")
        return 2
    show(console, result)
    console.print(f"histories and result: {options.directory}")
    return 0 if result.passed else 1


async def _until_told(options: Options) -> Result:
    # SIGTERM ends a siege as Ctrl-C does: in order, with every child stopped.
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    shown_at = -_EVERY_S

    def tell(phase: str) -> None:
        nonlocal shown_at
        if loop.time() - shown_at >= _EVERY_S or "left" not in phase:
            shown_at = loop.time()
            sys.stdout.write(phase + "\n")
            sys.stdout.flush()

    return await run(options, tell)


def _parser() -> argparse.ArgumentParser:
    attacks = "\n".join(f"  {name:<18}{attack.what}" for name, attack in CATALOGUE.items())
    parser = argparse.ArgumentParser(
        prog="python -m siege",
        description=__doc__,
        epilog=f"attacks:\n{attacks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of all attacks; 1")
    parser.add_argument("--seed", type=int, help="repeat a siege's people and phases")
    parser.add_argument("--people", type=int, default=12, help="honest users; 12")
    parser.add_argument(
        "--p99", type=float, default=2.0, help="seconds that 99 of 100 honest sends may take; 2"
    )
    parser.add_argument("--acks", type=int, default=1_000, help="fewer prove nothing; 1000")
    parser.add_argument(
        "--attacks", type=_names, default=[], metavar="A,B", help="only these, of those below"
    )
    parser.add_argument("--out", type=Path, default=Path(".data/siege"))
    return parser


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in CATALOGUE:
            raise argparse.ArgumentTypeError(f"there is no attack {name!r}")
    return names


if __name__ == "__main__":
    sys.exit(main())
