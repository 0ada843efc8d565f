"""What happens to messages after they were sent, to rooms and marks: endpoints, calls behind."""

from urllib.parse import quote

import pytest

from chatterroom.core.ids import new_id, parse_client_id
from chatterroom.pb import chat_pb2

MOMENT = "2026-11-23T16:45:00.123Z"
ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"
MESSAGE = f"{ROOM}-000000000007"
PRIVATE_MESSAGE = f"p{ROOM}-000000000007"
AT = f"/chat-service/messages/{MESSAGE}"
WITH_BOB = f"/chat-service/rooms/{ROOM}/members/{{bob}}"

# method, path, body beside client_id, RPC, the request beside client_id
CHANGES = [
    (
        "PUT",
        AT,
        {"message": "better"},
        "EditMessage",
        {"message_id": MESSAGE, "user_id": "{ada}", "message": "better"},
    ),
    ("DELETE", AT, None, "DeleteMessage", {"message_id": MESSAGE, "user_id": "{ada}"}),
    (
        "PUT",
        f"{AT}/reactions/{quote('👍🏽')}",
        None,
        "ReactToMessage",
        {"message_id": MESSAGE, "user_id": "{ada}", "emoji": "👍🏽"},
    ),
    (
        "DELETE",
        f"{AT}/reactions/party",
        None,
        "ReactToMessage",
        {"message_id": MESSAGE, "user_id": "{ada}", "emoji": "party", "remove": True},
    ),
    ("PUT", f"{AT}/pin", None, "PinMessage", {"message_id": MESSAGE, "user_id": "{ada}"}),
    (
        "DELETE",
        f"{AT}/pin",
        None,
        "PinMessage",
        {"message_id": MESSAGE, "user_id": "{ada}", "remove": True},
    ),
    (
        "PATCH",
        f"/chat-service/rooms/{ROOM}",
        {"room_name": "Dinner", "settings": {"posting": "admins"}},
        "UpdateRoom",
        {
            "room_id": ROOM,
            "user_id": "{ada}",
            "room_name": "Dinner",
            "settings": {"posting": "admins"},
        },
    ),
    (
        "DELETE",
        WITH_BOB,
        None,
        "RemoveUserFromRoom",
        {"room_id": ROOM, "user_id": "{bob}", "actor_id": "{ada}"},
    ),
    (
        "PUT",
        f"{WITH_BOB}/role",
        {"role": "admin"},
        "ChangeRole",
        {"room_id": ROOM, "user_id": "{bob}", "actor_id": "{ada}", "role": "admin"},
    ),
]
REQUESTS = {
    "EditMessage": chat_pb2.EditMessageRequest,
    "DeleteMessage": chat_pb2.DeleteMessageRequest,
    "ReactToMessage": chat_pb2.ReactToMessageRequest,
    "PinMessage": chat_pb2.PinMessageRequest,
    "UpdateRoom": chat_pb2.UpdateRoomRequest,
    "RemoveUserFromRoom": chat_pb2.RemoveUserFromRoomRequest,
    "ChangeRole": chat_pb2.ChangeRoleRequest,
}


@pytest.fixture
def ask(world):
    def fill(value):
        if isinstance(value, dict):
            return {name: fill(inner) for name, inner in value.items()}
        if isinstance(value, str):
            return value.replace("{ada}", world.ada.id).replace("{bob}", world.bob.id)
        return value

    async def request(method, path, body=None, **headers):
        return await world.client.request(
            method, fill(path), json=body, headers={**world.ada.headers, **headers}
        )

    request.fill = fill
    return request


