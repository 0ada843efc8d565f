"""What an attack works with: the platform, its own accounts and addresses, its time, its tally."""

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from siege.schedule import Phase
from siege.tally import NO_ANSWER, TAKEN, Tally, rule_of
from siege.wire import CLOSE, TEXT, Connection, Reply, frame, handshake, request

__all__ = ["BIG_TEXT", "Account", "Attack", "Front", "Target"]

BIG_TEXT = "𝕏" * 8_000
"""The longest message there may be, in bytes."""

_ANSWER_S = 15.0
_PREPARE_TRIES = 40
_PREPARE_PAUSE_S = 0.5
_REFUSALS_IN_A_ROW = 10
_LOST = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)
_ADDRESSES = itertools.count(1)


class Target(msgspec.Struct, frozen=True):
    """The platform, as those who attack it know it."""

    port: int
    services: dict[str, str]
    """Where services listen for gRPC, by process."""
    victims: list[str]
    """Ids of honest users."""


@dataclass(frozen=True)
class Account:
    """A user of the attack, at an address of its own."""

    id: str
    email: str
    password: str
    token: str
    address: str


@dataclass
class Front:
    """One attack against the platform. Whatever it does ends with the last phase."""

    target: Target
    chance: random.Random
    phases: Sequence[Phase]
    began: float
    """By `time.monotonic()`."""
    on_phase: Callable[[str], None]
    """Called with "start" and "stop"."""
    tally: Tally = field(default_factory=Tally)
    _idle: defaultdict[str, deque[Connection]] = field(
        default_factory=lambda: defaultdict(deque), init=False
    )

    # Time

    @property
    def left_s(self) -> float:
        """How long the current phase lasts, below 0 between phases."""
        now_s = time.monotonic() - self.began
        return max(
            (each.end_s - now_s for each in self.phases if each.start_s <= now_s), default=-1
        )

    @property
    def goes_on(self) -> bool:
        """Whether a phase is on."""
        return self.left_s > 0

    async def each_phase(self) -> AsyncIterator[Phase]:
        """Yield every phase when it begins. What is late for one leaves it out."""
        for phase in self.phases:
            wait_s = self.began + phase.start_s - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if time.monotonic() - self.began >= phase.end_s:
                continue
            self.on_phase("start")
            try:
                yield phase
            finally:
                self.on_phase("stop")
            for idle in self._idle.values():
                while idle:
                    idle.pop().close()

    async def rest(self, seconds: float) -> None:
        """Pause, but not beyond the phase."""
        await asyncio.sleep(max(0.0, min(seconds, self.left_s)))

    async def repeat(
        self, deed: Callable[[], Awaitable[object]], *, at_once: int = 1, pause_s: float = 0.0
    ) -> None:
        """Do something over and over in several tasks until the phase ends."""

        async def go_on() -> None:
            while self.goes_on:
                await deed()
                await self.rest(pause_s)

        await self.together(go_on() for _ in range(at_once))

    async def together(self, deeds: Any) -> None:
        """Do things at the same time, and end them a little after the phase does."""
        tasks = [asyncio.ensure_future(deed) for deed in deeds]
        if not tasks:
            return
        try:
            done, _ = await asyncio.wait(tasks, timeout=max(0.0, self.left_s) + 1)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # People

    def new_address(self) -> str:
        """Return an address that nobody else has (of the block for tests of networks, RFC 2544)."""
        number = next(_ADDRESSES)
        return f"198.18.{number // 250}.{number % 250 + 1}"

    def own_source(self) -> str:
        """Return an address of loopback that is no trusted proxy, to connect from."""
        return f"127.66.{self.chance.randrange(250)}.{self.chance.randrange(1, 250)}"

    async def account(self) -> Account:
        """Register somebody and log in; this is not counted, and patient."""
        unique, address = secrets.token_hex(5), self.new_address()
        email, password = f"h.{unique}@example.org", secrets.token_urlsafe(12)
        name = {"username": f"h-{unique}", "email": email, "password": password}
        registered = await self.prepare("POST", "/user-service/register", name, address=address)
        login = await self.log_in(email, password, address)
        return Account(registered["user_id"], email, password, login["token"], address)

    async def log_in(self, email: str, password: str, address: str) -> dict[str, Any]:
        """Log in; this is not counted, and patient."""
        body = {"email": email, "password": password}
        return await self.prepare("POST", "/user-service/login", body, address=address)

    async def ended_account(self) -> Account:
        """Return somebody whose session has ended, and is known everywhere to have."""
        user = await self.account()
        await self.prepare(
            "POST", "/user-service/logout", None, token=user.token, address=user.address
        )
        async with asyncio.timeout(_ANSWER_S):
            refused = 0
            while refused < _REFUSALS_IN_A_ROW:
                path = "/chat-service/conversations"
                reply = await self.ask("GET", path, None, token=user.token, address=user.address)
                refused = refused + 1 if reply.status == 401 else 0
                await asyncio.sleep(0.1)
        return user

    async def room(self, owner: Account, members: Sequence[str] = ()) -> str:
        """Create a room; this is not counted, and patient."""
        body = {"room_name": "siege", "creator_id": owner.id, "members_ids": list(members)}
        made = await self.prepare(
            "POST", "/chat-service/rooms/create", body, token=owner.token, address=owner.address
        )
        return str(made["room_id"])

    async def say(self, owner: Account, room: str, text: str) -> dict[str, Any]:
        """Write into a room; this is not counted, and patient."""
        return await self.prepare(
            "POST",
            f"/chat-service/rooms/{room}/send",
            {"sender_id": owner.id, "message": text},
            token=owner.token,
            address=owner.address,
        )

    async def fill(self, owner: Account, room: str, messages: int) -> None:
        """Write as many of the largest messages as that, as far as time and limits allow."""
        for _ in range(messages):
            if time.monotonic() - self.began > self.phases[-1].end_s:
                return
            await self.say(owner, room, BIG_TEXT)

    async def prepare(
        self, method: str, path: str, body: Any, *, address: str, token: str = ""
    ) -> dict[str, Any]:
        """Ask until it is done. Raises `ConnectionError` where it is refused for good."""
        reply = Reply(0)
        for _ in range(_PREPARE_TRIES):
            reply = await self.ask(method, path, body, token=token, address=address)
            if reply.status == 200:
                return dict(msgspec.json.decode(reply.body))
            if 400 <= reply.status < 500 and reply.status != 429:
                break
            await asyncio.sleep(_PREPARE_PAUSE_S)
        raise ConnectionError(f"{method} {path}: {rule_of(reply.status, reply.body)}")

    # Requests

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: Account | None = None,
        address: str = "",
    ) -> Reply:
        """Make a request, and count it by the rule that met it."""
        reply = await self.ask(
            method,
            path,
            body,
            token=user.token if user else "",
            address=address or (user.address if user else self.new_address()),
        )
        self.tally.note(rule_of(reply.status, reply.body))
        return reply

    async def ask(
        self, method: str, path: str, body: Any, *, token: str = "", address: str
    ) -> Reply:
        """Make a request on a connection that is kept, without counting it."""
        headers = {"X-Forwarded-For": address}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = b"" if body is None else msgspec.json.encode(body)
        idle = self._idle[address]
        while idle and idle[-1].has_ended:
            idle.pop().close()
        connection = idle.pop() if idle else None
        try:
            async with asyncio.timeout(_ANSWER_S):
                if connection is None:
                    connection = await Connection.open(self.target.port)
                connection.write(request(method, path, headers, content))
                reply = await connection.reply()
        except _LOST:
            if connection is not None:
                connection.close()
            return Reply(0)
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        if reply.is_last:
            connection.close()
        else:
            idle.append(connection)
        return reply

    @staticmethod
    def id_in(reply: Reply) -> str:
        """Return the id of the room that a response brings."""
        return str(msgspec.json.decode(reply.body)["room_id"])

    # Sockets

    @contextlib.asynccontextmanager
    async def socket(
        self, user: Account, *, receive_bytes: int = 0
    ) -> AsyncIterator[Connection | None]:
        """Open a session socket; None where that is refused, which is counted."""
        headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-For": user.address}
        connection = None
        try:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    connection = await Connection.open(
                        self.target.port, receive_bytes=receive_bytes
                    )
                    connection.write(handshake(f"/ws/chat?userId={user.id}", headers))
                    reply = await connection.reply()
            except _LOST:
                reply = Reply(0)
            if reply.status != 101:
                self.tally.note(f"handshake {rule_of(reply.status, reply.body)}")
                yield None
            else:
                yield connection
        finally:
            if connection is not None:
                connection.close()

    async def commands(
        self, socket: Connection, make: Callable[[int], dict[str, Any]], *, per_s: float
    ) -> None:
        """Send commands at a rate until the phase ends, and count what each is answered.

        The first that gets no answer because the socket was closed stands for the close code.
        """
        waiting = asyncio.create_task(self._count_answers(socket))
        try:
            for number in itertools.count(1):
                if not self.goes_on or waiting.done():
                    break
                command = {"ref": f"{number}", **make(number)}
                socket.write(frame(TEXT, msgspec.json.encode(command)))
                try:
                    async with asyncio.timeout(_ANSWER_S):
                        await socket.drain()
                except _LOST:
                    break
                await self.rest(1 / per_s)
            await asyncio.wait([waiting], timeout=1.0)
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def _count_answers(self, socket: Connection) -> None:
        while (found := await socket.next_frame()) is not None:
            opcode, content = found
            if opcode == CLOSE:
                self.tally.note(f"closed {int.from_bytes(content[:2])}")
                return
            if opcode == TEXT:
                event = _decode(content)
                if event.type == "error":
                    self.tally.note(" ".join(filter(None, ["error", event.code, event.policy])))
                elif event.ref:
                    self.tally.note(TAKEN)
        self.tally.note(NO_ANSWER)


class _Event(msgspec.Struct):
    type: str
    ref: str | int | None = None
    code: str = ""
    policy: str = ""


_decode = msgspec.json.Decoder(_Event).decode


@dataclass(frozen=True)
class Attack:
    """A way to hurt the platform, or those who use it."""

    what: str
    run: Callable[[Front], Coroutine[Any, Any, None]]
    met_by: str = ""
    """Part of the name of a rule that must meet it: it goes far beyond that limit."""
    may_succeed: bool = True
    """Whether some of it may be done: within the limits, what it asks for is anybody's right."""
