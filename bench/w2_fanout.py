"""W2: one room, one sender, many receivers, every message on disk before anybody hears of it."""

from collections.abc import Iterator

from bench.dialects import CHATTERROOM
from bench.doors import socket_target
from bench.load import Load
from bench.people import create_rooms, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.sender import Flood, Pace

__all__ = ["EVEN_RATE", "WARM_UP_S", "run", "run_on"]

_MOST_RECEIVERS = 1_000
WARM_UP_S = 0.5
# A rate that every server here can follow: how soon the last of all receivers has a message.
EVEN_RATE = 50.0
# Messages that the sender may be ahead of the slowest receiver.
_WINDOW = 400
_SMALL_WINDOW = 16
_NAIVE_WINDOW = 64


def run(scale: Scale) -> Iterator[Row]:
    """Measure straight at the chat service, and through the gateway's relay."""
    with Platform() as platform:
        for receivers in scale.receivers:
            yield from _measure(platform, scale, receivers, "direct", (_WINDOW, _SMALL_WINDOW))
        yield from _measure(platform, scale, _MOST_RECEIVERS, "relay", (_WINDOW,))


def run_on(platform: Platform, scale: Scale, subject: str) -> Iterator[Row]:
    """Measure another platform, under another name."""
    rows = _measure(platform, scale, _MOST_RECEIVERS, "direct", (_NAIVE_WINDOW,))
    for row in rows:
        row.subject = subject
        yield row


def _measure(
    platform: Platform, scale: Scale, receivers: int, way: str, windows: tuple[int, ...]
) -> Iterator[Row]:
    people = make_people(platform, receivers)
    (room,) = create_rooms(platform, [people])
    address = platform.chat_socket if way == "direct" else platform.gateway
    targets = [socket_target(address, person, (room,)) for person in people]
    # The sender's own socket does not resume: it hears answers, and is no receiver.
    sender = socket_target(platform.chat_socket, people[0], (room,), resumes=False)

    def row(what: str) -> Row:
        case = f"{receivers:,} receivers, {way}, {what}"
        return Row(workload="W2", subject="ChatterRoom", case=case)

    with Load(CHATTERROOM, platform.usage, receivers) as load:
        load.connect(targets, [sender])
        load.run(Flood(WARM_UP_S, windows[0], receivers))
        rates = []
        for window in windows:
            flood = load.run(Flood(scale.closed_s, window, receivers))
            rates.append(flood.rate / receivers)
            yield flood.row(row(f"{window} ahead"))
        pace = load.run(Pace(scale.open_s, rates[0] / 2))
        yield pace.row(row("open loop at 50 %"))
        if rates[0] > EVEN_RATE:
            even = load.run(Pace(scale.open_s, EVEN_RATE))
            yield even.row(row(f"open loop at {EVEN_RATE:g} messages/s"))
