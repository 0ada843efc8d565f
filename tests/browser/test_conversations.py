"""Two people, two browsers, one conversation."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice"), new_user("bob")


@pytest.fixture(scope="module")
def seats(new_seat, people) -> tuple[Seat, Seat]:
    alice, bob = people
    return new_seat(alice), new_seat(bob)


@pytest.fixture
def room(people, seats, request) -> tuple[Seat, Seat]:
    """Alice and Bob, both looking at a new room."""
    alice, bob = people
    room_id = alice.create_room(bob, name="Kitchen")
    for seat in seats:
        seat.open(f"/r/{room_id}")
        expect(seat.page.get_by_role("heading", name="Kitchen")).to_be_visible()
    return seats


def test_somebody_registers_and_is_logged_in(new_seat):
    seat = new_seat()
    page = seat.page
    page.goto("/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill("newcomer")
    page.get_by_label("Email").fill("newcomer@example.org")
    page.get_by_label("Password", exact=True).fill("a kettle on the moon")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="No conversations yet")).to_be_visible()
    seat.log_out()


def test_a_private_message_arrives_while_both_look(seats, people):
    alice, bob = seats
    alice.open(f"/u/{people[1].id}")
    bob.open(f"/u/{people[0].id}")
    alice.say("Is the kettle on?")
    expect(bob.message("Is the kettle on?")).to_be_visible()
    expect(alice.message("Is the kettle on?").get_by_label("Read")).to_be_visible()
    bob.composer.press_sequentially("It")
    expect(alice.page.locator("main").get_by_text("is typing…")).to_be_visible()
    bob.say("It is.")
    expect(alice.message("It is.")).to_be_visible()


def test_a_room_is_made_and_found_by_the_one_who_was_added(seats, people):
    alice, bob = seats
    page = alice.page
    dialog = alice.start_room()
    dialog.get_by_label("Name", exact=True).fill("Garden")
    dialog.get_by_role("combobox", name="Members").fill(people[1].username)
    dialog.get_by_role("option", name=people[1].username).click()
    dialog.get_by_role("button", name="Create room").click()
    expect(page.get_by_role("heading", name="Garden")).to_be_visible()
    alice.say("The tomatoes are red.")
    row = bob.conversations.get_by_role("link").filter(has_text="Garden")
    expect(row).to_contain_text("The tomatoes are red.")
    expect(row).to_contain_text("1 unread")
    row.click()
    expect(bob.message("The tomatoes are red.")).to_be_visible()
    expect(row).not_to_contain_text("unread")


def test_an_edit_is_seen_by_the_other(room):
    alice, bob = room
    alice.say("Soup at twelve")
    expect(bob.message("Soup at twelve")).to_be_visible()
    expect(alice.message("Soup at twelve").get_by_label("Read by 1")).to_be_visible()
    alice.act("Soup at twelve", "Edit")
    alice.say("Soup at one")
    expect(bob.message("Soup at one")).to_contain_text("edited")
    expect(bob.message("Soup at twelve")).to_have_count(0)


def test_a_reaction_is_seen_by_the_other_and_taken_back(room):
    alice, bob = room
    alice.say("Cake!")
    bob.act("Cake!", "React with 🎉")
    reaction = alice.message("Cake!").get_by_role("button", name=re.compile("🎉 1"))
    expect(reaction).to_be_visible()
    reaction.click()
    expect(bob.message("Cake!").get_by_role("button", name=re.compile("🎉 2"))).to_be_visible()
    reaction = bob.message("Cake!").get_by_role("button", name=re.compile("🎉 2"))
    reaction.click()
    expect(alice.message("Cake!").get_by_role("button", name=re.compile("🎉 1"))).to_be_visible()


def test_a_deleted_message_disappears_for_the_other(room):
    alice, bob = room
    alice.say("The secret recipe")
    expect(bob.message("The secret recipe")).to_be_visible()
    alice.act("The secret recipe", "Delete")
    alice.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(bob.message("This message was deleted")).to_be_visible()
    expect(bob.message("The secret recipe")).to_have_count(0)


def test_a_reply_shows_what_it_answers(room):
    alice, bob = room
    alice.say("Who brings bread?")
    bob.act("Who brings bread?", "Reply")
    bob.say("I do")
    reply = alice.message("I do")
    expect(reply.get_by_role("button", name="In reply to")).to_contain_text("Who brings bread?")


def test_a_pinned_message_stands_in_the_panel_of_the_other(room):
    alice, bob = room
    alice.say("The code of the door is in the drawer")
    alice.act("The code of the door", "Pin")
    bob.page.get_by_role("button", name="About this room").click()
    panel = bob.page.get_by_role("region", name="About this room")
    expect(panel.get_by_role("link", name="The code of the door")).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(bob.message("The code of the door")).to_contain_text("pinned")


def test_a_mention_is_completed_with_keys_and_marked_for_the_mentioned(room, people):
    alice, bob = room
    alice.composer.press_sequentially(f"Ask @{people[1].username[:6]}")
    suggestions = alice.page.get_by_role("listbox", name="Members")
    expect(suggestions.get_by_role("option", name=people[1].username)).to_be_visible()
    alice.composer.press("Enter")
    expect(alice.composer).to_have_value(f"Ask @{people[1].username} ")
    alice.composer.press_sequentially("about the bread")
    alice.composer.press("Enter")
    mentioning = bob.message("about the bread")
    expect(mentioning).to_have_attribute("data-mentions-self", "true")
