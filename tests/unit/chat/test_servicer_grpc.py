import asyncio
import json
from pathlib import Path

import grpc
import pytest

from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.log import Appended
from chatterroom.chat.servicer_grpc import ChatServicer
from chatterroom.core import times
from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import RoomId, new_id, private_conversation_id, room_conversation_id
from chatterroom.pb import chat_pb2
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import SERVICE, _current

from .conftest import ALICE, BOB, CAROL, Service, receive, resume

NAMES = json.loads(
    (Path(__file__).parents[2] / "conformance" / "names.json").read_text(encoding="utf-8")
)
DISPLAY_NAMES = [case for case in NAMES["display_names"] if case["text"]]


async def code_of(call) -> ErrorCode:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    error = error_from(failed.value)
    assert error is not None
    return error.code


async def send_private(service: Service, sender, receiver, text: str, client_id: str = ""):
    request = chat_pb2.SendPrivateMessageRequest(
        sender_id=sender, receiver_id=receiver, message=text, client_id=client_id
    )
    return await service.stub.SendPrivateMessage(request, metadata=service.metadata(sender))


async def private_history(service: Service, one, other, **paging):
    request = chat_pb2.GetPrivateChatHistoryRequest(sender_id=one, receiver_id=other, **paging)
    return await service.stub.GetPrivateChatHistory(request, metadata=service.metadata(one))


async def room_history(service: Service, viewer, room_id: str, **paging):
    request = chat_pb2.GetRoomHistoryRequest(room_id=room_id, **paging)
    return await service.stub.GetRoomHistory(request, metadata=service.metadata(viewer))


async def conversations(service: Service, user, **paging):
    request = chat_pb2.ListConversationsRequest(user_id=user, **paging)
    return await service.stub.ListConversations(request, metadata=service.metadata(user))


async def test_both_sides_of_a_private_chat_read_the_same_history(service: Service):
    sent = await send_private(service, ALICE, BOB, "one")
    await send_private(service, BOB, ALICE, "two")
    assert sent.message == "Message sent successfully"
    mine = await private_history(service, ALICE, BOB)
    theirs = await private_history(service, BOB, ALICE)
    assert mine == theirs
    assert [(m.sender_id, m.receiver_id, m.message) for m in mine.messages] == [
        (ALICE, BOB, "one"),
        (BOB, ALICE, "two"),
    ]
    assert mine.messages[0].id == sent.id
    assert mine.messages[0].created_at == mine.messages[0].updated_at == sent.created_at


async def test_a_third_person_finds_another_conversation(service: Service):
    await send_private(service, ALICE, BOB, "one")
    assert not (await private_history(service, CAROL, BOB)).messages


async def test_history_is_paged_in_both_directions(service: Service):
    room = await service.create_room(ALICE)
    await asyncio.gather(*(service.post(room, ALICE, f"{n}") for n in range(25)))
    newest = await room_history(service, ALICE, room, limit=10)
    assert [m.seq for m in newest.messages] == list(range(17, 27))
    assert newest.has_more
    older = await room_history(service, ALICE, room, limit=20, before=17)
    assert [m.seq for m in older.messages] == list(range(2, 17))
    assert not older.has_more
    forward = await room_history(service, ALICE, room, limit=10, after=0)
    assert [m.seq for m in forward.messages] == list(range(2, 12))
    assert forward.has_more
    rest = await room_history(service, ALICE, room, limit=200, after=11)
    assert [m.seq for m in rest.messages] == list(range(12, 27))
    assert not rest.has_more


async def test_a_repeated_send_gets_the_same_answer(service: Service):
    first = await send_private(service, ALICE, BOB, "one", client_id="c1")
    again = await send_private(service, ALICE, BOB, "one", client_id="c1")
    assert again.duplicate
    assert (again.id, again.seq) == (first.id, first.seq)
    other = await send_private(service, BOB, ALICE, "one", client_id="c1")
    assert not other.duplicate, "another sender's client ids are its own"


async def test_a_repeated_creation_gives_the_same_room(service: Service):
    request = chat_pb2.CreateRoomRequest(room_name="Tea", creator_id=ALICE, client_id="c1")
    metadata = service.metadata(ALICE)
    rooms = await asyncio.gather(
        *(service.stub.CreateRoom(request, metadata=metadata) for _ in range(5))
    )
    assert len({room.room_id for room in rooms}) == 1
    assert [room.duplicate for room in rooms].count(False) == 1


async def test_a_room_tells_its_members_and_who_is_connected(
    service: Service, other_service: Service
):
    room_id = await service.create_room(ALICE, BOB)
    async with other_service.connect(BOB, room_id) as socket:
        await resume(socket)
        request = chat_pb2.GetRoomRequest(room_id=room_id)
        async with asyncio.timeout(5):
            while True:
                room = await service.stub.GetRoom(request, metadata=service.metadata(ALICE))
                connected = {m.user_id: m.connected for m in room.members}
                if connected == {ALICE: False, BOB: True}:
                    break
    assert (room.room_name, room.creator_id, room.seq) == ("Tea", ALICE, 1)


