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


# Counts the pictures in which nothing of the conversation is seen in the middle of its place.
WATCH = """() => {
  window.pictures = { all: 0, empty: 0 };
  const look = () => {
    const { x, y, width, height } = document.querySelector("[role=log]").getBoundingClientRect();
    const seen = [0.4, 0.5, 0.6].map((part) =>
      document.elementFromPoint(x + width / 2, y + height * part)?.closest("[data-index]"));
    window.pictures.all += 1;
    if (seen.every((row) => !row)) window.pictures.empty += 1;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


@pytest.fixture(scope="module")
def users(new_user) -> tuple[User, User]:
    return new_user("alice"), new_user("bob")


@pytest.fixture(scope="module")
def room(users) -> str:
    alice, bob = users
    room_id = alice.create_room(bob, name="Archive")
    write(bob, room_id, 1, MESSAGES)
    path = f"/chat-service/conversations/{room_id}/read"
    alice.http.put(path, json={"message_index": MESSAGES}).raise_for_status()
    return room_id


@pytest.fixture(scope="module")
def seat(users, room, new_seat) -> Seat:
    """Somebody looking at the room."""
    seat = new_seat(users[0])
    seat.open(f"/r/{room}")
    return seat


def write(user: User, room_id: str, first: int, last: int) -> None:
    """Write "Message" and these numbers, in their order."""

    async def write_all() -> None:
        async with Client(user.platform.url) as client:
            await client.login(user.email, user.password)
            async with client.session(messages_per_s=100_000, message_burst=10_000) as session:
                for begin in range(first, last + 1, AT_ONCE):
                    numbers = range(begin, min(begin + AT_ONCE, last + 1))
                    sends = (session.send(f"Message {each}", room_id=room_id) for each in numbers)
                    await asyncio.gather(*sends)

    # Playwright holds the event loop of this thread.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, write_all()).result()


def test_it_opens_at_its_end_scrolls_back_and_comes_back(seat: Seat):
    page = seat.page
    expect(seat.message(f"Message {MESSAGES}")).to_be_in_viewport()
    seat.message(f"Message {MESSAGES}").hover()
    for _ in range(20):
        page.mouse.wheel(0, -2_000)
    expect(seat.message(f"Message {MESSAGES}")).to_have_count(0)
    # However long it is, the page holds what is near.
    assert seat.log.get_by_role("article").count() < 200
    page.get_by_role("button", name="Jump to latest").click()
    expect(seat.message(f"Message {MESSAGES}")).to_be_in_viewport()


def test_a_day_leads_to_its_first_message_and_from_there_forward(seat: Seat):
    page = seat.page
    page.get_by_role("button", name="Jump to date").click()
    page.get_by_role("dialog").get_by_role("button", name="Jump").click()
    first = seat.log.get_by_text("Message 1", exact=True)
    expect(first).to_be_in_viewport()
    first.hover()
    page.mouse.wheel(0, 5_000)
    expect(first).not_to_be_in_viewport()
    expect(seat.log.get_by_text("Message 30", exact=True)).to_be_attached()


def test_a_burst_is_followed_without_an_empty_picture(users, room: str, seat: Seat):
    seat.page.get_by_role("button", name="Jump to latest").click()
    expect(seat.message(f"Message {MESSAGES}")).to_be_in_viewport()
    seat.page.evaluate(WATCH)
    last = MESSAGES
    for _ in range(5):
        write(users[1], room, last + 1, last + 100)
        last += 100
        expect(seat.message(f"Message {last}")).to_be_in_viewport()
    pictures = seat.page.evaluate("window.pictures")
    assert pictures["all"] > 0
    assert pictures["empty"] == 0
