"""A platform under attack: who is honest, who is not, and what must hold after each attack."""

import itertools
import secrets
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pymongo
from pymongo.database import Database
from tests.system.conftest import Platform, program
from tests.system.test_secrets import secrets_of

from chatterroom.engines.mongod import internal_url

from .wire import WebSocket, talk

__all__ = ["NOBODY", "SETTINGS", "Person", "World"]

# An id that is well formed and nobody's.
NOBODY = "01" + "0" * 24
REQUEST_TIMEOUT_S = 2.0
SOCKETS_PER_USER, SOCKETS_PER_ADDRESS = 8, 12
CREDENTIALS_BURST, USER_CREDENTIALS_BURST = 24, 20
USER_BURST = 300
CONNECTIONS, CONNECTIONS_PER_ADDRESS = 300, 40
MESSAGES_BURST = 400
CHANGES_BURST = 200
SLOW_READER_S = 5
ROOMS_PER_HOUR, FIRST_MESSAGES_PER_HOUR = 60, 20
ADDED_TO_PER_HOUR, ADDED_BY_ONE_PER_HOUR = 100, 60
# What a patient attacker would wait for comes sooner, and what many would need few can do. Tests
# come through a trusted proxy, so that each of their people has an address.
SETTINGS = {
    "CHATTERROOM_GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32",
    "CHATTERROOM_GATEWAY_REQUEST_TIMEOUT_S": f"{REQUEST_TIMEOUT_S}",
    "CHATTERROOM_GATEWAY_MAX_SOCKETS_PER_USER": f"{SOCKETS_PER_USER}",
    "CHATTERROOM_GATEWAY_MAX_SOCKETS_PER_ADDRESS": f"{SOCKETS_PER_ADDRESS}",
    "CHATTERROOM_GATEWAY_MAX_CONNECTIONS": f"{CONNECTIONS}",
    "CHATTERROOM_GATEWAY_MAX_CONNECTIONS_PER_ADDRESS": f"{CONNECTIONS_PER_ADDRESS}",
    "CHATTERROOM_GATEWAY_SLOW_READER_S": "2",
    "CHATTERROOM_GATEWAY_MAX_BYTES_IN_FLIGHT_PER_ADDRESS": f"{8 * 1024 * 1024}",
    "CHATTERROOM_GATEWAY_MAX_BYTES_IN_FLIGHT_PER_USER": f"{2 * 1024 * 1024}",
    "CHATTERROOM_GATEWAY_USER_HANDSHAKES_PER_S": "0",
    "CHATTERROOM_GATEWAY_USER_REQUESTS_PER_S": "5",
    "CHATTERROOM_GATEWAY_USER_BURST": f"{USER_BURST}",
    "CHATTERROOM_USERS_EMAILS_VISIBLE": "false",
    "CHATTERROOM_GATEWAY_CREDENTIALS_PER_MIN": "6",
    "CHATTERROOM_GATEWAY_CREDENTIALS_BURST": f"{CREDENTIALS_BURST}",
    "CHATTERROOM_CHAT_SLOW_READER_S": f"{SLOW_READER_S}",
    "CHATTERROOM_GATEWAY_USER_CREDENTIALS_PER_MIN": "6",
    "CHATTERROOM_GATEWAY_USER_CREDENTIALS_BURST": f"{USER_CREDENTIALS_BURST}",
    "CHATTERROOM_CHAT_USER_MESSAGES_PER_S": "20",
    "CHATTERROOM_CHAT_USER_MESSAGES_BURST": f"{MESSAGES_BURST}",
    "CHATTERROOM_CHAT_USER_CHANGES_PER_S": "10",
    "CHATTERROOM_CHAT_USER_CHANGES_BURST": f"{CHANGES_BURST}",
    "CHATTERROOM_CHAT_USER_ROOMS_PER_HOUR": f"{ROOMS_PER_HOUR}",
    "CHATTERROOM_CHAT_USER_ADDED_TO_PER_HOUR": f"{ADDED_TO_PER_HOUR}",
    "CHATTERROOM_CHAT_USER_ADDED_BY_ONE_PER_HOUR": f"{ADDED_BY_ONE_PER_HOUR}",
    "CHATTERROOM_CHAT_USER_FIRST_MESSAGES_PER_HOUR": f"{FIRST_MESSAGES_PER_HOUR}",
}
# What tells strangers how we are built.
_REVEALING = (b"Traceback", b'File "', b"site-packages", b"chatterroom/src", b" at 0x7f")
_GROWTH_BYTES = 64 * 1024 * 1024
_ADDRESSES = itertools.count(1)


def new_address() -> str:
    """Return an address nobody has used (of the block for tests of networks, RFC 2544)."""
    number = next(_ADDRESSES)
    return f"198.18.{number // 250}.{number % 250 + 1}"


