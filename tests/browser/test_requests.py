"""Who must be asked, and what waits for an answer: messages, invitations, and who may reach one."""

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, expect
from tests.browser.people import PHONE, Seat
from tests.browser.test_accessibility import violations
from tests.system.conftest import User

DIRECTORY = Path(
    os.environ.get("CHATTERROOM_SCREENSHOTS") or Path(__file__).with_name("screenshots")
)


def choose(user: User, **settings: str) -> None:
    user.http.put("/chat-service/contact-settings", json=settings).raise_for_status()


def write(sender: User, receiver: User, message: str) -> httpx.Response:
    body = {"sender_id": sender.id, "receiver_id": receiver.id, "message": message}
    answer = sender.http.post("/chat-service/private/send", json=body)
    assert answer.status_code == 200, answer.text
    return answer


def entry(seat: Seat) -> Locator:
    return seat.conversations.get_by_role("link", name="Requests")


def item(seat: Seat, name: str) -> Locator:
    return seat.page.get_by_role("main").get_by_role("listitem").filter(has_text=name)


@pytest.fixture
def nora(new_user) -> User:
    """Somebody whom everybody has to ask."""
    user = new_user("nora", "Nora Berg")
    choose(user, message_first="nobody", add_to_rooms="nobody")
    return user


@pytest.fixture
def sam(new_user) -> User:
    return new_user("sam", "Sam Idowu")


@pytest.fixture
def seat(new_seat, nora: User) -> Seat:
    return new_seat(nora)


def test_a_message_request_comes_live_is_read_and_accepted(seat: Seat, nora, sam):
    expect(seat.conversations).to_be_visible()
    expect(entry(seat)).to_have_count(0)
    write(sam, nora, "Hello Nora, we met at the *fair*.")
    write(sam, nora, "Do you still sell plants?")
    expect(entry(seat)).to_contain_text("1")
    expect(seat.conversations).not_to_contain_text("Sam Idowu")
    entry(seat).click()
    expect(item(seat, "Sam Idowu")).to_contain_text("Hello Nora, we met at the fair.")
    item(seat, "Sam Idowu").get_by_role("link").click()
    expect(seat.log).to_contain_text("Do you still sell plants?")
    expect(seat.composer).to_have_count(0)
    seat.page.get_by_role("button", name="Accept").click()
    expect(seat.composer).to_be_visible()
    expect(seat.message("Do you still sell plants?")).to_be_visible()
    expect(entry(seat)).to_have_count(0)
    expect(seat.conversations).to_contain_text("Sam Idowu")
    seat.say("I do!")
    expect(seat.message("I do!")).to_be_visible()


def test_a_declined_request_is_gone_on_every_device_for_good(seat: Seat, new_seat, nora, sam):
    write(sam, nora, "Buy my course")
    other = new_seat(nora)
    expect(entry(other)).to_be_visible()
    entry(seat).click()
    item(seat, "Sam Idowu").get_by_role("button", name="Decline").click()
    expect(seat.page.get_by_text("No requests.")).to_be_visible()
    expect(entry(other)).to_have_count(0)
    write(sam, nora, "It is really good")
    seat.page.reload()
    expect(seat.page.get_by_text("No requests.")).to_be_visible()
    expect(entry(seat)).to_have_count(0)


def test_whoever_asks_can_be_blocked_at_once(seat: Seat, nora, sam):
    write(sam, nora, "Answer me")
    entry(seat).click()
    item(seat, "Sam Idowu").get_by_role("link").click()
    seat.page.get_by_role("button", name="Block").click()
    expect(seat.page.get_by_text("No requests.")).to_be_visible()
    blocked = nora.http.get("/chat-service/blocks").json()["user_ids"]
    assert blocked == [sam.id]


def test_an_invitation_is_accepted_or_declined(seat: Seat, nora, sam):
    kitchen = sam.create_room(nora, name="Kitchen")
    sam.create_room(nora, name="Garage")
    expect(entry(seat)).to_contain_text("2")
    entry(seat).click()
    expect(item(seat, "Kitchen")).to_contain_text("Sam Idowu invited you")
    item(seat, "Garage").get_by_role("button", name="Decline").click()
    expect(item(seat, "Garage")).to_have_count(0)
    item(seat, "Kitchen").get_by_role("button", name="Accept").click()
    expect(seat.page).to_have_url(f"{seat.url}/r/{kitchen}")
    seat.say("Thank you for having me")
    expect(seat.message("Thank you for having me")).to_be_visible()
    expect(entry(seat)).to_have_count(0)


