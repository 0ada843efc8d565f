"""Which instance of a service to call next. Pure: no I/O.

An instance that fails health checks is left out (a circuit breaker): `FAILURES_TO_OPEN` failures
in a row open it, one success closes it. Calls themselves never do: a call that fails only makes
`rpc/probes.py` ask for the instance's health.
"""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["FAILURES_TO_OPEN", "Balancer", "Instance"]

# One failed check may be an instance that is busy for a second.
FAILURES_TO_OPEN = 2


@dataclass(frozen=True)
class Instance:
    """Where one instance of a service listens. `websocket_url` is empty where it has no sockets."""

    service_url: str
    websocket_url: str = ""


@dataclass
class _Record:
    instance: Instance
    in_flight: int = 0
    failures: int = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES_TO_OPEN


class Balancer:
    """The instances of one service, their load and their breakers."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def replace(self, instances: Iterable[Instance]) -> None:
        """Take over a new list, keeping what is known of instances that stay.

        An empty list is ignored: a registry that has lost its memory must not stop traffic to
        instances that still answer.
        """
        fresh = {
            instance.service_url: self._records.get(instance.service_url) or _Record(instance)
            for instance in instances
        }
        if fresh:
            self._records = fresh

    def instances(self) -> list[Instance]:
        """Return the known instances."""
        return [record.instance for record in self._records.values()]

    def admits(self, instance: Instance) -> bool:
        """Return whether an instance is known and its breaker closed."""
        record = self._records.get(instance.service_url)
        return record is not None and not record.is_open

    def pick(self, *, key: str | None = None, avoid: Collection[str] = ()) -> Instance | None:
        """Return the instance to call, or None where every breaker is open or none is known.

        With a key the same instance wins every time (rendezvous hashing) while it is healthy;
        without, the less busy of two random ones (power of two choices). Instances in `avoid`
        come last.
        """
        healthy = [record for record in self._records.values() if not record.is_open]
        candidates = [r for r in healthy if r.instance.service_url not in avoid]
        candidates = candidates or healthy
        if not candidates:
            return None
        if key is not None:
            best = max(candidates, key=lambda record: _weight(key, record.instance.service_url))
        else:
            few = random.sample(candidates, min(2, len(candidates)))
            best = min(few, key=lambda record: record.in_flight)
        return best.instance

    def started(self, instance: Instance) -> None:
        """Note that a call to `instance` has begun."""
        if record := self._records.get(instance.service_url):
            record.in_flight += 1

    def ended(self, instance: Instance) -> None:
        """Note that a call that was `started` has ended."""
        if record := self._records.get(instance.service_url):
            record.in_flight = max(0, record.in_flight - 1)

    def checked(self, instance: Instance, *, healthy: bool) -> None:
        """Note what a health check has said."""
        if record := self._records.get(instance.service_url):
            record.failures = 0 if healthy else record.failures + 1


def _weight(key: str, service_url: str) -> bytes:
    return blake2b(f"{key} {service_url}".encode(), digest_size=8).digest()
