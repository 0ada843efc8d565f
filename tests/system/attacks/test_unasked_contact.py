"""Row 2 of "One user against all": reaching people who have not asked for it, over and over."""

from collections import Counter
from typing import Any

import httpx
import pytest

from .world import (
    ADDED_BY_ONE_PER_HOUR,
    ADDED_TO_PER_HOUR,
    FIRST_MESSAGES_PER_HOUR,
    ROOMS_PER_HOUR,
    USER_BURST,
    Person,
    World,
)

# More than the limits on additions and rooms let anybody make.
MANY_ROOMS = 135
LARGEST_MESSAGE = "\U0001f600" * 8_000


@pytest.fixture
def victim(world: World) -> Person:
    return Person(world, "victim")


@pytest.fixture
def flooder(world: World) -> Person:
    return Person(world, "flooder")


def choose(who: Person, **settings: str) -> None:
    answer = who.http.put("/chat-service/contact-settings", json=settings)
    assert answer.status_code == 200, answer.text


def open_room(creator: Person, *members: Person, name: str = "x") -> httpx.Response:
    body = {
        "room_name": name,
        "creator_id": creator.id,
        "members_ids": [member.id for member in members],
    }
    return creator.http.post("/chat-service/rooms/create", json=body)


def write(sender: Person, receiver: Person, message: str = "hello") -> httpx.Response:
    body = {"sender_id": sender.id, "receiver_id": receiver.id, "message": message}
    return sender.http.post("/chat-service/private/send", json=body)


def waiting(who: Person, **page: Any) -> dict[str, Any]:
    answer = who.http.get("/chat-service/requests", params=page)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(who: Person) -> list[dict[str, Any]]:
    answer = who.http.get("/chat-service/conversations", params={"limit": 200})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["conversations"]
    return found


def outcome(answer: httpx.Response) -> str:
    if answer.status_code == 200:
        return "done"
    assert answer.status_code == 429, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    policy: str = answer.json()["policy"]
    return policy


def test_row_2_rooms_with_a_victim_are_limited_and_their_list_works(
    victim: Person, flooder: Person
):
    outcomes: Counter[str] = Counter()
    for number in range(MANY_ROOMS):
        answer = open_room(flooder, victim)
        outcomes[outcome(answer)] += 1
        if answer.status_code == 200 and number < 20:
            flooder.write(answer.json()["room_id"], LARGEST_MESSAGE)
    assert outcomes["rooms created"] > 0
    # What refills during the test is one room in a minute.
    assert ROOMS_PER_HOUR <= outcomes["done"] <= ROOMS_PER_HOUR + 5
    assert MANY_ROOMS < USER_BURST
    assert listed(victim)
    assert write(victim, flooder, "stop it").status_code == 200


def test_row_2_many_accounts_do_not_fill_one_list_either(world: World, victim: Person):
    outcomes: Counter[str] = Counter()
    for _ in range(3):
        flooder = Person(world, "flooder")
        for _ in range(40):
            outcomes[outcome(open_room(flooder, victim))] += 1
    assert outcomes["being added to rooms"] > 0
    assert ADDED_TO_PER_HOUR <= outcomes["done"] <= ADDED_TO_PER_HOUR + 5


def test_row_2_adding_one_by_one_counts_as_well(world: World, victim: Person):
    outcomes: Counter[str] = Counter()
    for _ in range(3):
        flooder = Person(world, "flooder")
        for _ in range(40):
            room = flooder.create_room() if outcomes["done"] < ROOMS_PER_HOUR else None
            if room is None:
                break
            path = f"/chat-service/rooms/{room}/add"
            outcomes[outcome(flooder.http.put(path, json={"user_id": victim.id}))] += 1
            body = {"user_id": victim.id}
            victim.http.put(f"/chat-service/rooms/{room}/leave", json=body)
    assert outcomes["done"] <= ADDED_TO_PER_HOUR + 5


def test_row_2_somebody_added_and_removed_over_and_over_can_still_be_added_by_others(
    world: World, flooder: Person
):
    victims = [Person(world, "victim") for _ in range(2)]
    room = flooder.create_room()
    for victim in victims:
        outcomes: Counter[str] = Counter()
        # Each round costs two changes, of which some refill meanwhile.
        for _ in range(ADDED_BY_ONE_PER_HOUR + 5):
            path = f"/chat-service/rooms/{room}/{{}}"
            added = flooder.http.put(path.format("add"), json={"user_id": victim.id})
            outcomes[outcome(added)] += 1
            victim.http.put(path.format("leave"), json={"user_id": victim.id})
        assert outcomes["adding the same person to rooms"] > 0
        assert ADDED_BY_ONE_PER_HOUR <= outcomes["done"] <= ADDED_BY_ONE_PER_HOUR + 2
        friend = Person(world, "friend")
        assert open_room(friend, victim).status_code == 200


