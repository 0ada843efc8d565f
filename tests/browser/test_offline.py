"""The network goes, the chat service dies; nothing is lost, doubled or out of order."""

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat
from tests.system.conftest import Platform


@pytest.fixture
def seats(new_user, new_seat) -> tuple[Seat, Seat]:
    alice, bob = new_user("alice"), new_user("bob")
    room_id = alice.create_room(bob, name="Ship")
    seats = new_seat(alice), new_seat(bob)
    for seat in seats:
        seat.open(f"/r/{room_id}")
    seats[0].say("Anchor up")
    for seat in seats:
        expect(seat.message("Anchor up")).to_be_visible()
        seat.expects_network_errors = True
    return seats


def test_what_is_written_offline_and_while_the_chat_service_dies_is_there_once_and_in_order(
    seats: tuple[Seat, Seat], platform: Platform
):
    alice, bob = seats
    alice.context.set_offline(offline=True)
    expect(alice.page.get_by_text("You're offline.", exact=True)).to_be_visible()
    offline = [f"Written offline {number}" for number in range(1, 6)]
    for text in offline:
        alice.say(text)
    expect(alice.unsent).to_have_count(len(offline))

    online = [f"Said meanwhile {number}" for number in range(1, 6)]
    for text in online[:3]:
        bob.say(text)
    killed = platform.processes("chat")
    for process in killed:
        process.kill()
    for text in online[3:]:
        bob.say(text)
    alice.context.set_offline(offline=False)

    for seat in seats:
        expect(seat.log.locator("article p[dir=auto]")).to_have_count(11)
        expect(seat.unsent).to_have_count(0)
    assert alice.texts() == bob.texts()
    assert [text for text in alice.texts() if text in offline] == offline
    assert [text for text in alice.texts() if text in online] == online
    assert not {process.pid for process in killed} & {
        process.pid for process in platform.processes("chat")
    }


def test_a_message_written_offline_outlives_a_closed_page(seats: tuple[Seat, Seat]):
    alice, bob = seats
    alice.context.set_offline(offline=True)
    alice.say("Land in sight")
    expect(alice.unsent).to_have_count(1)
    path = alice.page.evaluate("location.pathname")
    alice.page.goto("about:blank")
    alice.context.set_offline(offline=False)
    alice.page.goto(path)
    expect(bob.message("Land in sight")).to_have_count(1)
    expect(alice.message("Land in sight").get_by_label("Read by 1")).to_be_visible()


def test_a_server_that_stops_answering_is_noticed_and_what_was_there_stays_in_sight(
    seats: tuple[Seat, Seat], platform: Platform
):
    alice, _ = seats
    frozen = platform.processes("chat")
    for process in frozen:
        process.suspend()
    try:
        # While nobody writes, too.
        expect(alice.page.get_by_text("Reconnecting…")).to_be_visible()
        alice.say("Is anybody there?")
        alice.page.reload()
        expect(alice.message("Anchor up")).to_be_visible()
        expect(alice.message("Is anybody there?")).to_be_visible()
        expect(
            alice.conversations.get_by_role("link").filter(has_text="Ship").first
        ).to_be_visible()
        expect(alice.composer).to_be_visible()
        expect(alice.page.get_by_text("Loading messages")).to_have_count(0)
    finally:
        for process in frozen:
            process.resume()
    expect(alice.unsent).to_have_count(0)
    expect(alice.page.get_by_text("Connecting…")).to_have_count(0)
    expect(alice.message("Is anybody there?")).to_have_count(1)


def test_a_page_that_is_opened_again_has_what_happened_meanwhile(seats: tuple[Seat, Seat]):
    alice, bob = seats
    path = alice.page.evaluate("location.pathname")
    alice.page.goto("about:blank")
    bob.act("Anchor up", "React with 👍")
    bob.say("We sail")
    expect(bob.unsent).to_have_count(0)
    alice.page.goto(path)
    expect(alice.message("We sail")).to_be_visible()
    expect(alice.message("Anchor up").get_by_role("button", name="👍 1")).to_be_visible()