async def test_conversations_are_listed_by_activity_with_unread_and_last_message(
    service: Service,
):
    room = await service.create_room(ALICE, BOB)
    await send_private(service, CAROL, BOB, "psst")
    await service.post(room, ALICE, "one")
    await service.post(room, ALICE, "two")
    first, second = (await conversations(service, BOB)).conversations
    assert (first.kind, first.room_id, first.room_name) == ("room", room, "Tea")
    assert (first.unread, first.added_by, first.last_message.message) == (2, ALICE, "two")
    assert (second.kind, second.peer_id, second.unread) == ("private", CAROL, 1)
    assert second.conversation_id == private_conversation_id(BOB, CAROL)
    await send_private(service, CAROL, BOB, "still there?")
    assert [c.kind for c in (await conversations(service, BOB)).conversations] == [
        "private",
        "room",
    ]
    senders_own = (await conversations(service, ALICE)).conversations[0]
    assert senders_own.unread == 0, "one's own messages are read"


async def test_conversations_come_in_pages(service: Service):
    rooms = [await service.create_room(ALICE) for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await conversations(service, ALICE, limit=2, cursor=cursor)
        seen += [c.room_id for c in page.conversations]
        cursor = page.next_cursor
        if not cursor:
            break
    assert sorted(seen) == sorted(rooms)


async def test_reading_lowers_unread_and_the_highest_mark_wins(service: Service):
    room = await service.create_room(ALICE, BOB)
    for number in range(5):
        await service.post(room, ALICE, f"{number}")

    async def mark(index: int):
        request = chat_pb2.MarkReadRequest(user_id=BOB, conversation_id=room, message_index=index)
        return await service.stub.MarkRead(request, metadata=service.metadata(BOB))

    assert (await mark(3)).unread == 2
    assert (await mark(1)).read_index == 3
    assert (await conversations(service, BOB)).conversations[0].unread == 2
    assert (await mark(99)).read_index == 5, "nobody has read what is not written"
    async with asyncio.timeout(5):
        while (await service_membership(service, BOB, room)) != 5:
            await asyncio.sleep(0.02)


async def service_membership(service: Service, user, room: str) -> int:
    listed = await conversations(service, user)
    return listed.conversations[0].read_index


async def test_leaving_ends_reading_and_the_listing(service: Service):
    room = await service.create_room(ALICE, BOB)
    await service.leave(room, BOB)
    assert await code_of(room_history(service, BOB, room)) is ErrorCode.ROOM_NOT_FOUND
    assert not (await conversations(service, BOB)).conversations
    assert (await room_history(service, ALICE, room)).messages is not None
    again = chat_pb2.LeaveRoomRequest(room_id=room, user_id=BOB)
    leaving = service.stub.LeaveRoom(again, metadata=service.metadata(BOB))
    assert await code_of(leaving) is ErrorCode.ROOM_NOT_FOUND


async def test_a_stranger_sees_no_difference_between_a_closed_and_a_missing_room(
    service: Service,
):
    room = await service.create_room(ALICE)
    for room_id in (room, new_id()):
        assert await code_of(room_history(service, BOB, room_id)) is ErrorCode.ROOM_NOT_FOUND
        details = service.stub.GetRoom(
            chat_pb2.GetRoomRequest(room_id=room_id), metadata=service.metadata(BOB)
        )
        assert await code_of(details) is ErrorCode.ROOM_NOT_FOUND
        assert await code_of(service.post(room_id, BOB, "hi")) is ErrorCode.ROOM_NOT_FOUND
        assert await code_of(service.add(room_id, BOB, BOB)) is ErrorCode.ROOM_NOT_FOUND


async def test_nobody_acts_for_another_user(service: Service):
    request = chat_pb2.SendPrivateMessageRequest(
        sender_id=ALICE, receiver_id=BOB, message="I am Alice"
    )
    forged = service.stub.SendPrivateMessage(request, metadata=service.metadata(CAROL))
    assert await code_of(forged) is ErrorCode.IDENTITY_MISMATCH
    room = await service.create_room(ALICE, BOB)
    leave = chat_pb2.LeaveRoomRequest(room_id=room, user_id=BOB)
    pushed_out = service.stub.LeaveRoom(leave, metadata=service.metadata(ALICE))
    assert await code_of(pushed_out) is ErrorCode.IDENTITY_MISMATCH


async def test_a_service_acts_for_anybody(service: Service):
    room = await service.create_room(ALICE)
    request = chat_pb2.AddUserToRoomRequest(room_id=room, user_id=BOB)
    await service.stub.AddUserToRoom(request, metadata=service.metadata())
    history = chat_pb2.GetRoomHistoryRequest(room_id=room)
    await service.stub.GetRoomHistory(history, metadata=service.metadata())
    missing = chat_pb2.GetRoomHistoryRequest(room_id=new_id())
    asked = service.stub.GetRoomHistory(missing, metadata=service.metadata())
    assert await code_of(asked) is ErrorCode.ROOM_NOT_FOUND


async def test_without_a_credential_nobody_gets_in(service: Service):
    asked = service.stub.GetRoomHistory(chat_pb2.GetRoomHistoryRequest(room_id=new_id()))
    assert await code_of(asked) is ErrorCode.SERVICE_CREDENTIAL_INVALID


async def test_a_user_may_call_with_an_access_token(service: Service):
    room = await service.create_room(ALICE)
    bearer = (("authorization", f"Bearer {service.token(ALICE)}"),)
    request = chat_pb2.GetRoomHistoryRequest(room_id=room)
    await service.stub.GetRoomHistory(request, metadata=bearer)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("sender_id", "", ErrorCode.MALFORMED_ID),
        ("sender_id", "x" * 26, ErrorCode.MALFORMED_ID),
        ("receiver_id", "nobody", ErrorCode.MALFORMED_ID),
        pytest.param("receiver_id", ALICE, ErrorCode.MESSAGE_TO_ONESELF, id="oneself"),
        ("message", "", ErrorCode.EMPTY_MESSAGE),
        ("message", " \n\t", ErrorCode.EMPTY_MESSAGE),
        ("message", "x" * 8001, ErrorCode.MESSAGE_TOO_LONG),
        ("message", "a\0b", ErrorCode.INVALID_REQUEST),
        ("client_id", "with space", ErrorCode.MALFORMED_ID),
        ("client_id", "x" * 65, ErrorCode.MALFORMED_ID),
    ],
)
async def test_a_bad_private_message_is_refused_with_its_reason(
    service: Service, field: str, value: str, code: ErrorCode
):
    fields = {"sender_id": ALICE, "receiver_id": BOB, "message": "hi", field: value}
    request = chat_pb2.SendPrivateMessageRequest(**fields)
    sending = service.stub.SendPrivateMessage(request, metadata=service.metadata())
    assert await code_of(sending) is code


