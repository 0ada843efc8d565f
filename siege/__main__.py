"""`python -m siege`: hostile users attack a real platform on which honest users chat.

It passes only if all that honest users sent was acknowledged, nothing of it is lost, 99 % of them
waited no longer than a bound, no process ended, the memory of every service comes back to within a
fifth of what it was, and every attack was met by its rule. Exit status: 0 passed, 1 failed, 2 it
could not be run.
"""

import argparse
import asyncio
import logging
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
from rich.console import Console
from torture.limits_off import without_limits

from chatterroom.client import ClientError
from chatterroom.engines.errors import EngineError
from siege.report import show
from siege.run import Options, Result, run
from siege.table import ATTACKS, chosen

_MINUTES = 1.0
_INTERRUPTED = 130
_WIDTH = 140


def main() -> int:
    """Run one siege."""
    arguments = _parser().parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    directory = arguments.out / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-seed{seed}"
    options = Options(
        directory=directory,
        seconds=60 * arguments.minutes,
        seed=seed,
        attacks=arguments.attacks,
        settings={**(without_limits() if arguments.limits_off else {}), **dict(arguments.set)},
        people=arguments.people,
        warm_up_s=arguments.warm_up,
        p99_s=arguments.p99,
        growth=arguments.growth,
        required_acks=arguments.acks,
        any_strength=arguments.any_strength,
    )
    # What engines say of themselves is in their logs.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        result = _run(console, options)
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; everything is stopped")
        return _INTERRUPTED
    except (ClientError, EngineError, OSError) as error:
        console.print(f"could not run: {error or type(error).__name__}; logs: {directory}")
        return 2
    show(console, result, options.p99_s)
    console.print(f"seed {seed}; histories, result and logs: {directory}")
    return int(bool(result.reasons))


def _run(console: Console, options: Options) -> Result:
    began = time.monotonic()

    def tell(what: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {what}")

    async def until_told() -> Result:
        # SIGTERM ends a run as Ctrl-C does: in order, with every child stopped.
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await run(options, tell)

    return asyncio.run(until_told())


def _attacks(names: str) -> list[str]:
    try:
        return chosen(names)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.startswith("CHATTERROOM_") and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHATTERROOM_…=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    attacks = "\n".join(f"  {name:<22}{attack.what}" for name, attack in ATTACKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m siege",
        description=__doc__,
        epilog=f"the attacks:\n{attacks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="how long the siege lasts")
    parser.add_argument(
        "--attacks",
        type=_attacks,
        default=list(ATTACKS),
        metavar="NAME,NAME",
        help="only these attacks; all of them if not given",
    )
    parser.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the platform, for example CHATTERROOM_CHAT_USER_MESSAGES_PER_S=0",
    )
    parser.add_argument(
        "--limits-off",
        action="store_true",
        help="attack a platform without limits: a siege has to fail there",
    )
    parser.add_argument("--seed", type=int, help="repeat the people, phases and choices of a siege")
    parser.add_argument("--people", type=int, default=Options.people, help="honest users")
    parser.add_argument(
        "--warm-up",
        type=float,
        default=Options.warm_up_s,
        metavar="SECONDS",
        help="how long the same attacks go on before memory is measured",
    )
    parser.add_argument(
        "--p99",
        type=float,
        default=Options.p99_s,
        metavar="SECONDS",
        help="how long 99 %% of what honest users send may take, acknowledged and delivered",
    )
    parser.add_argument(
        "--growth",
        type=float,
        default=Options.growth,
        metavar="PART",
        help="by which part of what it held before a process may have grown in the end",
    )
    parser.add_argument(
        "--acks",
        type=int,
        default=Options.required_acks,
        help="fewer acknowledgements prove nothing",
    )
    parser.add_argument(
        "--any-strength",
        action="store_true",
        help="pass even if attacks are too weak to meet their limit, as on a busy machine",
    )
    parser.add_argument("--out", type=Path, default=Path(".data/siege"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
