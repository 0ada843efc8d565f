import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from chatterroom.core.settings import SettingsError
from chatterroom.pubsub.client_redis import redis_client


async def test_writing_to_a_connection_that_was_reset_is_a_lost_connection(redis_url: str):
    async with redis_client(redis_url, "REDIS_URL") as client:
        connection = await client.connection_pool.get_connection()
        connection._writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(RedisConnectionError):
            await connection.send_command("PING")
        await client.connection_pool.release(connection)
        assert await client.ping()


async def test_a_connection_that_another_task_closes_before_the_write_is_a_lost_connection(
    redis_url: str,
):
    async with redis_client(redis_url, "REDIS_URL", socket_timeout=5) as client:
        connection = await client.connection_pool.get_connection()
        sending = asyncio.create_task(connection.send_command("PING"))
        await asyncio.sleep(0)
        await connection.disconnect(nowait=True)
        with pytest.raises(RedisConnectionError):
            await sending
        await client.connection_pool.release(connection)
        assert await client.ping()


def test_a_wrong_url_is_a_wrong_setting():
    with pytest.raises(SettingsError, match="REDIS_URL"):
        redis_client("http://127.0.0.1", "REDIS_URL")