def test_row_2_first_messages_are_limited(world: World, flooder: Person):
    people = [Person(world, "victim") for _ in range(FIRST_MESSAGES_PER_HOUR + 3)]
    outcomes = Counter(outcome(write(flooder, each)) for each in people)
    assert outcomes["first messages"] > 0
    assert FIRST_MESSAGES_PER_HOUR <= outcomes["done"] <= FIRST_MESSAGES_PER_HOUR + 2
    assert write(flooder, people[0], "a second one").status_code == 200


@pytest.mark.parametrize("choice", ["shared", "nobody"])
def test_row_2_who_must_be_asked_is_not_reached(victim: Person, flooder: Person, choice: str):
    choose(victim, add_to_rooms=choice, message_first=choice)
    with victim.open() as socket:
        socket.hear("ready")
        socket.say(type="resume")
        socket.hear("resumed")
        opened = open_room(flooder, victim, name="Come in")
        assert opened.json()["invited_ids"] == [victim.id]
        assert socket.hear("request_received")["room_name"] == "Come in"
        sent = write(flooder, victim)
        assert (sent.status_code, sent.json()["seq"]) == (200, 1)
        assert socket.hear("request_received")["kind"] == "message"
    assert listed(victim) == []
    requests = waiting(victim)
    assert [(each["kind"], each["user_id"]) for each in requests["requests"]] == [
        ("message", flooder.id),
        ("room", flooder.id),
    ]
    assert requests["total"] == 2
    presence = flooder.http.get("/chat-service/presence", params={"ids": victim.id}).json()
    assert not presence["users"][0]["online"]


def test_row_2_writing_on_without_being_accepted_ends(victim: Person, flooder: Person):
    choose(victim, message_first="nobody")
    answers = [write(flooder, victim, LARGEST_MESSAGE) for _ in range(14)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [403] * 4
    assert {answer.json()["code"] for answer in answers[10:]} == {"not_accepted"}
    (request,) = waiting(victim)["requests"]
    assert len(request["preview"]) == 200
    path = f"/chat-service/requests/{request['conversation_id']}/decline"
    assert victim.http.put(path).status_code == 200
    assert waiting(victim)["requests"] == []
    assert write(flooder, victim).json()["code"] == "not_accepted"
    assert (waiting(victim)["requests"], listed(victim)) == ([], [])


def test_row_2_a_flood_of_invitations_is_bounded_and_a_block_ends_it(
    victim: Person, flooder: Person
):
    choose(victim, add_to_rooms="nobody")
    outcomes = Counter(outcome(open_room(flooder, victim)) for _ in range(MANY_ROOMS))
    assert outcomes["done"] <= ROOMS_PER_HOUR + 5
    shown = waiting(victim, limit=200)
    assert len(shown["requests"]) == shown["total"] == outcomes["done"]
    assert listed(victim) == []
    assert victim.http.put(f"/chat-service/blocks/{flooder.id}").status_code == 200
    assert waiting(victim) == {"requests": [], "next_cursor": "", "total": 0}


def test_row_2_nobody_accepts_for_another_or_what_was_never_asked(
    victim: Person, flooder: Person, mallory: Person
):
    choose(victim, add_to_rooms="nobody", message_first="nobody")
    room = open_room(flooder, victim).json()["room_id"]
    chat = write(flooder, victim).json()["conversation_id"]
    for who in (mallory, flooder):
        for asked in (room, chat):
            for answer in ("accept", "decline"):
                refused = who.http.put(f"/chat-service/requests/{asked}/{answer}")
                assert (refused.status_code, refused.json()["code"]) == (404, "request_not_found")
    assert waiting(victim)["total"] == 2


def test_row_2_nobody_uses_up_what_others_may_do_to_a_person(
    world: World, victim: Person, flooder: Person
):
    """Additions that are refused, or were made before, do not count against the victim."""
    honest = Person(world, "honest")
    room = honest.create_room()
    for _ in range(ADDED_TO_PER_HOUR + 5):
        path = f"/chat-service/rooms/{room}/add"
        assert flooder.http.put(path, json={"user_id": victim.id}).status_code == 404
    assert outcome(open_room(honest, victim)) == "done"
