import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torture.checker import CHECKS, LIVENESS_S, Verdict, check
from torture.records import (
    Died,
    Entry,
    Fault,
    Healed,
    Member,
    Read,
    Record,
    Recorder,
    Recv,
    Resume,
    Send,
    Session,
    View,
    load,
)

from .changes import PLANTED_CHANGES, NothingToBreakError, one_of
from .histories import USERS, CleanRun

replace = msgspec.structs.replace
R = TypeVar("R", bound=Record)
ENOUGH = 10


def clean(seed: int = 1, rounds: int = 60) -> list[Record]:
    return CleanRun(seed).play(rounds)


def judge(records: list[Record]) -> Verdict:
    return check(records, required_acks=ENOUGH)


def pick(records: list[Record], kind: type[R], where: Callable[[R], bool], at: int = 0) -> int:
    """Return the index of one record that fits, a different one for each `at`."""
    found = [index for index, each in enumerate(records) if isinstance(each, kind) and where(each)]
    return one_of(found, at)


def acked(send: Send) -> bool:
    return send.event == "ok" and send.action == "message"


def edit_store(records: list[Record], at: int, edit, room: str = "") -> None:
    """Change what the database and all final reads of one room hold."""
    room = room or records[pick(records, Send, acked, at)].conversation
    for index, record in enumerate(records):
        if not isinstance(record, Read) or not record.final or record.event != "ok":
            continue
        if record.conversation == room:
            entries = edit([*record.entries])
            if not record.store:
                entries = [each for each in entries if each.message is not None]
            records[index] = replace(record, entries=entries)


# Each plants one violation and returns the name of the check that must find it.


def lose_an_acked_message(records, at):
    ack = records[pick(records, Send, acked, at)]
    edit_store(records, at, lambda entries: [each for each in entries if each.id != ack.id])
    return "LOST_ACKED"


def put_another_message_in_its_place(records, at):
    ack = records[pick(records, Send, acked, at)]

    def edit(entries):
        return [replace(e, client_id="other") if e.id == ack.id else e for e in entries]

    edit_store(records, at, edit)
    return "LOST_ACKED"


def store_what_nobody_sent(records, at):
    def edit(entries):
        seq = entries[-1].seq + 1
        return [*entries, Entry(seq, f"ghost-{seq}", USERS[0], "ghost", "boo")]

    edit_store(records, at, edit)
    return "PHANTOM"


def corrupt_a_stored_message(records, at):
    ack = records[pick(records, Send, acked, at)]

    def edit(entries):
        return [replace(e, message="x") if e.id == ack.id else e for e in entries]

    edit_store(records, at, edit)
    return "PHANTOM"


def spoof_the_sender(records, at):
    ack = records[pick(records, Send, acked, at)]

    def edit(entries):
        return [replace(e, sender=USERS[0] + "x") if e.id == ack.id else e for e in entries]

    edit_store(records, at, edit)
    return "PHANTOM"


def store_what_was_refused(records, at):
    chosen = records[pick(records, Send, acked, at)]
    for index, each in enumerate(records):
        if not isinstance(each, Send) or each.client_id != chosen.client_id:
            continue
        if each.event in {"ok", "info"}:
            records[index] = replace(each, event="fail", id="", seq=0)
    return "PHANTOM"


def show_what_is_not_stored(records, at):
    index = pick(records, View, lambda view: view.message is not None, at)
    records[index] = replace(records[index], message="never sent")
    return "PHANTOM"


def store_a_message_twice(records, at):
    ack = records[pick(records, Send, acked, at)]

    def edit(entries):
        seq = entries[-1].seq + 1
        again = [replace(e, seq=seq, id=f"twice-{seq}") for e in entries if e.id == ack.id]
        return [*entries, *again]

    edit_store(records, at, edit)
    return "DUPLICATE"


def answer_a_repeat_differently(records, at):
    index = pick(records, Send, acked, at)
    ack = records[index]
    records.insert(index + 1, replace(ack, seq=ack.seq + 1, id=ack.id + "x"))
    return "DUPLICATE"


