"""The main job in Firefox: people log in, write and read, and find it all after a reload."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browser.firefox import Firefox, running_firefox


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("needs Firefox on PATH (Debian: apt-get install firefox-esr)")
    with running_firefox(program, tmp_path / "profile") as started:
        yield started
        assert started.errors == []


def test_people_write_and_read_in_firefox(firefox, platform, new_user):
    ada, grace = new_user("ada_in_firefox"), new_user("grace_elsewhere", "Grace")
    room = ada.create_room(grace, name="Foxes")

    firefox.goto(f"{platform.url}/login")
    firefox.click("textbox", "Email")
    firefox.type(f"{ada.email}\t{ada.password}\n")
    firefox.see("Foxes")

    firefox.goto(f"{platform.url}/r/{room}")
    firefox.click("textbox", "Message")
    firefox.type("Hello from **Firefox**\n")
    firefox.see("Hello from Firefox")
    bold = firefox.evaluate("document.querySelector('main article strong').textContent")
    assert bold == "Firefox"

    sent = {"sender_id": grace.id, "message": "Hello from elsewhere"}
    assert grace.http.post(f"/chat-service/rooms/{room}/send", json=sent).status_code == 200
    firefox.see("Hello from elsewhere")
    firefox.reload()
    firefox.see("Hello from Firefox")
    firefox.see("Hello from elsewhere")
