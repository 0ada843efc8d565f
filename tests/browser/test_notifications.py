"""What a browser tells of messages that come while nobody looks at the page."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.people import Seat
from tests.system.conftest import Platform, User

# The real constructor is called. What becomes of each notification stands in the page, where it can
# be waited for: the content policy lets no function that is sent there be asked again and again.
TELL = """
window.told = [];
const tell = () => {
  const { dataset } = document.documentElement;
  dataset.visibility = document.visibilityState;
  dataset.told = told.map(({ state, title, body }) => `${state} ${title}: ${body}`).join("; ");
};
document.addEventListener("DOMContentLoaded", tell);
document.addEventListener("visibilitychange", tell);
window.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    const one = { title, body: options.body, state: "made", real: this };
    told.push(one);
    tell();
    for (const [type, state] of [["show", "shown"], ["close", "closed"]]) {
      this.addEventListener(type, () => { one.state = state; tell(); });
    }
  }
};
"""
# Each tab that is looked at has a share in this lock.
WHEN_UNWATCHED = """
  navigator.locks.request("chatterroom.watched", { signal: AbortSignal.timeout(10_000) }, () => {})
"""


@pytest.fixture(scope="module")
def desk(browser: Browser, chromium: str, tmp_path_factory) -> Iterator[BrowserContext]:
    """A browser whose tabs hide one another; in one that Playwright starts they never do."""
    profile: Path = tmp_path_factory.mktemp("profile")
    started = subprocess.Popen(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        found = (re.search(r"DevTools listening on (ws://\S+)", line) for line in started.stderr)
        address = next(filter(None, found))[1]
        connected = browser.browser_type.connect_over_cdp(address, no_defaults=True)
        yield connected.contexts[0]
        connected.close()
        started.terminate()
        # Otherwise it waits for somebody to read what it writes.
        started.stderr.read()


@pytest.fixture(scope="module")
def people(new_user) -> tuple[User, User]:
    return new_user("alice"), new_user("bob", "Bob Ngata")


@pytest.fixture(scope="module")
def alice(desk: BrowserContext, new_seat, people, platform: Platform) -> Seat:
    """Alice, who has turned notifications on."""
    desk.grant_permissions(["notifications"], origin=platform.url)
    desk.add_init_script(TELL)
    seat: Seat = new_seat(people[0], context=desk)
    seat.open("/settings/notifications")
    switch = seat.page.get_by_role("switch", name="Show notifications")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(switch).to_be_checked()
    return seat


@pytest.fixture
def room(alice: Seat, people) -> Iterator[str]:
    """A new room of Alice and Bob, at which Alice has looked."""
    room_id = people[0].create_room(people[1], name="Kitchen")
    alice.page.bring_to_front()
    alice.page.evaluate("window.told.length = 0")
    say(people[1], room_id, "Hello")
    alice.open(f"/r/{room_id}")
    expect(alice.message("Hello")).to_be_visible()
    expect(alice.page).to_have_title("Kitchen · ChatterRoom")
    return room_id


@pytest.fixture
def other_tab(desk: BrowserContext, alice: Seat) -> Iterator[Page]:
    """Another tab of the same window, behind the one in which Alice writes."""
    page = desk.new_page()
    alice.page.bring_to_front()
    expect_attribute(alice, "data-visibility", "visible")
    yield page
    page.close()


def say(user: User, room_id: str, message: str) -> None:
    body = {"sender_id": user.id, "message": message}
    user.http.post(f"/chat-service/rooms/{room_id}/send", json=body).raise_for_status()


def leave_for(other: Page, seat: Seat) -> None:
    other.bring_to_front()
    expect_attribute(seat, "data-visibility", "hidden")


def expect_told(seat: Seat, *notifications: str) -> None:
    """Expect just these, in this order."""
    expect_attribute(seat, "data-told", "; ".join(notifications))


def expect_attribute(seat: Seat, name: str, value: str) -> None:
    expect(seat.page.locator("html")).to_have_attribute(name, value)


def test_what_comes_while_another_tab_is_looked_at_is_told_until_it_is_read(
    alice: Seat, people, room, other_tab
):
    leave_for(other_tab, alice)
    say(people[1], room, "Soup is ready")
    expect_told(alice, "shown Bob Ngata · Kitchen: Soup is ready")
    expect(alice.page).to_have_title("(1) Kitchen · ChatterRoom")
    alice.page.bring_to_front()
    expect_told(alice, "closed Bob Ngata · Kitchen: Soup is ready")
    expect(alice.page).to_have_title("Kitchen · ChatterRoom")


def test_a_newer_message_takes_the_place_of_the_older_and_both_are_counted(
    alice: Seat, people, room, other_tab
):
    leave_for(other_tab, alice)
    say(people[1], room, "Soup is ready")
    expect_told(alice, "shown Bob Ngata · Kitchen: Soup is ready")
    say(people[1], room, "It gets cold")
    expect_told(
        alice,
        "closed Bob Ngata · Kitchen: Soup is ready",
        "shown Bob Ngata · Kitchen: It gets cold",
    )
    expect(alice.page).to_have_title("(2) Kitchen · ChatterRoom")


def test_who_chooses_a_notification_comes_to_where_it_was_written(
    alice: Seat, people, room, other_tab
):
    alice.open("/settings/profile")
    leave_for(other_tab, alice)
    say(people[1], room, "Come here")
    expect_told(alice, "shown Bob Ngata · Kitchen: Come here")
    # There is nothing on a screen to click at.
    alice.page.evaluate("told[0].real.dispatchEvent(new Event('click'))")
    alice.page.bring_to_front()
    expect(alice.message("Come here")).to_be_visible()


def test_a_muted_room_is_not_told_of_and_not_counted(alice: Seat, people, room, other_tab):
    quiet = people[0].create_room(people[1], name="Quiet")
    row = alice.conversations.get_by_role("listitem").filter(has_text="Quiet")
    row.hover()
    row.get_by_role("button", name="More actions for Quiet").click()
    alice.page.get_by_role("menuitem", name="Mute").click()
    expect(row).to_contain_text("muted")
    leave_for(other_tab, alice)
    say(people[1], quiet, "Nobody needs to hear this")
    say(people[1], room, "But this")
    expect_told(alice, "shown Bob Ngata · Kitchen: But this")
    expect(alice.page).to_have_title("(1) Kitchen · ChatterRoom")
    alice.page.bring_to_front()
    expect(alice.page).to_have_title("Kitchen · ChatterRoom")
    expect(row).to_contain_text("1 unread")


def test_what_comes_while_some_tab_is_looked_at_is_not_told(
    alice: Seat, people, room, platform, other_tab
):
    say(people[1], room, "Seen at once")
    expect(alice.message("Seen at once")).to_be_visible()

    leave_for(other_tab, alice)
    other_tab.goto(platform.url)
    row = other_tab.get_by_role("navigation", name="Conversations").get_by_role("link")
    expect(row.filter(has_text="Seen at once")).to_be_visible()
    say(people[1], room, "Seen in the other tab")
    expect(row.filter(has_text="Seen in the other tab")).to_be_visible()

    other_tab.goto("about:blank")
    alice.page.evaluate(WHEN_UNWATCHED)
    say(people[1], room, "Seen by nobody")
    expect_told(alice, "shown Bob Ngata · Kitchen: Seen by nobody")
