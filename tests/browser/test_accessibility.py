"""axe finds nothing to say against the main views, in light and in dark."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.people import PHONE, Seat

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
# Colours are judged as they are once they have come.
RUN = """async () => {
  await Promise.all(document.getAnimations().map((animation) => animation.finished));
  const { violations } = await axe.run(document);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
}"""


def violations(seat: Seat) -> list[str]:
    if not seat.page.evaluate("'axe' in window"):
        seat.page.evaluate(AXE.read_text())
    return seat.page.evaluate(RUN)


@pytest.fixture(scope="module")
def furnished(new_user):
    """A room in which something of every kind was written."""
    alice, bob = new_user("alice", "Alice Moreno"), new_user("bob", "Bob Ngata")
    room_id = alice.create_room(bob, name="Kitchen")

    def say(user, message: str, **more: str) -> str:
        body = {"sender_id": user.id, "message": message, **more}
        answer = user.http.post(f"/chat-service/rooms/{room_id}/send", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    question = say(alice, "Who has the *big* pan? See https://example.org/pans")
    answer = say(bob, f"@{alice.username} I have. `pan.size = 28`", reply_to=question)
    say(bob, "```python\nprint('hot')\n```")
    say(alice, "> quoted\n\n- one\n- two")
    gone = say(bob, "not this")
    for user in (alice, bob):
        user.http.put(f"/chat-service/messages/{answer}/reactions/🍳").raise_for_status()
    alice.http.put(f"/chat-service/messages/{question}/pin").raise_for_status()
    bob.http.delete(f"/chat-service/messages/{gone}").raise_for_status()
    return alice, bob, room_id


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_is_not_logged_in_meets_no_obstacle(new_seat, scheme):
    page = (seat := new_seat(color_scheme=scheme)).page
    page.goto("/login")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert violations(seat) == []
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Enter your password.")).to_be_visible()
    assert violations(seat) == []
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
    assert violations(seat) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_main_views_have_no_obstacle(new_seat, furnished, scheme):
    alice, bob, room_id = furnished
    page = (seat := new_seat(alice, color_scheme=scheme)).page
    found = {"list": violations(seat)}

    seat.open(f"/r/{room_id}")
    expect(seat.message("This message was deleted")).to_be_visible()
    seat.message("I have.").hover()
    found["room"] = violations(seat)
    seat.message("I have.").click(button="right")
    expect(page.get_by_role("menu", name="Message")).to_be_visible()
    found["menu of a message"] = violations(seat)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Emoji").click()
    page.get_by_role("searchbox", name="Find emoji").fill("pan")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    found["emoji"] = violations(seat)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="About this room").click()
    expect(page.get_by_role("heading", name="Pinned messages")).to_be_visible()
    found["room panel"] = violations(seat)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Jump to date").click()
    found["dialog"] = violations(seat)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Alerts").click()
    found["alerts"] = violations(seat)
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Search for people and rooms").fill("bob")
    expect(page.get_by_role("option").first).to_be_visible()
    found["search"] = violations(seat)
    page.keyboard.press("Escape")

    seat.open(f"/u/{bob.id}")
    expect(page.get_by_text("Send the first message.")).to_be_visible()
    found["empty chat"] = violations(seat)
    for name, path in (
        ("Profile", "profile"),
        ("Password", "password"),
        ("Two-factor authentication", "second-factor"),
        ("Sessions", "sessions"),
        ("Appearance", "appearance"),
        ("Notifications", "notifications"),
    ):
        seat.open(f"/settings/{path}")
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        found[name] = violations(seat)

    page.set_viewport_size(PHONE)
    seat.open(f"/r/{room_id}")
    expect(seat.composer).to_be_visible()
    found["room on a phone"] = violations(seat)
    seat.open("/")
    expect(seat.conversations).to_be_visible()
    found["list on a phone"] = violations(seat)
    assert {view: said for view, said in found.items() if said} == {}
