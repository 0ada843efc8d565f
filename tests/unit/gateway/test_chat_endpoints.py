"""Every endpoint of the chat service: path, method, body, answer, and the call behind it."""

import pytest

from chatterroom.core.ids import new_id, parse_client_id, private_conversation_id
from chatterroom.pb import chat_pb2
from chatterroom.rpc.identity import Caller

MOMENT = "2026-11-23T16:45:00.123Z"
ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


def stored(ada, **fields):
    return {
        "sender_id": ada.id,
        "message": "hi",
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "id": f"{ROOM}-000000000001",
        "conversation_id": ROOM,
        "seq": 1,
        "message_index": 1,
        "client_id": "c1",
        **fields,
    }


SETTINGS = chat_pb2.RoomSettings(adding="admins", posting="members", history="since_joining")
PLAIN = {
    "reply_to": None,
    "mentions": [],
    "mention_names": [],
    "reactions": [],
    "pinned": False,
    "edited": False,
    "deleted": False,
}


async def test_send_private(world):
    conversation = private_conversation_id(world.ada.id, world.bob.id)
    world.chat.answer_send = lambda send: chat_pb2.SendRoomMessageResponse(
        message="Message sent successfully",
        id=f"{conversation}-000000000001",
        conversation_id=conversation,
        seq=1,
        message_index=1,
        created_at=MOMENT,
    )
    answer = await world.client.post(
        "/chat-service/private/send",
        json={
            "sender_id": world.ada.id,
            "receiver_id": world.bob.id,
            "message": "hi",
            "client_id": "c1",
        },
        headers=world.ada.headers,
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "Message sent successfully",
        "id": f"{conversation}-000000000001",
        "conversation_id": conversation,
        "seq": 1,
        "message_index": 1,
        "created_at": MOMENT,
        "client_id": "c1",
        "duplicate": False,
    }
    assert world.chat.only_send() == chat_pb2.SendRequest(
        sender_id=world.ada.id, receiver_id=world.bob.id, message="hi", client_id="c1"
    )
    # The gateway has checked the sender; the batch has many.
    assert world.chat.only("SendMessages").caller == Caller(service="gateway")


@pytest.mark.parametrize("in_body", [True, False])
async def test_private_history_is_paged_by_body_or_query(world, in_body):
    message = stored(world.ada, receiver_id=world.bob.id)
    world.chat.answers["GetPrivateChatHistory"] = chat_pb2.GetPrivateChatHistoryResponse(
        messages=[chat_pb2.ChatMessageProto(**message)], has_more=True
    )
    page = {"limit": 10, "before": 7, "after": 0}
    answer = await world.client.post(
        f"/chat-service/private/{world.bob.id}",
        json={"sender_id": world.ada.id, **(page if in_body else {})},
        params={} if in_body else page,
        headers=world.ada.headers,
    )
    assert answer.status_code == 200
    assert answer.json() == {"messages": [{**message, **PLAIN}], "has_more": True}
    assert world.chat.only(
        "GetPrivateChatHistory"
    ).request == chat_pb2.GetPrivateChatHistoryRequest(
        sender_id=world.ada.id, receiver_id=world.bob.id, limit=10, before=7, after=0
    )


async def test_create_room(world):
    world.chat.answers["CreateRoom"] = chat_pb2.CreateRoomResponse(
        message="Room created successfully", room_id=ROOM, seq=1
    )
    answer = await world.client.post(
        "/chat-service/rooms/create",
        json={
            "room_name": "Lunch",
            "creator_id": world.ada.id,
            "members_ids": [world.bob.id],
            "client_id": "c1",
        },
        headers=world.ada.headers,
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "Room created successfully",
        "room_id": ROOM,
        "seq": 1,
        "invited_ids": [],
        "client_id": "c1",
        "duplicate": False,
    }
    assert world.chat.only("CreateRoom").request == chat_pb2.CreateRoomRequest(
        room_name="Lunch", creator_id=world.ada.id, members_ids=[world.bob.id], client_id="c1"
    )


