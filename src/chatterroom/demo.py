"""Two users and a room talk through the public endpoints, and every acknowledgement is checked.

What the demo relies on is what any client may rely on: a send is repeated with the same client id
until it is acknowledged, and a lost socket is opened again and resumed.
"""

import asyncio
import itertools
import json
import random
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import websockets
from rich.console import Console
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from chatterroom.core.ids import new_id

__all__ = ["run"]

_SCRIPT = (
    "Hello! Is this thing on?",
    "It is. And a tick means on disk.",
    "So if somebody pulls the plug now …",
    "… what was ticked is still there afterwards.",
    "In the same order for everybody?",
    "Numbered 1, 2, 3, without a hole.",
)
_ACKNOWLEDGED_S = 5.0
_HTTP_S = 10.0
_RETRY_S = (0.2, 1.0)
_PAUSE_S = 0.3
_CATCH_UP_S = 60.0
_PAGE = 200

_FAILURES = (httpx.HTTPError, OSError, websockets.WebSocketException, TimeoutError)


def run(url: str, *, forever: bool) -> int:
    """Run the demo against a gateway; return 0 if nothing was lost, doubled or disordered."""
    console = Console(highlight=False)
    try:
        return asyncio.run(_demo(url.rstrip("/"), forever, console))
    except (httpx.HTTPError, OSError, DemoError) as error:
        console.print(f"[red]The demo failed: {error or type(error).__name__}[/]")
        console.print(f"Is the platform running at {url}? `make up` starts it.")
        return 1


class DemoError(Exception):
    """The platform answered something it should not."""


