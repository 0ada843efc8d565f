import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from chatterroom.core.settings import SettingsError
from chatterroom.pubsub.channels_redis import MAX_QUEUED_BYTES, RedisChannels


class Listener:
    def __init__(self, channels: RedisChannels) -> None:
        self.channels = channels
        self.heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.missed: asyncio.Queue[None] = asyncio.Queue()

    async def next(self) -> tuple[str, bytes]:
        return await asyncio.wait_for(self.heard.get(), 10)

    async def subscribe(self, *channels: str) -> None:
        self.channels.subscribe(channels)
        await self.channels.confirmed(channels)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    async with RedisChannels.connect(url, "REDIS_URL") as channels:
        listener = Listener(channels)
        running = asyncio.create_task(
            channels.run(
                lambda channel, payload: listener.heard.put_nowait((channel, payload)),
                lambda: listener.missed.put_nowait(None),
            )
        )
        yield listener
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_messages_arrive_in_order_at_those_who_subscribed(redis_url: str):
    async with listening(redis_url) as one, listening(redis_url) as other:
        await one.subscribe("a", "b")
        await other.subscribe("b")
        for number in range(300):
            other.channels.publish("a", b"%d" % number)
        other.channels.publish("b", b"last")
        got = [await one.next() for _ in range(301)]
        assert got == [*(("a", b"%d" % number) for number in range(300)), ("b", b"last")]
        assert await other.next() == ("b", b"last")


async def test_a_channel_is_kept_until_the_last_has_given_it_up(redis_url: str):
    async with listening(redis_url) as listener:
        await listener.subscribe("a")
        await listener.subscribe("a")
        await listener.subscribe("end")
        listener.channels.unsubscribe(["a"])
        listener.channels.publish("a", b"still heard")
        assert await listener.next() == ("a", b"still heard")


async def test_after_a_lost_connection_it_listens_again_and_says_that_it_missed_some(
    redis_url: str, redis_admin
):
    async with listening(redis_url) as listener:
        await listener.subscribe("a")
        await asyncio.wait_for(listener.missed.get(), 10)
        for client in redis_admin.client_list(_type="pubsub"):
            redis_admin.client_kill_filter(_id=client["id"])
        await asyncio.wait_for(listener.missed.get(), 10)
        await listener.channels.confirmed(["a"])
        listener.channels.publish("a", b"again")
        assert await listener.next() == ("a", b"again")


@pytest.mark.parametrize("turns", range(4))
async def test_channels_asked_for_while_the_connection_is_lost_are_heard(
    redis_url: str, turns: int
):
    for _ in range(3):
        async with listening(redis_url) as listener:
            await listener.subscribe("a")
            await asyncio.wait_for(listener.missed.get(), 10)
            for connection in listener.channels._client.connection_pool._in_use_connections:
                connection._writer.transport.abort()
            for number in range(20):
                # How far the loss has been noticed decides what the next one meets.
                for _ in range(turns):
                    await asyncio.sleep(0)
                listener.channels.subscribe([f"b{number}"])
            await asyncio.wait_for(listener.missed.get(), 10)
            await listener.channels.confirmed(["b19"])
            listener.channels.publish("b19", b"heard")
            assert await listener.next() == ("b19", b"heard")


async def test_without_redis_nothing_waits():
    async with listening("redis://127.0.0.1:1/0") as listener:
        listener.channels.publish("a", b"lost")
        async with asyncio.timeout(5):
            await listener.subscribe("a")


async def test_a_wrong_url_names_its_setting():
    with pytest.raises(SettingsError, match="REDIS_URL is wrong"):
        async with RedisChannels.connect("nonsense", "REDIS_URL"):
            pass


async def test_a_channel_given_up_and_asked_for_again_is_heard_again(redis_url: str):
    async with listening(redis_url) as listener:
        await listener.subscribe("a")
        listener.channels.unsubscribe(["a"])
        await listener.subscribe("between")
        await listener.subscribe("a")
        listener.channels.unsubscribe(["a"])
        listener.channels.subscribe(["a"])
        listener.channels.publish("a", b"again")
        assert await listener.next() == ("a", b"again")


async def test_a_message_that_cannot_be_understood_keeps_nobody_from_the_next(redis_url: str):
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def hear(_: str, payload: bytes) -> None:
        if payload == b"poison":
            raise ValueError(payload)
        heard.put_nowait(payload)

    async with RedisChannels.connect(redis_url, "REDIS_URL") as channels:
        running = asyncio.create_task(channels.run(hear, lambda: None))
        channels.subscribe(["a"])
        await channels.confirmed(["a"])
        for payload in (b"poison", b"honest", b"poison", b"too"):
            channels.publish("a", payload)
        assert [await asyncio.wait_for(heard.get(), 10) for _ in range(2)] == [b"honest", b"too"]
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])


async def test_what_waits_to_be_published_is_bounded_in_bytes_and_the_newest_stays(redis_url: str):
    async with listening(redis_url) as listener:
        await listener.subscribe("a")
        for number in range(200):
            listener.channels.publish("a", bytes([number]) * MAX_QUEUED_BYTES)
            assert listener.channels._queued_bytes <= MAX_QUEUED_BYTES
        for _ in range(50):
            listener.channels.publish("a", b"x" * (MAX_QUEUED_BYTES // 20))
        listener.channels.publish("a", b"last")
        assert listener.channels._queued_bytes <= MAX_QUEUED_BYTES
        received = [await listener.next()]
        while received[-1][1] != b"last":
            received.append(await listener.next())
        assert len(received) == 21
