"""What the users of a run do, at random: talk, read, drop out, leave rooms and come back."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chatterroom.client import ApiError, ClientError, Message
from chatterroom.core.ids import new_id
from torture.people import Person, Target
from torture.recent import Recent
from torture.records import Entry, Member, Read, Recorder
from torture.sending import Draft, is_refusal, send_until_answered
from torture.sessions import Follower

__all__ = ["Habits", "Talker", "read_all", "wander"]

_PAGE = 100
_MAX_AT_ONCE = 3
_LONGEST_BURST = 8
_RETRY_S = (0.05, 0.4)


@dataclass(frozen=True)
class Habits:
    """How busy a user is: the mean pause between deeds, and how likely each of them is."""

    pause_s: float = 0.35
    deeds: tuple[tuple[str, int], ...] = (
        ("burst", 50),
        ("say", 14),
        ("post", 14),
        ("whisper", 12),
        ("read", 8),
        ("drop", 2),
        ("edit", 16),
        ("delete", 6),
        ("react", 16),
        ("unreact", 8),
    )


@dataclass
class Talker:
    """One user at work."""

    person: Person
    follower: Follower
    recorder: Recorder
    chance: random.Random
    habits: Habits
    recent: Recent
    done: Counter[str] = field(default_factory=Counter)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def run(self, stop: asyncio.Event) -> None:
        """Do things until told to stop; return when what was begun is answered."""
        gate = asyncio.Semaphore(_MAX_AT_ONCE)
        names = [name for name, _ in self.habits.deeds]
        weights = [weight for _, weight in self.habits.deeds]
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                await gate.acquire()
                name = self.chance.choices(names, weights)[0]
                deed = tasks.create_task(self._do(name))
                deed.add_done_callback(lambda _: gate.release())
                await asyncio.sleep(self.chance.expovariate(1 / self.habits.pause_s))

    async def _do(self, name: str) -> None:
        match name:
            case "burst":
                target = self._room()
                length = self.chance.randint(2, _LONGEST_BURST)
                await self._send([self._draft(target) for _ in range(length)])
            case "say":
                await self._send([self._draft(self._room())])
            case "whisper":
                await self._send([self._draft(self.chance.choice(self.person.friends))])
            case "post":
                target = self.chance.choice([self._room(), self.chance.choice(self.person.friends)])
                await self.post(target)
            case "read":
                await self.read(self._room())
            case "edit" | "delete" | "react" | "unreact":
                await self._change(name)
            case _:
                await self.follower.drop(self.chance.uniform(0.2, 3.0))
        self.done[name] += 1

    async def _send(self, drafts: list[Draft]) -> None:
        for draft, seq in zip(drafts, await self.follower.send(drafts), strict=True):
            self.recent.note(draft, seq)

    async def _change(self, name: str) -> None:
        user = self.person.user_id
        match name:
            case "edit":
                draft = self.recent.edit(user, self.chance)
            case "delete":
                draft = self.recent.delete(user, self.chance)
            case "react":
                draft = self.recent.react(user, self._room(), self.chance)
            case _:
                draft = self.recent.unreact(user)
        if draft is not None:
            await self._send([draft])

    async def post(self, target: Target) -> None:
        """Send over HTTP, again and again with one client id."""
        draft = self._draft(target)
        self.recent.note(draft, await send_until_answered(draft, self.recorder, self._attempt))

    async def _attempt(self, draft: Draft) -> tuple[str, int]:
        target = draft.target
        ack = await self.person.client.send(
            draft.message,
            room_id=target.room_id,
            receiver_id=target.receiver_id,
            client_id=draft.client_id,
        )
        return ack.id, ack.seq

    async def read(self, target: Target) -> None:
        """Read the newest page of a history."""
        op = new_id()
        asked = {"op": op, "user": self.person.user_id, "conversation": target.conversation}
        self.recorder.write(Read, event="invoke", **asked)
        try:
            page = await self.person.client.history(
                room_id=target.room_id, receiver_id=target.receiver_id, limit=_PAGE
            )
        except ClientError:
            self.recorder.write(Read, event="fail", **asked)
            return
        entries = [_entry(message) for message in page.messages]
        low = entries[0].seq if page.has_more else 1
        self.recorder.write(Read, event="ok", low=low, entries=entries, **asked)

    def _room(self) -> Target:
        """Choose like Zipf: the second room half as often as the first, and so on."""
        weights = [1 / rank for rank in range(1, len(self.person.rooms) + 1)]
        return self.chance.choices(self.person.rooms, weights)[0]

    def _draft(self, target: Target) -> Draft:
        text = f"{self.person.name} {next(self._numbers)} {'…' * self.chance.randrange(8)}"
        return Draft(self.person.user_id, target, new_id(), text)


async def wander(talker: Talker, host: Callable[[Target], Talker], stop: asyncio.Event) -> None:
    """Leave a room or be removed, find its door closed, be brought back by the room's owner.

    Returns as a member of all rooms.
    """
    user = talker.person.user_id

    async def leave(room: str, op: str) -> int:
        return (await talker.person.client.leave_room(room, client_id=op)).seq

    async def be_removed(room: str, op: str) -> int:
        return await owner.follower.remove_member(room, user, op)

    async def be_added(room: str, op: str) -> int:
        return (await owner.person.client.add_member(room, user, client_id=op)).seq

    while not stop.is_set():
        await asyncio.sleep(talker.chance.uniform(0.3, 1.5))
        room = talker.chance.choice(talker.person.rooms)
        owner = host(room)
        if not await _change(talker, room, "remove", talker.chance.choice((leave, be_removed))):
            continue
        await asyncio.gather(talker.post(room), talker.read(room))
        await asyncio.sleep(talker.chance.uniform(0.2, 1.5))
        await _change(talker, room, "add", be_added)


async def _change(
    talker: Talker, room: Target, action: str, attempt: Callable[[str, str], Awaitable[int]]
) -> bool:
    """Add or remove the talker, again and again with one client id; say whether it was done."""
    op, user = new_id(), talker.person.user_id
    change = {"op": op, "action": action, "conversation": room.conversation, "user": user}
    while True:
        talker.recorder.write(Member, event="invoke", **change)
        try:
            seq = await attempt(room.room_id or "", op)
        except ClientError as error:
            refused = is_refusal(error)
            talker.recorder.write(Member, event="fail" if refused else "info", **change)
            if refused:
                return False
            await asyncio.sleep(random.uniform(*_RETRY_S))
            continue
        talker.recorder.write(Member, event="ok", seq=seq, **change)
        talker.done[action] += 1
        return True


async def read_all(person: Person, target: Target, recorder: Recorder, timeout_s: float) -> bool:
    """Read a history from its beginning to its end, in pages; False if it is refused.

    It is to those who are no members. Raises TimeoutError.
    """
    asked = {"op": new_id(), "user": person.user_id, "conversation": target.conversation}
    recorder.write(Read, event="invoke", **asked)
    entries: list[Entry] = []

    async def go_on() -> None:
        after = entries[-1].seq if entries else 0
        async for message in person.client.messages(
            room_id=target.room_id, receiver_id=target.receiver_id, after=after
        ):
            entries.append(_entry(message))

    try:
        await _patiently(go_on, timeout_s)
    except ApiError:
        recorder.write(Read, event="fail", **asked)
        return False
    recorder.write(Read, event="ok", entries=entries, final=True, **asked)
    return True


async def _patiently(call: Callable[[], Awaitable[None]], timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                await call()
            except ClientError as error:
                if is_refusal(error):
                    raise
                await asyncio.sleep(random.uniform(*_RETRY_S))
            else:
                return


def _entry(message: Message) -> Entry:
    reactions = (
        f"{reaction.emoji} {user_id}"
        for reaction in message.reactions
        for user_id in reaction.user_ids
    )
    return Entry(
        message.seq,
        message.id,
        message.sender_id,
        message.client_id or "",
        message.message,
        reactions=tuple(sorted(reactions)),
        deleted=message.deleted,
    )
