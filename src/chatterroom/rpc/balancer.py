"""Which instance of a service to call next. Pure: no I/O, and the caller passes the time.

An instance that keeps failing is left out for a while (a circuit breaker): `FAILURES_TO_OPEN`
failures in a row open it, for a time that doubles with each further failure; when that is over,
one call tries it.
"""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["Balancer", "Instance"]

FAILURES_TO_OPEN = 3
OPEN_S = 0.5
MAX_OPEN_S = 10.0


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
    open_until: float = 0.0

    def admits(self, now: float) -> bool:
        if self.failures < FAILURES_TO_OPEN:
            return True
        return now >= self.open_until and self.in_flight == 0


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

    def pick(
        self, now: float, *, key: str | None = None, avoid: Collection[str] = ()
    ) -> Instance | None:
        """Return the instance to call, or None where there is none whose breaker admits a call.

        With a key the same instance wins every time (rendezvous hashing) while it is healthy;
        without, the less busy of two random ones (power of two choices). Instances in `avoid`
        come last.
        """
        open_for_calls = [record for record in self._records.values() if record.admits(now)]
        candidates = [r for r in open_for_calls if r.instance.service_url not in avoid]
        candidates = candidates or open_for_calls
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

    def ended(self, instance: Instance, now: float, *, healthy: bool) -> None:
        """Note how a call that was `started` has ended."""
        record = self._records.get(instance.service_url)
        if record is None:
            return
        record.in_flight = max(0, record.in_flight - 1)
        if healthy:
            record.failures = 0
            return
        record.failures += 1
        excess = min(record.failures - FAILURES_TO_OPEN, 10)
        if excess >= 0:
            record.open_until = now + min(MAX_OPEN_S, OPEN_S * 2**excess)


def _weight(key: str, service_url: str) -> bytes:
    return blake2b(f"{key} {service_url}".encode(), digest_size=8).digest()
