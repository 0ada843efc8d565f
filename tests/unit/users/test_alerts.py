from dataclasses import dataclass, field

import msgspec
import pytest

from chatterroom.core.ids import SessionId, UserId
from chatterroom.sockets.frames import CloseCode
from chatterroom.users.alert_protocol import Ack, Pong, Problem, answer_to
from chatterroom.users.alerts import (
    Alerts,
    LoggedIn,
    LoginFailed,
    PasswordChanged,
    ProfileChanged,
    SecondFactorChanged,
    SessionEnded,
)

ALICE, BOB = UserId("alice"), UserId("bob")
FAILED = LoginFailed("a1", "phone", "::1", "now")


@dataclass(eq=False)
class FakeDevice:
    session_id: SessionId
    heard: list[object] = field(default_factory=list)
    closed: CloseCode | None = None

    def hear(self, alert):
        self.heard.append(alert)

    def close(self, code, reason):
        del reason
        self.closed = code


@dataclass
class FakeChannel:
    followed: set[UserId] = field(default_factory=set)
    published: list[object] = field(default_factory=list)

    def follow(self, user_id):
        assert user_id not in self.followed
        self.followed.add(user_id)

    def unfollow(self, user_id):
        self.followed.remove(user_id)

    def publish(self, user_id, event):
        self.published.append((user_id, event))


@pytest.fixture
def channel():
    return FakeChannel()


@pytest.fixture
def alerts(channel):
    return Alerts(channel)


def logged_in(session):
    return LoggedIn("a2", "phone", "::1", "now", SessionId(session))


def test_a_login_is_heard_by_the_other_devices_of_the_user_only(alerts):
    old, new, of_bob = FakeDevice("old"), FakeDevice("new"), FakeDevice("bobs")
    alerts.connect(ALICE, old)
    alerts.connect(ALICE, new)
    alerts.connect(BOB, of_bob)
    alerts.tell(ALICE, logged_in("new"))
    assert (len(old.heard), len(new.heard), len(of_bob.heard)) == (1, 0, 0)


@pytest.mark.parametrize(
    "alert",
    [
        PasswordChanged("a3", "phone", "::1", "now", SessionId("own")),
        SecondFactorChanged("a3", "phone", "::1", "now", SessionId("own"), True),
        SessionEnded(
            "a3", "phone", "::1", "now", SessionId("gone"), "ended_by_user", SessionId("own")
        ),
    ],
    ids=lambda alert: type(alert).__name__,
)
def test_what_a_session_has_done_is_heard_by_the_others(alerts, alert):
    own, other = FakeDevice("own"), FakeDevice("other")
    alerts.connect(ALICE, own)
    alerts.connect(ALICE, other)
    alerts.tell(ALICE, alert)
    assert (own.heard, other.heard) == ([], [alert])


def test_a_changed_profile_is_heard_by_all_devices(alerts):
    device = FakeDevice("one")
    alerts.connect(ALICE, device)
    alerts.tell(ALICE, ProfileChanged())
    assert device.heard == [ProfileChanged()]


def test_a_failed_attempt_is_heard_by_all_devices(alerts, channel):
    devices = [FakeDevice("one"), FakeDevice("two")]
    for device in devices:
        alerts.connect(ALICE, device)
    alerts.tell(ALICE, FAILED)
    assert [device.heard for device in devices] == [[FAILED], [FAILED]]
    assert channel.published == [(ALICE, FAILED)]


def test_what_comes_from_the_channel_is_not_sent_back(alerts, channel):
    alerts.hear(ALICE, FAILED)
    assert not channel.published


def test_a_user_is_followed_from_the_first_device_to_the_last(alerts, channel):
    one, two = FakeDevice("one"), FakeDevice("two")
    alerts.connect(ALICE, one)
    alerts.connect(ALICE, two)
    alerts.disconnect(ALICE, one)
    assert channel.followed == {ALICE}
    alerts.disconnect(ALICE, two)
    assert not channel.followed


def test_the_end_of_a_session_disconnects_its_devices_only(alerts):
    one, two = FakeDevice("one"), FakeDevice("two")
    alerts.connect(ALICE, one)
    alerts.connect(ALICE, two)
    alerts.end(ALICE, SessionId("one"))
    assert one.closed is CloseCode.TOKEN_EXPIRED
    assert two.closed is None
    assert not two.heard


async def test_close_disconnects_everybody_and_does_not_wait_for_ever(alerts):
    device = FakeDevice("one")
    alerts.connect(ALICE, device)
    await alerts.close(0.01)
    assert device.closed is CloseCode.SERVICE_RESTART


@pytest.mark.parametrize("ref", ["r1", 7, None])
def test_a_ping_gets_a_pong_with_its_ref(ref):
    assert answer_to(msgspec.json.encode({"type": "ping", "ref": ref})) == Pong(ref)


def test_an_ack_is_read():
    assert answer_to(b'{"type":"ack","alert_id":"a1","ref":2}') == Ack("a1", 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "malformed_json"),
        (b"hello", "malformed_json"),
        (b'{"type":"ping"', "malformed_json"),
        (b"[" * 60_000, "invalid_request"),
        (b'{"a":' * 10_000, "malformed_json"),
        (b'{"type":"ping","ref":"\\ud800"}', "malformed_json"),
        (b"[]", "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"type":"dance"}', "invalid_request"),
        (b'{"type":{"$ne":1}}', "invalid_request"),
        (b'{"type":"ack"}', "invalid_request"),
        (b'{"type":"ack","alert_id":5}', "invalid_request"),
        (b'{"type":"ping","ref":' + b"9" * 5000 + b"}", "invalid_request"),
    ],
)
def test_everything_else_is_answered_with_an_error(text, code):
    answer = answer_to(text)
    assert isinstance(answer, Problem)
    assert answer.code == code


def test_an_error_carries_the_ref_where_it_can_be_read():
    assert answer_to(b'{"type":"dance","ref":"r9"}').ref == "r9"
