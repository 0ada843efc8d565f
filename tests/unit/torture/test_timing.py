from torture.records import Fault, Record, Send
from torture.timing import Recovery, recoveries

S = 10**9


def send(client_id: str, begun_s: float, answered_s: float | None) -> list[Record]:
    what = {"client": "a", "user": "u", "conversation": "c", "client_id": client_id}
    records: list[Record] = [Send(t=int(begun_s * S), event="invoke", **what)]
    if answered_s is not None:
        records.append(Send(t=int(answered_s * S), event="ok", **what))
    return records


def fault(begun_s: float, ended_s: float | None) -> list[Record]:
    what = {"client": "f", "op": f"{begun_s}", "kind": "kill chat"}
    records: list[Record] = [Fault(t=int(begun_s * S), event="start", **what)]
    if ended_s is not None:
        records.append(Fault(t=int(ended_s * S), event="stop", **what))
    return records


def test_a_fault_is_felt_until_the_last_send_that_met_it_is_acknowledged():
    records = [
        *send("before", 1, 2),
        *send("waiting", 9, 12),
        *send("issued meanwhile", 10.5, 13),
        *send("issued later", 12, 20),
        *fault(10, 14),
    ]
    assert recoveries(records) == [Recovery("kill chat", away_s=4.0, felt_s=3.0)]


def test_a_fault_that_nobody_met_was_not_felt():
    records = [*send("before", 1, 2), *send("lost", 9, None), *fault(10, None)]
    assert recoveries(records) == [Recovery("kill chat", away_s=None, felt_s=None)]
