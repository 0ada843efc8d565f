"""What happened to a room is shown to all who may read it, whenever they come."""

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat


@pytest.fixture(scope="module")
def people(new_user):
    names = {"alice": "Alice Ames", "bob": "Bob Ngata", "carol": "Carol Reyes"}
    return [new_user(name, shown) for name, shown in names.items()]


def notices(seat: Seat) -> list[str]:
    """Return the notices between the messages, without their times."""
    return seat.log.locator("p:has(> time) > bdi").all_inner_texts()


def test_a_room_with_a_single_message_shows_what_happened_before_it(new_seat, people):
    alice, bob, carol = people
    room_id = alice.create_room(bob, name="Ferry")
    room = f"/chat-service/rooms/{room_id}"
    alice.http.put(f"{room}/add", json={"user_id": carol.id}).raise_for_status()
    body = {"sender_id": alice.id, "message": "The only one"}
    alice.http.post(f"{room}/send", json=body).raise_for_status()
    seat = new_seat(bob)
    seat.open(f"/r/{room_id}")
    for _ in range(2):
        expect(seat.log.get_by_text("Alice Ames added Carol Reyes")).to_be_visible()
        expect(seat.log.get_by_text("Alice Ames created the room “Ferry”")).to_be_visible()
        seat.page.reload()


def test_who_is_mentioned_stays_marked_after_they_rename(new_seat, new_user, people):
    alice, ada = people[0], new_user("ada")
    room_id = alice.create_room(ada, people[1], name="Lock")
    body = {"sender_id": alice.id, "message": f"Ask @{ada.username} first"}
    alice.http.post(f"/chat-service/rooms/{room_id}/send", json=body).raise_for_status()
    renamed = ada.http.patch("/user-service/me", json={"username": f"x-{ada.username}"[:32]})
    renamed.raise_for_status()
    seat = new_seat(people[1])
    seat.open(f"/r/{room_id}")
    mention = seat.log.get_by_role("button", name=f"@{ada.username}", exact=True)
    for _ in range(2):
        expect(mention).to_be_visible()
        seat.page.reload()


def test_who_was_away_and_who_reloads_see_what_happened_to_a_room(new_seat, people):
    alice, bob, carol = people
    room_id = alice.create_room(bob, name="Mill")
    room = f"/chat-service/rooms/{room_id}"

    def write(text: str) -> None:
        body = {"sender_id": alice.id, "message": text}
        alice.http.post(f"{room}/send", json=body).raise_for_status()

    write("First")
    alice.http.patch(room, json={"room_name": "Windmill"}).raise_for_status()
    alice.http.patch(room, json={"settings": {"adding": "admins"}}).raise_for_status()
    alice.http.put(f"{room}/add", json={"user_id": carol.id}).raise_for_status()
    write("Second")
    path = f"{room}/members/{carol.id}"
    alice.http.put(f"{path}/role", json={"role": "admin"}).raise_for_status()
    alice.http.delete(path).raise_for_status()
    expected = [
        "Alice Ames created the room “Mill”",
        "Alice Ames renamed the room to “Windmill”",
        "Alice Ames changed the room settings",
        "Alice Ames added Carol Reyes",
        "Alice Ames made Carol Reyes an admin",
        "Alice Ames removed Carol Reyes",
    ]
    seat = new_seat(bob)
    seat.open(f"/r/{room_id}")
    for _ in range(2):
        expect(seat.log.get_by_text(expected[-1])).to_be_visible()
        assert [text for text in notices(seat) if text in expected] == expected
        # In their places among the messages.
        text = seat.log.inner_text()
        order = [text.index(part) for part in ("created", "First", "renamed", "Second", "removed")]
        assert order == sorted(order)
        seat.page.reload()
