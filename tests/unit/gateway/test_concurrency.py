"""What happens to the requests that are too many at once."""

import asyncio
import time

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.concurrency import Gate

ROOM = "01kax40c6p8r2t4v7x9z1b3d5g"


async def test_a_gate_lets_its_limit_in_and_the_next_wait_their_turn():
    gate = Gate("g", limit=2, wait_s=5, max_waiters=10)
    inside, most, order = 0, 0, []

    async def pass_through(number):
        nonlocal inside, most
        async with gate:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            order.append(number)
            inside -= 1

    await asyncio.gather(*(pass_through(n) for n in range(10)))
    assert most == 2
    assert order == list(range(10))


async def test_who_waits_too_long_and_who_is_one_too_many_is_turned_away():
    gate = Gate("g", limit=1, wait_s=0.05, max_waiters=1)
    async with gate:
        waiting = asyncio.create_task(gate.__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(ChatterRoomError) as one_too_many:
            await gate.__aenter__()
        with pytest.raises(ChatterRoomError) as too_long:
            await waiting
    for refused in (one_too_many, too_long):
        assert refused.value.code is ErrorCode.OVERLOADED
        assert refused.value.retry_after_s
    async with gate:
        pass


async def test_who_gives_up_waiting_leaves_no_trace():
    gate = Gate("g", limit=1, wait_s=5, max_waiters=1)
    async with gate:
        waiting = asyncio.create_task(gate.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), gate:
        pass


async def test_a_turn_that_comes_at_the_moment_of_giving_up_goes_to_the_next():
    gate = Gate("g", limit=1, wait_s=5, max_waiters=5)
    await gate.__aenter__()
    leaving = asyncio.create_task(gate.__aenter__())
    staying = asyncio.create_task(gate.__aenter__())
    await asyncio.sleep(0)
    await gate.__aexit__()
    leaving.cancel()
    async with asyncio.timeout(1):
        await staying
    assert leaving.cancelled()


async def test_nobody_slips_in_before_those_who_wait():
    gate = Gate("g", limit=1, wait_s=5, max_waiters=5)
    await gate.__aenter__()
    first = asyncio.create_task(gate.__aenter__())
    await asyncio.sleep(0)
    await gate.__aexit__()
    second = asyncio.create_task(gate.__aenter__())
    await asyncio.sleep(0)
    assert (first.done(), second.done()) == (True, False)
    await gate.__aexit__()
    await second


async def test_a_full_service_is_503_soon_and_leaves_the_other_service_alone(start):
    world = await start(
        service_concurrency=2, concurrency_wait_s=0.1, concurrency_waiters=1, call_timeout_s=10
    )
    go_on = asyncio.Event()
    arrived = asyncio.Semaphore(0)

    async def slowly(request):
        arrived.release()
        await go_on.wait()

    world.chat.answers["GetRoom"] = slowly
    path = f"/chat-service/rooms/{ROOM}/members"

    async def ask():
        return await world.client.get(path, headers=world.ada.headers)

    busy = [asyncio.create_task(ask()) for _ in range(2)]
    for _ in busy:
        await arrived.acquire()
    began = time.monotonic()
    refused = await asyncio.gather(*(ask() for _ in range(3)))
    assert time.monotonic() - began < 5
    for answer in refused:
        assert answer.status_code == 503
        assert answer.json()["code"] == "overloaded"
        assert int(answer.headers["retry-after"]) >= 1
    conversations = await world.client.get("/chat-service/conversations", headers=world.ada.headers)
    assert conversations.status_code == 503
    profile = await world.client.get(
        f"/user-service/users/{world.bob.id}", headers=world.ada.headers
    )
    assert profile.status_code == 200
    go_on.set()
    assert [answer.status_code for answer in await asyncio.gather(*busy)] == [200, 200]
    assert (await ask()).status_code == 200


async def test_one_full_endpoint_leaves_the_others_alone(start):
    world = await start(endpoint_concurrency=1, concurrency_wait_s=0.05)
    go_on, arrived = asyncio.Event(), asyncio.Event()

    async def slowly(request):
        arrived.set()
        await go_on.wait()

    world.chat.answers["GetRoom"] = slowly
    path = f"/chat-service/rooms/{ROOM}/members"
    busy = asyncio.create_task(world.client.get(path, headers=world.ada.headers))
    await arrived.wait()
    assert (await world.client.get(path, headers=world.ada.headers)).status_code == 503
    history = await world.client.get(f"/chat-service/rooms/{ROOM}", headers=world.ada.headers)
    assert history.status_code == 200
    go_on.set()
    assert (await busy).status_code == 200
