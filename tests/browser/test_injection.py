"""What looks like a page in a text stays a text: no element, no script, no dialog."""

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat

NASTY = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>"
    "<svg onload=alert(3)></svg>\"'><b onmouseover=alert(4)>"
)
LINKS = (
    "[one](javascript:alert(5)) [two](data:text/html,<script>alert(6)</script>) javascript:alert(7)"
)


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice"), new_user("bob")


@pytest.fixture(scope="module")
def seats(new_seat, people) -> tuple[Seat, Seat]:
    return new_seat(people[0]), new_seat(people[1])


def assert_only_text(*seats: Seat) -> None:
    for seat in seats:
        for foreign in (
            "img[src='x']",
            "script:not([src])",
            "[onload]",
            "[onerror]",
            "b[onmouseover]",
        ):
            expect(seat.page.locator(foreign)).to_have_count(0)
        expect(seat.page.locator("a[href^='javascript:' i], a[href^='data:' i]")).to_have_count(0)


def test_a_message_is_shown_as_it_was_written(seats, people):
    alice, bob = seats
    alice.open(f"/u/{people[1].id}")
    bob.open(f"/u/{people[0].id}")
    alice.say(NASTY)
    alice.say(LINKS)
    alice.say(f"```\n{NASTY}\n```")
    alice.say(f"> {NASTY}")
    for seat in seats:
        expect(seat.message("alert(1)")).to_have_count(3)
        expect(seat.message("alert(7)")).to_be_visible()
        expect(seat.log.get_by_text(NASTY).first).to_be_visible()
    bob.message("alert(7)").get_by_text("one").click()
    assert_only_text(alice, bob)

    alice.act("alert(7)", "Reply")
    alice.say("<i>seen</i>")
    expect(bob.message("<i>seen</i>")).to_contain_text("javascript:alert(7)")
    bob.act("<i>seen</i>", "Pin")
    bob.page.get_by_role("button", name="Profile").click()
    expect(bob.page.get_by_role("region", name="Profile")).to_contain_text("<i>seen</i>")
    bob.page.keyboard.press("Escape")
    expect(alice.conversations.get_by_role("link").first).to_contain_text("<i>seen</i>")
    assert_only_text(alice, bob)


def test_a_draft_in_the_list_is_text(seats, people):
    alice, _ = seats
    alice.open(f"/u/{people[1].id}")
    alice.composer.fill(NASTY)
    expect(alice.conversations.get_by_text("Draft:")).to_be_visible()
    assert_only_text(alice)
    alice.composer.fill("")


def test_the_name_of_a_room_is_text(seats, people):
    alice, bob = seats
    page = alice.page
    dialog = alice.start_room()
    dialog.get_by_role("combobox", name="Members").fill(NASTY[:60])
    expect(dialog.get_by_text("No people match")).to_be_visible()
    dialog.get_by_role("combobox", name="Members").fill(people[1].username)
    dialog.get_by_role("option", name=people[1].username).click()
    dialog.get_by_label("Name", exact=True).fill(NASTY)
    dialog.get_by_role("button", name="Create room").click()
    shown = NASTY[:128]
    expect(page.get_by_role("heading", name=shown, exact=True)).to_be_visible()
    bob.conversations.get_by_role("link", name=shown).click()
    expect(bob.page.get_by_role("heading", name=shown, exact=True)).to_be_visible()
    page.get_by_role("button", name="About this room").click()
    panel = page.get_by_role("region", name="About this room")
    panel.get_by_label("Find by name").fill(NASTY)
    panel.get_by_role("button", name="Rename").click()
    panel.get_by_label("Room name").fill("<u>renamed</u>")
    panel.get_by_role("button", name="Rename").click()
    expect(bob.page.get_by_role("heading", name="<u>renamed</u>", exact=True)).to_be_visible()
    assert_only_text(alice, bob)


def test_a_display_name_is_text_for_everybody(seats, people):
    alice, bob = seats
    name = NASTY[:64]
    bob.open(f"/u/{people[0].id}")
    alice.open("/settings/profile")
    alice.page.get_by_label("Display name").fill(name)
    alice.page.get_by_role("button", name="Save").click()
    expect(alice.page.get_by_text("Saved.")).to_be_visible()
    expect(alice.page.get_by_role("button", name="your account")).to_contain_text(name)
    bob.page.reload()
    expect(bob.page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    assert_only_text(alice, bob)


def test_what_is_searched_for_is_text(seats, people):
    alice, _ = seats
    alice.open(f"/u/{people[1].id}")
    search = alice.page.get_by_role("combobox", name="Search for people and rooms")
    search.fill(NASTY[:60])
    expect(alice.page.get_by_text(f"No people or rooms match “{NASTY[:60]}”.")).to_be_visible()
    assert_only_text(alice)
    search.fill("")
    alice.page.get_by_role("button", name="Emoji").click()
    alice.page.get_by_role("searchbox", name="Find emoji").fill(NASTY)
    expect(alice.page.get_by_text("No emoji found.")).to_be_visible()
    assert_only_text(alice)


def test_fields_of_those_who_are_not_logged_in_are_text(new_seat):
    seat = new_seat()
    page = seat.page
    seat.expects_network_errors = True
    for path, button in (("/register", "Create account"), ("/login", "Log in")):
        page.goto(path)
        for field in page.get_by_role("textbox").all():
            field.fill(NASTY)
        page.get_by_role("button", name=button).click()
        expect(page.locator("[aria-invalid=true]").first).to_be_visible()
        assert_only_text(seat)
    page.goto(f"/r/{NASTY.replace('/', '')}?at=<script>alert(8)</script>")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert_only_text(seat)
