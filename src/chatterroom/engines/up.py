"""`chatterroom up`: the whole platform on this machine, until Ctrl-C."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import structlog

from chatterroom.auth.secret_files import were_open
from chatterroom.auth.secrets import SecretsError, ensure_secrets
from chatterroom.core import descriptors
from chatterroom.engines.data_directory import DataDirectory
from chatterroom.engines.errors import EngineError
from chatterroom.engines.layout import UpOptions, compose, reachable
from chatterroom.engines.log_files import keep_small
from chatterroom.engines.ports import is_free
from chatterroom.engines.status_view import status_view
from chatterroom.engines.supervisor import Supervisor

__all__ = ["UpOptions", "run"]

_SERVICE_COMMAND = (sys.executable, "-m", "chatterroom")


def run(options: UpOptions, service_command: Sequence[str] = _SERVICE_COMMAND) -> int:
    """Run the platform until SIGINT, SIGTERM or SIGHUP; return the exit status.

    What stops the start is one line on standard error, and 1. However this process ends, its
    children end too (on Linux), and the next one on the same directory goes on with its data.
    """
    directory = DataDirectory(options.data_dir.absolute())
    # The engines inherit it.
    descriptors.raise_limit()
    try:
        with directory.locked(), _logs_in(directory.log("up")):
            _require_port(options.host, options.gateway_port)
            if ensure_secrets(directory.secrets):
                sys.stderr.write(f"chatterroom up: {were_open(directory.secrets)}\n")
            asyncio.run(_run(options, directory, service_command))
    except (EngineError, OSError, SecretsError) as error:
        sys.stderr.write(f"chatterroom up: {error}\n")
        return 1
    return 0


async def _run(
    options: UpOptions, directory: DataDirectory, service_command: Sequence[str]
) -> None:
    layout = compose(options, directory, os.environ, service_command)
    with status_view() as view:
        supervisor = Supervisor(layout.start_order, layout.stop_order, on_change=view.changed)
        url = f"http://{_in_url(reachable(options.host))}:{options.gateway_port}"
        running = asyncio.create_task(
            supervisor.run(lambda: view.announce(f"ChatterRoom is ready: {url}"))
        )
        _on_stop_signals(running.cancel)
        shortening = asyncio.create_task(keep_small(directory.log("up").parent))
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await running
        finally:
            shortening.cancel()


def _on_stop_signals(stop: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    asked = False

    def ask() -> None:
        # A second cancellation would interrupt the orderly stop.
        nonlocal asked
        if not asked:
            asked = True
            stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)


def _require_port(host: str, port: int) -> None:
    try:
        free = is_free(port, host)
    except OSError as error:
        raise EngineError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    if not free:
        raise EngineError(
            f"port {port} on {host} is taken: stop what uses it, or choose another "
            "with --gateway-port"
        )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def _logs_in(path: Path) -> Iterator[None]:
    with path.open("a", buffering=1, encoding="utf-8") as file:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.dev.ConsoleRenderer(colors=False),
            ],
            logger_factory=structlog.PrintLoggerFactory(file),
        )
        try:
            yield
        finally:
            structlog.reset_defaults()