async def test_add_member(world):
    world.chat.answers["AddUserToRoom"] = chat_pb2.AddUserToRoomResponse(
        message="User added to room successfully", seq=2, added=1
    )
    answer = await world.client.put(
        f"/chat-service/rooms/{ROOM}/add",
        json={"user_id": world.bob.id},
        headers=world.ada.headers,
    )
    assert answer.json() == {
        "message": "User added to room successfully",
        "seq": 2,
        "invited": False,
        "added": 1,
        "invited_ids": [],
    }
    heard = world.chat.only("AddUserToRoom")
    assert (heard.request.room_id, heard.request.user_id) == (ROOM, world.bob.id)
    assert heard.caller.user_id == world.ada.id


async def test_add_members(world):
    world.chat.answers["AddUserToRoom"] = chat_pb2.AddUserToRoomResponse(
        message="Users added to room successfully", seq=3, added=1, invited_ids=[world.ada.id]
    )

    async def add(**body):
        path = f"/chat-service/rooms/{ROOM}/add"
        return await world.client.put(path, json=body, headers=world.ada.headers)

    answer = await add(user_ids=[world.bob.id, world.ada.id])
    assert answer.json() == {
        "message": "Users added to room successfully",
        "seq": 3,
        "invited": True,
        "added": 1,
        "invited_ids": [world.ada.id],
    }
    heard = world.chat.only("AddUserToRoom").request
    assert (heard.user_id, heard.user_ids) == ("", [world.bob.id, world.ada.id])
    for body in ({}, {"user_ids": []}, {"user_ids": [world.bob.id] * 101}):
        refused = await add(**body)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


async def test_room_history(world):
    message = stored(world.ada, room_id=ROOM)
    world.chat.answers["GetRoomHistory"] = chat_pb2.GetRoomHistoryResponse(
        messages=[chat_pb2.RoomMessageProto(**message)]
    )
    answer = await world.client.get(
        f"/chat-service/rooms/{ROOM}",
        params={"limit": 3, "after": 4},
        headers=world.ada.headers,
    )
    assert answer.json() == {"messages": [{**message, **PLAIN}], "has_more": False}
    assert world.chat.only("GetRoomHistory").request == chat_pb2.GetRoomHistoryRequest(
        room_id=ROOM, limit=3, after=4
    )


async def test_without_paging_the_service_decides_the_page(world):
    await world.client.get(f"/chat-service/rooms/{ROOM}", headers=world.ada.headers)
    request = world.chat.only("GetRoomHistory").request
    assert request == chat_pb2.GetRoomHistoryRequest(room_id=ROOM)
    assert not request.HasField("after")


async def test_leave_room(world):
    world.chat.answers["LeaveRoom"] = chat_pb2.LeaveRoomResponse(
        message="User removed from room successfully", seq=9
    )
    answer = await world.client.put(
        f"/chat-service/rooms/{ROOM}/leave",
        json={"user_id": world.ada.id},
        headers=world.ada.headers,
    )
    assert answer.json() == {"message": "User removed from room successfully", "seq": 9}
    request = world.chat.only("LeaveRoom").request
    assert (request.room_id, request.user_id) == (ROOM, world.ada.id)


async def test_send_to_room(world):
    world.chat.answer_send = lambda send: chat_pb2.SendRoomMessageResponse(
        message="Message sent successfully",
        id=f"{ROOM}-000000000002",
        conversation_id=ROOM,
        seq=2,
        message_index=1,
        created_at=MOMENT,
        duplicate=True,
    )
    answer = await world.client.post(
        f"/chat-service/rooms/{ROOM}/send",
        json={"sender_id": world.ada.id, "message": "hi"},
        headers={**world.ada.headers, "Idempotency-Key": '"c1"'},
    )
    assert answer.status_code == 200
    assert answer.json()["duplicate"] is True
    assert answer.json()["client_id"] == "c1"
    assert world.chat.only_send() == chat_pb2.SendRequest(
        room_id=ROOM, sender_id=world.ada.id, message="hi", client_id="c1"
    )


