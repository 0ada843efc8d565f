"""Every HTTP endpoint of the seed, through the gateway, with its paths, bodies and fields."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from chatterroom.core.ids import new_id

from .conftest import User

# An id that is well formed and nobody's; fixed, as test names must be the same in every process.
NOBODY = "01" + "0" * 24


def test_a_profile_shows_username_and_email(alice: User, bob: User):
    profile = bob.http.get(f"/user-service/users/{alice.id}").json()
    assert (profile["username"], profile["email"]) == (alice.username, alice.email)


def test_people_are_found_by_name(alice: User, bob: User):
    found = bob.http.get("/user-service/users", params={"query": alice.username[:12].upper()})
    assert alice.id in [user["user_id"] for user in found.json()["users"]]


def test_a_private_chat(alice: User, bob: User):
    body = {"sender_id": alice.id, "receiver_id": bob.id, "message": "hello"}
    sent = alice.http.post("/chat-service/private/send", json=body)
    assert sent.status_code == 200
    assert sent.json()["message"] == "Message sent successfully"
    history = bob.http.post(f"/chat-service/private/{alice.id}", json={"sender_id": bob.id})
    assert history.status_code == 200
    (message,) = history.json()["messages"]
    assert message.items() >= body.items()
    assert message.keys() >= {"created_at", "updated_at"}
    assert message["id"] == sent.json()["id"]


def test_a_rooms_life(alice: User, bob: User, carol: User):
    body = {"room_name": "Tea", "creator_id": alice.id, "members_ids": [bob.id]}
    created = alice.http.post("/chat-service/rooms/create", json=body)
    assert created.json()["message"] == "Room created successfully"
    room = f"/chat-service/rooms/{created.json()['room_id']}"
    added = bob.http.put(f"{room}/add", json={"user_id": carol.id})
    assert (added.status_code, added.json()["message"]) == (200, "User added to room successfully")
    sent = carol.http.post(f"{room}/send", json={"sender_id": carol.id, "message": "hi all"})
    assert sent.status_code == 200
    (message,) = alice.http.get(room).json()["messages"]
    assert message.keys() >= {"id", "room_id", "sender_id", "message", "created_at", "updated_at"}
    assert (message["sender_id"], message["message"]) == (carol.id, "hi all")
    members = alice.http.get(f"{room}/members").json()
    assert [member["user_id"] for member in members["members"]] == [alice.id, bob.id, carol.id]
    left = carol.http.put(f"{room}/leave", json={"user_id": carol.id})
    assert left.json()["message"] == "User removed from room successfully"
    assert carol.http.get(room).status_code == 404
    assert bob.http.get(room).status_code == 200


def test_my_conversations_newest_first_with_unread_and_last_message(alice: User, bob: User):
    room_id = alice.create_room(bob)
    body = {"sender_id": alice.id, "receiver_id": bob.id, "message": "look at the room"}
    alice.http.post("/chat-service/private/send", json=body)
    sent = {"sender_id": alice.id, "message": "here"}
    alice.http.post(f"/chat-service/rooms/{room_id}/send", json=sent)
    first, second = bob.http.get("/chat-service/conversations").json()["conversations"]
    assert (first["room_id"], first["unread"], first["last_message"]["message"]) == (
        room_id,
        1,
        "here",
    )
    assert (second["peer_id"], second["unread"]) == (alice.id, 1)
    read = f"/chat-service/conversations/{room_id}/read"
    assert bob.http.put(read, json={"message_index": 1}).json()["unread"] == 0


def test_ten_concurrent_sends_with_one_client_id_store_one_message(alice: User, bob: User):
    body = {
        "sender_id": alice.id,
        "receiver_id": bob.id,
        "message": "once",
        "client_id": new_id(),
    }
    with ThreadPoolExecutor(10) as pool:
        sends = [
            pool.submit(alice.http.post, "/chat-service/private/send", json=body) for _ in range(10)
        ]
        answers = [send.result() for send in sends]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    history = alice.http.post(f"/chat-service/private/{bob.id}", json={"sender_id": alice.id})
    assert len(history.json()["messages"]) == 1


def test_the_status_pages_need_no_token(platform):
    with httpx.Client(base_url=platform.url, trust_env=False) as http:
        status = http.get("/status").json()
        assert status["gateway"] == status["user_service"] == status["chat_service"] == "healthy"
        assert isinstance(status["uptime_seconds"], float)
        discovery = http.get("/discovery/status").json()
        assert discovery["status"] == "healthy"
        assert isinstance(discovery["db_status"], str)
        assert isinstance(discovery["uptime_seconds"], float)
        assert discovery["registered_services"] == 4
        for service in ("user-service", "chat-service"):
            assert http.get(f"/{service}/status").json() == {"status": "healthy"}
        assert http.get("/openapi.json").json()["openapi"].startswith("3.1")
        assert http.get("/docs").status_code == 200


def test_the_timeout_endpoint_times_out(platform):
    answer = httpx.get(f"{platform.url}/timeout", timeout=10, trust_env=False)
    assert (answer.status_code, answer.json()) == (504, {"message": "Request timed out"})


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", "/user-service/login", b'{"email": ', 400, "malformed_json"),
        (
            "POST",
            "/user-service/login",
            b'{"email": {"$ne": null}, "password": "x"}',
            400,
            "invalid_request",
        ),
        ("POST", "/user-service/login", b'{"email": "a@example.org"}', 400, "invalid_request"),
        ("POST", "/user-service/register", b"[]", 400, "invalid_request"),
        ("POST", "/chat-service/private/send", b" " * 2_000_000, 413, "body_too_large"),
        ("GET", "/user-service/users/nobody", b"", 400, "malformed_id"),
        ("GET", f"/user-service/users/{NOBODY}", b"", 404, "user_not_found"),
        ("GET", "/chat-service/rooms/..%2f..", b"", 404, None),
        ("GET", f"/chat-service/rooms/{NOBODY}", b"", 404, "room_not_found"),
        ("DELETE", "/user-service/login", b"", 405, "method_not_allowed"),
        ("GET", "/nothing/here", b"", 404, "not_found"),
    ],
)
def test_bad_input_gets_a_clear_answer_and_the_next_request_works(
    alice: User, method: str, path: str, content: bytes, status: int, code: str | None
):
    headers = {"Content-Type": "application/json"}
    answer = alice.http.request(method, path, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert code is None or problem["code"] == code
    assert "Traceback" not in answer.text
    assert alice.http.get("/chat-service/conversations").status_code == 200


def test_nobody_acts_for_somebody_else(alice: User, bob: User):
    body = {"sender_id": bob.id, "receiver_id": alice.id, "message": "I am Bob"}
    forged = alice.http.post("/chat-service/private/send", json=body)
    assert (forged.status_code, forged.json()["code"]) == (403, "identity_mismatch")
    body = {"room_name": "Bob's", "creator_id": bob.id, "members_ids": []}
    forged = alice.http.post("/chat-service/rooms/create", json=body)
    assert forged.status_code == 403
    room = alice.create_room(bob)
    pushed = alice.http.put(f"/chat-service/rooms/{room}/leave", json={"user_id": bob.id})
    assert pushed.status_code == 403


def test_unknown_people_cannot_be_written_to_or_added(alice: User):
    nobody = new_id()
    body = {"sender_id": alice.id, "receiver_id": nobody, "message": "anybody?"}
    sent = alice.http.post("/chat-service/private/send", json=body)
    assert (sent.status_code, sent.json()["code"]) == (404, "user_not_found")
    room = alice.create_room()
    added = alice.http.put(f"/chat-service/rooms/{room}/add", json={"user_id": nobody})
    assert (added.status_code, added.json()["code"]) == (404, "user_not_found")


def test_without_a_token_there_is_nothing_to_see(platform, alice: User):
    for path in (f"/user-service/users/{alice.id}", "/chat-service/conversations"):
        answer = httpx.get(platform.url + path, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
