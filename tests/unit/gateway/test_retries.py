"""Instances that die, hang and come back: what is repeated elsewhere, and what is not."""

import asyncio

from chatterroom.core.ids import new_id
from chatterroom.pb import chat_pb2
from chatterroom.rpc.balancer import Instance

ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


def send(world, room=ROOM, **body):
    return world.client.post(
        f"/chat-service/rooms/{room}/send",
        json={"sender_id": world.ada.id, "message": "hi", **body},
        headers=world.ada.headers,
    )


async def test_a_dead_instance_is_not_noticed_by_clients(start):
    world = await start(chats=2)
    world.balancers["chat"].pick(0.0, key=ROOM)
    dead = world.balancers["chat"].pick(0.0, key=ROOM)
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


async def test_a_hanging_service_is_left_alone_after_a_while(start):
    world = await start(call_timeout_s=0.2)
    world.chat.answer_send = lambda send: asyncio.sleep(30)
    statuses = {(await send(world)).status_code for _ in range(3)}
    assert statuses <= {503, 504}
    heard = len(world.chat.heard)
    assert (await send(world)).status_code == 503
    assert len(world.chat.heard) == heard


async def test_the_breaker_closes_when_the_instance_is_well_again(start):
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
