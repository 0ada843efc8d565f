"""How long honest users wait."""

from typing import Any

from siege.latencies import delivery, sending
from torture.records import Record, Send, View


def send(event: Any, client_id: str, at_s: float) -> Record:
    t = int(at_s * 1e9)
    return Send(t=t, client="u1", event=event, user="u1", conversation="c", client_id=client_id)


def view(user: str, client_id: str, at_s: float) -> Record:
    t = int(at_s * 1e9)
    fields = {"conversation": "c", "seq": 1, "id": "c-1", "client_id": client_id, "message": "m"}
    return View(t=t, client=user, user=user, **fields)


def test_a_send_takes_from_when_it_began_to_its_acknowledgement():
    found = sending([send("invoke", "a", 1.0), send("ok", "a", 4.0), send("invoke", "b", 5.0)])
    assert found is not None
    assert (found.max_ms, found.samples) == (3_000, 1)


def test_sends_from_before_or_after_the_siege_do_not_count():
    records = [send("invoke", "a", 1.0), send("ok", "a", 4.0)]
    assert sending(records, since=int(2e9)) is None
    assert sending(records, until=int(1e9)) is None


def test_a_delivery_is_what_others_are_shown_in_whichever_order_files_are_read():
    records = [
        view("u2", "a", 1.5),
        view("u1", "a", 9.0),
        view("u3", "unknown", 9.0),
        send("invoke", "a", 1.0),
    ]
    found = delivery(records)
    assert found is not None
    assert (found.max_ms, found.samples) == (500, 1)
    assert delivery(records, since=int(2e9)) is None
    assert delivery(records, until=int(1e9)) is None
