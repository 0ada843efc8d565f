"""Several tabs of one user: each keeps what is written in it. And what a logout leaves behind."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.people import Seat


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice"), new_user("bob")


@pytest.fixture
def seat(new_seat, people) -> Seat:
    return new_seat(people[0])


def composer(page: Page):
    return page.get_by_role("textbox", name="Message", exact=True)


def test_each_tab_keeps_its_own_draft_and_a_new_one_takes_up_the_last(seat: Seat, people):
    room, _other_room = (people[0].create_room(name=name) for name in ("Soup", "Tea"))
    one, two = seat.page, seat.context.new_page()
    for page in (one, two):
        page.goto(f"/r/{room}")
    composer(one).fill("in the first tab")
    composer(two).fill("in the second tab")
    for page, text in ((one, "in the first tab"), (two, "in the second tab")):
        page.get_by_role("link").filter(has_text="Tea").click()
        expect(composer(page)).to_have_value("")
        page.go_back()
        expect(composer(page)).to_have_value(text)
        page.reload()
        expect(composer(page)).to_have_value(text)
    three = seat.context.new_page()
    three.goto(f"/r/{room}")
    expect(composer(three)).to_have_value("in the second tab")
    three.close()
    composer(two).press("Enter")
    expect(seat.message("in the second tab")).to_be_visible()
    expect(composer(one)).to_have_value("in the first tab")
    composer(one).fill("")
    two.close()


def test_a_logout_asks_before_it_deletes_what_was_not_sent(seat: Seat, people):
    room = people[0].create_room(name="Secret plans")
    seat.open(f"/r/{room}")
    seat.composer.fill("not yet finished")
    menu = seat.page.get_by_role("button", name="your account")

    def ask():
        menu.click()
        seat.page.get_by_role("menuitem", name="Log out").click()
        return seat.page.get_by_role("dialog", name="Log out?")

    dialog = ask()
    expect(dialog).to_contain_text("You have a draft in this browser.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(seat.composer).to_have_value("not yet finished")
    ask().get_by_role("button", name="Delete and log out").click()
    expect(seat.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert seat.page.evaluate("location.pathname") == "/"
    kept = seat.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    for secret in ("not yet finished", "Secret plans", people[0].id, room):
        assert secret not in kept
    # The next person at this browser comes to a list of their own.
    seat.give_password(people[1])
    expect(seat.conversations).to_be_visible()
    assert seat.page.evaluate("location.pathname") == "/"
    expect(seat.page.get_by_text("Secret plans")).to_have_count(0)
    seat.log_out()


def test_a_logout_in_one_tab_leaves_nothing_in_the_others(seat: Seat, people):
    room = people[0].create_room(name="Attic")
    other = seat.context.new_page()
    other.goto(f"/r/{room}")
    composer(other).fill("in the other tab")
    seat.page.get_by_role("button", name="your account").click()
    seat.page.get_by_role("menuitem", name="Log out").click()
    seat.page.get_by_role("button", name="Delete and log out").click()
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    assert other.evaluate("location.pathname") == "/"
    assert "in the other tab" not in other.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}])"
    )
    other.close()
