"""Who may write first or add to rooms, and what waits until it is accepted."""

import asyncio

import grpc.aio
import pytest

from chatterroom.chat.requests import MAX_UNACCEPTED_MESSAGES
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import (
    ConversationId,
    UserId,
    new_id,
    private_conversation_id,
)
from chatterroom.pb import chat_pb2
from chatterroom.rpc.errors import error_from

from .conftest import Service, receive, resume, running_service, say
from .test_blocked_users import block


async def choose(service: Service, user_id: UserId, **settings: str) -> None:
    wanted = chat_pb2.ContactSettings(**settings)
    request = chat_pb2.SetContactSettingsRequest(user_id=user_id, settings=wanted)
    await service.stub.SetContactSettings(request, metadata=service.metadata(user_id))


async def write(service: Service, sender: UserId, receiver: UserId, text="hello", client_id=""):
    request = chat_pb2.SendPrivateMessageRequest(
        sender_id=sender, receiver_id=receiver, message=text, client_id=client_id
    )
    return await service.stub.SendPrivateMessage(request, metadata=service.metadata(sender))


async def requests(service: Service, user_id: UserId, **page) -> chat_pb2.ListRequestsResponse:
    request = chat_pb2.ListRequestsRequest(user_id=user_id, **page)
    return await service.stub.ListRequests(request, metadata=service.metadata(user_id))


async def waiting(service: Service, user_id: UserId) -> list[tuple[str, str, str, str]]:
    listed = (await requests(service, user_id)).requests
    return [(each.kind, each.user_id, each.room_name, each.preview) for each in listed]


async def accept(service: Service, user_id: UserId, conversation_id: str) -> None:
    request = chat_pb2.AnswerRequestRequest(user_id=user_id, conversation_id=conversation_id)
    await service.stub.AcceptRequest(request, metadata=service.metadata(user_id))


async def decline(service: Service, user_id: UserId, conversation_id: str) -> None:
    request = chat_pb2.AnswerRequestRequest(user_id=user_id, conversation_id=conversation_id)
    await service.stub.DeclineRequest(request, metadata=service.metadata(user_id))


async def listed(service: Service, user_id: UserId) -> list[str]:
    request = chat_pb2.ListConversationsRequest(user_id=user_id)
    answer = await service.stub.ListConversations(request, metadata=service.metadata(user_id))
    return [each.conversation_id for each in answer.conversations]


async def add(service: Service, room_id: str, actor: UserId, user_id: UserId, client_id=""):
    request = chat_pb2.AddUserToRoomRequest(room_id=room_id, user_id=user_id, client_id=client_id)
    return await service.stub.AddUserToRoom(request, metadata=service.metadata(actor))


async def members(service: Service, viewer: UserId, room_id: str) -> set[str]:
    request = chat_pb2.GetRoomRequest(room_id=room_id)
    room = await service.stub.GetRoom(request, metadata=service.metadata(viewer))
    return {member.user_id for member in room.members}


async def code_of(call) -> ErrorCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = error_from(caught.value)
    assert error is not None, caught.value
    return error.code


async def marks(service: Service, viewer: UserId, conversation_id: str) -> dict[str, int]:
    request = chat_pb2.ListMarksRequest(conversation_id=conversation_id)
    answer = await service.stub.ListMarks(request, metadata=service.metadata(viewer))
    return {mark.user_id: mark.read_index for mark in answer.marks}


@pytest.fixture
def ann() -> UserId:
    return UserId(new_id())


@pytest.fixture
def ben() -> UserId:
    return UserId(new_id())


@pytest.fixture
def eve() -> UserId:
    return UserId(new_id())


# Message requests


