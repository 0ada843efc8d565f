"""How long sends took, from what clients have taken down. Pure."""

from collections.abc import Iterable

from bench.measures import Latency, latency_of
from torture.records import Record, Send, View

__all__ = ["delivery", "sending"]

_NS = 1e9
_EVER = 1 << 63


def sending(records: Iterable[Record], *, since: int = 0, until: int = _EVER) -> Latency | None:
    """Return how long the sends begun from `since` to `until` waited for their acknowledgement.

    None if there are none.
    """
    began: dict[str, int] = {}
    spans: list[float] = []
    for record in records:
        if isinstance(record, Send) and record.event == "invoke" and since <= record.t < until:
            began.setdefault(record.client_id, record.t)
        elif isinstance(record, Send) and record.event == "ok" and record.client_id in began:
            spans.append((record.t - began[record.client_id]) / _NS)
    return latency_of(spans) if spans else None


def delivery(records: Iterable[Record], *, since: int = 0, until: int = _EVER) -> Latency | None:
    """Return how long after each send begun from `since` to `until` other users were shown it.

    None if nobody was shown anything.
    """
    began: dict[str, tuple[int, str]] = {}
    views: list[View] = []
    for record in records:
        if isinstance(record, Send) and record.event == "invoke" and since <= record.t < until:
            began.setdefault(record.client_id, (record.t, record.user))
        elif isinstance(record, View):
            views.append(record)
    spans = [
        (view.t - sent) / _NS
        for view in views
        for sent, sender in [began.get(view.client_id, (0, view.user))]
        if sender != view.user
    ]
    return latency_of(spans) if spans else None
