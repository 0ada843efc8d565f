"""What one user may do, however many sockets, sessions and calls it comes in."""

import asyncio
import json
from pathlib import Path

import grpc.aio
import pytest

from chatterroom.chat.quotas import Quotas
from chatterroom.chat.settings import ChatSettings
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import ConversationId, new_id, private_conversation_id
from chatterroom.pb import chat_pb2

from .conftest import ALICE, BOB, CAROL, receive, resume, running_service, say

ROOM, OTHER_ROOM = ConversationId(new_id()), ConversationId(new_id())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def quotas(clock: Clock, **settings: float) -> Quotas:
    needed = {"secrets_dir": "", "mongo_url": "mongodb://x/y", "redis_url": "redis://x"}
    return Quotas(ChatSettings(**needed, **settings), clock)


def refusal(spend, *arguments) -> ChatterRoomError:
    with pytest.raises(ChatterRoomError) as refused:
        spend(*arguments)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    return refused.value


def test_a_user_writes_so_many_messages_at_once_and_then_as_many_a_second():
    clock = Clock()
    spend = quotas(clock, user_messages_per_s=2, user_messages_burst=3).spend_message
    for _ in range(3):
        spend(ALICE, "hello")
    refused = refusal(spend, ALICE, "hello")
    assert refused.data["policy"] == "messages"
    assert refused.retry_after_s == pytest.approx(0.5)
    spend(BOB, "hello")
    clock.now += 0.5
    spend(ALICE, "hello")
    refusal(spend, ALICE, "hello")


def test_bytes_are_counted_beside_messages_and_a_refusal_takes_neither():
    clock = Clock()
    spend = quotas(
        clock,
        user_messages_burst=3,
        user_message_bytes_per_s=65536,
        user_message_bytes_burst=65536,
    ).spend_message
    spend(ALICE, "é" * 32768)
    for _ in range(9):
        assert refusal(spend, ALICE, "é").data["policy"] == "message bytes"
    clock.now += 0.001
    spend(ALICE, "short")
    spend(ALICE, "short")
    assert refusal(spend, ALICE, "short").data["policy"] == "messages"


def test_edits_count_as_changes_and_their_bytes_as_those_of_messages():
    kept = quotas(Clock(), user_changes_burst=2, user_message_bytes_burst=65536)
    kept.spend_edit(ALICE, "x" * 65536)
    assert refusal(kept.spend_message, ALICE, "x").data["policy"] == "message bytes"
    kept.spend_change(ALICE)
    assert refusal(kept.spend_change, ALICE).data["policy"] == "changes"


def test_typing_is_counted_in_each_conversation_and_in_all():
    clock = Clock()
    spend = quotas(clock, user_typing_per_s=5, user_typing_burst=2).spend_typing
    spend(ALICE, ROOM)
    for _ in range(20):
        refusal(spend, ALICE, ROOM)
    spend(ALICE, OTHER_ROOM)
    assert refusal(spend, ALICE, private_conversation_id(ALICE, BOB)).data["policy"] == "typing"
    clock.now += 1
    spend(ALICE, ROOM)


def test_a_rate_of_0_is_off():
    kept = quotas(Clock(), user_messages_per_s=0, user_message_bytes_per_s=0, user_typing_per_s=0)
    for _ in range(1000):
        kept.spend_message(ALICE, "x" * 8000)
        kept.spend_typing(ALICE, ROOM)


async def test_a_resume_over_its_rate_waits():
    clock = Clock()
    kept = quotas(clock, user_resumed_bytes_per_s=1e6, user_resumed_bytes_burst=1024 * 1024)
    await kept.pace_resume(ALICE, 1024 * 1024)
    waiting = asyncio.create_task(kept.pace_resume(ALICE, 1000))
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.now += 1
    await waiting


# On every way in, together

BURST = 6
TIGHT = {"user_messages_per_s": 0.01, "user_messages_burst": BURST}


async def test_sockets_and_calls_of_a_user_share_a_quota_and_others_do_not_notice(
    mongo_url: str, redis_url: str, secrets_dir: Path
):
    async with running_service(mongo_url, redis_url, secrets_dir, **TIGHT) as service:
        room = await service.create_room(ALICE, BOB)
        answers = []
        for number in range(BURST - 1):
            async with service.connect(ALICE, room) as socket:
                await resume(socket)
                await say(socket, type="send", client_id=f"c{number}", message="hello")
                answers.append((await receive(socket, "ack"))["seq"])
        await service.post(room, ALICE, "by call")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.post(room, ALICE, "by call")
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        trailing = dict(refused.value.trailing_metadata())
        problem = json.loads(trailing["chatterroom-error-bin"])
        assert (problem["code"], problem["data"]["policy"]) == ("rate_limited", "messages")
        assert problem["retry_after_s"] > 0
        async with service.connect(ALICE, room) as socket:
            await resume(socket)
            await say(socket, type="send", ref="r", client_id="later", message="hello")
            error = await receive(socket, "error")
            assert (error["ref"], error["code"]) == ("r", "rate_limited")
            assert error["policy"] == "messages"
            assert error["retry_after_s"] > 0
        assert (await service.post(room, BOB, "by another")).seq == BURST + 2