async def test_a_first_message_that_must_be_accepted_waits_among_the_requests(
    service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    sent = await write(service, ann, ben, "hello " * 100)
    chat = sent.conversation_id
    assert (sent.seq, sent.duplicate) == (1, False)
    assert await listed(service, ann) == [chat]
    assert await listed(service, ben) == []
    assert await waiting(service, ben) == [("message", ann, "", ("hello " * 100)[:200])]
    assert await waiting(service, ann) == []
    await accept(service, ben, chat)
    assert await listed(service, ben) == [chat]
    assert await waiting(service, ben) == []


@pytest.mark.parametrize(
    ("choice", "share", "waits"),
    [
        ("everyone", False, False),
        ("shared", True, False),
        ("shared", False, True),
        ("nobody", True, True),
    ],
)
async def test_the_choice_decides_who_is_asked_about(
    service: Service, ann, ben, choice: str, share: bool, waits: bool
):
    if share:
        await service.create_room(ann, ben)
    await choose(service, ben, message_first=choice)
    await write(service, ann, ben)
    assert bool(await waiting(service, ben)) is waits


async def test_who_waits_to_be_accepted_shares_no_conversation(service: Service, ann, ben, eve):
    await choose(service, ben, message_first="nobody", add_to_rooms="shared")
    await write(service, ann, ben)
    room = await service.create_room(ann, eve)
    assert (await add(service, room, ann, ben)).invited_ids
    async with service.connect(ben) as socket:
        await resume(socket)
        request = chat_pb2.GetPresenceRequest(user_id=ann, user_ids=[ben])
        answer = await service.stub.GetPresence(request, metadata=service.metadata(ann))
        assert not answer.users[0].online


async def test_writing_back_accepts(service: Service, other_service: Service, ann, ben):
    await choose(service, ben, message_first="nobody")
    await write(service, ann, ben, "one")
    chat = private_conversation_id(ann, ben)
    async with other_service.connect(ben) as socket:
        await resume(socket)
        await write(service, ben, ann, "two")
        heard = [await receive(socket, "message") for _ in range(2)]
        assert [event["message"] for event in heard] == ["one", "two"]
    assert await listed(service, ben) == [chat]
    assert await waiting(service, ben) == []
    await write(service, ann, ben, "three")


async def test_writing_back_after_declining_accepts_as_well(service: Service, ann, ben):
    await choose(service, ben, message_first="nobody")
    chat = (await write(service, ann, ben)).conversation_id
    await decline(service, ben, chat)
    await write(service, ben, ann)
    assert await listed(service, ben) == [chat]


async def test_a_declined_request_does_not_come_back_and_the_sender_sees_no_difference(
    service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    chat = (await write(service, ann, ben)).conversation_id
    await decline(service, ben, chat)
    sent = await write(service, ann, ben, "anybody there?")
    assert (sent.seq, sent.conversation_id) == (2, chat)
    assert (await listed(service, ben), await waiting(service, ben)) == ([], [])
    assert await listed(service, ann) == [chat]
    assert await code_of(decline(service, ben, chat)) is ErrorCode.REQUEST_NOT_FOUND


async def test_only_so_much_can_be_written_before_being_accepted(
    service: Service, other_service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    for number in range(MAX_UNACCEPTED_MESSAGES):
        # Instances remember conversations: neither may count for itself.
        at = service if number % 2 else other_service
        chat = (await write(at, ann, ben, f"{number}", f"c{number}")).conversation_id
    for at in (service, other_service):
        assert await code_of(write(at, ann, ben)) is ErrorCode.NOT_ACCEPTED
        assert (await write(at, ann, ben, "3", "c3")).duplicate
    await accept(other_service, ben, chat)
    for at in (service, other_service):
        await write(at, ann, ben, "at last")


async def test_neither_delivery_nor_reading_is_shown_before_it_is_accepted(
    service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    chat = (await write(service, ann, ben)).conversation_id
    async with service.connect(ann) as socket:
        await resume(socket)
        request = chat_pb2.MarkReadRequest(user_id=ben, conversation_id=chat, message_index=1)
        await service.stub.MarkRead(request, metadata=service.metadata(ben))
        assert await marks(service, ben, chat) == {ann: 1, ben: 1}
        assert await marks(service, ann, chat) == {ann: 1}
        await accept(service, ben, chat)
        await write(service, ann, ben)
        heard = []
        while not heard or heard[-1] != "message":
            heard.append((await receive(socket))["type"])
        assert "marks" not in heard
    assert (await marks(service, ann, chat))[ben] == 1


async def test_before_accepting_one_reads_but_neither_reacts_nor_pins_nor_types(
    service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    sent = await write(service, ann, ben)
    as_ben = service.metadata(ben)
    history = chat_pb2.GetPrivateChatHistoryRequest(sender_id=ben, receiver_id=ann)
    page = await service.stub.GetPrivateChatHistory(history, metadata=as_ben)
    assert [message.message for message in page.messages] == ["hello"]
    react = chat_pb2.ReactToMessageRequest(user_id=ben, message_id=sent.id, emoji="👍")
    pin = chat_pb2.PinMessageRequest(user_id=ben, message_id=sent.id)
    typing = chat_pb2.SetTypingRequest(user_id=ben, conversation_id=sent.conversation_id)
    for call in (
        service.stub.ReactToMessage(react, metadata=as_ben),
        service.stub.PinMessage(pin, metadata=as_ben),
        service.stub.SetTyping(typing, metadata=as_ben),
    ):
        assert await code_of(call) is ErrorCode.NOT_ACCEPTED


async def test_a_request_is_no_event_of_a_conversation_on_any_device(
    service: Service, other_service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    async with service.connect(ben) as phone, other_service.connect(ben) as desk:
        await resume(phone)
        await resume(desk)
        chat = (await write(service, ann, ben)).conversation_id
        for socket in (phone, desk):
            received = await receive(socket)
            assert received["type"] == "request_received"
            assert (received["kind"], received["conversation_id"]) == ("message", chat)
            assert received["user_id"] == ann
        await write(service, ann, ben, "more")
        await accept(other_service, ben, chat)
        for socket in (phone, desk):
            answered = await receive(socket, "request_answered")
            assert (answered["conversation_id"], answered["accepted"]) == (chat, True)
    async with service.connect(ben) as again:
        (listed_one,) = (await receive(again, "ready"))["conversations"]
        assert listed_one["conversation_id"] == chat


async def test_accepting_delivers_what_was_written_on_every_device(
    service: Service, other_service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    chat = (await write(service, ann, ben, "one")).conversation_id
    await write(service, ann, ben, "two")
    async with service.connect(ben) as phone, other_service.connect(ben) as desk:
        await resume(phone)
        await resume(desk)
        await accept(other_service, ben, chat)
        for socket in (phone, desk):
            heard = [await receive(socket, "message") for _ in range(2)]
            assert [event["seq"] for event in heard] == [1, 2]


async def test_a_socket_that_opens_does_not_follow_what_waits(service: Service, ann, ben, eve):
    await choose(service, ben, message_first="nobody")
    await write(service, ann, ben)
    known = (await write(service, ben, eve)).conversation_id
    async with service.connect(ben) as socket:
        ready = await receive(socket, "ready")
        assert [each["conversation_id"] for each in ready["conversations"]] == [known]


async def test_a_block_declines_what_waits(service: Service, ann, ben):
    await choose(service, ben, message_first="nobody", add_to_rooms="nobody")
    await write(service, ann, ben)
    room = await service.create_room(ann)
    await add(service, room, ann, ben)
    assert len(await waiting(service, ben)) == 2
    await block(service, ben, ann)
    assert await waiting(service, ben) == []


async def test_many_first_messages_in_one_batch_each_find_their_way(
    service: Service, ann, ben, eve
):
    await choose(service, ben, message_first="nobody")
    sends = [
        chat_pb2.SendRequest(sender_id=ann, receiver_id=ben, message="one"),
        chat_pb2.SendRequest(sender_id=ann, receiver_id=eve, message="two"),
        chat_pb2.SendRequest(sender_id=ann, receiver_id=ben, message="three"),
    ]
    batch = chat_pb2.SendMessagesRequest(sends=sends)
    answer = await service.stub.SendMessages(batch, metadata=service.metadata())
    assert [result.sent.seq for result in answer.results] == [1, 1, 2]
    assert await waiting(service, ben) == [("message", ann, "", "one")]
    assert await listed(service, eve) == [private_conversation_id(ann, eve)]


# Invitations


async def test_who_must_accept_is_invited_and_becomes_a_member_by_accepting(
    service: Service, other_service: Service, ann, ben, eve
):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann, eve)
    added = await add(service, room, ann, ben)
    assert (list(added.invited_ids), added.seq) == ([ben], 1)
    assert await members(service, ann, room) == {ann, eve}
    assert await waiting(service, ben) == [("room", ann, "Tea", "")]
    async with other_service.connect(ben) as socket:
        await resume(socket)
        await accept(service, ben, room)
        assert (await receive(socket, "member_added"))["user_id"] == ben
    assert await members(service, ben, room) == {ann, eve, ben}
    assert await waiting(service, ben) == []
    assert await code_of(accept(service, ben, room)) is ErrorCode.REQUEST_NOT_FOUND


async def test_a_new_room_says_who_is_invited_and_a_repeat_says_the_same(
    service: Service, ann, ben, eve
):
    await choose(service, ben, add_to_rooms="nobody")

    async def create():
        request = chat_pb2.CreateRoomRequest(
            creator_id=ann, room_name="Tea", members_ids=[ben, eve], client_id="once"
        )
        return await service.stub.CreateRoom(request, metadata=service.metadata(ann))

    created = await create()
    assert list(created.invited_ids) == [ben]
    assert await members(service, ann, created.room_id) == {ann, eve}
    again = await create()
    assert (again.duplicate, list(again.invited_ids)) == (True, [ben])
    assert len(await waiting(service, ben)) == 1
    await accept(service, ben, created.room_id)
    assert (await create()).duplicate
    assert await waiting(service, ben) == [], "who is a member is not invited again"


async def test_a_socket_hears_that_somebody_was_invited(service: Service, ann, ben):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann)
    async with service.connect(ann) as hers, service.connect(ben) as his:
        await resume(hers)
        await resume(his)
        await say(hers, type="add_member", ref="1", room_id=room, user_id=ben, client_id="c")
        ack = await receive(hers, "ack")
        assert (ack["invited"], ack["ref"], ack["client_id"]) == (True, "1", "c")
        received = await receive(his, "request_received")
        assert (received["kind"], received["room_name"]) == ("room", "Tea")
        await decline(service, ben, room)
        answered = await receive(his, "request_answered")
        assert (answered["kind"], answered["accepted"]) == ("room", False)


async def test_a_declined_invitation_does_not_come_back(service: Service, ann, ben):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann)
    await add(service, room, ann, ben)
    await decline(service, ben, room)
    assert (await add(service, room, ann, ben)).invited_ids, "the inviter sees no difference"
    assert await waiting(service, ben) == []


async def leaves(service: Service, room: str, ann, eve) -> None:
    await service.leave(room, ann)


async def loses_the_right(service: Service, room: str, ann, eve) -> None:
    change = chat_pb2.ChangeRoleRequest(room_id=room, user_id=eve, actor_id=ann, role="owner")
    await service.stub.ChangeRole(change, metadata=service.metadata(ann))
    settings = chat_pb2.RoomSettings(adding="admins")
    update = chat_pb2.UpdateRoomRequest(room_id=room, user_id=eve, settings=settings)
    await service.stub.UpdateRoom(update, metadata=service.metadata(eve))
    demote = chat_pb2.ChangeRoleRequest(room_id=room, user_id=ann, actor_id=eve, role="member")
    await service.stub.ChangeRole(demote, metadata=service.metadata(eve))


@pytest.mark.parametrize("loses", [leaves, loses_the_right])
async def test_an_inviter_who_may_not_add_any_more_makes_the_invitation_void(
    service: Service, ann, ben, eve, loses
):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann, eve)
    await add(service, room, ann, ben)
    await loses(service, room, ann, eve)
    assert await code_of(accept(service, ben, room)) is ErrorCode.INVITATION_VOID
    assert await waiting(service, ben) == []
    assert await members(service, eve, room) >= {eve}
    assert ben not in await members(service, eve, room)
    assert (await add(service, room, eve, ben)).invited_ids


async def test_only_who_may_add_members_invites(service: Service, ann, ben, eve):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann)
    assert await code_of(add(service, room, eve, ben)) is ErrorCode.ROOM_NOT_FOUND
    settings = chat_pb2.RoomSettings(adding="admins")
    update = chat_pb2.UpdateRoomRequest(room_id=room, user_id=ann, settings=settings)
    await service.stub.UpdateRoom(update, metadata=service.metadata(ann))
    await add(service, room, ann, eve)
    assert await code_of(add(service, room, eve, ben)) is ErrorCode.NOT_ALLOWED
    assert await waiting(service, ben) == []


async def test_a_member_is_not_invited_and_a_repeat_of_what_added_them_is_answered(
    service: Service, ann, ben
):
    room = await service.create_room(ann)
    added = await add(service, room, ann, ben, "first")
    await choose(service, ben, add_to_rooms="nobody")
    assert (await add(service, room, ann, ben, "first")).seq == added.seq
    assert await code_of(add(service, room, ann, ben)) is ErrorCode.ALREADY_A_MEMBER


async def test_somebody_has_at_most_so_many_invitations(service: Service, monkeypatch, ann, ben):
    monkeypatch.setattr("chatterroom.chat.contacts.MAX_INVITATIONS", 2)
    await choose(service, ben, add_to_rooms="nobody")
    for _ in range(2):
        await add(service, await service.create_room(ann), ann, ben)
    room = await service.create_room(ann)
    assert await code_of(add(service, room, ann, ben)) is ErrorCode.RATE_LIMITED
    assert await code_of(service.create_room(ann, ben)) is ErrorCode.RATE_LIMITED


async def test_somebody_has_at_most_so_many_message_requests(
    service: Service, monkeypatch, ann, ben, eve
):
    monkeypatch.setattr("chatterroom.chat.contacts.MAX_MESSAGE_REQUESTS", 1)
    await choose(service, ben, message_first="nobody")
    await write(service, ann, ben)
    assert await code_of(write(service, eve, ben)) is ErrorCode.RATE_LIMITED
    await write(service, ann, ben, "who waits already goes on")


# The list, the settings, the quotas


async def test_the_list_is_paged_newest_first(service: Service, ben):
    await choose(service, ben, message_first="nobody", add_to_rooms="nobody")
    expected: list[str] = []
    for number in range(6):
        other = UserId(new_id())
        if number % 2:
            expected.append((await write(service, other, ben)).conversation_id)
        else:
            expected.append(await service.create_room(other))
            await add(service, expected[-1], other, ben)
    found: list[str] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        page = await requests(service, ben, limit=2, cursor=cursor)
        assert page.total == 6
        found += [each.conversation_id for each in page.requests]
        cursor, pages = page.next_cursor, pages + 1
    assert found == expected[::-1]
    assert pages == 3


@pytest.mark.parametrize("cursor", ["x", " ", "2026-01-01T00:00:00Z x", "99999 " + "0" * 26])
async def test_a_cursor_of_another_list_is_refused(service: Service, ben, cursor: str):
    assert await code_of(requests(service, ben, cursor=cursor)) in {
        ErrorCode.INVALID_REQUEST,
        ErrorCode.MALFORMED_ID,
    }


async def test_settings_are_everyone_until_chosen_and_change_one_by_one(service: Service, ben):
    async def chosen() -> tuple[str, str]:
        request = chat_pb2.GetContactSettingsRequest(user_id=ben)
        found = await service.stub.GetContactSettings(request, metadata=service.metadata(ben))
        return found.add_to_rooms, found.message_first

    assert await chosen() == ("everyone", "everyone")
    await choose(service, ben, add_to_rooms="nobody")
    await choose(service, ben, message_first="shared")
    assert await chosen() == ("nobody", "shared")
    refused = choose(service, ben, message_first="some")
    assert await code_of(refused) is ErrorCode.INVALID_REQUEST


async def test_nobody_answers_or_lists_for_others(service: Service, ann, ben):
    await choose(service, ben, message_first="nobody")
    chat = (await write(service, ann, ben)).conversation_id
    request = chat_pb2.ListRequestsRequest(user_id=ben)
    call = service.stub.ListRequests(request, metadata=service.metadata(ann))
    assert await code_of(call) is ErrorCode.IDENTITY_MISMATCH
    assert await code_of(accept(service, ann, chat)) is ErrorCode.REQUEST_NOT_FOUND
    assert await code_of(accept(service, ann, new_id())) is ErrorCode.REQUEST_NOT_FOUND


async def test_a_deleted_account_leaves_no_settings_and_no_invitations(service: Service, ann, ben):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann)
    await add(service, room, ann, ben)
    request = chat_pb2.ForgetUserRequest(user_id=ben)
    await service.stub.ForgetUser(request, metadata=service.metadata())
    assert await waiting(service, ben) == []


async def test_quotas_count_over_all_instances_and_repeats_do_not_count(
    mongo_url, redis_url, secrets_dir, ann, ben
):
    quotas = {"user_rooms_per_hour": 4, "user_added_to_per_hour": 5}
    async with (
        running_service(mongo_url, redis_url, secrets_dir, **quotas) as one,
        running_service(mongo_url, redis_url, secrets_dir, **quotas) as two,
    ):

        async def create(service: Service, client_id: str):
            request = chat_pb2.CreateRoomRequest(
                creator_id=ann, room_name="Tea", members_ids=[ben], client_id=client_id
            )
            return await service.stub.CreateRoom(request, metadata=service.metadata(ann))

        for number in range(4):
            await create((one, two)[number % 2], f"c{number}")
        assert (await create(one, "c0")).duplicate
        assert await code_of(create(two, "c4")) is ErrorCode.RATE_LIMITED
        room = await one.create_room(eve := UserId(new_id()))
        await add(two, room, eve, ben)
        other_room = await one.create_room(eve)
        assert await code_of(add(one, other_room, eve, ben)) is ErrorCode.RATE_LIMITED
        await add(one, other_room, eve, UserId(new_id()))


async def test_what_is_refused_or_repeated_costs_nobody_anything(
    mongo_url, redis_url, secrets_dir, ann, ben, eve
):
    """Else an outsider could see to it that nobody else can add somebody."""
    async with running_service(
        mongo_url, redis_url, secrets_dir, user_added_to_per_hour=2
    ) as service:
        room = await service.create_room(ann)
        for _ in range(5):
            assert await code_of(add(service, room, eve, ben)) is ErrorCode.ROOM_NOT_FOUND
        await choose(service, ben, add_to_rooms="nobody")
        for _ in range(5):
            assert await code_of(add(service, room, eve, ben)) is ErrorCode.ROOM_NOT_FOUND
            assert (await add(service, room, ann, ben)).invited_ids
        await decline(service, ben, room)
        for _ in range(5):
            assert (await add(service, room, ann, ben)).invited_ids
        await choose(service, ben, add_to_rooms="everyone")
        await add(service, await service.create_room(ann), ann, ben)
        other_room = await service.create_room(ann)
        assert await code_of(add(service, other_room, ann, ben)) is ErrorCode.RATE_LIMITED


async def test_one_adder_cannot_use_up_what_others_may_add_somebody(
    mongo_url, redis_url, secrets_dir, ann, ben, eve
):
    quotas = {"user_added_to_per_hour": 4, "user_added_by_one_per_hour": 3}
    async with running_service(mongo_url, redis_url, secrets_dir, **quotas) as service:
        room = await service.create_room(eve)
        for _ in range(3):
            await add(service, room, eve, ben)
            request = chat_pb2.LeaveRoomRequest(room_id=room, user_id=ben)
            await service.stub.LeaveRoom(request, metadata=service.metadata(ben))
        assert await code_of(add(service, room, eve, ben)) is ErrorCode.RATE_LIMITED
        await add(service, room, eve, UserId(new_id()))
        await add(service, await service.create_room(ann), ann, ben)
        other_room = await service.create_room(ann)
        assert await code_of(add(service, other_room, ann, ben)) is ErrorCode.RATE_LIMITED


async def test_first_messages_are_counted_and_messages_after_them_are_not(
    mongo_url, redis_url, secrets_dir, ann, ben
):
    async with running_service(
        mongo_url, redis_url, secrets_dir, user_first_messages_per_hour=2
    ) as service:
        await write(service, ann, ben)
        await write(service, ann, UserId(new_id()))
        for _ in range(3):
            await write(service, ann, ben)
        assert await code_of(write(service, ann, UserId(new_id()))) is ErrorCode.RATE_LIMITED


async def test_two_who_accept_and_write_back_at_once_leave_one_conversation(
    service: Service, other_service: Service, ann, ben
):
    await choose(service, ben, message_first="nobody")
    chat = ConversationId((await write(service, ann, ben)).conversation_id)
    await asyncio.gather(
        accept(service, ben, chat),
        write(other_service, ben, ann, "hello back"),
        write(service, ann, ben, "and more"),
    )
    assert await listed(service, ben) == [chat]


async def test_an_invitation_does_not_read_the_members_of_the_room(
    service: Service, monkeypatch, ann, ben
):
    await choose(service, ben, add_to_rooms="nobody")
    room = await service.create_room(ann)

    async def load(*_: object) -> None:
        raise AssertionError("the whole room was read")

    monkeypatch.setattr(ChatStore, "load", load)
    assert (await add(service, room, ann, ben)).invited_ids == [ben]
    assert [each[2] for each in await waiting(service, ben)] == ["Tea"]
