"""What counts as unread: messages that are still there, and having been added. Nothing else."""

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.people import Seat
from tests.system.conftest import wait_for


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice", "Alice Ames"), new_user("bob", "Bob Ngata")


@pytest.fixture(scope="module")
def bob(new_seat, people) -> Seat:
    return new_seat(people[1])


def row(seat: Seat, room_id: str) -> Locator:
    return seat.conversations.locator(f'a[href="/r/{room_id}"]')


def write(user, room_id: str, text: str) -> str:
    body = {"sender_id": user.id, "message": text}
    answer = user.http.post(f"/chat-service/rooms/{room_id}/send", json=body)
    answer.raise_for_status()
    return answer.json()["id"]


def unread(user, room_id: str) -> int:
    """Return what the server counts."""
    listed = user.http.get("/chat-service/conversations").json()["conversations"]
    return next(each["unread"] for each in listed if each["conversation_id"] == room_id)


@pytest.mark.parametrize("is_new", [True, False], ids=["with the room", "later"])
def test_who_is_added_sees_by_whom_until_they_look(bob: Seat, people, is_new: bool):
    alice = people[0]
    room_id = alice.create_room(*([people[1]] if is_new else []), name="Harbour")
    if not is_new:
        write(alice, room_id, "Before his time")
        path = f"/chat-service/rooms/{room_id}/add"
        alice.http.put(path, json={"user_id": people[1].id}).raise_for_status()
    for _ in range(2):
        expect(row(bob, room_id)).to_contain_text("Alice Ames added you")
        expect(row(bob, room_id)).to_contain_text("1 unread")
        bob.page.reload()
    row(bob, room_id).click()
    for _ in range(2):
        expect(bob.page.get_by_role("heading", name="Harbour")).to_be_visible()
        expect(row(bob, room_id)).not_to_contain_text("unread")
        expect(row(bob, room_id)).not_to_contain_text("added you")
        wait_for(lambda: unread(people[1], room_id) == 0, 15, "the server to know")
        bob.page.reload()
    bob.open("/")


def test_messages_that_were_deleted_do_not_count(bob: Seat, people):
    alice = people[0]
    room_id = alice.create_room(people[1], name="Lighthouse")
    row(bob, room_id).click()
    expect(row(bob, room_id)).not_to_contain_text("unread")
    wait_for(lambda: unread(people[1], room_id) == 0, 15, "the server to know")
    bob.open("/")
    ids = [write(alice, room_id, f"message {number}") for number in range(3)]
    expect(row(bob, room_id)).to_contain_text("3 unread")
    for left, message_id in ((2, ids[0]), (1, ids[2])):
        alice.http.delete(f"/chat-service/messages/{message_id}").raise_for_status()
        expect(row(bob, room_id)).to_contain_text(f"{left} unread")
        bob.page.reload()
        expect(row(bob, room_id)).to_contain_text(f"{left} unread")
    alice.http.delete(f"/chat-service/messages/{ids[1]}").raise_for_status()
    expect(row(bob, room_id)).not_to_contain_text("unread")
    bob.page.reload()
    expect(row(bob, room_id)).to_be_visible()
    expect(row(bob, room_id)).not_to_contain_text("unread")


def test_a_reaction_reads_nothing(bob: Seat, people):
    alice = people[0]
    room_id = alice.create_room(people[1], name="Pier")
    message_id = write(alice, room_id, f"@{people[1].username} look")
    expect(row(bob, room_id)).to_contain_text("1 unread")
    people[1].http.put(f"/chat-service/messages/{message_id}/reactions/👍").raise_for_status()
    for _ in range(2):
        expect(row(bob, room_id)).to_contain_text("1 unread")
        expect(row(bob, room_id)).to_contain_text("you were mentioned")
        bob.page.reload()


def test_receipts_begin_when_a_member_comes(new_seat, bob: Seat, people):
    alice = new_seat(people[0])
    room_id = people[0].create_room(name="Crane")
    alice.open(f"/r/{room_id}")
    alice.say("Nobody is here")
    expect(alice.unsent).to_have_count(0)
    path = f"/chat-service/rooms/{room_id}/add"
    people[0].http.put(path, json={"user_id": people[1].id}).raise_for_status()
    bob.open(f"/r/{room_id}")
    expect(bob.message("Nobody is here")).to_be_visible()
    alice.say("Now Bob is")
    expect(alice.message("Now Bob is").get_by_label("Read by 1")).to_be_visible()
    for _ in range(2):
        expect(alice.message("Now Bob is").get_by_label("Read by 1")).to_be_visible()
        expect(alice.message("Nobody is here").get_by_label("Sent")).to_be_visible()
        alice.page.reload()
