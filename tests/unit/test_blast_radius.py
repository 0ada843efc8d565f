"""A failure in each background loop: the next round works, and what else there was is served."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from tests.unit.chat.conftest import message_posted

from chatterroom import background
from chatterroom.auth.ended_sessions import EndedSession, EndedSessions
from chatterroom.auth.secrets import ServiceCredential
from chatterroom.chat import activity, leases_redis, marks
from chatterroom.chat.activity import Activity
from chatterroom.chat.changes import Changes
from chatterroom.chat.erasures import keep_erasing
from chatterroom.chat.feed import publish
from chatterroom.chat.gathering import GatheredReads
from chatterroom.chat.hub import Hub
from chatterroom.chat.leases_redis import Leases
from chatterroom.chat.log import ConversationLog
from chatterroom.chat.marks import Marks
from chatterroom.chat.presence import Presence
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, SessionId, UserId, new_id
from chatterroom.discovery.watch import Watch
from chatterroom.gateway.last_seen import LastSeen
from chatterroom.gateway.last_seen_grpc import tell_last_seen
from chatterroom.pubsub.channels_redis import RedisChannels
from chatterroom.rpc import directory, registration, session_watch
from chatterroom.rpc.directory import Directory
from chatterroom.rpc.registration import Registration
from chatterroom.rpc.session_watch import watch_sessions
from chatterroom.sockets.deadlines import Deadlines
from chatterroom.sockets.heartbeat import keep_checking
from chatterroom.users import key_rotation
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alerts import Alerts, LoginFailed
from chatterroom.users.deletion import Deletions
from chatterroom.users.key_rotation import follow_signing_key
from chatterroom.users.password_change import PasswordChanges
from chatterroom.users.session_ends import SessionEnds

ALICE, BOB = UserId("alice"), UserId("bob")
ROOM = ConversationId("room")


class InjectedError(Exception):
    pass


@dataclass
class Faulty:
    """Fails a few times, then answers."""

    failure: Exception
    answer: Any = None
    left: int = 3
    worked: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, *_: Any, **__: Any) -> Any:
        return self.now()

    def now(self, *_: Any, **__: Any) -> Any:
        if self.left:
            self.left -= 1
            raise self.failure
        self.worked.set()
        return self.answer


def double(**methods: Any) -> Any:
    return SimpleNamespace(**methods)


async def nothing(*_: Any) -> None:
    pass


@pytest.fixture(autouse=True)
def traces() -> Iterator[list[Any]]:
    """What is logged; to lay out traces takes seconds."""
    with structlog.testing.capture_logs() as logs:
        yield logs


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loops make no pauses, but for turns of the event loop."""
    monkeypatch.setattr(background, "_reported_at", {})
    monkeypatch.setattr(background, "asyncio", double(sleep=lambda _: asyncio.sleep(0)))
    monkeypatch.setattr(marks, "FLUSH_S", 0.0)
    monkeypatch.setattr(activity, "FLUSH_S", 0.01)
    monkeypatch.setattr(leases_redis, "_GATHER_S", 0.0)
    monkeypatch.setattr(directory, "_RETRY_S", (0.0, 0.0))
    monkeypatch.setattr(registration, "_RETRY_S", (0.0, 0.0))
    monkeypatch.setattr(registration, "_HEALTH_CHECK_S", 0.0)
    monkeypatch.setattr(registration, "_FIRST_HEALTH_CHECK_S", 0.0)
    monkeypatch.setattr(session_watch, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(session_watch, "_LONGEST_PAUSE_S", 0.0)


# Every loop of the processes: how it is run so that each round meets `faulty`, and what gives it
# something to do.
Loop = tuple[Callable[[], Awaitable[None]], Callable[[], object]]


def changes(faulty: Faulty, _: Any) -> Loop:
    faulty.answer = []
    return Changes("things", faulty, lambda _: datetime.now(UTC)).run, lambda: None


def a_presence(store: Any, leases: Any) -> Presence:
    return Presence(
        store, leases, double(between=lambda *_: False), double(includes=lambda _: False)
    )


def looking_at_presence(faulty: Faulty, _: Any) -> Loop:
    faulty.answer = [set()]
    ended = double(since=lambda _: asyncio.sleep(0, ([], None)))
    looked = a_presence(double(ended_memberships=ended), double(holders=faulty))
    looked._watchers[ALICE].add(Watching(lambda _: None))
    return looked.run, lambda: None


def looking_at_acquaintance(faulty: Faulty, _: Any) -> Loop:
    faulty.answer = ([], None)
    return a_presence(double(ended_memberships=double(since=faulty)), None).run, lambda: None


def storing_marks(faulty: Faulty, _: Any) -> Loop:
    kept = Marks(double(raise_marks=faulty), lambda *_: None)
    return kept.run, lambda: kept.raise_to(ALICE, ROOM, read=1)


def writing_activity(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    monkeypatch.setattr("chatterroom.chat.activity.REST_S", 0.0)
    noted = Activity(double(raise_all=faulty), lambda _: 2)
    return noted.run, lambda: noted.note(ROOM, [message_posted(ROOM, 1)])


def erasing(faulty: Faulty, _: Any) -> Loop:
    faulty.answer = False
    return lambda: keep_erasing(double(erase_some=faulty)), lambda: None


def sweeping(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    faulty.answer = []
    hub = Hub(double(heads=None, appeared_since=faulty), double(), None)  # type: ignore[arg-type]
    hub._watchers[ALICE].add(Reader())
    return hub.run, hub.missed_some


def writing_leases(faulty: Faulty, _: Any) -> Loop:
    leases = Leases(double(register_script=lambda _: faulty))
    return leases.run, lambda: leases.take("room", ALICE)


def committing(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    log = ConversationLog(double(), lambda *_: None)  # type: ignore[arg-type]
    faulty.answer = []
    monkeypatch.setattr(log, "_gather", faulty.now)
    return log.run, log._work.set


def publishing(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    channels = RedisChannels(double())
    monkeypatch.setattr(channels, "_publish", faulty)
    monkeypatch.setattr(channels, "_listen", nothing)
    return lambda: channels.run(lambda *_: None, lambda: None), lambda: None


def listening(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    channels = RedisChannels(double())
    monkeypatch.setattr(channels, "_publish", nothing)
    monkeypatch.setattr(channels, "_listen", faulty)
    return lambda: channels.run(lambda *_: None, lambda: None), lambda: None


def looking_for_ended_sessions(faulty: Faulty, _: Any) -> Loop:
    faulty.answer = []
    return SessionEnds(double(ended_since=faulty), EndedSessions(), print).run, lambda: None


def following_up_new_passwords(faulty: Faulty, _: Any) -> Loop:
    return PasswordChanges(double(claim=faulty), None).run, lambda: None  # type: ignore[arg-type]


def deletions_of(store: Any, guesses: Any = None, sessions: Any = None, chat: Any = None) -> Any:
    alerts = double(forget=nothing)
    return Deletions(store, guesses, sessions, alerts, chat)  # type: ignore[arg-type]


def deleting(faulty: Faulty, _: Any) -> Loop:
    return deletions_of(double(claim=faulty)).run, lambda: None


def keeping_alerts(faulty: Faulty, _: Any) -> Loop:
    book = AlertBook(double(add=faulty), double(tell=lambda *_: None))
    return book.run, lambda: book.tell(ALICE, failed_login())


def following_the_signing_key(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    monkeypatch.setattr(key_rotation, "load_signing_key", faulty.now)
    monkeypatch.setattr(key_rotation, "thumbprint", lambda _: "kid")
    faulty.answer = double(public_key=lambda: None)
    return lambda: follow_signing_key(None, double(kid="kid")), lambda: None  # type: ignore[arg-type]


def following_the_registry(faulty: Faulty, _: Any) -> Loop:
    async def lists(_: float):
        yield await faulty()

    faulty.answer = []
    return Watch(double(watch=lists)).follow, lambda: None


def telling_who_was_seen(faulty: Faulty, _: Any) -> Loop:
    seen = LastSeen()
    return (
        lambda: tell_last_seen(seen, double(call=faulty)),
        lambda: seen.note(SessionId(new_id())),
    )


def following_discovery(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    followed = Directory(["127.0.0.1:1"], ServiceCredential("secret"))
    monkeypatch.setattr(followed, "_follow", faulty)
    return followed.follow, lambda: None


def staying_registered(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Loop:
    registered = Registration("chat", double(service_url=""), [], ServiceCredential("secret"))
    faulty.answer = 0.0
    monkeypatch.setattr(registered, "_until_answered", faulty)
    monkeypatch.setattr(registered, "_deregister", nothing)
    return registered.keep, lambda: None


def reporting_health(faulty: Faulty, _: Any) -> Loop:
    faulty.answer = True
    server = double(say_serving=nothing)
    return lambda: registration._report_health(faulty, server, asyncio.Event()), lambda: None


def watching_sessions(faulty: Faulty, _: Any) -> Loop:
    return (
        lambda: watch_sessions(double(pick=faulty.now), double(), EndedSessions()),
        lambda: None,
    )


def checking_sockets(faulty: Faulty, _: Any) -> Loop:
    class Sockets:
        def __iter__(self):
            faulty.now()
            return iter(())

    return lambda: keep_checking(Sockets(), 0.0), lambda: None


LOOPS = [
    changes,
    looking_at_presence,
    looking_at_acquaintance,
    storing_marks,
    writing_activity,
    erasing,
    sweeping,
    writing_leases,
    committing,
    publishing,
    listening,
    looking_for_ended_sessions,
    following_up_new_passwords,
    deleting,
    keeping_alerts,
    following_the_signing_key,
    following_the_registry,
    telling_who_was_seen,
    following_discovery,
    staying_registered,
    reporting_health,
    watching_sessions,
    checking_sockets,
]


@pytest.mark.parametrize("failure", [InjectedError(), StorageUnavailableError("away")], ids=type)
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
async def test_a_loop_goes_on_after_rounds_that_failed(
    loop: Callable[[Faulty, pytest.MonkeyPatch], Loop],
    failure: Exception,
    monkeypatch: pytest.MonkeyPatch,
    traces: list[Any],
):
    faulty = Faulty(failure)
    run, give_work = loop(faulty, monkeypatch)
    task = asyncio.create_task(run())  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(30):
            while not faulty.worked.is_set():
                assert not task.done()
                give_work()
                await asyncio.sleep(0)
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert faulty.left == 0
    assert task.cancelled()
    event = "failed" if isinstance(failure, InjectedError) else "interrupted"
    assert event in [line["event"] for line in traces]


# One item of a round


class Reader:
    """An outlet; a broken one cannot be written to."""

    def __init__(self, broken: bool = False) -> None:
        self.user_id = UserId(new_id())
        self.broken = broken
        self.heard = b""
        self.gave_up = False

    def write(self, frames: bytes) -> None:
        if self.broken:
            raise InjectedError
        self.heard += frames

    write_ephemeral = write

    def appeared(self, conversation_id: ConversationId, seq: int) -> None:
        self.write(b"appeared")

    def failed(self) -> None:
        self.gave_up = True

    async def drained(self, resumed_bytes: int) -> None:
        pass


class Fanout:
    def publish(self, channel: str, payload: bytes) -> None:
        pass

    subscribe = unsubscribe = lambda self, channels: None

    async def confirmed(self, channels: Any) -> None:
        pass


async def test_a_socket_that_fails_keeps_nothing_from_the_others():
    async with asyncio.TaskGroup() as tasks:
        store = double(heads=lambda ids: asyncio.sleep(0, dict.fromkeys(ids, 0)))
        hub = Hub(store, Fanout(), tasks)
        readers = [Reader(), Reader(broken=True), Reader()]
        for reader in readers:
            (subscription,) = await hub.attach(reader, [ROOM])
            await hub.start(subscription)
            await hub.watch(reader)
            reader.user_id = ALICE
        entry = message_posted(ROOM, 1)
        hub.committed(ROOM, [entry])
        hub._deliver_ephemeral(ROOM, b"typing", None)
        for reader in readers:
            hub._watchers[ALICE].add(reader)
        hub._tell_appeared(ALICE, ROOM, 1)
        for reader in (readers[0], readers[2]):
            assert reader.heard == publish(entry).frame + b"typing" + b"appeared"
            assert not reader.gave_up
        # What has lost an entry resumes on another connection.
        assert readers[1].gave_up
        hub._watchers.clear()


@pytest.mark.parametrize("failure", [InjectedError(), StorageUnavailableError()], ids=type)
async def test_feeds_that_cannot_be_opened_or_read_fail_those_who_wait_and_no_more(
    failure: Exception,
):
    async with asyncio.TaskGroup() as tasks:
        faulty = Faulty(failure, {ROOM: 3}, left=1)
        entries = [message_posted(ROOM, seq) for seq in range(1, 4)]
        reads = Faulty(failure, (entries, False), left=1)
        hub = Hub(double(heads=faulty, entries_after=reads), Fanout(), tasks)
        with pytest.raises(type(failure)):
            await hub.attach(Reader(), [ROOM])
        for expected in (type(failure), None):
            reader = Reader()
            (subscription,) = await hub.attach(reader, [ROOM])
            with ExitStack() as stack:
                if expected:
                    stack.enter_context(pytest.raises(expected))
                await hub.start(subscription, 0)
            hub.detach(subscription)
        assert reader.heard == b"".join(publish(entry).frame for entry in entries)


async def test_a_row_that_cannot_be_noted_hides_no_other():
    noted = []

    def note(row: int) -> datetime:
        if row == 1:
            raise InjectedError
        noted.append(row)
        return datetime.now(UTC)

    followed = Changes("rows", lambda _: asyncio.sleep(0, [0, 1, 2]), note)
    await followed.refresh()
    assert (noted, followed.loaded) == ([0, 2], True)


async def test_a_watcher_that_fails_hides_presence_from_no_other():
    saw = []

    def fail(_: Any) -> None:
        raise InjectedError

    leases = double(holders=lambda subjects: asyncio.sleep(0, [{BOB} for _ in subjects]))
    looked = a_presence(double(), leases)
    looked._watchers[BOB] |= {
        Watching(fail),
        Watching(saw.append),
        Watching(fail),
    }
    await looked._look_and_tell()
    assert saw == [{BOB: True}]


class Watching:
    user_id = ALICE

    def __init__(self, saw: Callable[[Any], None]) -> None:
        self.saw = saw


async def test_a_mark_that_cannot_be_stored_or_told_keeps_no_other_back():
    stored, told = {}, []

    async def raise_marks(some: dict) -> None:
        if any(user == "u3" for user, _ in some):
            raise InjectedError
        stored.update(some)

    def tell(conversation_id: ConversationId, *_: Any) -> None:
        if conversation_id == "c5":
            raise InjectedError
        told.append(conversation_id)

    kept = Marks(double(raise_marks=raise_marks), tell)
    for number in range(8):
        kept.raise_to(UserId(f"u{number}"), ConversationId(f"c{number}"), read=1)
    await kept._flush()
    assert len(stored) == 7
    assert {"c0", "c1", "c2", "c4", "c6", "c7"} <= set(told)
    stored.clear()
    await kept._flush()
    assert not stored


async def test_a_lease_that_cannot_be_written_keeps_no_other_back():
    written = []

    async def script(keys: list[str], args: list) -> None:
        if "bad" in keys:
            raise InjectedError
        written.extend(keys)

    leases = Leases(double(register_script=lambda _: script))
    for subject in ("a", "bad", "c", "d"):
        leases.take(subject, ALICE)
    await leases._write()
    assert sorted(written) == ["a", "c", "d"]


async def test_a_key_that_cannot_be_read_fails_those_alone_who_asked_for_it():
    began = asyncio.Event()

    async def read(keys: list[str]) -> dict[str, str]:
        began.set()
        await asyncio.sleep(0)
        if "bad" in keys:
            raise InjectedError
        return {key: key.upper() for key in keys}

    reads = GatheredReads(read, 100)
    asked = [asyncio.create_task(reads.of(keys)) for keys in (["x"], ["a", "b"], ["bad"], ["c"])]
    await asyncio.wait(asked)
    assert isinstance(asked[2].exception(), InjectedError)
    assert [task.result()["abxc"[n]] for n, task in ((0, asked[1]), (3, asked[3]))] == ["A", "C"]


def ended(name: str) -> EndedSession:
    return EndedSession(SessionId(name), ALICE, 2**40)


async def test_an_ended_session_that_cannot_be_told_of_hides_no_other():
    heard = []

    def hear(session: EndedSession) -> None:
        if session.session_id == "b":
            raise InjectedError
        heard.append(session.session_id)

    known = EndedSessions()
    ends = SessionEnds(double(), known, hear)
    ends.tell([ended(name) for name in "abc"])
    assert heard == ["a", "c"]
    assert all(SessionId(name) in known for name in "abc")


def failed_login(device: str = "phone") -> LoginFailed:
    return LoginFailed(new_id(), device, "::1", "now")


async def test_an_alert_that_cannot_be_kept_or_told_keeps_no_other_back():
    kept, told = [], []

    async def add(some: list, _: datetime) -> None:
        if any(alert.device == "unkept" for _, alert in some):
            raise InjectedError
        kept.extend(alert.device for _, alert in some)

    def tell(_: UserId, alert: LoginFailed) -> None:
        if alert.device == "untold":
            raise InjectedError
        told.append(alert.device)

    book = AlertBook(double(add=add), double(tell=tell))
    for device in ("a", "unkept", "b", "untold", "c"):
        book.tell(ALICE, failed_login(device))
    await book._keep_some()
    assert kept == ["a", "b", "untold", "c"]
    assert told == ["a", "unkept", "b", "c"]
    assert not book._waiting


async def test_a_device_that_fails_keeps_alerts_from_no_other():
    heard, closed = [], []

    def fail(*_: Any) -> None:
        raise InjectedError

    alerts = Alerts(double(follow=print, unfollow=print, publish=print))
    session = SessionId("s")
    for hear, close in ((fail, fail), (heard.append, lambda *_: closed.append(1))):
        alerts.connect(ALICE, double(session_id=session, hear=hear, close=close))
    alerts.hear(ALICE, failed_login())
    alerts.end(ALICE, session)
    assert (len(heard), len(closed)) == (1, 1)


async def test_an_account_that_cannot_be_erased_keeps_no_other():
    due, finished = [UserId("broken"), BOB], []

    async def claim(*_: Any) -> UserId | None:
        return due.pop(0) if due else None

    async def email_key(user_id: UserId) -> None:
        if user_id == "broken":
            raise InjectedError

    async def finish(user_id: UserId) -> None:
        finished.append(user_id)

    deletions = deletions_of(
        double(claim=claim, email_key=email_key, finish=finish),
        sessions=double(end_others=nothing),
        chat=double(call=lambda *_, **__: asyncio.sleep(0, double(rooms_left=0))),
    )
    task = asyncio.create_task(deletions.run())
    while not finished:
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert finished == [BOB]


async def test_a_socket_that_cannot_be_checked_or_ended_keeps_no_other():
    checked, passed = [], []
    done = asyncio.Event()

    def fail(*_: Any) -> None:
        raise InjectedError

    def check() -> None:
        checked.append(1)
        done.set()

    sockets = [double(check=fail), double(check=check)]
    task = asyncio.create_task(keep_checking(sockets, 0.0))
    await done.wait()
    task.cancel()
    await asyncio.wait([task])
    assert checked

    def end(item: str) -> None:
        if item == "b":
            raise InjectedError
        passed.append(item)
        if len(passed) == 2:
            done.set()

    done.clear()
    deadlines = Deadlines[str](end)
    for item in "abc":
        deadlines.add(1, item)
    await done.wait()
    assert sorted(passed) == ["a", "c"]
