"""W3: many rooms of ten, everybody in two of them, persisted."""

from collections.abc import Iterator

from bench.dialects import CHATTERROOM
from bench.doors import socket_target
from bench.load import Load
from bench.people import Person, create_rooms, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.sender import Flood, Pace
from bench.w2_fanout import WARM_UP_S

__all__ = ["run"]

_MEMBERS = 10
# Messages on their way at a time, over all rooms.
_WINDOW = 512


def run(scale: Scale) -> Iterator[Row]:
    """Measure with senders that are equally busy, then with few that say most."""
    with Platform() as platform:
        people = make_people(platform, scale.rooms_connections)
        groups = _in_two_rooms_each(people, scale.rooms)
        rooms = create_rooms(platform, groups)
        rooms_of: dict[str, list[str]] = {}
        for room, group in zip(rooms, groups, strict=True):
            for person in group:
                rooms_of.setdefault(person.user_id, []).append(room)
        address = platform.chat_socket
        receivers = [
            socket_target(address, person, tuple(rooms_of[person.user_id])) for person in people
        ]
        # One in each room speaks, on a second socket that hears answers only.
        senders = [
            socket_target(address, group[0], (room,), resumes=False)
            for room, group in zip(rooms, groups, strict=True)
        ]
        speakers = {
            "uniform": [1.0] * len(rooms),
            "Zipf": [1 / rank for rank in range(1, len(rooms) + 1)],
        }
        with Load(CHATTERROOM, platform.usage, _MEMBERS) as load:
            load.connect(receivers, senders)
            load.run(Flood(WARM_UP_S, _WINDOW, _MEMBERS))
            for name, weights in speakers.items():
                flood = load.run(Flood(scale.closed_s, _WINDOW, _MEMBERS, weights))
                case = f"{len(rooms):,} rooms, {len(people):,} connections, {name}"
                yield flood.row(Row(workload="W3", subject="ChatterRoom", case=case))
                rate = flood.rate / _MEMBERS / 2
                pace = load.run(Pace(scale.open_s, rate, weights))
                case = f"{case}, open loop at 50 %"
                yield pace.row(Row(workload="W3", subject="ChatterRoom", case=case))


def _in_two_rooms_each(people: list[Person], rooms: int) -> list[list[Person]]:
    """Divide everybody into half of the rooms, and once more, otherwise, into the other half."""
    half = rooms // 2
    first = [people[start::half] for start in range(half)]
    second = [people[start * _MEMBERS : (start + 1) * _MEMBERS] for start in range(half)]
    return first + second