@dataclass
class Person:
    """One user with one socket in one room: what was acknowledged, and what was seen."""

    name: str
    color: str
    http: httpx.AsyncClient
    console: Console
    email: str = ""
    user_id: str = ""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    room_id: str = ""
    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)
    seen: list[tuple[int, str]] = field(default_factory=list)
    seq: int = 0
    _saw_more: asyncio.Event = field(default_factory=asyncio.Event)
    _token: str = ""
    _refresh_token: str = ""
    _socket: ClientConnection | None = None
    _waiting: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def register(self) -> None:
        """Register under a fresh name, and log in."""
        unique = secrets.token_hex(4)
        self.email = f"{self.name.lower()}.{unique}@example.org"
        body = {
            "username": f"{self.name}-{unique}",
            "password": self.password,
            "email": self.email,
        }
        self.user_id = (await self.call("POST", "/user-service/register", body))["user_id"]
        await self.log_in()

    async def log_in(self) -> None:
        """Get fresh tokens."""
        body = {"email": self.email, "password": self.password}
        answer = await self.call("POST", "/user-service/login", body)
        self._token = answer["token"]
        self._refresh_token = answer["refresh_token"]

    async def refresh(self) -> None:
        """Trade the refresh token for new tokens; log in again where it no longer counts."""
        try:
            body = {"refresh_token": self._refresh_token}
            answer = await self.call("POST", "/user-service/refresh", body)
        except DemoError:
            await self.log_in()
            return
        self._token = answer["token"]
        self._refresh_token = answer["refresh_token"]

    async def call(self, method: str, path: str, body: Any = None, **params: Any) -> dict[str, Any]:
        """Call an endpoint and return its answer; raise `DemoError` for anything but 200."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        response = await self.http.request(
            method, path, json=body, params=params or None, headers=headers
        )
        expired = response.status_code == httpx.codes.UNAUTHORIZED
        if expired and path.startswith("/chat-service"):
            await self.refresh()
            return await self.call(method, path, body, **params)
        if response.status_code != httpx.codes.OK:
            raise DemoError(f"{method} {path}: {response.status_code} {response.text[:200]}")
        answer: dict[str, Any] = response.json()
        return answer

    async def stay_connected(self) -> None:
        """Keep a socket in the room, resuming after every loss, until cancelled."""
        for attempt in itertools.count():
            try:
                async with self._connect() as socket:
                    if attempt:
                        self.console.print(f"[dim]{self.name} is back and resumes at {self.seq}[/]")
                    await self._listen(socket)
            except websockets.InvalidStatus as error:
                if error.response.status_code == httpx.codes.UNAUTHORIZED:
                    await self._refresh_quietly()
            except _FAILURES:
                pass
            if attempt == 0 or self._socket is not None:
                self.console.print(f"[dim]{self.name} lost the connection[/]")
            self._socket = None
            await asyncio.sleep(random.uniform(*_RETRY_S))

    async def say(self, text: str) -> None:
        """Send until acknowledged; the client id makes the repeats one message."""
        client_id = new_id()
        command = {"type": "send", "ref": client_id, "client_id": client_id, "message": text}
        while client_id not in self.acknowledged:
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._waiting[client_id] = answer
            try:
                if self._socket is None:
                    raise ConnectionError
                await self._socket.send(json.dumps(command))
                ack = await asyncio.wait_for(answer, _ACKNOWLEDGED_S)
                self.acknowledged[client_id] = (ack["seq"], text)
                tick = "[green]✓[/]"
                self.console.print(
                    f"{tick} [dim]{ack['seq']:>5}[/] [{self.color}]{self.name:>6}[/] {text}"
                )
            except _FAILURES:
                await asyncio.sleep(random.uniform(*_RETRY_S))
            finally:
                self._waiting.pop(client_id, None)

    async def history(self) -> list[dict[str, Any]]:
        """Read the whole room, page by page."""
        messages: list[dict[str, Any]] = []
        after = 0
        while True:
            page = await self.call(
                "GET", f"/chat-service/rooms/{self.room_id}", after=after, limit=_PAGE
            )
            messages += page["messages"]
            if not page["has_more"]:
                return messages
            after = page["messages"][-1]["seq"]

    async def caught_up(self, messages: int) -> None:
        """Wait until so many messages have been seen."""
        while len(self.seen) < messages:
            self._saw_more.clear()
            await self._saw_more.wait()

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except (*_FAILURES, DemoError):
            return

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[ClientConnection]:
        host = urlsplit(str(self.http.base_url)).netloc
        scheme = "wss" if self.http.base_url.scheme == "https" else "ws"
        async with websockets.connect(
            f"{scheme}://{host}/ws/chat?userId={self.user_id}&roomId={self.room_id}",
            additional_headers={"Authorization": f"Bearer {self._token}"},
            subprotocols=[Subprotocol("chatterroom.v1")],
            open_timeout=_HTTP_S,
            close_timeout=1,
            max_queue=None,
            proxy=None,
        ) as socket:
            yield socket

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            event = json.loads(text)
            match event["type"]:
                case "ready":
                    resume = {"type": "resume", "conversations": {self.room_id: self.seq}}
                    await socket.send(json.dumps(resume))
                case "resumed":
                    self._socket = socket
                case "ack" | "error":
                    self._answer(event)
                case _ if "seq" in event:
                    self._take(event)

    def _answer(self, event: dict[str, Any]) -> None:
        waiting = self._waiting.get(event.get("ref") or "")
        if waiting is None or waiting.done():
            return
        if event["type"] == "ack":
            waiting.set_result(event)
        else:
            waiting.set_exception(ConnectionError(event["code"]))

    def _take(self, event: dict[str, Any]) -> None:
        if event["seq"] != self.seq + 1:
            self.console.print(f"[red]{self.name} got {event['seq']} after {self.seq}[/]")
        self.seq = event["seq"]
        if event["type"] == "message":
            self.seen.append((event["seq"], event["message"]))
            self._saw_more.set()


async def _demo(url: str, forever: bool, console: Console) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with httpx.AsyncClient(base_url=url, timeout=_HTTP_S, trust_env=False) as http:
        ada = Person("Ada", "cyan", http, console)
        grace = Person("Grace", "magenta", http, console)
        for person in (ada, grace):
            await person.register()
            console.print(f"[{person.color}]{person.name}[/] registered and logged in")
        await _talk_privately(ada, grace)
        body = {
            "room_name": "The engine room",
            "creator_id": ada.user_id,
            "members_ids": [grace.user_id],
        }
        room = await ada.call("POST", "/chat-service/rooms/create", body)
        ada.room_id = grace.room_id = room["room_id"]
        console.print(f"Ada created the room “The engine room” ({room['room_id']})")
        connections = [asyncio.create_task(person.stay_connected()) for person in (ada, grace)]
        talking = asyncio.create_task(_talk(ada, grace, forever=forever))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([talking, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            talking.cancel()
        outcome = await _check(ada, grace, console)
        for task in (*connections, talking, stopping):
            task.cancel()
        await asyncio.wait([*connections, talking, stopping])
        return outcome


async def _talk_privately(ada: Person, grace: Person) -> None:
    body = {
        "sender_id": ada.user_id,
        "receiver_id": grace.user_id,
        "message": "Psst, meet me in the engine room.",
    }
    sent = await ada.call("POST", "/chat-service/private/send", body)
    ada.console.print(f"[cyan]Ada[/] to Grace, privately: {body['message']} [green]✓[/]")
    history = await grace.call(
        "POST", f"/chat-service/private/{ada.user_id}", {"sender_id": grace.user_id}
    )
    if [message["id"] for message in history["messages"]] != [sent["id"]]:
        raise DemoError("Grace does not find Ada's private message in her history")


async def _talk(ada: Person, grace: Person, *, forever: bool) -> None:
    for number, text in enumerate(_lines(forever)):
        speaker = (ada, grace)[number % 2]
        await speaker.say(text)
        await asyncio.sleep(_PAUSE_S)


def _lines(forever: bool) -> Iterator[str]:
    yield from _SCRIPT
    if forever:
        for number in itertools.count(1):
            yield f"Still here, message {number}."


async def _check(ada: Person, grace: Person, console: Console) -> int:
    """Compare what was acknowledged and what was seen with what is stored."""
    stored = await _once_available(ada, console)
    by_seq = {message["seq"]: message["message"] for message in stored}
    ids = [message["client_id"] for message in stored]
    acknowledged = {**ada.acknowledged, **grace.acknowledged}
    lost = [text for seq, text in acknowledged.values() if by_seq.get(seq) != text]
    doubled = len(ids) - len(set(ids))
    expected = [(message["seq"], message["message"]) for message in stored]
    problems = []
    try:
        async with asyncio.timeout(_CATCH_UP_S):
            for person in (ada, grace):
                await person.caught_up(len(expected))
    except TimeoutError:
        problems.append("somebody did not catch up")
    for person in (ada, grace):
        if person.seen[: len(expected)] != expected:
            problems.append(f"{person.name} saw another conversation than the stored one")
    console.print(
        f"{len(acknowledged)} acknowledged, {len(stored)} stored, "
        f"{len(lost)} lost, {doubled} doubled"
    )
    for problem in problems:
        console.print(f"[red]{problem}[/]")
    if lost or doubled or problems:
        return 1
    console.print("[green]Both saw every message, once, in the same order.[/]")
    return 0


async def _once_available(person: Person, console: Console) -> list[dict[str, Any]]:
    """Read the history, waiting while the platform is down."""
    deadline = asyncio.get_running_loop().time() + _CATCH_UP_S
    while True:
        try:
            return await person.history()
        except (*_FAILURES, DemoError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            console.print(f"[dim]waiting for the platform: {type(error).__name__}[/]")
            await asyncio.sleep(1)
