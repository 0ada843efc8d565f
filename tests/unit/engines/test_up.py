"""`up` as a process of its own, with real engines and stand-ins for the services."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from chatterroom.engines.data_directory import DataDirectory
from chatterroom.engines.layout import UpOptions, compose
from chatterroom.engines.ports import free_port

DEADLINE_S = 60
FAKE_SERVICE = Path(__file__).with_name("fake_service.py")
PROGRAM = """
import sys
from pathlib import Path
from chatterroom.engines.up import UpOptions, run

data_dir, port, fake_service = sys.argv[1:]
options = UpOptions(1, 2, "127.0.0.1", int(port), Path(data_dir))
sys.exit(run(options, [sys.executable, fake_service]))
"""


class Up:
    """A running `up`, and what it has printed."""

    def __init__(self, data_dir: Path, port: int, environ: dict[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, data_dir, str(port), FAKE_SERVICE],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, **environ},
        )
        self.lines: list[str] = []

    def read_until(self, start: str) -> str:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith(start):
                return line.rstrip()
        raise AssertionError(f"no line {start!r} in {self.lines} {self.process.stderr.read()}")

    def child(self, name: str) -> psutil.Process:
        """Return the child whose command line has `name` in it."""
        return next(
            child
            for child in psutil.Process(self.process.pid).children()
            if any(name in part for part in child.cmdline())
        )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=DEADLINE_S)
        self.lines += rest.splitlines()
        assert not errors
        return self.process.returncode


@contextmanager
def up(data_dir: Path, port: int | None = None, **environ: str) -> Iterator[Up]:
    started = Up(data_dir, port or free_port(), environ)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def failure_of(data_dir: Path, port: int | None = None, **environ: str) -> str:
    """Run an `up` that cannot start, and return the one line it says."""
    with up(data_dir, port, **environ) as failed:
        _, errors = failed.process.communicate(timeout=DEADLINE_S)
        assert failed.process.returncode == 1
        assert errors.count("\n") == 1, errors
        return errors.strip()


def test_everything_starts_in_order_stops_in_order_and_starts_again(tmp_path):
    addresses = []
    for _ in range(2):
        with up(tmp_path) as started:
            ready = started.read_until("ChatterRoom is ready: ")
            assert re.fullmatch(r"ChatterRoom is ready: http://127\.0\.0\.1:\d+", ready)
            addresses.append([line for line in started.lines if line.startswith("mongod ready")])
            assert started.end(signal.SIGINT) == 0
            in_state = {
                state: [line.split()[0] for line in started.lines if f" {state}" in line]
                for state in ("starting", "stopped")
            }
            started_names = in_state["starting"]
            assert set(started_names[:2]) == {"mongod", "redis"}
            assert started_names[2] == "discovery"
            assert set(started_names[3:]) == {"users-1", "chat-1", "chat-2", "gateway"}
            stopped = [name.partition("-")[0] for name in in_state["stopped"]]
            order = ["gateway", "chat", "chat", "users", "discovery", "redis", "mongod"]
            assert stopped == order
    assert addresses[0] == addresses[1]


def test_an_engine_and_a_service_that_die_come_back_on_their_ports(tmp_path):
    with up(tmp_path) as started:
        started.read_until("ChatterRoom is ready")
        for name, part in (("mongod", "bin/mongod"), ("chat-1", "fake_service.py")):
            before = next(line for line in started.lines if line.startswith(f"{name} ready"))
            victim = started.child(part) if name == "mongod" else service_child(started, "chat")
            victim.kill()
            started.read_until(f"{name} restarting")
            assert started.read_until(f"{name} ready") == before
        assert started.end() == 0


def service_child(started: Up, kind: str) -> psutil.Process:
    return next(
        child
        for child in psutil.Process(started.process.pid).children()
        if child.cmdline()[-1] == kind
    )


def is_alive(process: psutil.Process) -> bool:
    # Where the first process of a container does not bury orphans, they stay as zombies.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_services_are_told_where_everything_is(tmp_path):
    with up(tmp_path, CHATTERROOM_CHAT_MONGO_URL="mongodb://elsewhere/chat") as started:
        started.read_until("ChatterRoom is ready")
        environ = service_child(started, "users").environ()
        assert re.fullmatch(
            r"mongodb://chatterroom_users:[0-9a-f]{64}@127\.0\.0\.1:\d+/chatterroom_users"
            r"\?replicaSet=rs0&authSource=admin",
            environ["CHATTERROOM_USERS_MONGO_URL"],
        )
        assert environ["CHATTERROOM_CHAT_MONGO_URL"] == "mongodb://elsewhere/chat"
        assert environ["CHATTERROOM_USERS_REDIS_URL"].endswith("/0")
        assert environ["CHATTERROOM_DISCOVERY_REDIS_URL"].endswith("/1")
        discovery_port = service_child(started, "discovery").environ()[
            "CHATTERROOM_DISCOVERY_GRPC_PORT"
        ]
        assert environ["CHATTERROOM_DISCOVERY_URL"] == f"127.0.0.1:{discovery_port}"
        assert environ["CHATTERROOM_SECRETS_DIR"] == str(tmp_path / "secrets")
        assert (tmp_path / "secrets" / "service-credential-digests").exists()


def test_engines_with_settings_are_not_started(tmp_path):
    options = UpOptions(1, 1, "127.0.0.1", 8080, tmp_path)
    environ = {"CHATTERROOM_MONGO_URL": "mongodb://a/b", "CHATTERROOM_REDIS_URL": "redis://c"}
    layout = compose(options, DataDirectory(tmp_path), environ, ["service"])
    names = [[program.name for program in group] for group in layout.start_order]
    assert names == [[], ["discovery"], ["users-1", "chat-1", "gateway"]]


def test_a_second_up_on_the_same_directory_says_who_has_it(tmp_path):
    with up(tmp_path) as first:
        first.read_until("mongod starting")
        line = failure_of(tmp_path)
        owner = f"(pid {first.process.pid})"
        said = f"{tmp_path} is already in use by another `chatterroom up` {owner}"
        assert line == f"chatterroom up: {said}"


def test_a_taken_gateway_port_is_said_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = failure_of(tmp_path, port)
    assert f"port {port} on 127.0.0.1 is taken" in line
    assert not (tmp_path / "mongod").exists()


def test_a_missing_engine_is_one_line(tmp_path):
    broken = tmp_path / "bin" / "mongod"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no such luck >&2; exit 1\n")
    broken.chmod(0o755)
    line = failure_of(tmp_path / "data", PATH=str(broken.parent))
    assert line.endswith("cannot be run: no such luck")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_nothing_outlives_a_killed_up_and_the_next_one_starts(tmp_path):
    with up(tmp_path) as first:
        first.read_until("ChatterRoom is ready")
        children = psutil.Process(first.process.pid).children()
        assert len(children) == 7
        first.process.kill()
        # At once, while the engines of the first still end.
        with up(tmp_path) as second:
            second.read_until("ChatterRoom is ready")
            assert not [child for child in children if is_alive(child)]
            assert second.end() == 0