def show_a_message_twice(records, at):
    index = pick(records, View, lambda view: view.seq > 1, at)
    records.insert(index + 1, records[index])
    return "DUPLICATE"


def give_one_place_to_two(records, at):
    def edit(entries):
        return [*entries, replace(entries[-1], id="other", client_id="other")]

    edit_store(records, at, edit)
    return "ORDER"


def show_two_in_the_wrong_order(records, at):
    def second(view: View) -> bool:
        return any(
            isinstance(each, View)
            and (each.client, each.conversation) == (view.client, view.conversation)
            and each.seq == view.seq - 1
            for each in records
        )

    later = pick(records, View, second, at)
    view = records[later]
    earlier = pick(
        records,
        View,
        lambda each: (
            (each.client, each.conversation, each.seq)
            == (view.client, view.conversation, view.seq - 1)
        ),
    )
    records[later], records[earlier] = (
        replace(records[earlier], t=view.t),
        replace(view, t=records[earlier].t),
    )
    return "ORDER"


def let_one_member_read_something_else(records, at):
    index = pick(
        records, Read, lambda read: read.final and not read.store and bool(read.entries), at
    )
    records[index] = replace(records[index], entries=records[index].entries[:-1])
    return "ORDER"


def leave_a_place_empty(records, at):
    def edit(entries):
        last = entries[-1]
        return [*entries, replace(last, seq=last.seq + 2, id="late", client_id="late")]

    edit_store(records, at, edit)
    return "GAP"


def skip_a_message_in_a_view(records, at):
    def between(view: View) -> bool:
        mine = [
            each.seq
            for each in records
            if isinstance(each, View)
            and (each.client, each.conversation) == (view.client, view.conversation)
        ]
        return view.seq - 1 in mine and view.seq + 1 in mine and view.user != USERS[-1]

    del records[pick(records, View, between, at)]
    return "GAP"


def number_against_real_time(records, at):
    last = max(
        (each for each in records if isinstance(each, Send) and acked(each)),
        key=lambda send: send.t,
    )
    room = last.conversation
    first = pick(records, Send, lambda each: acked(each) and each.conversation == room, at)
    if records[first] == last:
        first = pick(records, Send, lambda each: acked(each) and each.conversation == room)
    one, other = records[first].client_id, last.client_id
    seqs = {one: (last.seq, last.id), other: (records[first].seq, records[first].id)}
    for index, each in enumerate(records):
        if isinstance(each, Send) and each.event == "ok" and each.client_id in seqs:
            seq, id_ = seqs[each.client_id]
            records[index] = replace(each, seq=seq, id=id_)
    return "REAL_TIME"


def read_stale(records, at):
    def holds_an_ack(read: Read) -> bool:
        return read.event == "ok" and not read.store and bool(read.entries)

    index = pick(records, Read, holds_an_ack, at)
    read = records[index]
    known = {each.id for each in records if isinstance(each, Send) and each.event == "ok"}
    gone = [each for each in read.entries if each.id in known][-1:]
    records[index] = replace(read, entries=[each for each in read.entries if each not in gone])
    return "STALE"


def resume_with_a_hole(records, at):
    resume = records[pick(records, Resume, lambda each: each.head > each.after, at)]
    records[:] = [
        each
        for each in records
        if not (
            isinstance(each, Recv | View)
            and (each.client, each.conversation) == (resume.client, resume.conversation)
            and each.seq == resume.head
        )
    ]
    return "RESUME"


def deliver_to_one_who_left(records, at):
    def next_message(change: Member) -> View | None:
        return next(
            (
                each
                for each in records
                if isinstance(each, View)
                and (each.conversation, each.seq) == (change.conversation, change.seq + 1)
                and each.message is not None
            ),
            None,
        )

    def is_followed(change: Member) -> bool:
        removed = change.event == "ok" and change.action == "remove"
        return removed and next_message(change) is not None

    change = records[pick(records, Member, is_followed, at)]
    following = next_message(change)
    again = replace(following, client=change.user, user=change.user)
    records.insert(records.index(following) + 1, again)
    return "NON_MEMBER"