async def test_one_users_refusal_leaves_the_rest_of_a_batch_alone(
    mongo_url: str, redis_url: str, secrets_dir: Path
):
    async with running_service(mongo_url, redis_url, secrets_dir, **TIGHT) as service:
        room = await service.create_room(ALICE, BOB)
        sends = [
            chat_pb2.SendRequest(
                sender_id=sender, room_id=room, message=f"{number}", client_id=f"{number}"
            )
            for number, sender in enumerate([ALICE, ALICE, BOB] * BURST)
        ]
        # Whom she has never written to is not looked up for her any more either.
        sends.append(
            chat_pb2.SendRequest(sender_id=ALICE, receiver_id=CAROL, message="x", client_id="x")
        )
        request = chat_pb2.SendMessagesRequest(sends=sends)
        answer = await service.stub.SendMessages(request, metadata=service.metadata())
        outcomes = [each.WhichOneof("outcome") for each in answer.results]
        of_alice = [outcome for at, outcome in enumerate(outcomes[:-1]) if at % 3 < 2]
        assert of_alice == ["sent"] * BURST + ["error"] * BURST
        assert outcomes[2:-1:3] == ["sent"] * BURST
        refused = answer.results[-1].error
        assert (refused.code, json.loads(refused.data)["policy"]) == ("rate_limited", "messages")
        assert refused.retry_after_s > 0
        seqs = [each.sent.seq for each in answer.results if each.HasField("sent")]
        assert seqs == sorted(seqs)


async def test_a_refused_repeat_gets_the_first_answer_once_there_is_room(
    mongo_url: str, redis_url: str, secrets_dir: Path
):
    tight = {"user_messages_per_s": 5.0, "user_messages_burst": 1}
    async with running_service(mongo_url, redis_url, secrets_dir, **tight) as service:
        room = await service.create_room(ALICE)
        async with service.connect(ALICE, room) as socket:
            await resume(socket)
            acks = []
            while len(acks) < 3:
                await say(socket, type="send", client_id="one", message="hello")
                answer = await receive(socket)
                if answer["type"] == "error":
                    assert answer["code"] == "rate_limited"
                    await asyncio.sleep(answer["retry_after_s"])
                elif answer["type"] == "ack":
                    acks.append((answer["seq"], answer["duplicate"]))
            assert acks == [(2, False), (2, True), (2, True)]


async def test_typing_over_the_limit_is_dropped_in_silence_on_sockets_and_refused_elsewhere(
    mongo_url: str, redis_url: str, secrets_dir: Path
):
    async with running_service(mongo_url, redis_url, secrets_dir) as service:
        room = await service.create_room(ALICE, BOB)
        async with (
            service.connect(ALICE) as first,
            service.connect(ALICE, room) as second,
            service.connect(BOB) as bob,
        ):
            for socket in (first, second, bob):
                await resume(socket)
            for _ in range(30):
                for socket in (first, second):
                    await say(socket, type="typing", conversation_id=room)
            for socket in (first, second):
                await say(socket, type="ping", ref="p")
                assert (await receive(socket))["type"] == "pong"
            request = chat_pb2.SetTypingRequest(user_id=ALICE, conversation_id=room)

            async def type_by_call() -> None:
                for _ in range(3):
                    await service.stub.SetTyping(request, metadata=service.metadata(ALICE))

            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await type_by_call()
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await service.post(room, BOB, "now")
            heard = []
            while (event := await receive(bob))["type"] != "message":
                heard.append(event["type"])
            # One, or two where a second has passed; and each once.
            assert 1 <= heard.count("typing") <= 2


async def test_changes_marks_and_questions_about_presence_are_counted(
    mongo_url: str, redis_url: str, secrets_dir: Path
):
    tight = {
        "user_changes_per_s": 0.01,
        "user_changes_burst": 4,
        "user_marks_per_s": 0.01,
        "user_marks_burst": 2,
        "user_presence_per_s": 0.01,
        "user_presence_burst": 2,
        "user_sockets_per_s": 0.01,
        "user_sockets_burst": 1,
    }
    async with running_service(mongo_url, redis_url, secrets_dir, **tight) as service:
        room = await service.create_room(ALICE, BOB)
        sent = await service.post(room, ALICE, "hello")
        async with service.connect(ALICE) as socket:
            await resume(socket)
            commands = [
                {"type": "react", "message_id": sent.id, "emoji": "👍"},
                {"type": "pin", "message_id": sent.id},
                {"type": "edit", "message_id": sent.id, "message": "hi"},
                {"type": "delete", "message_id": sent.id},
                {"type": "update_room", "room_id": room, "room_name": "Soup"},
                {"type": "leave_room", "room_id": room},
                *[{"type": "mark", "conversation_id": room, "read": 1}] * 3,
                *[{"type": "watch_presence", "user_ids": [BOB]}] * 3,
            ]
            answers = []
            for number, command in enumerate(commands):
                await say(socket, ref=f"{number}", **command)
                while (answer := await receive(socket)).get("ref") != f"{number}":
                    pass
                answers.append(answer.get("policy", answer["type"]))
            assert answers == [
                *("ack", "ack", "ack", "changes", "changes", "changes"),
                *("marked", "marked", "marks", "presence", "presence"),
                "presence",
            ]
            assert answer["code"] == "rate_limited"
        with pytest.raises(Exception, match="429"):
            async with service.connect(ALICE):
                pass
        async with service.connect(BOB) as socket:
            await resume(socket)


def test_a_socket_that_follows_thousands_of_conversations_delays_the_next_one():
    clock = Clock()
    counted = quotas(clock, user_sockets_per_s=5, user_sockets_burst=10)
    counted.spend_opening(ALICE)
    counted.charge_opening(ALICE, 10_000)
    wait_s = refusal(counted.spend_opening, ALICE).retry_after_s
    assert wait_s is not None
    counted.spend_opening(BOB)
    clock.now += wait_s
    counted.spend_opening(ALICE)


def test_a_socket_that_follows_hundreds_of_conversations_counts_as_one():
    clock = Clock()
    counted = quotas(clock, user_sockets_per_s=5, user_sockets_burst=10)
    for _ in range(10):
        counted.spend_opening(ALICE)
        counted.charge_opening(ALICE, 999)
    refusal(counted.spend_opening, ALICE)
