"""Instances that die, hang and come back: what is repeated elsewhere, and what is not."""

import asyncio

import grpc

from chatterroom.core.ids import new_id
from chatterroom.pb import chat_pb2
from chatterroom.rpc.balancer import Instance
from chatterroom.rpc.message_sizes import MAX_RESPONSE_BYTES

ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


def send(world, room=ROOM, **body):
    return world.client.post(
        f"/chat-service/rooms/{room}/send",
        json={"sender_id": world.ada.id, "message": "hi", **body},
        headers=world.ada.headers,
    )


async def test_a_dead_instance_is_not_noticed_by_clients(start):
    world = await start(chats=2)
    dead = world.balancers["chat"].pick(key=ROOM)
    await next(c for c in world.chats if c.instance == dead).stop()
    for _ in range(5):
        assert (await send(world)).status_code == 200
        read = await world.client.get(f"/chat-service/rooms/{ROOM}", headers=world.ada.headers)
        assert read.status_code == 200


async def test_a_repeated_send_carries_the_same_client_id(start):
    world = await start(chats=2, call_timeout_s=1.0)
    seen = []

    def hang_first(request):
        seen.append(request.client_id)
        return asyncio.sleep(30) if len(seen) == 1 else chat_pb2.SendRoomMessageResponse(seq=3)

    for chat in world.chats:
        chat.answer_send = hang_first
    answer = await send(world)
    assert (answer.status_code, answer.json()["seq"]) == (200, 3)
    assert len(seen) == 2
    assert seen[0] == seen[1] != ""


async def test_a_login_is_not_repeated(start):
    world = await start(users=2, call_timeout_s=0.3)
    for users in world.users:
        users.answers["LoginUser"] = lambda request: asyncio.sleep(30)
    answer = await world.client.post("/user-service/login", json={"email": "a", "password": "b"})
    assert answer.status_code == 504
    assert answer.json()["code"] == "request_timed_out"
    assert sum(len(users.heard) for users in world.users) == 1


async def test_a_service_without_instances_is_503_with_retry_after(start):
    world = await start(chats=0)
    answer = await send(world)
    assert answer.status_code == 503
    assert answer.json()["code"] == "service_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert (
        await world.client.get(f"/user-service/users/{world.bob.id}", headers=world.ada.headers)
    ).status_code == 200


async def test_calls_that_time_out_shut_nobody_out_while_the_instance_is_well(start):
    world = await start(call_timeout_s=0.2)
    world.chat.answers["GetRoomHistory"] = lambda request: asyncio.sleep(30)
    for _ in range(8):
        slow = await world.client.get(f"/chat-service/rooms/{ROOM}", headers=world.ada.headers)
        assert slow.status_code == 504
        assert (await send(world)).status_code == 200


async def test_responses_that_are_too_large_are_the_callers_matter(start):
    world = await start()
    world.chat.answers["GetRoomHistory"] = chat_pb2.GetRoomHistoryResponse(
        messages=[chat_pb2.RoomMessageProto(message="x" * MAX_RESPONSE_BYTES)]
    )
    for _ in range(8):
        large = await world.client.get(f"/chat-service/rooms/{ROOM}", headers=world.ada.headers)
        assert (large.status_code, large.json()["code"]) == (400, "response_too_large")
        assert (await send(world)).status_code == 200
    assert world.balancers["chat"].admits(world.chat.instance)


async def test_calls_that_fail_inside_shut_nobody_out(start):
    world = await start()

    for status in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED):
        world.chat.aborts["GetRoomHistory"] = status
        for _ in range(4):
            failed = await world.client.get(
                f"/chat-service/rooms/{ROOM}", headers=world.ada.headers
            )
            assert (failed.status_code, failed.json()["code"]) == (500, "internal")
            assert (await send(world)).status_code == 200


async def test_an_instance_that_says_it_does_not_serve_is_left_out_once_a_call_times_out(start):
    world = await start(chats=2, call_timeout_s=0.4)
    sick = next(c for c in world.chats if c.instance == world.balancers["chat"].pick(key=ROOM))
    await sick.rpc.say_serving(False)
    sick.answer_send = lambda send: asyncio.sleep(30)
    assert (await send(world)).status_code == 200
    async with asyncio.timeout(10):
        while world.balancers["chat"].admits(sick.instance):
            await asyncio.sleep(0.02)
    heard = len(sick.heard)
    for _ in range(10):
        assert (await send(world)).status_code == 200
    assert len(sick.heard) == heard
    await sick.rpc.say_serving(True)
    async with asyncio.timeout(10):
        while not world.balancers["chat"].admits(sick.instance):
            await asyncio.sleep(0.02)


async def test_an_instance_comes_back_when_it_is_well_again(start):
    world = await start()
    port = world.chat.rpc.port
    await world.chat.stop()
    assert {(await send(world)).status_code for _ in range(3)} == {503}
    await world.chat.serve(port)
    async with asyncio.timeout(15):
        while (await send(world)).status_code != 200:
            await asyncio.sleep(0.05)


async def test_calls_to_an_instance_that_leaves_are_finished(start):
    world = await start(chats=2)
    first, second = world.chats
    world.balancers["chat"].replace([first.instance])
    go_on, arrived = asyncio.Event(), asyncio.Event()

    async def slowly(request):
        arrived.set()
        await go_on.wait()
        return chat_pb2.SendRoomMessageResponse(seq=8)

    first.answer_send = slowly
    under_way = asyncio.create_task(send(world))
    await arrived.wait()
    world.balancers["chat"].replace([Instance(second.instance.service_url)])
    assert (await send(world, room=new_id())).status_code == 200
    go_on.set()
    answer = await under_way
    assert (answer.status_code, answer.json()["seq"]) == (200, 8)
