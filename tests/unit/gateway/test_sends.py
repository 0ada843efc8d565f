"""Sends that are gathered: few calls, each send's own answer, and order whatever happens."""

import asyncio
import json
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs
from tests.unit.rpc.mortal import running

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import new_id
from chatterroom.gateway.sends import BATCH_BYTES, BATCH_SENDS, CALLS_AT_ONCE, WORTH_A_CALL, Sends
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Balancer

from .conftest import SECRET, ChatService

ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


def send(world, user=None, room=ROOM, **body):
    user = user or world.ada
    return world.client.post(
        f"/chat-service/rooms/{room}/send",
        json={"sender_id": user.id, "message": "hi", **body},
        headers=user.headers,
    )


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


class Blocked:
    """Lets no batch of a service through before it is told to."""

    def __init__(self, chat):
        self.go_on = asyncio.Event()
        answer = chat.answers["SendMessages"]

        async def slowly(request):
            await self.go_on.wait()
            return await answer(request)

        chat.answers["SendMessages"] = slowly


def numbered(send):
    number = int(send.client_id)
    return chat_pb2.SendRoomMessageResponse(seq=number, conversation_id=send.room_id)


async def test_one_send_alone_goes_at_once(world):
    assert (await send(world)).status_code == 200
    assert [len(batch) for batch in world.chat.batches] == [1]


async def test_every_send_gets_its_own_answer_and_a_bad_one_disturbs_nobody(world):
    Blocked(world.chat).go_on.set()

    def answer(send):
        if send.message == "bad":
            return chat_pb2.SendError(
                code="not_allowed",
                message="only admins write here",
                retry_after_s=2.2,
                data=json.dumps({"room_id": send.room_id, "limit": 7}),
            )
        return numbered(send)

    world.chat.answer_send = answer
    texts = ["good", "bad"] * 10
    answers = await asyncio.gather(
        *(send(world, message=text, client_id=str(n)) for n, text in enumerate(texts))
    )
    for number, (text, told) in enumerate(zip(texts, answers, strict=True)):
        if text == "good":
            assert (told.status_code, told.json()["seq"]) == (200, number)
        else:
            assert (told.status_code, told.json()["code"]) == (403, "not_allowed")
            assert told.json()["detail"] == "only admins write here"
            assert (told.json()["limit"], told.json()["room_id"]) == (7, ROOM)
            assert told.headers["retry-after"] == "3"


async def test_errors_that_are_news_to_the_gateway_are_internal(world):
    for told in (
        chat_pb2.SendError(code="from_the_future", message="?"),
        chat_pb2.SendError(),
    ):
        world.chat.answer_send = lambda send, told=told: told
        answer = await send(world)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")


async def test_an_answer_with_too_few_results_is_internal_and_logged(world):
    world.chat.answers["SendMessages"] = chat_pb2.SendMessagesResponse()
    with capture_logs() as logs:
        answer = await send(world)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert [entry["event"] for entry in logs] == ["sends_failed"]
    world.chat.answers["SendMessages"] = ChatterRoomError(ErrorCode.STORAGE_UNAVAILABLE, "wait")
    assert (await send(world)).json()["code"] == "storage_unavailable"


@dataclass
class Direct:
    """The sends of a gateway without HTTP, whose connections would mix up their order."""

    sends: Sends
    chats: list[ChatService]
    balancer: Balancer

    @property
    def batches(self):
        return [batch for chat in self.chats for batch in chat.batches]

    @property
    def home(self):
        """The instance that ROOM prefers."""
        instance = self.balancer.pick(key=ROOM)
        return next(chat for chat in self.chats if chat.instance == instance)

    def send(self, room=ROOM, sender="ada", text="hi", client_id=None):
        request = chat_pb2.SendRequest(
            room_id=room, sender_id=sender, message=text, client_id=client_id or new_id()
        )
        return asyncio.create_task(self.sends.send(room, request))


@pytest.fixture
async def direct():
    async with AsyncExitStack() as exits:

        async def start(chats=1, timeout_s=4.0, max_open_sends=10_000):
            services = [ChatService() for _ in range(chats)]
            for service in services:
                await service.serve()
                exits.push_async_callback(service.stop)
            balancer = Balancer()
            balancer.replace(service.instance for service in services)
            backend = Backend(
                "chat", balancer, chat_pb2_grpc.ChatServiceStub, SECRET.towards("chat"), timeout_s
            )
            exits.push_async_callback(backend.close)
            sends = Sends(backend, max_open_sends)
            exits.push_async_callback(sends.close)
            return Direct(sends, services, balancer)

        yield start


async def test_while_a_call_is_under_way_the_next_sends_gather(direct):
    gateway = await direct()
    [chat] = gateway.chats
    blocked = Blocked(chat)
    first = gateway.send()
    await until(lambda: gateway.batches)
    others = [gateway.send(room=new_id()) for _ in range(63)]
    await asyncio.sleep(0.02)
    blocked.go_on.set()
    await asyncio.gather(first, *others)
    assert [len(batch) for batch in gateway.batches] == [1, 63]


