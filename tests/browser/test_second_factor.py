"""A code beside the password: turned on, asked for, and told of where it is wrong."""

import re
import time
from base64 import b32decode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Locator, expect
from tests.browser.people import Seat

STEP_S = 30


def code_field(seat: Seat) -> Locator:
    return seat.page.get_by_role("textbox", name="Code")


def give_code(seat: Seat, code: str) -> None:
    code_field(seat).fill(code)
    seat.page.get_by_role("button", name="Continue").click()


def test_it_is_turned_on_and_a_login_needs_a_code_of_the_app_or_a_recovery_code(new_user, new_seat):
    alice = new_user("alice")
    seat = new_seat(alice)
    page = seat.page
    seat.expects_network_errors = True
    seat.open("/settings/second-factor")
    page.get_by_label("Password").fill(alice.password)
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="QR code for an authenticator app")).to_be_visible()
    secret = page.locator("form code").inner_text()
    app = TOTP(b32decode(secret.replace(" ", "")), 6, SHA1(), STEP_S)
    at = int(time.time())

    code = page.get_by_label("Enter the 6-digit code")
    code.fill(app.generate(at + 3600).decode())
    page.get_by_role("button", name="Turn on").click()
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill(app.generate(at).decode())
    page.get_by_role("button", name="Turn on").click()
    recovery = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(recovery).to_have_count(10)
    codes = recovery.all_inner_texts()
    page.get_by_role("button", name="I've saved them").click()
    expect(page.get_by_role("button", name="Turn off")).to_be_visible()

    seat.log_out()
    seat.give_password(alice)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    # It was used a moment ago.
    give_code(seat, app.generate(at).decode())
    expect(code_field(seat)).to_have_attribute("aria-invalid", "true")
    expect(code_field(seat)).to_have_accessible_description(re.compile("was already used"))
    give_code(seat, app.generate(at + STEP_S).decode())
    expect(seat.conversations).to_be_visible()

    seat.log_out()
    seat.give_password(alice)
    give_code(seat, codes[0])
    expect(seat.conversations).to_be_visible()
    seat.open("/settings/second-factor")
    page.get_by_label("Password").fill(alice.password)
    code_field(seat).fill(codes[1])
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("button", name="Set up")).to_be_visible()
    seat.log_out()
    seat.log_in(alice)
