"""Everything by keyboard: no test here touches the mouse, nor gives an element the focus."""

import re

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.people import Seat

MOST_TABS = 40


def tab_to(seat: Seat, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the focus is there; fail where it never comes there."""
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        seat.page.keyboard.press(key)
    pytest.fail(f"the focus never comes to {target}")


def test_one_registers_finds_somebody_writes_reacts_and_changes_a_setting(new_user, new_seat):
    bob = new_user("bob")
    seat = new_seat()
    page, keys = seat.page, seat.page.keyboard
    page.goto("/register")
    tab_to(seat, page.get_by_label("Username"))
    keys.type("by-keyboard")
    keys.press("Tab")
    keys.type("by-keyboard@example.org")
    keys.press("Tab")
    keys.type("eighty eight keys")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="No conversations yet")).to_be_visible()

    keys.press("Control+k")
    search = page.get_by_role("combobox", name="Search for people and rooms")
    expect(search).to_be_focused()
    keys.type(bob.username)
    expect(page.get_by_role("option", name=bob.username)).to_have_attribute("aria-selected", "true")
    keys.press("Enter")
    expect(page.get_by_role("heading", name=bob.username)).to_be_visible()
    tab_to(seat, seat.composer)
    keys.type("Without a mouse")
    keys.press("Enter")
    expect(seat.message("Without a mouse").get_by_role("img", name="Sent")).to_be_visible()

    tab_to(seat, seat.log, "Shift+Tab")
    keys.press("ArrowUp")
    expect(seat.message("Without a mouse")).to_be_focused()
    keys.press("Enter")
    menu = page.get_by_role("menu", name="Message")
    expect(menu.get_by_role("menuitem", name="React with 👍")).to_be_focused()
    keys.press("ArrowRight")
    keys.press("Enter")
    reaction = seat.message("Without a mouse").get_by_role("button", name=re.compile("❤️ 1"))
    expect(reaction).to_be_visible()
    expect(seat.message("Without a mouse")).to_be_focused()
    keys.press("Escape")
    expect(seat.composer).to_be_focused()

    tab_to(seat, page.get_by_role("button", name="your account"), "Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("menuitem", name="Settings")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    appearance = page.get_by_role("link", name="Appearance")
    tab_to(seat, appearance)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Appearance")).to_be_focused()
    tab_to(seat, page.get_by_role("radio", checked=True))
    keys.press("ArrowDown")
    expect(page.locator("html")).to_have_attribute("data-theme", re.compile("light|dark"))
    expect(page.get_by_text("Saved on all your devices.")).to_be_visible()
