"""Nothing that somebody writes makes a page scroll sideways, at any width."""

import pytest
from playwright.sync_api import expect

LONG = "x" * 400
WIDE = [
    "```py\n" + "print('wide')  # " + "-" * 200 + "\n```",
    f"in the middle ```{LONG}``` of a line",
    f"`{LONG}`",
    f"> {LONG}",
    f"> ```\n> {'code ' * 60}\n> ```",
    f"- {LONG}\n  - `{LONG}`",
    "1. list\n\n   ```\n" + "code " * 60 + "\n   ```",
    "| "
    + " | ".join("column" for _ in range(30))
    + " |\n"
    + "|---" * 30
    + "|\n"
    + "| cell " * 30
    + "|",
    f"https://example.org/{LONG}",
    "**" + LONG + "**",
    "👩‍💻" * 200,
    "﷽" * 40,
    f"# {LONG}",
]


@pytest.fixture(scope="module")
def people(new_user):
    return new_user("alice", "W" * 50), new_user("bob")


@pytest.fixture(scope="module")
def room(people):
    alice, bob = people
    room_id = alice.create_room(bob, name="Wide " + "W" * 100)
    for text in WIDE:
        body = {"sender_id": alice.id, "message": text}
        answer = alice.http.post(f"/chat-service/rooms/{room_id}/send", json=body)
        answer.raise_for_status()
    body = {"sender_id": bob.id, "message": "short", "reply_to": answer.json()["id"]}
    bob.http.post(f"/chat-service/rooms/{room_id}/send", json=body).raise_for_status()
    return room_id


@pytest.mark.parametrize("width", [320, 360, 390, 820, 1280, 2560])
def test_only_code_and_tables_scroll_sideways(new_seat, people, room, width):
    seat = new_seat.seats[0] if new_seat.seats else new_seat(people[1])
    page = seat.page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/r/{room}")
    expect(seat.message("short").last).to_be_visible()
    for _ in WIDE:
        wide = page.evaluate(
            """() => [document.documentElement, document.querySelector('main'),
                      document.querySelector('[role=log]'),
                      ...document.querySelectorAll('article, [role=log] > *')]
                .filter(each => each.scrollWidth > each.clientWidth + 1)
                .map(each => each.outerHTML.slice(0, 200))"""
        )
        assert wide == []
        seat.log.evaluate("log => log.scrollBy(1000, -600)")
        assert seat.log.evaluate("log => log.scrollLeft") == 0