@pytest.mark.parametrize("case", DISPLAY_NAMES, ids=lambda case: ascii(case["text"]))
async def test_rooms_may_have_the_names_that_people_may_show(service: Service, case: dict):
    request = chat_pb2.CreateRoomRequest(room_name=case["text"], creator_id=ALICE)
    await service.stub.CreateRoom(request, metadata=service.metadata(ALICE))
    (room,) = (await conversations(service, ALICE)).conversations
    assert room.room_name == case["name"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 129,
        "a\x07b",
        "a\nb",
        "\u200b",
        "\u3164",
        "\u2800",
        "a\u202eb",
        "a\U000e0041",
    ],
)
async def test_a_bad_room_name_is_refused(service: Service, name: str):
    request = chat_pb2.CreateRoomRequest(room_name=name, creator_id=ALICE)
    creating = service.stub.CreateRoom(request, metadata=service.metadata(ALICE))
    assert await code_of(creating) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("paging", [{"limit": -1}, {"limit": 201}, {"before": -1}, {"after": -1}])
async def test_bad_paging_is_refused(service: Service, paging: dict):
    room = await service.create_room(ALICE)
    asked = room_history(service, ALICE, room, **paging)
    assert await code_of(asked) is ErrorCode.INVALID_REQUEST


async def test_messages_sent_by_rpc_reach_sockets(service: Service):
    room = await service.create_room(ALICE, BOB)
    async with service.connect(BOB) as socket:
        await resume(socket)
        await service.post(room, ALICE, "by rpc")
        await send_private(service, ALICE, BOB, "private, by rpc")
        assert (await receive(socket, "message"))["message"] == "by rpc"
        assert (await receive(socket, "message"))["message"] == "private, by rpc"


class Actions:
    """Sends to rooms, of which one meets with something unforeseen."""

    store = None

    def admit_message(self, sender_id, message) -> None:
        pass

    @property
    def contacts(self):
        return self

    async def first_messages(self, pairs) -> dict:
        return {}

    async def send_room_message(
        self, room_id, sender_id, message, client_id, reply_to, *, admitted
    ):
        if message == "unforeseen":
            raise RuntimeError(message)
        stored = asyncio.get_running_loop().create_future()
        if message == "later":
            stored.set_exception(RuntimeError(message))
            return stored
        entry = MessagePosted(
            conversation_id=room_conversation_id(room_id),
            seq=2,
            message_index=1,
            sender_id=sender_id,
            client_id=client_id,
            created_at=times.now(),
            message=message,
            updated_at=times.now(),
        )
        stored.set_result(Appended(entry, duplicate=False))
        return stored


async def test_a_send_that_fails_for_an_unknown_reason_does_not_fail_its_batch():
    room = RoomId(new_id())
    sends = [
        chat_pb2.SendRequest(sender_id=ALICE, room_id=room, message=text, client_id=text)
        for text in ("first", "unforeseen", "later", "last")
    ]

    async def send_all():
        _current.set(SERVICE)
        servicer = ChatServicer(Actions(), leases=None, activity=None)
        return await servicer.SendMessages(chat_pb2.SendMessagesRequest(sends=sends), None)

    answer = await asyncio.create_task(send_all())
    assert [each.WhichOneof("outcome") for each in answer.results] == [
        *("sent", "error"),
        *("error", "sent"),
    ]
    assert {each.error.code for each in answer.results[1:3]} == {ErrorCode.INTERNAL.value}