def test_an_invitation_that_is_void_says_so(seat: Seat, nora, sam):
    seat.expects_network_errors = True
    room = sam.create_room(nora, name="Kitchen")
    entry(seat).click()
    expect(item(seat, "Kitchen")).to_be_visible()
    leaving = sam.http.put(f"/chat-service/rooms/{room}/leave", json={"user_id": sam.id})
    leaving.raise_for_status()
    item(seat, "Kitchen").get_by_role("button", name="Accept").click()
    expect(item(seat, "Kitchen")).to_have_count(0)
    expect(seat.page.get_by_role("alert")).to_contain_text("This invitation is no longer valid")


def test_who_is_added_learns_of_it_as_an_invitation_and_the_adder_is_told(new_seat, nora, sam):
    seat = new_seat(sam)
    dialog = seat.start_room()
    dialog.get_by_label("Name").fill("Picnic")
    dialog.get_by_role("combobox").fill(nora.username)
    seat.page.get_by_role("option", name="Nora Berg").click()
    dialog.get_by_role("button", name="Create room").click()
    told = seat.page.get_by_role("dialog", name="Room created")
    expect(told).to_contain_text("Nora Berg was invited and will join when they accept.")
    told.get_by_role("button", name="Open room").click()
    expect(seat.page.get_by_role("heading", name="Picnic")).to_be_visible()
    seat.page.get_by_role("button", name="About this room").click()
    seat.page.get_by_label("Find by name").fill(nora.username)
    seat.page.get_by_role("button", name="Add Nora Berg").click()
    expect(seat.page.get_by_text("Invited. They have to accept.")).to_be_visible()


def test_one_chooses_who_may_reach_one(new_seat, new_user):
    user = new_user("olga")
    seat = new_seat(user)
    seat.open("/settings/privacy")
    messages = seat.page.get_by_role("group", name="Who can message me first")
    rooms = seat.page.get_by_role("group", name="Who can add me to rooms")
    for group in (messages, rooms):
        expect(group.get_by_role("radio", name="Everyone")).to_be_checked()
    messages.get_by_role("radio", name=re.compile("^No one")).check()
    expect(seat.page.get_by_text("Saved.")).to_be_visible()
    rooms.get_by_role("radio", name="People I share a conversation with").check()
    expect(rooms.get_by_role("radio", name="People I share")).to_be_checked()
    seat.page.reload()
    expect(messages.get_by_role("radio", name=re.compile("^No one"))).to_be_checked()
    expect(rooms.get_by_role("radio", name="People I share")).to_be_checked()
    chosen = user.http.get("/chat-service/contact-settings").json()
    assert chosen == {"add_to_rooms": "shared", "message_first": "nobody"}


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_requests_are_pictured_and_have_no_obstacle(
    new_seat, new_user, nora, sam, scheme, viewport
):
    ines = new_user("ines", "Inês Carvalho")
    write(sam, nora, "Hello Nora, we met at the fair. Do you still sell the small lemon trees?")
    write(sam, nora, "I could come by on **Friday**.")
    write(ines, nora, "Good morning! The committee would like to know who brings the cake.")
    ines.create_room(nora, name="Neighbourhood committee")
    size = {"viewport": PHONE} if viewport == "phone" else {}
    seat = new_seat(nora, color_scheme=scheme, **size)
    page = seat.page
    toasts = page.get_by_role("region", name="New alerts").get_by_role("listitem")

    def take(name: str) -> None:
        page.screenshot(path=DIRECTORY / f"{name}-{viewport}-{scheme}.png", animations="disabled")

    expect(toasts).to_have_count(1)
    toasts.first.get_by_role("button", name="Yes, it was me").click()
    expect(toasts).to_have_count(0)
    expect(entry(seat)).to_contain_text("3")
    if viewport == "phone":
        take("requests-entry")
    entry(seat).click()
    expect(item(seat, "Inês Carvalho")).to_have_count(2)
    page.mouse.move(0, 0)
    take("requests")
    found = {"requests": violations(seat)}
    item(seat, "Sam Idowu").get_by_role("link").click()
    expect(seat.log).to_contain_text("I could come by")
    page.mouse.move(0, 0)
    take("request")
    found["request"] = violations(seat)
    seat.open("/settings/privacy")
    expect(page.get_by_role("radio", name=re.compile("^No one")).first).to_be_checked()
    take("privacy")
    found["privacy"] = violations(seat)
    assert {view: said for view, said in found.items() if said} == {}
