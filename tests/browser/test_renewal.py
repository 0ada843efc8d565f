"""Ten tabs share one session whose access tokens live for five seconds. None is ever logged out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat
from tests.system.conftest import Platform

TABS = 10
RENEWALS = 4
WITHOUT_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
TOKENS = "JSON.parse(localStorage.getItem('chatterroom.tokens'))"


@pytest.fixture(scope="module")
def platform(headless: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, whose access tokens are short-lived."""
    running = Platform(tmp_path_factory.mktemp("renewal") / "data", users=1, chat=1)
    running.settings["CHATTERROOM_USERS_ACCESS_TOKEN_LIFETIME_S"] = "5"
    running.start()
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("has_locks", [True, False], ids=["with locks", "without locks"])
def test_ten_tabs_stay_logged_in_however_often_they_renew(new_user, new_seat, has_locks: bool):
    alice = new_user("alice")
    room_id = alice.create_room(name="Ten tabs")
    seat: Seat = new_seat()
    # Tokens that have just expired are refused.
    seat.expects_network_errors = True
    if not has_locks:
        seat.context.add_init_script(WITHOUT_LOCKS)
    seat.log_in(alice)
    session_id = seat.page.evaluate(f"{TOKENS}.session_id")
    tabs = [seat.page, *(seat.context.new_page() for _ in range(TABS - 1))]
    for tab in tabs:
        tab.goto(f"/r/{room_id}")
    assert tabs[0].evaluate("navigator.locks !== undefined") is has_locks
    token = tabs[0].evaluate(f"{TOKENS}.token")
    for renewal in range(RENEWALS):
        tabs[0].wait_for_function(f"token => {TOKENS}.token !== token", arg=token)
        token = tabs[0].evaluate(f"{TOKENS}.token")
        # Some begin in the middle of it, all at the same time.
        for tab in tabs[renewal::3]:
            tab.evaluate("setTimeout(() => location.reload())")
    for number, tab in enumerate(tabs):
        composer = tab.get_by_role("textbox", name="Message", exact=True)
        composer.fill(f"From tab {number}")
        composer.press("Enter")
    for tab in tabs:
        for number in range(TABS):
            said = tab.get_by_role("article").filter(has_text=f"From tab {number}")
            expect(said).to_be_visible()
            expect(said.get_by_role("img", name="Sending")).to_have_count(0)
        expect(tab.get_by_role("heading", name="Log in")).to_have_count(0)
    assert tabs[0].evaluate(f"{TOKENS}.session_id") == session_id
