"""Finding conversations, and what they keep for somebody who leaves and comes back."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat
from tests.system.conftest import User


@pytest.fixture(scope="module")
def people(new_user) -> tuple[User, User]:
    return new_user("alice"), new_user("bob", "Bob Ngata")


@pytest.fixture(scope="module")
def alice(new_seat, people) -> Seat:
    return new_seat(people[0])


@pytest.fixture
def rooms(alice: Seat, people, request) -> tuple[str, str]:
    """Two rooms of Alice and Bob, named after the test."""
    found = []
    for name in ("Kitchen", "Garden"):
        found.append(people[0].create_room(people[1], name=name))
        expect(alice.page.locator(f'a[href="/r/{found[-1]}"]')).to_be_visible()
    return found[0], found[1]


def say(user: User, room_id: str, message: str) -> None:
    body = {"sender_id": user.id, "message": message}
    user.http.post(f"/chat-service/rooms/{room_id}/send", json=body).raise_for_status()


def test_the_search_finds_rooms_and_people_by_their_beginnings(alice: Seat, people):
    page = alice.page
    room_id = people[0].create_room(people[1], name="Balcony plants")
    expect(alice.conversations).to_contain_text("Balcony plants")
    search = page.get_by_role("combobox", name="Search for people and rooms")
    found = page.get_by_role("listbox", name="Search results")
    search.fill("plan")
    expect(found.get_by_role("option")).to_have_text([re.compile("Balcony plants")])
    found.get_by_role("option").click()
    expect(page).to_have_url(re.compile(f"/r/{room_id}$"))
    expect(search).to_have_value("")
    search.fill(people[1].username)
    option = found.get_by_role("group", name="People").get_by_role("option")
    expect(option).to_have_text([re.compile(f"Bob Ngata@{people[1].username}")])
    option.click()
    expect(page.get_by_role("heading", name="Bob Ngata")).to_be_visible()
    search.fill("nobody has this name")
    expect(page.get_by_text("No people or rooms match")).to_be_visible()
    search.press("Escape")
    expect(alice.conversations).to_be_visible()


@pytest.mark.parametrize("text", ["ngata", "NGÁTA", " @bob ", "bob nga", "@ ngata", "bobngata"])
def test_people_one_knows_are_found_by_any_word_of_their_names(alice: Seat, people, rooms, text):
    page = alice.page
    search = page.get_by_role("combobox", name="Search for people and rooms")
    search.fill(text)
    found = page.get_by_role("listbox", name="Search results").get_by_role("option")
    expect(found.filter(has_text="Bob Ngata")).to_have_count(1)
    search.press("Escape")
    dialog = alice.start_room()
    dialog.get_by_role("combobox", name="Members").fill(text)
    expect(dialog.get_by_role("option").filter(has_text="Bob Ngata")).to_have_count(1)
    dialog.get_by_role("combobox", name="Members").press("Escape")
    page.keyboard.press("Escape")


def test_what_was_begun_waits_in_its_conversation_over_a_reload(alice: Seat, rooms):
    kitchen, garden = rooms
    for room_id, text in ((kitchen, "Half a recipe"), (garden, "Half a plan")):
        alice.open(f"/r/{room_id}")
        expect(alice.composer).to_have_value("")
        alice.composer.press_sequentially(text)
    alice.page.reload()
    expect(alice.composer).to_have_value("Half a plan")
    alice.open(f"/r/{kitchen}")
    expect(alice.composer).to_have_value("Half a recipe")
    row = alice.page.locator(f'a[href="/r/{garden}"]')
    expect(row).to_contain_text("Draft: Half a plan")
    alice.composer.press("Enter")
    expect(alice.message("Half a recipe")).to_be_visible()
    alice.page.reload()
    expect(alice.message("Half a recipe")).to_be_visible()
    expect(alice.composer).to_have_value("")


def test_a_conversation_is_muted_on_all_devices(alice: Seat, people, rooms, new_seat):
    other = new_seat(people[0])
    rows = [seat.page.locator(f'a[href="/r/{rooms[0]}"]') for seat in (alice, other)]
    alice.open(f"/r/{rooms[0]}")
    alice.page.get_by_role("button", name="About this room").click()
    mute = alice.page.get_by_role("switch", name="Mute")
    for now, row in ((True, "to_contain_text"), (False, "not_to_contain_text")):
        mute.click()
        expect(mute).to_be_checked(checked=now)
        for each in rows:
            getattr(expect(each), row)("muted")
    alice.page.keyboard.press("Escape")


def test_a_line_stands_above_what_came_while_one_was_elsewhere(alice: Seat, people, rooms):
    kitchen, garden = rooms
    line = alice.log.get_by_text("New messages", exact=True)
    say(people[1], kitchen, "Known")
    alice.open(f"/r/{kitchen}")
    row = alice.page.locator(f'a[href="/r/{kitchen}"]')
    expect(row).not_to_contain_text("unread")
    alice.open(f"/r/{garden}")
    expect(alice.page.get_by_role("heading", name="Garden")).to_be_visible()
    for text in ("First news", "Second news"):
        say(people[1], kitchen, text)
    expect(row).to_contain_text("2 unread")
    row.click()
    expect(line).to_be_visible()
    parts = [alice.message("Known"), line, alice.message("First news"), alice.message("Second")]
    heights = [part.bounding_box()["y"] for part in parts]
    assert heights == sorted(heights)
    expect(row).not_to_contain_text("unread")
    alice.open(f"/r/{garden}")
    expect(alice.page.get_by_role("heading", name="Garden")).to_be_visible()
    row.click()
    expect(alice.message("Second news")).to_be_visible()
    expect(line).to_have_count(0)


def choose(seat: Seat, title: str, action: str) -> None:
    seat.conversations.get_by_role("button", name=f"More actions for {title}").click()
    seat.page.get_by_role("menuitem", name=action, exact=True).click()


def test_favourites_come_first_and_what_is_marked_unread_is_found(alice: Seat, people, rooms):
    page, links = alice.page, alice.conversations.get_by_role("link")
    page.goto("/")
    for room_id, text in zip(rooms, ("older", "newer"), strict=True):
        say(people[0], room_id, text)
    expect(links.first).to_contain_text("newer")
    first = alice.conversations.locator(f'a[href="/r/{rooms[0]}"]')
    more = first.locator("..").get_by_role("button", name="More actions for")

    def act(action: str) -> None:
        more.click(force=True)
        page.get_by_role("menuitem", name=action, exact=True).click()

    act("Add to favourites")
    expect(links.first).to_contain_text("older")
    page.reload()
    expect(links.first).to_contain_text("older")
    act("Mark as unread")
    alice.conversations.get_by_role("button", name="Unread", exact=True).click()
    expect(links).to_have_count(1)
    expect(first).to_contain_text("marked as unread")
    first.click()
    expect(first).not_to_contain_text("marked as unread")
    alice.conversations.get_by_role("button", name="All", exact=True).click()
    act("Remove from favourites")
    expect(links.first).to_contain_text("newer")


def test_a_closed_private_chat_comes_back_with_the_next_message(alice: Seat, people):
    body = {"sender_id": people[1].id, "receiver_id": people[0].id, "message": "Hello"}

    def send() -> None:
        people[1].http.post("/chat-service/private/send", json=body).raise_for_status()

    send()
    link = alice.conversations.locator(f'a[href="/u/{people[1].id}"]')
    link.click()
    expect(alice.message("Hello").last).to_be_visible()
    choose(alice, "Bob Ngata", "Close chat")
    expect(link).to_have_count(0)
    assert alice.page.evaluate("location.pathname") == "/"
    send()
    expect(link).to_contain_text("1 unread")


def test_the_first_run_page_helps(new_seat, new_user):
    seat = new_seat(new_user("newcomer"))
    main = seat.page.locator("main")
    expect(main.get_by_role("heading", name="Welcome to ChatterRoom")).to_be_visible()
    main.get_by_role("button", name="Find people").click()
    expect(seat.page.get_by_role("combobox", name="Search for people and rooms")).to_be_focused()
    main.get_by_role("button", name="Create a room").click()
    expect(seat.page.get_by_role("dialog", name="Create a room")).to_be_visible()
    seat.page.keyboard.press("Escape")
    main.get_by_role("link", name="Turn on notifications").click()
    expect(seat.page.get_by_role("heading", name="Notifications")).to_be_visible()
