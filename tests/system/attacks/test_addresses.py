"""One address, however it is spelled: for limits, places of logins, sessions and alerts alike."""

import grpc
import httpx
import pytest

from chatterroom.pb import users_pb2, users_pb2_grpc

from .services import channel
from .world import CREDENTIALS_BURST, Person, World, new_address

LOGIN = "/user-service/login"
WRONG = {"password": "correct horse"}
SPELLINGS = ("{}", "{}:51234", "::ffff:{}", "::FFFF:{}", "[::ffff:{}]:443", "1.1.1.1, {}:80")
# The default of the user service.
WRONG_PASSWORDS = 10


def log_in(world: World, person: Person, forwarded: str) -> httpx.Response:
    body = {"email": person.email, "password": person.password}
    answer = world.alice.http.post(LOGIN, json=body, headers={"X-Forwarded-For": forwarded})
    if answer.status_code == 200:
        tokens = answer.json()
        world.confidential |= {tokens["token"], tokens["refresh_token"]}
    return answer


def test_sessions_and_alerts_show_one_address_however_the_proxy_spells_it(world: World):
    person = Person(world, "norma")
    heard = set()
    with person.open("/ws/alert") as socket:
        assert socket.is_open
        for spelling in SPELLINGS:
            assert log_in(world, person, spelling.format(person.address)).status_code == 200
            heard.add(socket.hear("login")["address"])
    assert heard == {person.address}
    sessions = person.http.get("/user-service/sessions").json()["sessions"]
    assert {session["address"] for session in sessions} == {person.address}


def test_an_ipv6_address_is_shown_in_its_short_form(world: World):
    person = Person(world, "sixtus")
    for spelling in ("2001:DB8:0:0:0:0:0:7", "[2001:db8::7]:443", "2001:0db8::0007%eth0"):
        assert log_in(world, person, spelling).status_code == 200
    sessions = person.http.get("/user-service/sessions").json()["sessions"]
    assert {session["address"] for session in sessions} == {person.address, "2001:db8::7"}


@pytest.mark.parametrize("suffix", ["", "2001:db8:77:1::"])
def test_other_spellings_of_an_address_have_no_limit_of_their_own(world: World, suffix: str):
    address = new_address()
    statuses = []
    for number in range(CREDENTIALS_BURST + 1):
        spelling = SPELLINGS[number % len(SPELLINGS)].format(address)
        if suffix:
            # All in one network of IPv6.
            spelling = f"[{suffix}{number:x}]:{number}"
        body = {"email": f"nobody{number}@example.org", "password": "short"}
        headers = {"X-Forwarded-For": spelling}
        statuses.append(world.alice.http.post(LOGIN, json=body, headers=headers).status_code)
    assert statuses == [401] * CREDENTIALS_BURST + [429]


def test_row_17_guesses_through_mapped_addresses_lock_no_owner_out(world: World):
    victim = Person(world, "mapped")
    assert log_in(world, victim, f"::ffff:{victim.address}").status_code == 200
    statuses = []
    for _ in range(30):
        headers = {"X-Forwarded-For": f"::ffff:{new_address()}"}
        body = {"email": victim.email, **WRONG}
        statuses.append(world.alice.http.post(LOGIN, json=body, headers=headers).status_code)
    assert set(statuses) == {401, 429}
    for spelling in SPELLINGS:
        assert log_in(world, victim, spelling.format(victim.address)).status_code == 200


def test_what_is_no_address_counts_as_the_proxy(world: World):
    person = Person(world, "odd")
    for claim in ("203.0.113.007", "unknown", "203.0.113.7:99999", "[203.0.113.7]", "localhost"):
        assert log_in(world, person, f"203.0.113.9, {claim}").status_code == 200
    sessions = person.http.get("/user-service/sessions").json()["sessions"]
    assert {session["address"] for session in sessions} == {person.address, "127.0.0.1"}


def test_row_17_nobody_who_calls_past_the_gateway_says_where_they_are(world: World):
    owner, mallory = Person(world, "owner"), Person(world, "mallory")
    metadata = [("authorization", f"Bearer {mallory.token}")]
    named = {"device": "phone", "address": owner.address}
    wrong = users_pb2.LoginUserRequest(email=owner.email, password=WRONG["password"], **named)
    right = users_pb2.LoginUserRequest(email=mallory.email, password=mallory.password, **named)
    with channel(world, "users") as plain:
        users = users_pb2_grpc.UserServiceStub(plain)
        for _ in range(WRONG_PASSWORDS + 2):
            with pytest.raises(grpc.RpcError):
                users.LoginUser(wrong, metadata=metadata, timeout=10)
        tokens = users.LoginUser(right, metadata=metadata, timeout=10)
    world.confidential |= {tokens.token, tokens.refresh_token}
    # The owner's place is not used up.
    owner.log_in()
    sessions = mallory.http.get("/user-service/sessions").json()["sessions"]
    assert {each["address"] for each in sessions} == {mallory.address, "127.0.0.1"}
