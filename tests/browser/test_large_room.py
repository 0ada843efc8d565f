"""A room with ten thousand messages: it opens at its end, and every place of it can be reached."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect
from tests.browser.people import Seat
from tests.system.conftest import User

from chatterroom.client import Client

MESSAGES = 10_000
AT_ONCE = 500


@pytest.fixture(scope="module")
def seat(new_user, new_seat) -> Seat:
    """Somebody looking at the room."""
    alice, bob = new_user("alice"), new_user("bob")
    room_id = alice.create_room(bob, name="Archive")
    # Playwright holds the event loop of this thread.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, write(bob, room_id)).result()
    path = f"/chat-service/conversations/{room_id}/read"
    alice.http.put(path, json={"message_index": MESSAGES}).raise_for_status()
    seat = new_seat(alice)
    seat.open(f"/r/{room_id}")
    return seat


async def write(user: User, room_id: str) -> None:
    async with Client(user.platform.url) as client:
        await client.login(user.email, user.password)
        async with client.session(messages_per_s=100_000, message_burst=10_000) as session:
            for first in range(1, MESSAGES + 1, AT_ONCE):
                numbers = range(first, first + AT_ONCE)
                sends = (session.send(f"Message {each}", room_id=room_id) for each in numbers)
                await asyncio.gather(*sends)


def test_it_opens_at_its_end_scrolls_back_and_comes_back(seat: Seat):
    page = seat.page
    expect(seat.message(f"Message {MESSAGES}")).to_be_in_viewport()
    seat.message(f"Message {MESSAGES}").hover()
    for _ in range(20):
        page.mouse.wheel(0, -2_000)
    expect(seat.message(f"Message {MESSAGES}")).to_have_count(0)
    # However long it is, the page holds what is near.
    assert seat.log.get_by_role("article").count() < 200
    page.get_by_role("button", name="Newest").click()
    expect(seat.message(f"Message {MESSAGES}")).to_be_in_viewport()


def test_a_day_leads_to_its_first_message_and_from_there_forward(seat: Seat):
    page = seat.page
    page.get_by_role("button", name="Go to a day").click()
    page.get_by_role("dialog").get_by_role("button", name="Show").click()
    first = seat.log.get_by_text("Message 1", exact=True)
    expect(first).to_be_in_viewport()
    first.hover()
    page.mouse.wheel(0, 5_000)
    expect(first).not_to_be_in_viewport()
    expect(seat.log.get_by_text("Message 30", exact=True)).to_be_attached()
