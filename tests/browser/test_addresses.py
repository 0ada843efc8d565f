"""Addresses of what one may not see, or not any more, and rooms that hide their past."""

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat

GARBAGE = ["garbage!", "0", "01kax3v7f2m8q4r9t6w1y5z0bc0", "p01kax3v7f2m8q4r9t6w1y5z0b"]


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice", "Alice Ames"), new_user("bob")


@pytest.fixture(scope="module")
def seats(new_seat, people) -> tuple[Seat, Seat]:
    return tuple(new_seat(user) for user in people)


def write(user, room_id: str, text: str) -> None:
    body = {"sender_id": user.id, "message": text}
    user.http.post(f"/chat-service/rooms/{room_id}/send", json=body).raise_for_status()


def add(user, room_id: str, other) -> None:
    path = f"/chat-service/rooms/{room_id}/add"
    user.http.put(path, json={"user_id": other.id}).raise_for_status()


def dead_end(seat: Seat, title: str) -> None:
    """See why nothing is shown, that one cannot write there, and go back."""
    expect(seat.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(seat.composer).to_have_count(0)
    seat.page.get_by_role("link", name="Back to your conversations").click()
    expect(seat.page.locator("main h1")).not_to_have_text(title)
    assert seat.page.evaluate("location.pathname") == "/"


def test_a_room_one_is_not_in_cannot_be_written_to(seats, people):
    _alice, bob = seats
    room_id = people[0].create_room(name="Vault")
    write(people[0], room_id, "The code is 1234")
    for path in (f"/r/{room_id}", f"/r/{room_id}?at={room_id}-000000000002", "/r/garbage!"):
        bob.page.goto(path)
        dead_end(bob, "You can't view this room")


def test_who_is_removed_while_looking_is_told_so(seats, people):
    _alice, bob = seats
    room_id = people[0].create_room(people[1], name="Bridge")
    bob.open(f"/r/{room_id}")
    expect(bob.composer).to_be_visible()
    bob.composer.fill("half a sentence")
    people[0].http.delete(
        f"/chat-service/rooms/{room_id}/members/{people[1].id}"
    ).raise_for_status()
    dead_end(bob, "You were removed from Bridge")
    bob.page.goto(f"/r/{room_id}")
    dead_end(bob, "You can't view this room")


def test_who_leaves_comes_back_to_the_list_in_every_tab(seats, people):
    _alice, bob = seats
    room_id = people[0].create_room(people[1], name="Boat")
    other = bob.context.new_page()
    other.goto(f"/r/{room_id}")
    expect(other.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
    bob.open(f"/r/{room_id}")
    bob.page.get_by_role("button", name="About this room").click()
    bob.page.get_by_role("button", name="Leave room").click()
    bob.page.get_by_role("button", name="Leave", exact=True).click()
    for page in (bob.page, other):
        expect(page.get_by_role("status").filter(has_text="You left Boat.")).to_be_visible()
        expect(page.get_by_role("textbox", name="Message", exact=True)).to_have_count(0)
        assert page.evaluate("location.pathname") == "/"
    expect(bob.conversations.get_by_role("link", name="Boat")).to_have_count(0)
    other.close()


@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_address_of_nobody_says_so_and_spoils_nothing(seats, people, garbage):
    alice, _ = seats
    asked = []
    alice.page.on("request", lambda request: asked.append(request.url))
    alice.page.goto(f"/u/{garbage}")
    own = alice.page.get_by_role("button", name="your account")
    expect(own).to_contain_text("Alice Ames")
    dead_end(alice, "There is no such person")
    assert not [url for url in asked if "ids=" in url and "garbage" in url]


def test_there_is_no_chat_with_oneself(seats, people):
    alice, _ = seats
    alice.page.goto(f"/u/{people[0].id}")
    dead_end(alice, "This is you")


def test_an_id_of_nobody_is_no_person(seats, people):
    alice, _ = seats
    alice.page.goto("/u/01kax3v7f2m8q4r9t6w1y5z0bc")
    dead_end(alice, "There is no such person")


def test_a_newcomer_to_a_room_with_hidden_history_can_write_at_once(seats, people):
    _alice, bob = seats
    room_id = people[0].create_room(name="Attic")
    settings = {"settings": {"history": "since_joining"}}
    people[0].http.patch(f"/chat-service/rooms/{room_id}", json=settings).raise_for_status()
    for number in range(3):
        write(people[0], room_id, f"before {number}")
    add(people[0], room_id, people[1])
    bob.page.goto(f"/r/{room_id}")
    told = "You joined just now. Earlier messages are hidden."
    expect(bob.page.get_by_text(told)).to_be_visible()
    bob.say("Hello from below")
    expect(bob.message("Hello from below")).to_be_visible()
    expect(bob.unsent).to_have_count(0)
    expect(bob.page.get_by_text("Loading messages")).to_have_count(0)
    bob.page.reload()
    expect(bob.message("Hello from below")).to_be_visible()
    expect(bob.page.get_by_text("Earlier messages are hidden.")).to_be_visible()
    expect(bob.page.get_by_text("before")).to_have_count(0)
    # Who is there already when it happens sees the same.
    second = people[0].create_room(name="Cellar")
    people[0].http.patch(f"/chat-service/rooms/{second}", json=settings).raise_for_status()
    write(people[0], second, "before")
    add(people[0], second, people[1])
    row = bob.conversations.get_by_role("link").filter(has_text="Cellar")
    row.click()
    expect(bob.page.get_by_text(told)).to_be_visible()
    bob.say("And hello from the cellar")
    expect(bob.message("And hello from the cellar")).to_be_visible()