async def test_room_members(world):
    world.chat.answers["GetRoom"] = chat_pb2.GetRoomResponse(
        room_id=ROOM,
        room_name="Lunch",
        creator_id=world.ada.id,
        created_at=MOMENT,
        members=[
            chat_pb2.RoomMember(
                user_id=world.ada.id, joined_at=MOMENT, connected=True, role="owner"
            )
        ],
        seq=4,
        message_index=2,
        settings=SETTINGS,
        next_cursor="next",
        member_count=2,
        role="owner",
    )
    answer = await world.client.get(
        f"/chat-service/rooms/{ROOM}/members?limit=1&cursor=this", headers=world.ada.headers
    )
    assert answer.json() == {
        "room_id": ROOM,
        "room_name": "Lunch",
        "creator_id": world.ada.id,
        "created_at": MOMENT,
        "members": [
            {"user_id": world.ada.id, "joined_at": MOMENT, "connected": True, "role": "owner"}
        ],
        "seq": 4,
        "message_index": 2,
        "settings": {"adding": "admins", "posting": "members", "history": "since_joining"},
        "next_cursor": "next",
        "member_count": 2,
        "role": "owner",
    }
    assert world.chat.only("GetRoom").request == chat_pb2.GetRoomRequest(
        room_id=ROOM, limit=1, cursor="this"
    )


async def test_conversations(world):
    message = stored(world.ada, room_id=ROOM)
    world.chat.answers["ListConversations"] = chat_pb2.ListConversationsResponse(
        conversations=[
            chat_pb2.ConversationProto(
                conversation_id=ROOM,
                kind="room",
                room_id=ROOM,
                room_name="Lunch",
                seq=4,
                message_index=2,
                read_index=1,
                unread=1,
                delivered_index=2,
                last_activity_at=MOMENT,
                last_message=chat_pb2.RoomMessageProto(**message),
            ),
            chat_pb2.ConversationProto(
                conversation_id="p" + new_id(), kind="private", peer_id=world.bob.id
            ),
        ],
        next_cursor="more",
    )
    answer = await world.client.get(
        "/chat-service/conversations",
        params={"limit": 2, "cursor": "abc"},
        headers=world.ada.headers,
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["next_cursor"] == "more"
    room, private = body["conversations"]
    assert (room["kind"], room["unread"], room["last_message"]["message"]) == ("room", 1, "hi")
    del message["room_id"]
    assert (room["delivered_index"], room["last_message"]) == (2, {**message, **PLAIN})
    assert (private["kind"], private["peer_id"]) == ("private", world.bob.id)
    assert private["last_message"] is None
    assert world.chat.only("ListConversations").request == chat_pb2.ListConversationsRequest(
        user_id=world.ada.id, limit=2, cursor="abc"
    )


async def test_mark_read(world):
    world.chat.answers["MarkRead"] = chat_pb2.MarkReadResponse(message="ok", read_index=5)
    answer = await world.client.put(
        f"/chat-service/conversations/{ROOM}/read",
        json={"message_index": 5},
        headers=world.ada.headers,
    )
    assert answer.json() == {"message": "ok", "read_index": 5, "unread": 0}
    assert world.chat.only("MarkRead").request == chat_pb2.MarkReadRequest(
        user_id=world.ada.id, conversation_id=ROOM, message_index=5
    )


async def test_a_send_without_a_client_id_gets_one(world):
    body = {"sender_id": world.ada.id, "receiver_id": world.bob.id, "message": "hi"}
    answer = await world.client.post(
        "/chat-service/private/send", json=body, headers=world.ada.headers
    )
    made = world.chat.only_send().client_id
    assert parse_client_id(made)
    assert answer.json()["client_id"] == made


async def test_members_and_messages_of_one_room_go_to_one_instance(start):
    world = await start(chats=3)
    for _ in range(6):
        await world.client.get(f"/chat-service/rooms/{ROOM}", headers=world.ada.headers)
        await world.client.post(
            f"/chat-service/rooms/{ROOM}/send",
            json={"sender_id": world.ada.id, "message": "hi"},
            headers=world.ada.headers,
        )
    assert sorted(len(chat.heard) for chat in world.chats) == [0, 0, 12]
