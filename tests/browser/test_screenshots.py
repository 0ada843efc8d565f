"""Pictures of the main views, to be looked at: light and dark, on a desktop and on a phone.

They are written to `tests/browser/screenshots`, or to the directory that
`CHATTERROOM_SCREENSHOTS` names.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.people import PHONE, Seat

DIRECTORY = Path(
    os.environ.get("CHATTERROOM_SCREENSHOTS") or Path(__file__).with_name("screenshots")
)


@pytest.fixture(scope="module")
def seats(new_user, new_seat) -> tuple[dict[str, Seat], str]:
    """Mina at her desk, after a morning of work with Jonas and Priya."""
    mina = new_user("mina", "Mina Okafor")
    jonas = new_user("jonas", "Jonas Lindqvist")
    priya = new_user("priya", "Priya Raman")
    theo = new_user("theo", "Theo Baker")
    for user, username in ((mina, "mina"), (jonas, "jonas"), (priya, "priya"), (theo, "theo")):
        user.username = username
        user.http.patch("/user-service/me", json={"username": username}).raise_for_status()

    def say(user, place: str, message: str, **more: str) -> str:
        body = {"sender_id": user.id, "message": message, **more}
        answer = user.http.post(f"/chat-service/{place}/send", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    garden = theo.create_room(mina, name="Roof garden")
    say(theo, f"rooms/{garden}", "The first tomatoes are ripe 🍅")
    say(theo, "private", "Are you in on Friday?", receiver_id=mina.id)
    say(mina, "private", "I am, from ten on.", receiver_id=theo.id)
    say(priya, "private", "Thank you for the *quick* review!", receiver_id=mina.id)

    room = mina.create_room(jonas, priya, theo, name="Launch week")
    place = f"rooms/{room}"
    first = say(mina, place, "Good morning! **Thursday** needs notes, a rehearsal and cake.")
    say(jonas, place, "I take the rehearsal. This is all that we need on the new machine:")
    code = say(jonas, place, "```sh\nmake up ARGS='--gateway-port 9000'\n```")
    say(priya, place, f"@{mina.username} the notes are nearly done, see https://example.org/notes")
    say(priya, place, "Who brings the cake?", reply_to=first)
    cake = say(mina, place, "I do. Lemon, like last time.")
    for user in (jonas, priya):
        user.http.put(f"/chat-service/messages/{cake}/reactions/🎉").raise_for_status()
    theo.http.put(f"/chat-service/messages/{cake}/reactions/🍋").raise_for_status()
    mina.http.put(f"/chat-service/messages/{code}/reactions/👍").raise_for_status()
    mina.http.put(f"/chat-service/messages/{first}/pin").raise_for_status()

    desk = new_seat(mina)
    phone = new_seat(mina, viewport=PHONE, is_mobile=True, has_touch=True)
    for seat in (desk, phone):
        toasts = seat.page.get_by_role("region", name="New alerts").get_by_role("listitem")
        # Of the first login, and of the other seat's.
        for left in (1, 0):
            expect(toasts).to_have_count(left + 1)
            toasts.first.get_by_role("button", name="Yes, it was me").click()
            expect(toasts).to_have_count(left)
    other = new_seat(jonas)
    other.open(f"/r/{room}")
    expect(other.message("Lemon, like last time.")).to_be_visible()
    other.say("Lemon it is. See you at the rehearsal at two.")
    return {"desktop": desk, "phone": phone}, room


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_main_views_are_pictured(seats, new_seat, scheme, viewport):
    seat, room = seats[0][viewport], seats[1]
    page = seat.page
    page.emulate_media(color_scheme=scheme)

    def take(name: str, of: Seat = seat) -> None:
        of.page.screenshot(
            path=DIRECTORY / f"{name}-{viewport}-{scheme}.png", animations="disabled"
        )

    if viewport == "phone":
        seat.open("/")
        expect(seat.conversations.get_by_role("link").first).to_be_visible()
        take("list")
    seat.open(f"/r/{room}")
    expect(seat.message("See you at the rehearsal")).to_be_visible()
    expect(page.get_by_role("button", name="new message")).to_have_count(0)
    page.mouse.move(0, 0)
    take("conversation")
    page.get_by_role("button", name="About this room").click()
    expect(page.get_by_role("heading", name="Pinned messages")).to_be_visible()
    expect(page.get_by_role("button", name="Unpin message")).to_be_visible()
    expect(page.get_by_text("Jonas Lindqvist, online")).to_be_visible()
    take("room")
    page.keyboard.press("Escape")
    seat.message("cake").last.click(button="right")
    expect(page.get_by_role("menu", name="Message")).to_be_visible()
    take("menu")
    page.mouse.move(0, 0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Emoji").click()
    page.get_by_role("button", name="Smileys").click()
    expect(page.get_by_role("gridcell").first).to_be_visible()
    take("emoji")
    page.keyboard.press("Escape")
    seat.open("/settings/profile")
    expect(page.get_by_label("Display name")).to_be_visible()
    take("profile")
    seat.open("/settings/sessions")
    expect(page.get_by_text("This device")).to_be_visible()
    take("sessions")

    stranger = new_seat(color_scheme=scheme, viewport=page.viewport_size)
    for path in ("login", "register"):
        stranger.page.goto(f"/{path}")
        expect(stranger.page.get_by_role("heading", level=1)).to_be_visible()
        take(path, stranger)