def let_one_who_left_send(records, at):
    removals = (each for each in records if isinstance(each, Member) and each.action == "remove")
    lasting = {
        (each.conversation, each.seq): each
        for each in removals
        if each.event == "ok"
        and any(
            isinstance(view, View)
            and view.conversation == each.conversation
            and view.seq == each.seq + 1
            and view.message is not None
            for view in records
        )
    }
    change = one_of([*lasting.values()], at)

    def edit(entries):
        return [
            replace(each, sender=change.user) if each.message is not None else each
            for each in entries
        ]

    edit_store(records, at, edit, change.conversation)
    return "NON_MEMBER"


def let_one_who_left_read(records, at):
    gone = pick(records, Member, lambda each: each.event == "ok" and each.action == "remove", at)
    change = records[gone]
    asked = {
        "client": change.user,
        "op": "too late",
        "user": change.user,
        "conversation": change.conversation,
        "low": 10**6,
    }
    records.insert(gone + 1, Read(t=change.t + 1, event="invoke", **asked))
    records.insert(gone + 2, Read(t=change.t + 1, event="ok", **asked))
    return "NON_MEMBER"


def the_end(records, at):
    """Return who shall not see the end, and what the end of each conversation is."""
    starts = [each for each in records if isinstance(each, Session)]
    heads = {
        (each.conversation, each.entries[-1].seq)
        for each in records
        if isinstance(each, Read) and each.store and each.entries
    }
    return starts[at % (len(starts) - 1)].user, heads


def never_show_the_end(records, at):
    user, heads = the_end(records, at)
    records[:] = [
        each
        for each in records
        if not (
            isinstance(each, Recv | View)
            and each.user == user
            and (each.conversation, each.seq) in heads
        )
    ]
    return "LIVENESS"


def show_the_end_too_late(records, at):
    user, heads = the_end(records, at)
    late = records[-1].t + (LIVENESS_S + 1) * 10**9
    for index, each in enumerate(records):
        if not isinstance(each, Recv | View) or each.user != user:
            continue
        if (each.conversation, each.seq) in heads:
            records[index] = replace(each, t=late)
    return "LIVENESS"


def never_answer(records, at):
    del records[pick(records, Send, acked, at)]
    return "LIVENESS"


def overtake_in_a_line(records, at):
    lines: dict[tuple[str, str], list[str]] = {}
    once = {}
    for each in records:
        if isinstance(each, Send):
            once.setdefault(each.client_id, []).append(each)
            if each.event == "invoke" and each.line:
                lines.setdefault((each.line, each.conversation), []).append(each.client_id)
    pairs = [
        ids
        for ids in (
            [id_ for id_ in line if [e.event for e in once[id_]] == ["invoke", "ok"]]
            for line in lines.values()
        )
        if len(ids) > 1
    ]
    one, other = one_of(pairs, at)[:2]
    swapped = {one: once[other][1], other: once[one][1]}
    for index, each in enumerate(records):
        if isinstance(each, Send) and each.event == "ok" and each.client_id in swapped:
            ack = swapped[each.client_id]
            records[index] = replace(each, seq=ack.seq, id=ack.id)
    return "FIFO"


def let_a_service_end_by_itself(records, at):
    records.append(Died(t=records[-1].t + 1, client="torture", process="chat-1", exit_code=1))
    return "CRASH"


