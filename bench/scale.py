"""How long and how large a run is."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Durations in seconds of each measurement, and how much there is of everything."""

    name: str
    levels: tuple[int, ...]
    """How many sends are in flight, one measurement each."""
    receivers: tuple[int, ...]
    """How many receivers one room has, one measurement each."""
    naive: tuple[str, ...]
    """Which naive variants run beside the product."""
    closed_s: float
    """With so many in flight, or flooding."""
    open_s: float
    """At a steady rate."""
    rooms: int
    rooms_connections: int
    idle_connections: int
    idle_relayed: int
    idle_s: float
    history: int
    listed: int
    """Conversations, members, marks and pins of the larger lists."""
    storm_clients: int
    storm_rooms: int
    peer_receivers: int


# The relay holds two descriptors a connection, and 20,000 are allowed.
FULL = Scale(
    name="full",
    levels=(1, 16, 64, 256),
    receivers=(100, 1_000),
    naive=("concurrent", "serial"),
    closed_s=5.0,
    open_s=5.0,
    rooms=1_000,
    rooms_connections=5_000,
    idle_connections=10_000,
    idle_relayed=8_000,
    idle_s=32.0,
    history=1_000_000,
    listed=10_000,
    storm_clients=5_000,
    storm_rooms=500,
    peer_receivers=1_000,
)
QUICK = Scale(
    name="quick",
    levels=(1, 64),
    receivers=(1_000,),
    naive=("concurrent",),
    closed_s=1.0,
    open_s=1.0,
    rooms=100,
    rooms_connections=500,
    idle_connections=500,
    idle_relayed=500,
    idle_s=2.0,
    history=20_000,
    listed=2_000,
    storm_clients=500,
    storm_rooms=50,
    peer_receivers=1_000,
)
