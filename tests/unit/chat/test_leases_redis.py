import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from chatterroom.chat import leases_redis
from chatterroom.chat.leases_redis import Leases, online, room_connections
from chatterroom.core.ids import ConversationId, UserId, new_id

ALICE, BOB = UserId(new_id()), UserId(new_id())
ROOM, OTHER_ROOM = room_connections(ConversationId("r1")), room_connections(ConversationId("r2"))


@asynccontextmanager
async def instance(redis_url: str) -> AsyncIterator[Leases]:
    async with Leases.connect(redis_url, "redis_url") as leases:
        running = asyncio.create_task(leases.run())
        try:
            yield leases
        finally:
            running.cancel()
            await asyncio.wait([running])


async def until_held(leases: Leases, *expected: tuple[str, set[UserId]]) -> None:
    subjects = [subject for subject, _ in expected]
    async with asyncio.timeout(10):
        while await leases.holders(subjects) != [holders for _, holders in expected]:
            await asyncio.sleep(0.02)


async def test_every_instance_sees_who_holds_what(redis_url):
    async with instance(redis_url) as one, instance(redis_url) as two:
        one.take(ROOM, ALICE)
        one.take(online(ALICE), ALICE)
        two.take(ROOM, BOB)
        await until_held(two, (ROOM, {ALICE, BOB}), (online(ALICE), {ALICE}), (OTHER_ROOM, set()))


async def test_more_leases_than_one_command_carries_are_all_written(redis_url):
    everybody = {UserId(new_id()) for _ in range(1_200)}
    async with instance(redis_url) as leases:
        for user_id in everybody:
            leases.take(ROOM, user_id)
            leases.take(online(user_id), user_id)
        last = [(online(user_id), {user_id}) for user_id in everybody]
        await until_held(leases, (ROOM, everybody), *last)


async def test_a_lease_ends_after_its_grace_unless_another_reason_is_left(redis_url, monkeypatch):
    monkeypatch.setattr(leases_redis, "GRACE_S", 0.5)
    async with instance(redis_url) as leases:
        for user_id in (ALICE, BOB, BOB):
            leases.take(ROOM, user_id)
        await until_held(leases, (ROOM, {ALICE, BOB}))
        leases.give_up(ROOM, ALICE)
        leases.give_up(ROOM, BOB)
        await until_held(leases, (ROOM, {BOB}))


async def test_an_ended_lease_is_removed_with_the_next_write_and_a_subject_ends_by_itself(
    redis_url,
):
    async with instance(redis_url) as leases, Redis.from_url(redis_url) as client:
        await client.zadd(ROOM, {"somebody@gone": time.time() - 1})
        leases.take(ROOM, ALICE)
        await until_held(leases, (ROOM, {ALICE}))
        assert await client.zcard(ROOM) == 1
        assert 0 < await client.ttl(ROOM) <= leases_redis.LEASE_S


async def test_leases_are_renewed(redis_url, monkeypatch):
    monkeypatch.setattr(leases_redis, "_RENEW_S", 0.2)
    async with instance(redis_url) as leases, Redis.from_url(redis_url) as client:
        leases.take(ROOM, ALICE)
        await until_held(leases, (ROOM, {ALICE}))
        await client.delete(ROOM)
        await until_held(leases, (ROOM, {ALICE}))


async def test_a_stop_gives_all_up(redis_url, monkeypatch):
    monkeypatch.setattr(leases_redis, "GRACE_S", 0.0)
    async with instance(redis_url) as watching:
        async with instance(redis_url) as stopping:
            stopping.take(ROOM, ALICE)
            await until_held(watching, (ROOM, {ALICE}))
        await until_held(watching, (ROOM, set()))


@pytest.mark.parametrize("subjects", [["one"], []])
async def test_without_redis_nobody_knows(subjects):
    async with Leases.connect("redis://127.0.0.1:1/0", "redis_url") as leases:
        assert await leases.holders(subjects) == (None if subjects else [])
