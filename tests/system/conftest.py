"""The whole platform, started as a user starts it, reached through its public port only."""

import asyncio
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import websockets
from websockets.typing import Subprotocol

from chatterroom.engines.ports import is_free

START_S = 60
STOP_S = 60


class Platform:
    """A running `chatterroom up`."""

    def __init__(self, data_dir: Path, *, users: int = 2, chat: int = 2) -> None:
        self.data_dir = data_dir
        self.port = public_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = data_dir.parent / f"{data_dir.name}.out"
        self.command = [
            *(sys.executable, "-m", "chatterroom", "up"),
            *("--users", f"{users}", "--chat", f"{chat}"),
            *("--gateway-port", f"{self.port}", "--data-dir", f"{data_dir}"),
        ]
        self.settings: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment() | self.settings,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_for(self.is_ready, START_S, f"the platform to be ready: {self.output.read_text()}")

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        try:
            status = httpx.get(f"{self.url}/status", timeout=5, trust_env=False).json()
        except httpx.HTTPError:
            return False
        return set(status.values()) >= {"healthy"} and "unhealthy" not in status.values()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return the running processes of a service or an engine."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if name in program(child)]

    def kill(self, name: str) -> None:
        """Kill -9 one process of a name, without a chance to say goodbye."""
        self.processes(name)[0].kill()


def public_port() -> int:
    """Return a free port that no `up` would give to anything else before the gateway has it."""
    return next(port for port in random.sample(range(18_000, 20_000), 200) if is_free(port))


def program(process: psutil.Process) -> tuple[str, ...]:
    """Return what a process may go by: an engine by its name, a service by its last argument."""
    try:
        return (process.name(), *process.cmdline()[-1:])
    except psutil.Error:
        return ()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "CHATTERROOM" not in name}
    # The limits for strangers would stop a test suite that registers hundreds of users.
    off = (
        "ADDRESS_REQUESTS_PER_S",
        "CREDENTIALS_PER_MIN",
        "ADDRESS_HANDSHAKES_PER_S",
        "USER_RESPONSE_BYTES_PER_S",
    )
    quotas = ("MESSAGES", "MESSAGE_BYTES", "CHANGES", "MARKS", "PRESENCE", "SOCKETS")
    hourly = ("ROOMS", "ADDED", "ADDED_TO", "ADDED_BY_ONE", "FIRST_MESSAGES")
    return (
        kept
        | {f"CHATTERROOM_GATEWAY_{name}": "0" for name in off}
        | {f"CHATTERROOM_CHAT_USER_{name}_PER_S": "0" for name in quotas}
        | {f"CHATTERROOM_CHAT_USER_{name}_PER_HOUR": "0" for name in hourly}
    )


def wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


# Not longer than these files: even an idle platform takes time from the tests of others.
@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that all tests share; none may leave it broken."""
    running = Platform(tmp_path_factory.mktemp("platform") / "data")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_platform(tmp_path: Path) -> Iterator[Platform]:
    """A platform of the test's own, not started yet."""
    running = Platform(tmp_path / "data")
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


class User:
    """Somebody registered and logged in, with nothing but public endpoints."""

    def __init__(self, platform: Platform, name: str) -> None:
        unique = secrets.token_hex(6)
        self.platform = platform
        self.username = f"{name}-{unique}"
        self.email = f"{name}.{unique}@example.org"
        self.password = secrets.token_urlsafe(12)
        self.http = httpx.Client(base_url=platform.url, timeout=15, trust_env=False)
        body = {"username": self.username, "password": self.password, "email": self.email}
        registered = self.http.post("/user-service/register", json=body)
        assert registered.status_code == 200, registered.text
        assert registered.json()["message"] == "User registered successfully"
        self.id = registered.json()["user_id"]
        self.log_in()

    def log_in(self) -> None:
        body = {"email": self.email, "password": self.password}
        answer = self.http.post("/user-service/login", json=body)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def create_room(self, *members: "User", name: str = "Tea") -> str:
        body = {
            "room_name": name,
            "creator_id": self.id,
            "members_ids": [member.id for member in members],
        }
        answer = self.http.post("/chat-service/rooms/create", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["room_id"]

    def connect(self, path: str = "/ws/chat", room_id: str = "", *, simple: bool = False):
        room = f"&roomId={room_id}" if room_id else ""
        return websockets.connect(
            f"ws://127.0.0.1:{self.platform.port}{path}?userId={self.id}{room}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            subprotocols=None if simple else [Subprotocol("chatterroom.v1")],
            max_queue=None,
            close_timeout=2,
            proxy=None,
        )


@pytest.fixture
def new_user(platform: Platform) -> Iterator[Callable[[str], User]]:
    users: list[User] = []

    def make(name: str = "somebody") -> User:
        users.append(User(platform, name))
        return users[-1]

    yield make
    for user in users:
        user.http.close()


@pytest.fixture
def alice(new_user) -> User:
    return new_user("alice")


@pytest.fixture
def bob(new_user) -> User:
    return new_user("bob")


@pytest.fixture
def carol(new_user) -> User:
    return new_user("carol")


async def receive(socket, type_: str) -> dict:
    """Return the next event of a type, within fifteen seconds."""
    async with asyncio.timeout(15):
        while True:
            event = json.loads(await socket.recv())
            if event["type"] == type_:
                return event


async def resume(socket, **conversations: int) -> dict:
    await receive(socket, "ready")
    await socket.send(json.dumps({"type": "resume", "conversations": conversations}))
    return await receive(socket, "resumed")
