"""A message that the platform refuses is shown as such, until one decides what becomes of it."""

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.people import Seat


@pytest.fixture
def seats(new_user, new_seat) -> tuple[Seat, Seat]:
    """Alice and Bob in their private chat, where Bob has blocked Alice without her knowing."""
    alice, bob = new_user("alice"), new_user("bob")
    seats = new_seat(alice), new_seat(bob)
    seats[0].open(f"/u/{bob.id}")
    seats[1].open(f"/u/{alice.id}")
    seats[0].say("Hello")
    expect(seats[1].message("Hello")).to_be_visible()
    bob.http.put(f"/chat-service/blocks/{alice.id}").raise_for_status()
    expect(seats[1].page.get_by_role("button", name="Unblock")).to_be_visible()
    return seats


def refused(seat: Seat, text: str) -> Locator:
    return seat.page.get_by_role("article", name="Your message, not sent").filter(has_text=text)


def test_what_was_discarded_is_gone_for_good(seats):
    alice, bob = seats
    alice.say("Are you cross with me?")
    failed = refused(alice, "Are you cross with me?")
    expect(failed).to_contain_text("Not sent.")
    expect(alice.unsent).to_have_count(0)
    expect(alice.conversations).to_contain_text("Message not sent")
    failed.get_by_role("button", name="Discard").click()
    expect(failed).to_have_count(0)
    expect(alice.conversations).not_to_contain_text("Message not sent")
    alice.page.reload()
    expect(alice.message("Hello")).to_be_visible()
    assert alice.texts() == bob.texts() == ["Hello"]


def test_what_is_tried_again_is_sent_once_as_soon_as_that_is_permitted(seats):
    alice, bob = seats
    alice.say("Sorry!")
    expect(refused(alice, "Sorry!")).to_contain_text("Not sent.")
    alice.page.reload()
    failed = refused(alice, "Sorry!")
    expect(failed).to_contain_text("Not sent.")
    bob.page.get_by_role("button", name="Unblock").click()
    expect(bob.composer).to_be_visible()
    failed.get_by_role("button", name="Try again").click()
    expect(bob.message("Sorry!")).to_be_visible()
    expect(alice.message("Sorry!").get_by_label("Read")).to_be_visible()
    bob.say("Never mind")
    expect(alice.message("Never mind")).to_be_visible()
    for seat in seats:
        assert seat.texts() == ["Hello", "Sorry!", "Never mind"]
