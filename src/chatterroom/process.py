"""How every process of ChatterRoom starts, logs and stops."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import structlog
import uvloop

from chatterroom.auth.certificates import Certificates
from chatterroom.auth.secrets import SecretsError, load_certificates
from chatterroom.core import descriptors
from chatterroom.core.settings import SettingsError

__all__ = ["ServiceSettings", "advertised", "run_service", "split_urls"]

log = structlog.get_logger()

_WATCH_S = 1.0

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every process is told. Ports of 0 mean any free one."""

    secrets_dir: str
    """The directory of `auth/secrets.py`."""
    tls_dir: str = ""
    """The directory of `auth/certificates.py`; empty: connections are not encrypted."""
    discovery_url: str = "127.0.0.1:50050"
    """host:port of discovery; several are separated by commas."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    advertised_host: str = ""
    """The name other processes reach this one by; empty: found out from `host`."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def secrets_path(self) -> Path:
        """The secrets directory as a path."""
        return Path(self.secrets_dir)

    def certificates(self, service: str) -> Certificates | None:
        """Read the certificates of a service in `tls_dir`, if any. Raises `SecretsError`."""
        return load_certificates(self.tls_dir, service)


def split_urls(urls: str) -> list[str]:
    """Split a comma-separated setting."""
    return [url.strip() for url in urls.split(",") if url.strip()]


def advertised(settings: ServiceSettings, port: int) -> str:
    """Return host:port under which other processes reach a port of this one."""
    host = settings.advertised_host or settings.host
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 -- compared, not bound
        host = socket.gethostbyname(socket.gethostname())
    return f"{host}:{port}"


def run_service(
    name: str, settings: ServiceSettings, serve: Callable[[asyncio.Event], Awaitable[None]]
) -> int:
    """Run `serve` until SIGTERM or SIGINT sets its event; return the exit status.

    What stops the start (a taken port, a missing secret, a wrong setting) is one line and 1.
    """
    configure_logs(name, settings.log_format, settings.log_level)
    log.info("starting", file_descriptors=descriptors.raise_limit())
    try:
        uvloop.run(_until_stopped(name, serve))
    except (OSError, SecretsError, SettingsError, ExceptionGroup) as error:
        reason = _only_reason(error)
        if reason is None:
            raise
        sys.stderr.write(f"chatterroom {name}: {reason}\n")
        return 1
    return 0


def configure_logs(name: str, log_format: str, log_level: str) -> None:
    """Send one line per event to standard error: for a person, or as JSON."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelName(log_level.upper())
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=name, pid=os.getpid())
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")


async def _until_stopped(name: str, serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watching = loop.create_task(_watch_descriptors())
    try:
        await serve(stop)
    finally:
        watching.cancel()
    log.info("stopped")


async def _watch_descriptors() -> None:
    """Log once a second while no descriptor is left, until cancelled.

    Meanwhile the loop closes connections as soon as it has accepted them, without a word.
    """
    while True:
        await asyncio.sleep(_WATCH_S)
        if not descriptors.is_one_free():
            log.error("no_file_descriptor_left")


def _only_reason(error: BaseException) -> BaseException | None:
    """Unwrap what one task raised; None where it is not something a person can mend."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, OSError | SecretsError | SettingsError) else None
