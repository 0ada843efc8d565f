"""The engines that other tests share, held to what `tests/conftest.py` says of them."""

import pytest
from pymongo import AsyncMongoClient
from redis.asyncio import Redis


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_database_of_its_own(mongo_url, turn):
    async with AsyncMongoClient(mongo_url) as client:
        notes = client.get_default_database()["notes"]
        await notes.insert_one({"turn": turn})
        assert [note["turn"] async for note in notes.find()] == [turn]


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_redis_empty(redis_url, redis_server, turn):
    for url in (redis_url, redis_server.url(1)):
        async with Redis.from_url(url) as client:
            assert await client.dbsize() == 0
            await client.set("turn", turn)