PLANTED = [
    let_a_service_end_by_itself,
    lose_an_acked_message,
    put_another_message_in_its_place,
    store_what_nobody_sent,
    corrupt_a_stored_message,
    spoof_the_sender,
    store_what_was_refused,
    show_what_is_not_stored,
    store_a_message_twice,
    answer_a_repeat_differently,
    show_a_message_twice,
    give_one_place_to_two,
    show_two_in_the_wrong_order,
    let_one_member_read_something_else,
    leave_a_place_empty,
    skip_a_message_in_a_view,
    number_against_real_time,
    read_stale,
    resume_with_a_hole,
    deliver_to_one_who_left,
    let_one_who_left_send,
    let_one_who_left_read,
    never_show_the_end,
    show_the_end_too_late,
    never_answer,
    overtake_in_a_line,
    *PLANTED_CHANGES,
]


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_history_passes(seed: int):
    verdict = judge(clean(seed))
    assert verdict.violations == []
    assert verdict.state == "passed", verdict.reasons
    assert verdict.counts == {}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_violation_is_caught_and_named(plant):
    records = clean()
    name = plant(records, 0)
    verdict = judge(records)
    assert verdict.state == "failed"
    assert name in verdict.counts
    named = [violation for violation in verdict.violations if violation.check == name]
    assert named[0].what
    assert all(".jsonl:" in record for record in named[0].records)


def test_every_check_has_a_violation_that_only_it_was_made_for():
    assert {plant(clean(), 0) for plant in PLANTED} == set(CHECKS)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(PLANTED), st.integers(0, 100))
def test_violations_are_caught_wherever_they_are_planted(seed: int, plant, at: int):
    records = clean(seed, rounds=80)
    assert judge(records).state == "passed"
    try:
        name = plant(records, at)
    except NothingToBreakError:
        reject()
    assert name in judge(records).counts


def test_too_few_acknowledgements_prove_nothing():
    verdict = check(clean())
    assert verdict.state == "unknown"
    assert "fewer than 1000" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        (lambda each: isinstance(each, Fault), "no fault began"),
        (lambda each: isinstance(each, Recv | View | Resume | Session), "nobody received"),
        (lambda each: isinstance(each, Healed), "never healed"),
        (lambda each: isinstance(each, Read) and each.final, "no final read"),
    ],
)
def test_what_a_run_lacks_makes_it_unknown(without, reason: str):
    records = [each for each in clean() if not without(each)]
    if reason == "no final read":
        records = [each for each in records if not isinstance(each, Recv | View)]
    verdict = judge(records)
    assert any(reason in each for each in verdict.reasons)
    assert verdict.state != "passed"


def test_faults_between_sends_do_not_count():
    records = clean()
    last = records[-1].t
    records = [replace(each, t=last + 1) if isinstance(each, Fault) else each for each in records]
    verdict = judge(records)
    assert verdict.faults_in_flight == 0
    assert verdict.state == "unknown"


def test_a_send_in_doubt_may_be_stored_or_not():
    records = clean()
    chosen = records[pick(records, Send, acked)]
    for index, each in enumerate(records):
        if isinstance(each, Send) and each.client_id == chosen.client_id and each.event == "ok":
            records[index] = replace(each, event="info", id="", seq=0)
    assert judge(records).state == "passed"


def test_what_was_written_is_read_back_as_it_was(tmp_path):
    with Recorder(tmp_path, "alice") as recorder:
        told = recorder.write(Session, event="start", user="alice")
        recorder.write(
            Read,
            event="ok",
            op="1",
            user="alice",
            conversation="room",
            entries=[Entry(1, "a", "b", "c", None, ("alice",))],
        )
    first, second = load(tmp_path)
    assert first == Session(t=told, client="alice", n=1, event="start", user="alice")
    assert second.entries == [Entry(1, "a", "b", "c", None, ("alice",))]


def test_judging_takes_seconds_for_two_hundred_thousand_sends():
    """A tenth of them here: the time grows with their number alone."""
    records = CleanRun(3, rooms=20).play(9_000)
    sends = sum(isinstance(each, Send) and each.event == "ok" for each in records)
    assert sends > 15_000
    began = time.process_time()
    verdict = check(records)
    assert time.process_time() - began < 4
    assert verdict.state == "passed", verdict
