"""Histories of a platform that keeps every promise, made up from a seed."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from torture.records import (
    Entry,
    Fault,
    Healed,
    Member,
    Read,
    Record,
    Recv,
    Resume,
    Send,
    Session,
    View,
)

replace = msgspec.structs.replace

USERS = [f"user{number}" for number in range(5)]


@dataclass
class CleanRun:
    """A few users in a few rooms, and one who leaves and comes back."""

    seed: int
    rooms: int = 2
    records: list[Record] = field(default_factory=list)
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    shown: dict[tuple[str, str], int] = field(default_factory=dict)
    offline: set[str] = field(default_factory=set)
    clock: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        for number in range(self.rooms):
            room = f"room{number}"
            self.members[room] = set(USERS)
            created = Entry(1, f"{room}-1", USERS[0], f"create-{room}", None, tuple(USERS))
            self.logs[room] = [created]
            for user in USERS:
                self.shown[user, room] = 1
        for user in USERS:
            self.write(user, Session, event="start", user=user)

    def write(self, client: str, kind, /, **fields) -> None:
        self.clock += self.random.randrange(1, 1000)
        number = self.numbers[client] = self.numbers.get(client, 0) + 1
        self.records.append(kind(t=self.clock, client=client, n=number, **fields))

    def play(self, rounds: int) -> list[Record]:
        for number, room in enumerate(sorted(self.logs)):
            self.change_in_every_way(room, f"first{number}")
        for number in range(rounds):
            room = f"room{self.random.randrange(self.rooms)}"
            match self.random.randrange(12):
                case 0:
                    self.come_and_go(room, number)
                case 1:
                    self.drop_out()
                case 2:
                    self.read(room, f"read{number}")
                case 3 | 4:
                    self.change_something(room, f"{number}")
                case _:
                    self.send_some(room, number)
        self.end()
        return self.records

    def send_some(self, room: str, number: int) -> None:
        """Several in flight at once; a fault begins meanwhile; one is never answered."""
        senders = sorted(self.members[room] - self.offline)
        sends = [
            {
                "user": self.random.choice(senders),
                "conversation": room,
                "client_id": f"{number}.{index}",
                "message": f"text {number}.{index}",
            }
            for index in range(self.random.randrange(1, 6))
        ]
        for send in sends:
            self.write(send["user"], Send, event="invoke", line=f"{number}{send['user']}", **send)
        if number % 7 == 3:
            self.write("faults", Fault, event="start", op=f"fault{number}", kind="kill")
        for index, send in enumerate(sends):
            if self.random.random() < 0.05:
                self.write(send["user"], Send, event="info", **send)
                if self.random.random() < 0.5:
                    continue
                self.append(room, send["user"], send["client_id"], send["message"])
                continue
            entry = self.append(room, send["user"], send["client_id"], send["message"])
            if index % 3 == 2:  # the answer got lost, the repeat got the same one
                self.write(send["user"], Send, event="info", **send)
                self.write(send["user"], Send, event="invoke", **send)
            self.write(send["user"], Send, event="ok", id=entry.id, seq=entry.seq, **send)
        self.show(room)

    def change_in_every_way(self, room: str, name: str) -> None:
        """One message ends edited twice and with a reaction, another one edited and deleted."""
        author, reader = USERS[:2]
        kept, gone = (self.send(room, author, f"{name}.{each}") for each in ("kept", "gone"))
        for number, (user, action, target, text) in enumerate(
            (
                (author, "message_edited", kept, "once"),
                (author, "message_edited", gone, "once"),
                (reader, "reaction_added", kept, "👍"),
                (reader, "reaction_added", gone, "👍"),
                (reader, "reaction_removed", kept, "👍"),
                (author, "message_edited", kept, "twice"),
                (reader, "reaction_added", kept, "👍"),
                (author, "message_deleted", gone, ""),
            )
        ):
            self.change(room, user, f"{name}.{number}", action, target, text)
        self.read(room, f"{name} read")

    def change_something(self, room: str, name: str) -> None:
        messages = [each for each in self.logs[room] if each.message is not None]
        there = [each for each in messages if not each.deleted and each.sender not in self.offline]
        if not there:
            return
        chosen = self.random.choice(there)
        author, emoji = chosen.sender, self.random.choice("👍🎉")
        if author not in self.members[room]:
            return
        has_reacted = f"{emoji} {author}" in chosen.reactions
        reaction = "reaction_removed" if has_reacted else "reaction_added"
        action, text = self.random.choice(
            (("message_edited", f"edit {name}"), ("message_deleted", ""), (reaction, emoji))
        )
        self.change(room, author, f"change {name}", action, chosen.seq, text)

    def send(self, room: str, user: str, client_id: str) -> int:
        send = {"user": user, "conversation": room, "client_id": client_id, "message": client_id}
        self.write(user, Send, event="invoke", **send)
        entry = self.append(room, user, client_id, client_id)
        self.write(user, Send, event="ok", id=entry.id, seq=entry.seq, **send)
        self.show(room)
        return entry.seq

    def change(
        self, room: str, user: str, client_id: str, action: str, target: int, text: str
    ) -> None:
        change = {
            "user": user,
            "conversation": room,
            "client_id": client_id,
            "message": text,
            "action": action,
            "target": target,
        }
        self.write(user, Send, event="invoke", **change)
        entry = self.append(room, user, client_id, kind=action, target=target, text=text)
        log = self.logs[room]
        log[:] = list(changed(log, entry))
        self.write(user, Send, event="ok", id=entry.id, seq=entry.seq, **change)
        self.show(room)

    def append(self, room: str, sender: str, client_id: str, message=None, **changes) -> Entry:
        seq = len(self.logs[room]) + 1
        entry = Entry(seq, f"{room}-{seq}", sender, client_id, message, **changes)
        self.logs[room].append(entry)
        return entry

    def show(self, room: str) -> None:
        for user in sorted(self.members[room] - self.offline):
            self.show_to(user, room)

    def show_to(self, user: str, room: str) -> None:
        for entry in self.logs[room][self.shown[user, room] :]:
            what = {
                "user": user,
                "conversation": room,
                "seq": entry.seq,
                "id": entry.id,
                "client_id": entry.client_id,
                "message": entry.message,
                "kind": entry.kind,
                "target": entry.target,
                "text": entry.text,
            }
            self.write(user, Recv, **what)
            self.write(user, View, **what)
        self.shown[user, room] = len(self.logs[room])

    def come_and_go(self, room: str, number: int) -> None:
        user = USERS[-1]
        if user in self.offline:
            return
        leaves = user in self.members[room]
        change = {
            "op": f"change{number}",
            "action": "remove" if leaves else "add",
            "conversation": room,
            "user": user,
        }
        self.write("members", Member, event="invoke", **change)
        if leaves:
            entry = self.append(room, user, f"change{number}", left=user)
            self.show(room)
            self.members[room].discard(user)
        else:
            entry = self.append(room, USERS[0], f"change{number}", added=(user,))
            self.members[room].add(user)
            self.shown[user, room] = entry.seq - 1
            self.show(room)
        self.write("members", Member, event="ok", seq=entry.seq, **change)

    def drop_out(self) -> None:
        if self.offline:
            self.come_back()
        else:
            self.offline.add(self.random.choice(USERS[:-1]))

    def come_back(self) -> None:
        while self.offline:
            user = self.offline.pop()
            for room in sorted(self.logs):
                after = self.shown[user, room]
                self.show_to(user, room)
                head = len(self.logs[room])
                fields = {"user": user, "conversation": room, "after": after, "head": head}
                self.write(user, Resume, **fields)

    def read(self, room: str, op: str, *, final: bool = False, low: int | None = None) -> None:
        for user in sorted(self.members[room]) if final else USERS[:1]:
            asked = {"op": f"{op}{user}", "user": user, "conversation": room, "final": final}
            self.write(user, Read, event="invoke", **asked)
            start = max(1, len(self.logs[room]) - 5) if low is None else low
            entries = [
                each for each in self.logs[room] if each.seq >= start and each.message is not None
            ]
            self.write(user, Read, event="ok", low=start, entries=entries, **asked)

    def end(self) -> None:
        self.come_back()
        self.write("faults", Healed)
        for room in sorted(self.logs):
            self.read(room, f"final {room}", final=True, low=1)
            asked = {"op": f"store {room}", "user": "", "conversation": room}
            self.write("store", Read, event="invoke", final=True, store=True, **asked)
            entries = self.logs[room]
            self.write("store", Read, event="ok", final=True, store=True, entries=entries, **asked)


def changed(log: Iterable[Entry], change: Entry) -> Iterable[Entry]:
    """What a database holds after a change."""
    reaction = f"{change.text} {change.sender}"
    for each in log:
        if each.kind == "message_edited" and each.target == change.target:
            yield replace(each, text="") if change.kind == "message_deleted" else each
        elif each.seq != change.target:
            yield each
        elif change.kind == "message_edited":
            yield replace(each, message=change.text)
        elif change.kind == "message_deleted":
            yield replace(each, message="", reactions=(), deleted=True)
        elif change.kind == "reaction_added":
            yield replace(each, reactions=tuple(sorted((*each.reactions, reaction))))
        else:
            rest = tuple(other for other in each.reactions if other != reaction)
            yield replace(each, reactions=rest)
