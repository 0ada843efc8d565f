"""A platform with a bug in every loop and in some commands (`broken.py`): nothing else is hurt."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pymongo
import pytest
from pymongo.database import Database

from chatterroom.engines.mongod import internal_url

from .broken import POISON, UNANNOUNCED, UNDELETABLE
from .conftest import Platform, User, program, receive, resume, wait_for

MONGODB_BYTES = 16 * 1024 * 1024
LOOPS = {
    *("activity", "alerts", "blocks", "deletions", "departures", "directory", "erasures", "health"),
    *("heartbeat", "last_seen", "leases", "listening", "log", "marks", "password_changes"),
    *("presence", "publishing", "registration", "registry", "session_ends", "session_watch"),
    *("signing_key", "sweep"),
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    broken = Platform(tmp_path_factory.mktemp("broken") / "data", users=1, chat=2)
    up = broken.command.index("up")
    broken.command = [sys.executable, "-m", "tests.system.broken", *broken.command[up:]]
    broken.start()
    yield broken
    assert broken.stop() == 0


@pytest.fixture(autouse=True)
def alive(platform: Platform) -> Iterator[None]:
    before = pids(platform)
    yield
    assert pids(platform) == before, "a process has died"


def pids(platform: Platform) -> set[int]:
    assert platform.process is not None
    children = psutil.Process(platform.process.pid).children(recursive=True)
    return {child.pid for child in children if program(child)}


def logged(platform: Platform) -> str:
    logs = (platform.data_dir / "logs").iterdir()
    return "".join(path.read_text(errors="replace") for path in logs)


@contextmanager
def chat_database(platform: Platform) -> Iterator[Database[dict[str, Any]]]:
    (port,) = {
        connection.laddr.port
        for process in platform.processes("mongod")
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    url = internal_url(platform.data_dir / "mongod", f"127.0.0.1:{port}")
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield client["chatterroom_chat"]


def write(user: User, room: str, message: str) -> tuple[int, str]:
    """Return the status, and the id of the message or the code of the error."""
    body = {"sender_id": user.id, "message": message}
    answer = user.http.post(f"/chat-service/rooms/{room}/send", json=body)
    return answer.status_code, answer.json().get("id") or answer.json()["code"]


def texts(user: User, room: str) -> list[str]:
    messages = user.http.get(f"/chat-service/rooms/{room}").json()["messages"]
    return [message["message"] for message in messages]


FAILED = (500, "internal")


async def test_commands_that_meet_a_bug_fail_alone(alice: User, bob: User):
    rooms = [alice.create_room(bob) for _ in range(10)]
    async with alice.connect() as socket:
        await resume(socket)
        for number in range(60):
            message = POISON if number % 20 == 7 else f"{number}"
            send = {"type": "send", "ref": f"{number}", "message": message}
            await socket.send(json.dumps({**send, "room_id": rooms[number % 10]}))
        outcomes = {}
        while len(outcomes) < 60:
            event = json.loads(await asyncio.wait_for(socket.recv(), 15))
            if event["type"] in {"ack", "error"}:
                outcomes[int(event["ref"])] = event.get("code", "stored")
    assert outcomes == {n: "internal" if n % 20 == 7 else "stored" for n in range(60)}
    for place, room in enumerate(rooms):
        sent = [f"{n}" for n in range(60) if n % 10 == place and n % 20 != 7]
        assert texts(bob, room) == sent


def test_changes_that_meet_a_bug_fail_alone(alice: User, bob: User):
    room = alice.create_room(bob)
    status, message_id = write(alice, room, "sound")
    assert status == 200
    assert write(alice, room, POISON) == FAILED
    path = f"/chat-service/messages/{message_id}"
    assert alice.http.put(path, json={"message": POISON}).status_code == 500
    assert alice.http.put(path, json={"message": "edited"}).status_code == 200
    private = {"sender_id": alice.id, "receiver_id": bob.id}
    for message, expected in ((POISON, 500), ("hello", 200), (POISON, 500), ("again", 200)):
        answer = alice.http.post("/chat-service/private/send", json={**private, "message": message})
        assert answer.status_code == expected, answer.text
    assert write(bob, room, "behind")[0] == 200
    assert texts(bob, room) == ["edited", "behind"]


def test_a_deletion_that_fails_is_not_tried_on_the_next_instance(
    platform: Platform, alice: User, bob: User
):
    room = alice.create_room(bob)
    _, message_id = write(alice, room, UNDELETABLE)
    path = f"/chat-service/messages/{message_id}"
    before = logged(platform).count(f"InjectedError: {UNDELETABLE}")
    answer = alice.http.delete(path)
    assert (answer.status_code, answer.json()["code"]) == FAILED
    assert UNDELETABLE not in answer.text
    assert logged(platform).count(f"InjectedError: {UNDELETABLE}") == before + 1
    assert write(alice, room, "behind")[0] == 200
    assert texts(bob, room) == [UNDELETABLE, "behind"]


async def test_what_cannot_be_announced_is_stored_and_found(alice: User, bob: User):
    room = alice.create_room(bob)
    async with bob.connect() as socket:
        await resume(socket)
        assert write(alice, room, UNANNOUNCED)[0] == 200
        heard = await receive(socket, "message")
        assert heard["message"] == UNANNOUNCED


def test_documents_that_mongodb_has_no_room_for_fail_what_makes_them_larger(
    platform: Platform, alice: User, bob: User, new_user: Callable[[str], User]
):
    room, sound = alice.create_room(bob), alice.create_room(bob)
    _, message_id = write(alice, room, "sound")
    with chat_database(platform) as database:
        for name, key in (("rooms", room), ("room_messages", message_id)):
            size = database[name].aggregate(
                [{"$match": {"_id": key}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
            )
            filler = "x" * (MONGODB_BYTES - size.next()["size"] - 200)
            database[name].update_one({"_id": key}, {"$set": {"filler": filler}})
    path = f"/chat-service/messages/{message_id}"
    longer = alice.http.put(path, json={"message": "longer " * 100})
    assert (longer.status_code, longer.json()["code"]) == FAILED
    joining = {"user_id": new_user("carol").id}
    statuses = []
    while 500 not in statuses and len(statuses) < 10:
        answer = alice.http.put(f"/chat-service/rooms/{room}/add", json=joining)
        statuses.append(answer.status_code)
        joining = {"user_id": new_user("carol").id}
    assert statuses[-1] == 500, statuses
    assert write(alice, room, "behind")[0] == 200
    assert write(bob, sound, "meanwhile")[0] == 200
    assert alice.http.delete(path).status_code == 200
    # A page ends early by size, also by that of what it does not show.
    assert texts(bob, room)[-1] == "behind"
    with chat_database(platform) as database:
        found = database["room_messages"].find_one({"_id": message_id}, {"filler": 0})
    assert found is not None
    assert (found["message"], found["deleted"]) == ("", True)
    # Nobody reads what the driver says of it: it quotes what was to be stored.
    assert "longer longer" not in logged(platform)


async def test_every_loop_goes_on(platform: Platform, alice: User, bob: User):
    async with alice.connect("/ws/alert") as alerts, bob.connect() as socket:
        await receive(alerts, "ready")
        await resume(socket)
        alice.log_in()
        assert (await receive(alerts, "login"))["device"]
        presence = {"type": "watch_presence", "ref": "p", "user_ids": [alice.id]}
        room = alice.create_room(bob)
        await receive(socket, "room_created")
        await socket.send(json.dumps(presence))
        assert await receive(socket, "presence")
        assert write(alice, room, "hello")[0] == 200
        message = await receive(socket, "message")
        mark = {"type": "mark", "conversation_id": room, "read": message["message_index"]}
        await socket.send(json.dumps({**mark, "ref": "m"}))
        assert await receive(socket, "marked")
    assert alice.http.post("/user-service/logout").status_code == 200
    wait_for(
        lambda: alice.http.get("/user-service/me").status_code == 401, 15, "the session to end"
    )
    failed = set(re.findall(r"what=(\S+)", re.sub(r"\x1b\[[0-9;]*m", "", logged(platform))))
    assert failed >= LOOPS, LOOPS - failed