async def test_of_many_at_once_few_calls_are_made(direct):
    gateway = await direct()
    room = new_id()
    for _ in range(10):
        await asyncio.gather(*(gateway.send(room) for _ in range(100)))
    assert len(gateway.batches) <= 20


class Log:
    """What instances of the chat service have stored of each conversation, each send once."""

    def __init__(self, chats):
        self.stored = defaultdict(list)
        for chat in chats:
            chat.answer_send = self.store

    def store(self, send):
        log = self.stored[send.room_id]
        if send.client_id not in log:
            log.append(send.client_id)
        return chat_pb2.SendRoomMessageResponse(seq=1 + log.index(send.client_id))


async def send_numbered(gateway, rooms, each, pause_s=0.002, *, may_fail=False):
    tasks = []
    for number in range(each):
        tasks += [gateway.send(room, client_id=str(number)) for room in rooms]
        await asyncio.sleep(pause_s)
    return await asyncio.gather(*tasks, return_exceptions=may_fail)


async def test_the_sends_of_a_conversation_keep_their_order(direct):
    gateway = await direct(chats=2)
    log, rooms = Log(gateway.chats), [ROOM, *(new_id() for _ in range(9))]
    await send_numbered(gateway, rooms, each=100)
    assert dict(log.stored) == {room: [str(n) for n in range(100)] for room in rooms}
    assert len(gateway.batches) < 1000


async def test_a_dead_instance_in_the_middle_costs_what_it_worked_on_and_order_stays(direct):
    gateway = await direct(chats=2)
    log, rooms, home = Log(gateway.chats), [ROOM, *(new_id() for _ in range(9))], gateway.home
    sending = asyncio.create_task(send_numbered(gateway, rooms, each=100, may_fail=True))
    await until(lambda: len(home.batches) > 5)
    await home.stop()
    outcomes = await sending
    lost = [each for each in outcomes if isinstance(each, ChatterRoomError)]
    assert {each.code for each in lost} <= {ErrorCode.SERVICE_UNAVAILABLE}
    assert len(lost) < len(outcomes) / 2
    for stored in log.stored.values():
        numbers = [int(number) for number in stored]
        assert numbers == sorted(numbers)
    assert sum(map(len, log.stored.values())) >= len(outcomes) - len(lost)


async def test_a_lost_answer_is_asked_for_again_with_the_same_client_ids(direct):
    gateway = await direct(chats=2, timeout_s=1.0)
    log, home = Log(gateway.chats), gateway.home
    answer = home.answers["SendMessages"]

    async def store_and_hang(request):
        await answer(request)
        await asyncio.sleep(30)

    home.answers["SendMessages"] = store_and_hang
    answers = await send_numbered(gateway, [ROOM], each=20)
    assert [told.seq for told in answers] == list(range(1, 21))
    assert log.stored[ROOM] == [str(n) for n in range(20)]


async def test_a_hanging_instance_delays_and_loses_nothing(direct):
    gateway = await direct(chats=2, timeout_s=1.0)
    log, rooms = Log(gateway.chats), [ROOM, *(new_id() for _ in range(9))]
    gateway.home.answers["SendMessages"] = lambda request: asyncio.sleep(30)
    await send_numbered(gateway, rooms, each=20)
    assert dict(log.stored) == {room: [str(n) for n in range(20)] for room in rooms}


async def test_sends_that_were_lost_with_their_instance_are_refused_and_end_no_other(direct):
    gateway = await direct(chats=0, timeout_s=8.0)
    async with running(2) as processes:
        gateway.balancer.replace(process.instance for process in processes)
        await gateway.send()
        home = gateway.balancer.pick(key=ROOM)
        sends = [gateway.send(text=text) for text in ("before", "killer", "after")]
        await until(lambda: gateway.balancer._records[home.service_url].in_flight == 1)
        # Of the same conversation, so that it waits for the call.
        waiting = gateway.send()
        for refused in await asyncio.gather(*sends, return_exceptions=True):
            assert isinstance(refused, ChatterRoomError)
            assert refused.code is ErrorCode.SERVICE_UNAVAILABLE
            assert refused.retry_after_s
        assert (await waiting).seq == 1
        await until(lambda: any(process.died for process in processes))
        assert sum(process.died for process in processes) == 1


async def test_an_instance_that_stops_being_known_finishes_and_the_next_one_takes_over(direct):
    gateway = await direct(chats=2)
    log, home = Log(gateway.chats), gateway.home
    [other] = [chat for chat in gateway.chats if chat is not home]
    sending = asyncio.create_task(send_numbered(gateway, [ROOM], each=100))
    await until(lambda: len(home.batches) > 5)
    gateway.balancer.replace([other.instance])
    await sending
    assert log.stored[ROOM] == [str(n) for n in range(100)]
    assert other.batches


async def test_who_has_given_up_is_not_sent(direct):
    gateway = await direct()
    [chat] = gateway.chats
    blocked = Blocked(chat)
    first, second, third = gateway.send(), gateway.send(text="no"), gateway.send(text="yes")
    await until(lambda: gateway.batches)
    fourth, fifth = gateway.send(text="no"), gateway.send(text="yes")
    other = gateway.send(room=new_id(), text="no")
    await asyncio.sleep(0)
    for task in (second, fourth, other):
        task.cancel()
    blocked.go_on.set()
    await asyncio.gather(first, third, fifth)
    assert [one.message for one in gateway.batches[-1]] == ["yes"]


