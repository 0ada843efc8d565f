"""W4: idle connections, authenticated and joined: what each costs in memory, and to accept."""

import time
from collections.abc import Iterator

from bench.dialects import CHATTERROOM
from bench.doors import socket_target
from bench.load import Load
from bench.measures import memory_bytes, slab_bytes
from bench.people import Person, create_rooms, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale

__all__ = ["run"]

_MEMBERS = 100
_AT_ONCE = 16
_SETTLE_S = 2.0
_RELAYED_IDLE_S = 5.0


def run(scale: Scale) -> Iterator[Row]:
    """Measure straight at the chat service, then through the gateway's relay, each afresh."""
    with Platform() as platform:
        yield _measure(platform, scale, scale.idle_connections, "direct", ("chat",))
    with Platform() as platform:
        yield _measure(platform, scale, scale.idle_relayed, "relay", ("chat", "gateway"))


def _measure(
    platform: Platform, scale: Scale, connections: int, way: str, parts: tuple[str, ...]
) -> Row:
    people = make_people(platform, connections)
    rooms = _rooms(platform, people)
    address = platform.chat_socket if way == "direct" else platform.gateway
    targets = [socket_target(address, person, ()) for person, _ in zip(people, rooms, strict=True)]
    processes = [platform.process(part) for part in parts]
    with Load(CHATTERROOM, platform.usage, connections) as load:
        # What a first connection makes a process load is no cost of a connection.
        load.open_receivers(targets[:100], 8)
        load.drop_receivers()
        time.sleep(_SETTLE_S)
        memory = [memory_bytes(process) for process in processes]
        slab = slab_bytes()
        usage = platform.usage()
        started = time.monotonic()
        opened = load.open_receivers(targets, _AT_ONCE)
        took_s = max(max(each.moments) for each in opened) - started
        accepting_s = platform.usage().since(usage)
        time.sleep(_SETTLE_S)
        grown = [
            (now[0] - before[0], now[1] - before[1])
            for before, now in zip(
                memory, [memory_bytes(process) for process in processes], strict=True
            )
        ]
        kernel = slab_bytes() - slab
        idle = platform.usage()
        # Straight to the service long enough that every connection is pinged once.
        idle_s = scale.idle_s if way == "direct" else min(scale.idle_s, _RELAYED_IDLE_S)
        time.sleep(idle_s)
        idle_cpu = platform.usage().since(idle) / idle_s
        # A connection that was lost would have been noticed here.
        load.reports()
    row = Row(
        workload="W4",
        subject="ChatterRoom",
        case=f"{connections:,} connections, {way}",
        unit="accepts/s",
        rate=connections / took_s,
        cpu_us=accepting_s / connections * 1e6,
    )
    for part, (resident, proportional) in zip(parts, grown, strict=True):
        row.details[f"{part}_rss_kb"] = resident / connections / 1024
        row.details[f"{part}_pss_kb"] = proportional / connections / 1024
    row.details["rss_kb"] = sum(resident for resident, _ in grown) / connections / 1024
    row.details["kernel_kb_both_ends"] = kernel / connections / 1024
    row.details["idle_cpu_percent"] = idle_cpu * 100
    return row


def _rooms(platform: Platform, people: list[Person]) -> list[str]:
    """Put everybody into one room of a hundred."""
    groups = [people[start : start + _MEMBERS] for start in range(0, len(people), _MEMBERS)]
    rooms = create_rooms(platform, groups)
    return [room for group, room in zip(groups, rooms, strict=True) for _ in group]
