"""What happens when processes die without a word: nothing acknowledged is lost, and it goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Platform, User, environment, wait_for

PARTS = ("gateway", "users", "chat", "discovery", "redis-server", "mongod")


class Demo:
    """A running `chatterroom demo --forever`."""

    def __init__(self, platform: Platform, output: Path) -> None:
        self.output = output
        command = [sys.executable, "-m", "chatterroom", "demo", "--forever"]
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, "--url", platform.url], stdout=file, stderr=file, env=environment()
            )

    def ticks(self) -> int:
        return self.output.read_text().count("✓")

    def wait_for_more(self, ticks: int, timeout_s: float = 60) -> None:
        target = self.ticks() + ticks
        wait_for(lambda: self.ticks() >= target, timeout_s, f"ticks in {self.output.read_text()}")

    def finish(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(90)


def test_the_demo_goes_on_while_each_part_is_killed_and_nothing_is_lost(
    own_platform: Platform, tmp_path: Path
):
    own_platform.start()
    demo = Demo(own_platform, tmp_path / "demo.out")
    try:
        demo.wait_for_more(5)
        for part in PARTS:
            killed = own_platform.processes(part)[0]
            own_platform.kill(part)
            killed.wait(10)
            demo.wait_for_more(3)
    finally:
        status = demo.finish()
    assert status == 0, demo.output.read_text()
    assert "0 lost, 0 doubled" in demo.output.read_text()
    own_platform.wait_until_ready()


def test_chats_go_on_without_the_user_service_and_logins_without_the_chat_service(
    own_platform: Platform,
):
    own_platform.start()
    alice, bob = User(own_platform, "alice"), User(own_platform, "bob")
    room = alice.create_room(bob)
    try:
        for process in own_platform.processes("users"):
            process.send_signal(signal.SIGSTOP)
        body = {"sender_id": alice.id, "message": "still here"}
        sent = alice.http.post(f"/chat-service/rooms/{room}/send", json=body)
        assert sent.status_code == 200, sent.text
        body = {"email": alice.email, "password": alice.password}
        refused = alice.http.post("/user-service/login", json=body)
        assert refused.status_code in {503, 504}
        assert refused.headers["content-type"].startswith("application/problem+json")
        for process in own_platform.processes("users"):
            process.send_signal(signal.SIGCONT)
        for process in own_platform.processes("chat"):
            process.send_signal(signal.SIGSTOP)
        wait_for(lambda: logs_in(alice), 20, "a login without the chat service")
        refused = alice.http.get(f"/chat-service/rooms/{room}")
        assert refused.status_code in {503, 504}
    finally:
        for process in (*own_platform.processes("users"), *own_platform.processes("chat")):
            process.send_signal(signal.SIGCONT)
        alice.http.close()
        bob.http.close()


def logs_in(user: User) -> bool:
    body = {"email": user.email, "password": user.password}
    return user.http.post("/user-service/login", json=body).status_code == 200


def test_the_next_start_continues_with_the_same_data(own_platform: Platform):
    own_platform.start()
    alice, bob = User(own_platform, "alice"), User(own_platform, "bob")
    body = {"sender_id": alice.id, "receiver_id": bob.id, "message": "see you tomorrow"}
    sent = alice.http.post("/chat-service/private/send", json=body).json()
    assert own_platform.stop() == 0
    own_platform.start()
    history = bob.http.post(f"/chat-service/private/{alice.id}", json={"sender_id": bob.id})
    assert [message["id"] for message in history.json()["messages"]] == [sent["id"]]
    alice.log_in()
    alice.http.close()
    bob.http.close()


def test_a_second_up_on_the_same_data_says_so(platform: Platform):
    second = Platform(platform.data_dir)
    finished = subprocess.run(
        second.command, capture_output=True, text=True, timeout=30, check=False
    )
    assert finished.returncode == 1
    assert len(finished.stderr.strip().splitlines()) == 1
    assert "in use" in finished.stderr


@pytest.mark.parametrize("missing", ["CHATTERROOM_CHAT_MONGO_URL", "CHATTERROOM_SECRETS_DIR"])
def test_a_service_without_a_setting_stops_with_its_name(tmp_path: Path, missing: str):
    settings = {
        "CHATTERROOM_CHAT_MONGO_URL": "mongodb://127.0.0.1:1/x",
        "CHATTERROOM_CHAT_REDIS_URL": "redis://127.0.0.1:1/0",
        "CHATTERROOM_SECRETS_DIR": str(tmp_path),
    }
    del settings[missing]
    finished = subprocess.run(
        [sys.executable, "-m", "chatterroom", "chat"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=environment() | settings,
    )
    assert finished.returncode == 1
    assert missing.removeprefix("CHATTERROOM_CHAT_").removeprefix("CHATTERROOM_") in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