async def test_without_an_instance_a_send_fails_at_once_and_the_next_may_succeed(direct):
    gateway = await direct(chats=0)
    with pytest.raises(ChatterRoomError) as refused:
        await gateway.send()
    assert refused.value.code is ErrorCode.SERVICE_UNAVAILABLE
    chat = ChatService()
    await chat.serve()
    gateway.balancer.replace([chat.instance])
    await gateway.send()
    await chat.stop()


async def test_enough_sends_do_not_wait_for_the_call_before_them_and_fewer_do(direct, monkeypatch):
    monkeypatch.setattr("chatterroom.gateway.sends._GATHER_S", 60)
    gateway = await direct()
    [chat] = gateway.chats
    blocked = Blocked(chat)
    sends = [gateway.send()]
    await until(lambda: gateway.batches)
    sends += [gateway.send(room=new_id()) for _ in range(WORTH_A_CALL - 1)]
    await asyncio.sleep(0.05)
    assert len(gateway.batches) == 1
    sends.append(gateway.send(room=new_id()))
    await until(lambda: len(gateway.batches) == 2)
    assert [len(batch) for batch in gateway.batches] == [1, WORTH_A_CALL]
    blocked.go_on.set()
    await asyncio.gather(*sends)


async def test_calls_are_full_and_few_where_many_wait(direct):
    gateway = await direct()
    [chat] = gateway.chats
    blocked = Blocked(chat)
    sends = [gateway.send()]
    await until(lambda: gateway.batches)
    others = CALLS_AT_ONCE - 1
    sends += [gateway.send(room=new_id()) for _ in range((others + 3) * BATCH_SENDS)]
    await until(lambda: len(gateway.batches) == CALLS_AT_ONCE)
    await asyncio.sleep(0.3)
    assert [len(batch) for batch in gateway.batches] == [1, *(others * [BATCH_SENDS])]
    blocked.go_on.set()
    await asyncio.gather(*sends)
    assert max(map(len, gateway.batches)) == BATCH_SENDS


async def test_batches_stay_far_below_the_largest_message(direct):
    gateway = await direct()
    sends = [gateway.send(text="x" * 60_000) for _ in range(200)]
    await asyncio.gather(*sends)
    sizes = [sum(one.ByteSize() for one in batch) for batch in gateway.batches]
    assert len(sizes) == 12
    assert max(sizes) < BATCH_BYTES + 64 * 1024


async def test_nothing_is_left_when_all_is_sent(direct):
    gateway = await direct()
    await asyncio.gather(*(gateway.send(room=new_id()) for _ in range(50)))
    await asyncio.sleep(0.15)
    sends = gateway.sends
    assert (sends._lines, sends._lanes, sends._calls, sends._open_sends) == ({}, {}, set(), 0)


async def test_a_hanging_call_does_not_hold_up_other_conversations(world):
    hanging, arrived = asyncio.Event(), asyncio.Event()

    async def answer(send):
        if send.room_id == ROOM:
            arrived.set()
            await hanging.wait()
        return numbered(send)

    world.chat.answer_send = answer
    slow = asyncio.create_task(send(world, client_id="1"))
    await arrived.wait()
    async with asyncio.timeout(1.5):
        assert (await send(world, room=new_id(), client_id="2")).status_code == 200
    hanging.set()
    assert (await slow).json()["seq"] == 1


async def test_too_many_open_sends_are_503_and_the_others_arrive(start):
    world = await start(max_open_sends=3)
    blocked = Blocked(world.chat)
    three = [asyncio.create_task(send(world, room=new_id())) for _ in range(3)]
    await until(lambda: world.chat.batches)
    await asyncio.sleep(0.05)
    answer = await send(world)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1
    blocked.go_on.set()
    assert [told.status_code for told in await asyncio.gather(*three)] == [200] * 3
    assert (await send(world)).status_code == 200


async def test_a_send_that_waits_too_long_is_504_and_is_not_sent_later(start):
    world = await start(call_timeout_s=0.4)
    blocked = Blocked(world.chat)
    answers = await asyncio.gather(*(send(world, message=str(n)) for n in range(5)))
    assert {answer.status_code for answer in answers} <= {503, 504}
    blocked.go_on.set()
    async with asyncio.timeout(15):
        while (await send(world, message="last")).status_code != 200:
            await asyncio.sleep(0.05)
    assert [one.message for one in world.chat.batches[-1]] == ["last"]


async def test_a_gateway_that_stops_finishes_what_it_has_taken(world):
    blocked = Blocked(world.chat)
    sends = [asyncio.create_task(send(world, room=new_id())) for _ in range(5)]
    await until(lambda: world.chat.batches)
    stopping = asyncio.create_task(world.stop_gateway())
    await asyncio.sleep(0.05)
    blocked.go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*sends)} == {200}
    await stopping
