"""A session that ends is over everywhere: two instances of every service behind one gateway."""

import asyncio
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time

import pytest
import websockets

from .conftest import Platform, User, receive, wait_for

# A second is promised; other tests use the machine at the same time.
SOON_S = 5


async def closed_with(socket) -> int:
    async with asyncio.timeout(15):
        await socket.wait_closed()
    return socket.close_code


def second_session(user: User, platform: Platform) -> User:
    """Return the same person on another device."""
    other = object.__new__(User)
    other.__dict__.update(user.__dict__)
    other.http = type(user.http)(base_url=platform.url, timeout=15, trust_env=False)
    other.log_in()
    return other


@pytest.fixture
def desk(alice: User, platform: Platform):
    """Alice again, on another device."""
    session = second_session(alice, platform)
    yield session
    session.http.close()


async def all_sockets_of(user: User, other: User) -> list:
    """Connect everywhere: sockets of different rooms prefer different instances."""
    rooms = [user.create_room(other, name=f"Room {number}") for number in range(6)]
    ways = [user.connect("/ws/alert", simple=True), user.connect()]
    ways += [user.connect(room_id=room) for room in rooms]
    sockets = [await way for way in ways]
    for socket in sockets:
        await receive(socket, "ready")
    return sockets


async def refused_soon(user: User, ended_at: float) -> None:
    """Wait until the gateway refuses a token; services hear of an end one by one."""
    while (answer := user.http.get("/chat-service/conversations")).status_code == 200:
        assert time.monotonic() - ended_at < SOON_S
        await asyncio.sleep(0.02)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


async def test_an_ended_session_is_over_on_every_instance_soon(alice: User, desk: User, bob: User):
    sessions = desk.http.get("/user-service/sessions").json()["sessions"]
    assert [session["current"] for session in sessions] == [True, False]
    ending = sessions[1]["session_id"]
    sockets = await all_sockets_of(alice, bob)
    async with desk.connect() as stays:
        await receive(stays, "ready")
        asked_at = time.monotonic()
        answer = desk.http.delete(f"/user-service/sessions/{ending}")
        assert answer.json() == {"message": "Session ended successfully"}
        assert {await closed_with(socket) for socket in sockets} == {4401}
        assert time.monotonic() - asked_at < SOON_S
        await refused_soon(alice, asked_at)
        with pytest.raises(websockets.InvalidStatus) as caught:
            await alice.connect()
        assert caught.value.response.status_code == 401
        await stays.send(json.dumps({"type": "ping", "ref": "p"}))
        assert (await receive(stays, "pong"))["ref"] == "p"
    assert bob.http.get("/chat-service/conversations").status_code == 200


async def test_a_new_password_ends_the_other_sessions_soon(alice: User, desk: User, bob: User):
    sockets = await all_sockets_of(alice, bob)
    body = {"current_password": alice.password, "new_password": secrets.token_urlsafe(12)}
    assert desk.http.post("/user-service/me/password", json=body).status_code == 200
    answered_at = time.monotonic()
    assert {await closed_with(socket) for socket in sockets} == {4401}
    assert time.monotonic() - answered_at < SOON_S
    await refused_soon(alice, answered_at)
    assert desk.http.get("/chat-service/conversations").status_code == 200


async def test_a_deletion_ends_all_sessions_soon(alice: User, desk: User, bob: User):
    sockets = [*await all_sockets_of(alice, bob), await desk.connect()]
    deleted = desk.http.post("/user-service/me/deletion", json={"password": alice.password})
    assert deleted.status_code == 200, deleted.text
    answered_at = time.monotonic()
    assert {await closed_with(socket) for socket in sockets} == {4401}
    assert time.monotonic() - answered_at < SOON_S
    for user in (alice, desk):
        await refused_soon(user, answered_at)


async def test_a_logout_closes_the_chat_sockets_of_the_session(alice: User):
    async with alice.connect() as socket:
        await receive(socket, "ready")
        assert alice.http.post("/user-service/logout").status_code == 200
        ended_at = time.monotonic()
        async with asyncio.timeout(1):
            assert await closed_with(socket) == 4401
    await refused_soon(alice, ended_at)


async def test_all_other_sessions_end_and_the_current_one_goes_on(alice: User, desk: User):
    async with alice.connect() as socket:
        await receive(socket, "ready")
        answer = desk.http.delete("/user-service/sessions").json()
        assert answer["ended"] == 1
        assert await closed_with(socket) == 4401
    [session] = desk.http.get("/user-service/sessions").json()["sessions"]
    assert session["current"]


async def test_keys_change_while_everything_runs_and_nobody_is_logged_out(
    platform: Platform, alice: User
):
    def kids() -> set[str]:
        answer = alice.http.get("/.well-known/jwks.json").json()
        return {key["kid"] for key in answer["keys"]}

    def signing_kid() -> str:
        body = {"refresh_token": tokens["refresh_token"]}
        tokens.update(alice.http.post("/user-service/refresh", json=body).json())
        header = tokens["token"].partition(".")[0]
        return json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]

    body = {"email": alice.email, "password": alice.password}
    tokens = alice.http.post("/user-service/login", json=body).json()
    before = kids()
    old_token = alice.token
    command = [sys.executable, "-m", "chatterroom", "rotate-keys", platform.data_dir / "secrets"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wait_for(lambda: len(kids()) == len(before) + 1, 15, "the new key to be published")
    [new] = kids() - before
    assert said == f"added {new}\n"
    wait_for(lambda: signing_kid() == new, 30, "the new key to sign")
    alice.token = tokens["token"]
    alice.http.headers["Authorization"] = f"Bearer {alice.token}"
    async with alice.connect() as socket:
        await receive(socket, "ready")
    assert alice.http.get("/chat-service/conversations").status_code == 200
    alice.http.headers["Authorization"] = f"Bearer {old_token}"
    assert alice.http.get("/chat-service/conversations").status_code == 200
    # Too young to be removed.
    retired = subprocess.run([*command, "--retire"], check=True, capture_output=True, text=True)
    assert retired.stdout == ""
    assert kids() >= before


def test_with_the_user_service_dead_what_is_known_stays_in_force(own_platform: Platform):
    own_platform.start()
    user = User(own_platform, "alice")
    other = second_session(user, own_platform)
    assert user.http.post("/user-service/logout").status_code == 200

    def refused() -> bool:
        answer = user.http.get("/chat-service/conversations")
        return answer.status_code == 401

    wait_for(refused, 5, "the logout to count")
    for process in own_platform.processes("users"):
        os.kill(process.pid, signal.SIGSTOP)
    try:
        assert other.http.get("/chat-service/conversations").status_code == 200
        assert refused()
    finally:
        for process in own_platform.processes("users"):
            os.kill(process.pid, signal.SIGCONT)
    user.http.close()
    other.http.close()
