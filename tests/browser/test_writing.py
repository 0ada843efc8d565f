"""Where keys go, and what one sees of what is written."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.people import PHONE, Seat


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice", "Alice Ames"), new_user("bob", "Bob Ngata")


@pytest.fixture(scope="module")
def seats(new_seat, people) -> tuple[Seat, Seat]:
    return tuple(new_seat(user) for user in people)


@pytest.fixture
def room(people, seats) -> tuple[Seat, Seat]:
    room_id = people[0].create_room(people[1], name="Kitchen")
    for seat in seats:
        seat.open(f"/r/{room_id}")
        expect(seat.composer).to_be_visible()
    return seats


def write(user, room_id: str, text: str) -> None:
    body = {"sender_id": user.id, "message": text}
    user.http.post(f"/chat-service/rooms/{room_id}/send", json=body).raise_for_status()


def test_what_is_typed_anywhere_goes_to_the_composer(room):
    alice, _ = room
    page = alice.page
    alice.log.focus()
    page.keyboard.type("éa soup")
    expect(alice.composer).to_have_value("éa soup")
    alice.composer.fill("")
    # Where something else takes keys, they are left to it.
    search = page.get_by_role("combobox", name="Search for people and rooms")
    search.focus()
    page.keyboard.type("kit")
    expect(search).to_have_value("kit")
    search.fill("")
    page.get_by_role("button", name="New conversation").click()
    page.keyboard.type("c")
    page.keyboard.press("Escape")
    expect(alice.composer).to_have_value("")


def test_what_is_typed_while_a_dialog_loads_is_not_written_to_the_conversation(room):
    alice, _ = room
    page = alice.page
    held = []

    # Playwright keeps a note on a handler, which a built-in method has no room for.
    def hold(request):
        held.append(request)

    page.route(re.compile("NewRoom"), hold)
    page.get_by_role("button", name="New conversation").click()
    with page.expect_request(re.compile("NewRoom")):
        page.get_by_role("menuitem", name="Create a room").click()
    page.keyboard.type("Team")
    expect(alice.composer).to_have_value("")
    for request in held:
        request.continue_()
    expect(page.get_by_role("dialog", name="Create a room")).to_be_visible()
    page.keyboard.press("Escape")


def test_enter_makes_a_new_line_where_the_pointer_is_coarse(new_seat, people):
    room_id = people[0].create_room(people[1], name="Phone")
    phone = new_seat(people[0], viewport=PHONE, is_mobile=True, has_touch=True)
    phone.open(f"/r/{room_id}")
    phone.composer.fill("one")
    phone.composer.press("Enter")
    phone.composer.press_sequentially("two")
    expect(phone.composer).to_have_value("one\ntwo")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    expect(phone.message("one")).to_contain_text("two")
    small = phone.page.evaluate(
        """() => [...document.querySelectorAll('button:not([data-inline])')]
            .filter(each => each.checkVisibility())
            .map(each => [each.getBoundingClientRect(), each.ariaLabel || each.innerText])
            .filter(([box]) => box.width > 1 && (box.width < 44 || box.height < 44))
            .map(([box, name]) => `${name} ${box.width}x${box.height}`)"""
    )
    assert small == []


def test_the_message_that_is_edited_is_marked_and_in_view(room, people):
    alice, _ = room
    room_id = alice.page.evaluate("location.pathname").removeprefix("/r/")
    alice.say("Soup at twelve")
    expect(alice.message("Soup at twelve").get_by_label("Sending")).to_have_count(0)
    for number in range(40):
        write(people[1], room_id, f"line {number}")
    expect(alice.message("line 39")).to_be_visible()
    alice.composer.press("ArrowUp")
    edited = alice.message("Soup at twelve")
    expect(edited).to_have_attribute("data-editing", "true")
    expect(edited).to_be_in_viewport()
    alice.composer.press("Escape")
    expect(edited).not_to_have_attribute("data-editing", "true")


def test_long_messages_show_their_beginning_until_asked(room, people):
    alice, bob = room
    room_id = alice.page.evaluate("location.pathname").removeprefix("/r/")
    write(people[0], room_id, "\n".join(f"verse {number}" for number in range(100)))
    row = bob.message("verse 99")
    more = row.get_by_role("button", name="Show more")
    expect(more).to_be_visible()
    height = row.bounding_box()["height"]
    assert height < 500
    more.click()
    expect(row.get_by_role("button", name="Show less")).to_be_visible()
    assert row.bounding_box()["height"] > 2 * height


def test_code_has_colours_and_all_its_characters(room, people):
    alice, bob = room
    room_id = alice.page.evaluate("location.pathname").removeprefix("/r/")
    code = 'def f(x):\n    return "<b>" + x  # done'
    write(people[0], room_id, f"```python\n{code}\n```")
    block = bob.log.locator("pre code")
    expect(block.locator("span[data-kind=keyword]").first).to_have_text("def")
    assert block.inner_text() == code


def test_authors_and_mentions_open_a_profile(room, people):
    alice, bob = room
    alice.say(f"Ask @{people[1].username} about it")
    bob.message("Ask @").get_by_role("button", name="Alice Ames").click()
    card = bob.page.get_by_role("dialog", name="Profile")
    expect(card).to_contain_text("Alice Ames")
    card.get_by_role("button", name="Message", exact=True).click()
    expect(bob.page).to_have_url(re.compile(f"/u/{people[0].id}$"))
    alice.message("Ask @").get_by_role("button", name=f"@{people[1].username}").click()
    card = alice.page.get_by_role("dialog", name="Profile")
    expect(card).to_contain_text("Bob Ngata")
    card.get_by_role("button", name="Close").click()
    alice.page.get_by_role("heading", name="Kitchen").get_by_role("button").click()
    panel = alice.page.get_by_role("region", name="About this room")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)


def test_the_day_is_named_as_people_name_it(room):
    alice, _ = room
    alice.say("Good morning")
    expect(alice.log.get_by_text("Today", exact=True)).to_be_visible()


def test_on_a_wide_screen_what_is_read_and_written_is_one_column(room):
    alice, _ = room
    alice.page.set_viewport_size({"width": 2560, "height": 900})
    alice.say("Wide")
    expect(alice.message("Wide")).to_be_visible()
    expect(alice.unsent).to_have_count(0)
    row = alice.message("Wide").locator("p").last.bounding_box()
    box = alice.composer.bounding_box()
    main = alice.page.locator("main").bounding_box()
    assert box["width"] < 1000
    assert abs(box["x"] - row["x"]) < 80
    assert abs((box["x"] + box["width"] / 2) - (main["x"] + main["width"] / 2)) < 20
    alice.page.set_viewport_size({"width": 1280, "height": 800})