@pytest.mark.parametrize(("method", "path", "body", "rpc", "fields"), CHANGES)
async def test_changes(world, ask, method, path, body, rpc, fields):
    world.chat.answers[rpc] = chat_pb2.ChangeResponse(
        message="Done",
        id=f"{ROOM}-000000000009",
        conversation_id=ROOM,
        seq=9,
        created_at=MOMENT,
        duplicate=True,
    )
    answer = await ask(method, path, body, **{"Idempotency-Key": "c1"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "message": "Done",
        "id": f"{ROOM}-000000000009",
        "conversation_id": ROOM,
        "seq": 9,
        "created_at": MOMENT,
        "client_id": "c1",
        "duplicate": True,
    }
    heard = world.chat.only(rpc)
    assert heard.request == REQUESTS[rpc](**ask.fill(fields), client_id="c1")
    assert heard.caller.user_id == world.ada.id


@pytest.mark.parametrize(("method", "path", "body", "rpc", "fields"), CHANGES)
async def test_changes_take_a_client_id_or_get_one(world, ask, method, path, body, rpc, fields):
    if body is not None:
        await ask(method, path, {**body, "client_id": "from-the-body"})
        assert world.chat.heard.pop().request.client_id == "from-the-body"
    answer = await ask(method, path, body)
    assert parse_client_id(answer.json()["client_id"])
    assert world.chat.only(rpc).request.client_id == answer.json()["client_id"]


@pytest.mark.parametrize(("method", "path", "body", "rpc", "fields"), CHANGES)
async def test_changes_are_repeated_elsewhere_and_prefer_one_instance(
    start, method, path, body, rpc, fields
):
    world = await start(chats=3)
    path = path.replace("{bob}", world.bob.id)
    favourite = world.balancers["chat"].pick(key=ROOM)
    home = next(chat for chat in world.chats if chat.instance == favourite)

    async def ask():
        return await world.client.request(method, path, json=body, headers=world.ada.headers)

    assert (await ask()).status_code == 200
    assert home.only(rpc)
    await home.stop()
    assert (await ask()).status_code == 200
    assert sum(len(chat.heard) for chat in world.chats) == 2


@pytest.mark.parametrize("emoji", ["x" * 33, "%ff", "%ed%a0%80", "a%fcb"])
async def test_emojis_that_are_none(world, ask, emoji):
    answer = await ask("PUT", f"{AT}/reactions/{emoji}")
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_request", "emoji")
    assert not world.chat.heard


async def test_an_emoji_of_32_characters_is_short_enough(world, ask):
    assert (await ask("PUT", f"{AT}/reactions/{quote('é' * 32)}")).status_code == 200


@pytest.mark.parametrize("bad", ["x", ROOM, f"{ROOM}-7", f"{MESSAGE}0", f"q{MESSAGE}", "%00"])
async def test_message_ids_that_are_none(world, ask, bad):
    for method, rest, body in (
        ("PUT", "", {"message": "x"}),
        ("DELETE", "", None),
        ("PUT", "/pin", None),
        ("DELETE", "/reactions/x", None),
    ):
        answer = await ask(method, f"/chat-service/messages/{bad}{rest}", body)
        assert answer.status_code == 400
        assert (answer.json()["code"], answer.json()["field"]) == ("malformed_id", "message_id")
    assert not world.chat.heard


async def test_messages_of_private_chats_have_ids_too(world, ask):
    assert (await ask("PUT", f"/chat-service/messages/{PRIVATE_MESSAGE}/pin")).status_code == 200
    assert world.chat.only("PinMessage").request.message_id == PRIVATE_MESSAGE


async def test_what_is_not_given_stays_as_it_is(world, ask):
    await ask("PATCH", f"/chat-service/rooms/{ROOM}", {"settings": {"history": "everything"}})
    request = world.chat.only("UpdateRoom").request
    assert (request.room_name, request.settings.posting) == ("", "")
    assert request.settings.history == "everything"
    refused = await ask("PATCH", f"/chat-service/rooms/{ROOM}", {"room_name": ""})
    assert (refused.status_code, refused.json()["field"]) == (400, "room_name")


async def test_all_methods_of_a_path_are_told_to_those_who_try_another(world, ask):
    answer = await ask("POST", AT)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"DELETE", "PUT"}


@pytest.mark.parametrize("to_room", [True, False])
async def test_replies(world, ask, to_room):
    path = f"/chat-service/rooms/{ROOM}/send" if to_room else "/chat-service/private/send"
    target = {} if to_room else {"receiver_id": world.bob.id}
    body = {"sender_id": world.ada.id, "message": "yes", **target}
    assert (await ask("POST", path, {**body, "reply_to": MESSAGE})).status_code == 200
    assert world.chat.only_send().reply_to == MESSAGE
    refused = await ask("POST", path, {**body, "reply_to": "x"})
    assert (refused.status_code, refused.json()["field"]) == (400, "reply_to")


def eventful(ada, bob, **fields):
    message = {
        "sender_id": ada.id,
        "message": "",
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "id": MESSAGE,
        "conversation_id": ROOM,
        "seq": 7,
        "message_index": 5,
        "client_id": "c1",
    }
    details = {
        "reply_to": f"{ROOM}-000000000002",
        "mentions": [bob.id],
        "mention_names": ["bob"],
        "reactions": [{"emoji": "👍", "user_ids": [ada.id, bob.id]}],
        "pinned": True,
        "edited": True,
        "deleted": True,
    }
    return {**message, **fields, "details": details}, {**message, **fields, **details}


