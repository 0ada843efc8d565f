"""A message's whole life over HTTP, through the gateway."""

from .conftest import User, wait_for


def last_message(user: User, room: str) -> dict:
    return user.http.get(f"/chat-service/rooms/{room}").json()["messages"][-1]


def test_a_message_is_answered_edited_reacted_to_pinned_and_deleted(alice: User, bob: User):
    room = alice.create_room(bob)
    body = {"sender_id": alice.id, "message": f"helo @{bob.username}"}
    sent = alice.http.post(f"/chat-service/rooms/{room}/send", json=body).json()
    message = f"/chat-service/messages/{sent['id']}"
    assert last_message(bob, room)["mentions"] == [bob.id]
    assert alice.http.put(message, json={"message": "hello"}).status_code == 200
    assert bob.http.put(message, json={"message": "mine"}).status_code == 403
    assert bob.http.put(f"{message}/reactions/👍").status_code == 200
    assert bob.http.put(f"{message}/reactions/👍").status_code == 409
    assert bob.http.put(f"{message}/pin").status_code == 200
    shown = last_message(bob, room)
    assert (shown["message"], shown["edited"], shown["pinned"]) == ("hello", True, True)
    assert shown["reactions"] == [{"emoji": "👍", "user_ids": [bob.id]}]
    pins = alice.http.get(f"/chat-service/conversations/{room}/pins").json()
    assert [pin["id"] for pin in pins["messages"]] == [sent["id"]]
    assert bob.http.delete(f"{message}/reactions/👍").status_code == 200
    answer = {"sender_id": bob.id, "message": "hi", "reply_to": sent["id"]}
    assert bob.http.post(f"/chat-service/rooms/{room}/send", json=answer).status_code == 200
    assert last_message(alice, room)["reply_to"] == sent["id"]
    assert alice.http.delete(message).status_code == 200
    tombstone = alice.http.get(f"/chat-service/rooms/{room}").json()["messages"][0]
    assert (tombstone["message"], tombstone["deleted"], tombstone["pinned"]) == ("", True, False)


def test_a_room_is_renamed_run_and_handed_over(alice: User, bob: User, carol: User):
    room = f"/chat-service/rooms/{alice.create_room(bob, carol)}"
    change = {"room_name": "Coffee", "settings": {"posting": "admins"}}
    assert bob.http.patch(room, json=change).status_code == 403
    assert alice.http.patch(room, json=change).status_code == 200
    refused = bob.http.post(f"{room}/send", json={"sender_id": bob.id, "message": "hi"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    role = f"{room}/members/{bob.id}/role"
    assert alice.http.put(role, json={"role": "admin"}).status_code == 200
    assert bob.http.delete(f"{room}/members/{carol.id}").status_code == 200
    assert carol.http.get(room).status_code == 404
    assert alice.http.put(role, json={"role": "owner"}).status_code == 200
    details = bob.http.get(f"{room}/members").json()
    assert details["room_name"] == "Coffee"
    assert details["settings"]["posting"] == "admins"
    roles = {member["user_id"]: member["role"] for member in details["members"]}
    assert roles == {alice.id: "admin", bob.id: "owner"}


def test_marks_and_presence(alice: User, bob: User):
    room = alice.create_room(bob)
    body = {"sender_id": alice.id, "message": "read me"}
    alice.http.post(f"/chat-service/rooms/{room}/send", json=body)
    conversation = f"/chat-service/conversations/{room}"
    delivered = bob.http.put(f"{conversation}/delivered", json={"message_index": 1}).json()
    assert (delivered["read_index"], delivered["unread"]) == (0, 1)
    assert bob.http.put(f"{conversation}/read", json={"message_index": 1}).json()["unread"] == 0
    marks = alice.http.get(f"{conversation}/marks").json()["marks"]
    of_bob = next(mark for mark in marks if mark["user_id"] == bob.id)
    assert (of_bob["read_index"], of_bob["delivered_index"]) == (1, 1)
    assert bob.http.post(f"{conversation}/typing").status_code == 200
    presence = alice.http.get("/chat-service/presence", params={"ids": bob.id}).json()
    assert presence["users"] == [{"user_id": bob.id, "online": False}]


def test_a_blocked_user_writes_in_rooms_but_not_in_private(alice: User, bob: User):
    room = alice.create_room(bob)
    block = f"/chat-service/blocks/{bob.id}"
    assert alice.http.put(block).status_code == 200
    assert alice.http.get("/chat-service/blocks").json() == {"user_ids": [bob.id]}
    body = {"sender_id": bob.id, "receiver_id": alice.id, "message": "hello?"}

    def is_refused() -> bool:
        answer = bob.http.post("/chat-service/private/send", json=body)
        return (answer.status_code, answer.json().get("code")) == (403, "blocked")

    # Another instance hears of it within a second.
    wait_for(is_refused, 10, "the block to hold")
    said = {"sender_id": bob.id, "message": "here at least"}
    assert bob.http.post(f"/chat-service/rooms/{room}/send", json=said).status_code == 200
    assert alice.http.delete(block).status_code == 200