class Person:
    """Somebody registered and logged in, at an address of their own."""

    def __init__(self, world: "World", name: str) -> None:
        unique = secrets.token_hex(5)
        self.world = world
        self.username = f"{name}-{unique}"
        self.email = f"{name}.{unique}@example.org"
        self.password = secrets.token_urlsafe(12)
        self.address = new_address()
        self.http = world.client(self.address)
        body = {"username": self.username, "password": self.password, "email": self.email}
        answer = self.http.post("/user-service/register", json=body)
        assert answer.status_code == 200, answer.text
        self.id: str = answer.json()["user_id"]
        self.log_in()

    def log_in(self) -> dict[str, Any]:
        answer = self.http.post("/user-service/login", json=self.credentials())
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        self.token: str = tokens["token"]
        self.world.confidential |= {self.password, self.token, tokens["refresh_token"]}
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        return tokens

    def credentials(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}

    def create_room(self, *members: "Person") -> str:
        body = {
            "room_name": "Tea",
            "creator_id": self.id,
            "members_ids": [member.id for member in members],
        }
        answer = self.http.post("/chat-service/rooms/create", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["room_id"]

    def write(self, room_id: str, message: str, **more: str) -> httpx.Response:
        body = {"sender_id": self.id, "message": message, **more}
        return self.http.post(f"/chat-service/rooms/{room_id}/send", json=body)

    def texts(self, room_id: str) -> list[str]:
        answer = self.http.get(f"/chat-service/rooms/{room_id}")
        assert answer.status_code == 200, answer.text
        return [message["message"] for message in answer.json()["messages"]]

    def open(
        self, path: str = "/ws/chat", room_id: str = "", **headers: str
    ) -> AbstractContextManager[WebSocket]:
        """Open a socket that speaks `chatterroom.v1`, unless told otherwise."""
        query = f"?userId={self.id}" + (f"&roomId={room_id}" if room_id else "")
        named = {
            "Authorization": f"Bearer {self.token}",
            "X_Forwarded_For": self.address,
            "Sec_WebSocket_Protocol": "chatterroom.v1",
        }
        return self.world.open(path + query, **(named | headers))


class World:
    """The platform and its people. `confidential` is what no log may hold."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.port = platform.port
        self.answers: list[bytes] = []
        self.ports: dict[str, list[int]] = {}
        self.confidential: set[str] = set()
        self._clients: list[httpx.Client] = []
        self.keys = secrets_of(platform.data_dir)
        self.alice, self.bob, self.mallory = (
            Person(self, name) for name in ("alice", "bob", "mallory")
        )
        self.room = self.alice.create_room(self.bob)
        self.shared_room = self.alice.create_room(self.bob, self.mallory)
        self.pids = self._pids()

    def client(self, address: str) -> httpx.Client:
        """Return a client of an address; what it hears is looked at after the attack."""
        client = httpx.Client(
            base_url=self.platform.url,
            timeout=30,
            trust_env=False,
            headers={"X-Forwarded-For": address},
            event_hooks={"response": [self._note]},
        )
        self._clients.append(client)
        return client

    def talk(self, sent: bytes, *, end: bool = False) -> bytes:
        """Say something to the gateway and return what it answers until it hangs up."""
        answer = talk(self.port, sent, end=end)
        self.answers.append(answer)
        return answer

    def plain(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 15)

    def open(self, path: str, port: int = 0, **headers: str) -> AbstractContextManager[WebSocket]:
        return WebSocket.open(port or self.port, path, self.answers.append, **headers)

    def secret(self, name: str) -> str:
        return (self.platform.data_dir / "secrets" / name).read_text().strip()

    def secret_path(self) -> Path:
        return self.platform.data_dir / "secrets"

    def listening(self, name: str) -> list[tuple[str, int]]:
        """Return where a service or an engine listens: address and port."""
        found = [
            connection.laddr
            for process in self.platform.processes(name)
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
        return [(place.ip, place.port) for place in found]

    def users_database(self) -> AbstractContextManager[Database[dict[str, Any]]]:
        """Open the user service's database, for what would take an attacker hours."""
        return self._database("chatterroom_users")

    def chat_database(self) -> AbstractContextManager[Database[dict[str, Any]]]:
        """Open the chat service's database, for the same."""
        return self._database("chatterroom_chat")

    @contextmanager
    def _database(self, name: str) -> Iterator[Database[dict[str, Any]]]:
        ((_, port),) = self.listening("mongod")
        url = internal_url(self.platform.data_dir / "mongod", f"127.0.0.1:{port}")
        with pymongo.MongoClient[dict[str, Any]](url, tz_aware=True) as client:
            yield client[name]

    def resident_bytes(self) -> int:
        """Return what our own processes take; the engines' caches have bounds of their own."""
        ours = [psutil.Process(pid) for pid in self.pids]
        return sum(
            process.memory_info().rss
            for process in ours
            if process.name() not in {"mongod", "redis-server"}
        )

    def check(self, bytes_before: int) -> None:
        """What must hold after every attack: nobody died, nothing was told, honest people chat."""
        answers, self.answers[:] = list(self.answers), []
        assert self._pids() == self.pids, "a process has died"
        grown = self.resident_bytes() - bytes_before
        assert grown < _GROWTH_BYTES, f"the processes have grown by {grown >> 20} MiB"
        hidden = [value.encode() for value in self.keys.values()]
        hidden += [str(self.platform.data_dir).encode(), *_REVEALING]
        for answer in answers:
            for text in hidden:
                assert text not in answer, f"{text!r} is in {answer!r}"
        said = secrets.token_hex(8)
        sent = self.alice.write(self.room, said)
        assert sent.status_code == 200, sent.text
        assert self.bob.texts(self.room)[-1] == said

    def check_logs(self) -> None:
        """No password, token, credential or key is in a log or in a command line."""
        logs = [*(self.platform.data_dir / "logs").iterdir(), self.platform.output]
        said = {path.name: path.read_text(errors="replace") for path in logs}
        said |= {
            f"command line of {pid}": " ".join(psutil.Process(pid).cmdline()) for pid in self.pids
        }
        assert len(logs) >= 6
        for place, text in said.items():
            for secret in (*self.keys.values(), *self.confidential):
                assert secret not in text, f"{secret} is in {place}"
            assert "Traceback" not in text, f"something unexpected is in {place}"

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _note(self, response: httpx.Response) -> None:
        response.read()
        self.answers.append(str(response.headers).encode() + response.content)

    def _pids(self) -> frozenset[int]:
        assert self.platform.process is not None
        children = psutil.Process(self.platform.process.pid).children(recursive=True)
        return frozenset(child.pid for child in children if program(child))
