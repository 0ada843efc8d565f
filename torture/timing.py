"""How long faults were felt. Pure."""

from collections.abc import Iterable

import msgspec

from torture.records import Fault, Record, Send

__all__ = ["Recovery", "recoveries"]

_NS = 1e9
_AFTER_S = 1.0


class Recovery(msgspec.Struct, frozen=True):
    """One fault: how long what it hit was away, and how long senders felt it.

    `felt_s` is when the last send was acknowledged that waited when the fault began or was issued
    in the second after; faults that overlap share what is felt. None: nothing to measure.
    """

    kind: str
    away_s: float | None
    felt_s: float | None


def recoveries(records: Iterable[Record]) -> list[Recovery]:
    """Return what each fault cost, in order."""
    starts: dict[str, Fault] = {}
    ends: dict[str, Fault] = {}
    sends: dict[str, list[int]] = {}
    for record in records:
        match record:
            case Fault(event="start"):
                starts[record.op] = record
            case Fault():
                ends[record.op] = record
            case Send(event="invoke"):
                sends.setdefault(record.client_id, [record.t, 0])
            case Send(event="ok"):
                sends[record.client_id][1] = record.t
    spans = sorted((begun, answered) for begun, answered in sends.values() if answered)
    return [_recovery(fault, ends.get(op), spans) for op, fault in starts.items()]


def _recovery(start: Fault, end: Fault | None, spans: list[tuple[int, int]]) -> Recovery:
    last = start.t + _AFTER_S * _NS
    felt = [answered for begun, answered in spans if begun <= last and answered >= start.t]
    return Recovery(
        kind=start.kind,
        away_s=round((end.t - start.t) / _NS, 3) if end else None,
        felt_s=round((max(felt) - start.t) / _NS, 3) if felt else None,
    )
