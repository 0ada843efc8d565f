"""Two users and a room talk through the public endpoints, and every acknowledgement is checked.

What the demo relies on is what any client may rely on: the client library repeats a send until it
is acknowledged, and opens a lost socket again and resumes.
"""

import asyncio
import itertools
import secrets
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rich.console import Console

from chatterroom.client import (
    Client,
    ClientError,
    Message,
    Session,
    SessionState,
    UnacknowledgedError,
)
from chatterroom.core.ids import new_id

__all__ = ["run"]

_SCRIPT = (
    "Hello! Is this thing on?",
    "It is. And a tick means on disk.",
    "So if someone pulls the plug now …",
    "… every message with a tick is still there afterwards.",
    "In the same order for everybody?",
    "Numbered 1, 2, 3, without a gap.",
)
_PAUSE_S = 0.3
_RETRY_S = 1.0
_CATCH_UP_S = 60.0
# Somebody watches: better to ask too often than to let them wait.
_LONGEST_DELAY_S = 2.0


def run(url: str, *, forever: bool) -> int:
    """Run the demo against a gateway; return 0 if nothing was lost, doubled or disordered."""
    console = Console(highlight=False)
    outcome = 1
    try:
        outcome = asyncio.run(_demo(url, forever, console))
    except* (ClientError, DemoError) as group:
        error = group.exceptions[0]
        console.print(f"[red]The demo failed: {error or type(error).__name__}[/]")
        console.print(f"Is the platform running at {url}? `make up` starts it.")
    return outcome


class DemoError(Exception):
    """The platform answered something it should not."""


@dataclass
class Person:
    """One user in one room: what was acknowledged, and what was seen."""

    name: str
    color: str
    client: Client
    console: Console
    room_id: str = ""
    acknowledged: dict[int, str] = field(default_factory=dict)
    seen: list[tuple[int, str]] = field(default_factory=list)
    _saw_more: asyncio.Event = field(default_factory=asyncio.Event)
    _session: Session | None = None
    _was_live: bool = False

    async def register(self) -> None:
        """Register under a fresh name, and log in."""
        unique = secrets.token_hex(4)
        email = f"{self.name.lower()}.{unique}@example.org"
        password = secrets.token_urlsafe(16)
        await self.client.register(f"{self.name}-{unique}", email, password)
        await self.client.login(email, password, device="demo", keep_password=True)
        self.console.print(f"[{self.color}]{self.name}[/] registered and logged in")

    def enter(self, room_id: str) -> Session:
        """Return a session that begins with the room's first entry."""
        self.room_id = room_id
        self._session = self.client.session(
            cursors={room_id: 0}, on_state=self._notice, longest_delay_s=_LONGEST_DELAY_S
        )
        return self._session

    async def listen(self, session: Session) -> None:
        """Note what is said in the room, until cancelled."""
        async for event in session:
            if isinstance(event, Message) and event.room_id == self.room_id:
                self.seen.append((event.seq, event.message))
                self._saw_more.set()

    async def say(self, text: str, session: Session) -> None:
        """Send until acknowledged; the client id makes the repeats one message."""
        client_id = new_id()
        while True:
            try:
                ack = await session.send(text, room_id=self.room_id, client_id=client_id)
                break
            except UnacknowledgedError:
                continue
        self.acknowledged[ack.seq] = text
        tick = "[green]✓[/]"
        self.console.print(f"{tick} [dim]{ack.seq:>5}[/] [{self.color}]{self.name:>6}[/] {text}")

    async def caught_up(self, messages: int) -> None:
        """Wait until so many messages have been seen."""
        while len(self.seen) < messages:
            self._saw_more.clear()
            await self._saw_more.wait()

    def _notice(self, state: SessionState) -> None:
        if state is SessionState.OFFLINE:
            self.console.print(f"[dim]{self.name} lost the connection[/]")
        elif state is SessionState.LIVE:
            if self._was_live and self._session is not None:
                seq = self._session.cursors[self.room_id]
                self.console.print(f"[dim]{self.name} is back and resumed at {seq}[/]")
            self._was_live = True


async def _demo(url: str, forever: bool, console: Console) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        ada = Person("Ada", "cyan", await stack.enter_async_context(Client(url)), console)
        grace = Person("Grace", "magenta", await stack.enter_async_context(Client(url)), console)
        for person in (ada, grace):
            await person.register()
        await _talk_privately(ada, grace)
        room = await ada.client.create_room("The engine room", [grace.client.user_id])
        console.print(f"Ada created the room “The engine room” ({room.room_id})")
        people = [
            (person, await stack.enter_async_context(person.enter(room.room_id)))
            for person in (ada, grace)
        ]
        async with asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(person.listen(session)) for person, session in people]
            talking = tasks.create_task(_talk(people, forever=forever))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait([talking, stopping], return_when=asyncio.FIRST_COMPLETED)
            talking.cancel()
            outcome = await _check(ada, grace, console)
            for task in (*listening, stopping):
                task.cancel()
        return outcome


async def _talk_privately(ada: Person, grace: Person) -> None:
    text = "Psst, meet me in the engine room."
    sent = await ada.client.send(text, receiver_id=grace.client.user_id)
    ada.console.print(f"[cyan]Ada[/] to Grace, privately: {text} [green]✓[/]")
    page = await grace.client.history(receiver_id=ada.client.user_id)
    if [message.id for message in page.messages] != [sent.id]:
        raise DemoError("Ada's private message is missing from Grace's history")


async def _talk(people: list[tuple[Person, Session]], *, forever: bool) -> None:
    for number, text in enumerate(_lines(forever)):
        speaker, session = people[number % len(people)]
        await speaker.say(text, session)
        await asyncio.sleep(_PAUSE_S)


def _lines(forever: bool) -> Iterator[str]:
    yield from _SCRIPT
    if forever:
        for number in itertools.count(1):
            yield f"Still here, message {number}."


async def _check(ada: Person, grace: Person, console: Console) -> int:
    """Compare what was acknowledged and what was seen with what is stored."""
    stored = await _once_available(ada, console)
    expected = [(message.seq, message.message) for message in stored]
    by_seq = dict(expected)
    ids = [message.client_id for message in stored]
    acknowledged = [*ada.acknowledged.items(), *grace.acknowledged.items()]
    lost = [text for seq, text in acknowledged if by_seq.get(seq) != text]
    doubled = len(ids) - len(set(ids))
    problems = []
    try:
        async with asyncio.timeout(_CATCH_UP_S):
            for person in (ada, grace):
                await person.caught_up(len(expected))
    except TimeoutError:
        problems.append("someone did not catch up")
    for person in (ada, grace):
        if person.seen[: len(expected)] != expected:
            problems.append(f"{person.name} saw a conversation that differs from the stored one")
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


async def _once_available(person: Person, console: Console) -> list[Message]:
    """Read the history, waiting while the platform is down."""
    deadline = asyncio.get_running_loop().time() + _CATCH_UP_S
    while True:
        try:
            return [message async for message in person.client.messages(room_id=person.room_id)]
        except ClientError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            console.print(f"[dim]waiting for the platform: {type(error).__name__}[/]")
            await asyncio.sleep(_RETRY_S)