async def test_histories_and_pins_tell_what_has_happened(world, ask):
    stored, shown = eventful(world.ada, world.bob, room_id=ROOM)
    world.chat.answers["GetRoomHistory"] = chat_pb2.GetRoomHistoryResponse(messages=[stored])
    history = await ask("GET", f"/chat-service/rooms/{ROOM}")
    assert history.json()["messages"] == [shown]

    world.chat.answers["ListPins"] = chat_pb2.ListPinsResponse(messages=[stored])
    pins = await ask("GET", f"/chat-service/conversations/{ROOM}/pins?limit=7&before=40")
    del shown["room_id"]
    assert pins.json() == {"messages": [shown], "has_more": False}
    assert world.chat.only("ListPins").request == chat_pb2.ListPinsRequest(
        conversation_id=ROOM, limit=7, before=40
    )
    heard = world.chat.only("ListPins")
    assert (heard.request.conversation_id, heard.caller.user_id) == (ROOM, world.ada.id)

    stored, shown = eventful(world.ada, world.bob, receiver_id=world.bob.id)
    world.chat.answers["GetPrivateChatHistory"] = chat_pb2.GetPrivateChatHistoryResponse(
        messages=[stored]
    )
    history = await ask(
        "POST", f"/chat-service/private/{world.bob.id}", {"sender_id": world.ada.id}
    )
    assert history.json()["messages"] == [shown]


async def test_marks(world, ask):
    world.chat.answers["MarkDelivered"] = chat_pb2.MarkReadResponse(
        message="Noted", read_index=3, unread=2
    )
    answer = await ask("PUT", f"/chat-service/conversations/{ROOM}/delivered", {"message_index": 5})
    assert answer.json() == {"message": "Noted", "read_index": 3, "unread": 2}
    assert world.chat.only("MarkDelivered").request == chat_pb2.MarkReadRequest(
        user_id=world.ada.id, conversation_id=ROOM, message_index=5
    )
    world.chat.answers["ListMarks"] = chat_pb2.ListMarksResponse(
        marks=[
            chat_pb2.Mark(user_id=world.bob.id, read_index=3, delivered_index=5, joined_index=2)
        ],
        next_cursor="next",
    )
    answer = await ask("GET", f"/chat-service/conversations/{ROOM}/marks?limit=1&cursor=this")
    assert answer.json() == {
        "marks": [
            {"user_id": world.bob.id, "read_index": 3, "delivered_index": 5, "joined_index": 2}
        ],
        "next_cursor": "next",
    }
    assert world.chat.only("ListMarks").request == chat_pb2.ListMarksRequest(
        conversation_id=ROOM, limit=1, cursor="this"
    )
    assert world.chat.only("ListMarks").caller.user_id == world.ada.id


async def test_marks_are_whole_numbers_from_0_on(world, ask):
    for mark in ("read", "delivered"):
        for index in (-1, 1.5, "5", 2**53):
            answer = await ask(
                "PUT", f"/chat-service/conversations/{ROOM}/{mark}", {"message_index": index}
            )
            assert (answer.status_code, answer.json()["field"]) == (400, "message_index")


async def test_typing(world, ask):
    world.chat.answers["SetTyping"] = chat_pb2.SetTypingResponse(message="Told")
    answer = await ask("POST", f"/chat-service/conversations/{ROOM}/typing")
    assert (answer.status_code, answer.json()) == (200, {"message": "Told"})
    assert world.chat.only("SetTyping").request == chat_pb2.SetTypingRequest(
        conversation_id=ROOM, user_id=world.ada.id
    )


async def test_presence(world, ask):
    world.chat.answers["GetPresence"] = chat_pb2.GetPresenceResponse(
        users=[chat_pb2.Presence(user_id=world.bob.id, online=True)]
    )
    other = new_id()
    answer = await ask("GET", f"/chat-service/presence?ids={world.bob.id},{other}")
    assert answer.json() == {"users": [{"user_id": world.bob.id, "online": True}]}
    assert world.chat.only("GetPresence").request == chat_pb2.GetPresenceRequest(
        user_id=world.ada.id, user_ids=[world.bob.id, other]
    )
    refused = await ask("GET", "/chat-service/presence?ids=nobody")
    assert (refused.status_code, refused.json()["field"]) == (400, "ids")


async def test_blocks(world, ask):
    world.chat.answers["ListBlocks"] = chat_pb2.ListBlocksResponse(user_ids=[world.bob.id])
    assert (await ask("GET", "/chat-service/blocks")).json() == {"user_ids": [world.bob.id]}
    world.chat.answers["BlockUser"] = chat_pb2.BlockUserResponse(message="done")
    for method in ("PUT", "DELETE"):
        answer = await ask(method, f"/chat-service/blocks/{world.bob.id}")
        assert answer.json() == {"message": "done"}
    heard = [call.request for call in world.chat.heard if call.method == "BlockUser"]
    assert heard == [
        chat_pb2.BlockUserRequest(
            user_id=world.ada.id, blocked_id=world.bob.id, remove=method == "DELETE"
        )
        for method in ("PUT", "DELETE")
    ]
