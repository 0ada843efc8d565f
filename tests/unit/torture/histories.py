"""Histories of a platform that keeps every promise, made up from a seed."""

import random
from dataclasses import dataclass, field

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
        for number in range(rounds):
            room = f"room{self.random.randrange(self.rooms)}"
            match self.random.randrange(12):
                case 0:
                    self.come_and_go(room, number)
                case 1:
                    self.drop_out()
                case 2:
                    self.read(room, f"read{number}")
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
