"""A real `chatterroom up` as a child, its limits for strangers off, and what it uses."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from google.protobuf.empty_pb2 import Empty
from torture.limits_off import without_limits

from bench.measures import Usage, usage_of
from chatterroom.auth.secrets import DISCOVERY, load_service_secret
from chatterroom.engines import launch
from chatterroom.engines.data_directory import DataDirectory
from chatterroom.engines.mongod import internal_url
from chatterroom.engines.ports import LOOPBACK, free_port
from chatterroom.pb import discovery_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata

__all__ = ["Platform"]

_START_S = 60.0
_STOP_S = 45.0
_ROOT = Path(__file__).parent.parent
_UNLIMITED_SOCKETS = {
    "CHATTERROOM_GATEWAY_MAX_SOCKETS_PER_ADDRESS": "0",
    "CHATTERROOM_GATEWAY_MAX_SOCKETS_PER_USER": "0",
}
# Sockets that flood would be cut off for it.
_FLOODING = {"CHATTERROOM_MESSAGES_PER_S": "1000000", "CHATTERROOM_MESSAGE_BURST": "1000000"}


class Platform:
    """The whole platform with one chat service, on a directory of its own, on loopback.

    `variant` starts the naive twin instead (see `bench.naive`).
    """

    def __init__(self, variant: str = "") -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="chatterroom-bench-"))
        self._variant = variant
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.chat_rpc = ""
        self.chat_socket: tuple[str, int] = (LOOPBACK, 0)
        self.gateway: tuple[str, int] = (LOOPBACK, self.port)
        self.mongo_url = ""

    def __enter__(self) -> Self:
        program = ("bench.naive", self._variant) if self._variant else ("chatterroom",)
        command = [
            *(sys.executable, "-I", "-S", launch.__file__, f"{os.getpid()}"),
            f"{int(signal.SIGTERM)}",
            *(sys.executable, "-m", *program, "up", "--users", "1", "--chat", "1"),
            *("--gateway-port", f"{self.port}", "--data-dir", f"{self._directory}"),
        ]
        with (self._directory / "up.out").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
            asyncio.run(self._find_addresses())
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def secrets(self) -> Path:
        """The directory of keys and credentials."""
        return self._directory / "secrets"

    def stop(self) -> None:
        """End it and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                for process in self.processes():
                    process.kill()
                self._process.wait(_STOP_S)
        shutil.rmtree(self._directory, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """Return every process of it, databases included."""
        if self._process is None:
            return []
        up = psutil.Process(self._process.pid)
        return [up, *up.children(recursive=True)]

    def process(self, name: str) -> psutil.Process:
        """Return the process of one service or engine."""
        for process in self.processes():
            if process.name().startswith(name) or process.cmdline()[-1] == name:
                return process
        raise LookupError(name)

    def usage(self) -> Usage:
        """Read what all of its processes have used."""
        return usage_of(self.processes())

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while not self._is_ready():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                output = (self._directory / "up.out").read_text()
                raise RuntimeError(f"the platform did not start: {output}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/status", timeout=5) as got:
                return b'"unhealthy"' not in got.read()
        except (urllib.error.URLError, OSError):
            return False

    async def _find_addresses(self) -> None:
        discovery = _address_of(self.process("discovery"))
        credential = load_service_secret(self.secrets, "gateway").towards(DISCOVERY)
        metadata = call_metadata(credential, SERVICE)
        async with open_channel(discovery) as channel:
            stub = discovery_pb2_grpc.DiscoveryServiceStub(channel)
            status = await stub.StatusCheck(Empty(), metadata=metadata, timeout=5)
        (chat,) = [each for each in status.instances if each.service_name == "chat"]
        self.chat_rpc = chat.service_url
        host, _, port = chat.websocket_url.rpartition(":")
        self.chat_socket = (host, int(port))
        mongod = DataDirectory(self._directory).engine("mongod")
        self.mongo_url = internal_url(mongod, _address_of(self.process("mongod")))


def _address_of(process: psutil.Process) -> str:
    ports = [
        connection.laddr.port
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    return f"{LOOPBACK}:{min(ports)}"


def _environment() -> Mapping[str, str]:
    """Our environment without settings, so that every run is the same."""
    kept = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
    paths = os.pathsep.join([str(_ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    return {**kept, **without_limits(), **_UNLIMITED_SOCKETS, **_FLOODING, "PYTHONPATH": paths}
