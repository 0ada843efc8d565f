import asyncio

import pytest
import websockets
from redis import Redis
from websockets.exceptions import InvalidStatus

from chatterroom.core.errors import ErrorCode
from chatterroom.pb import users_pb2 as pb
from chatterroom.users.alert_channel_redis import _PREFIX


async def fail_to_log_in(users, code_of):
    assert await code_of(users.log_in(password="wrong password")) is ErrorCode.WRONG_CREDENTIALS


def followed(redis_url, user_id):
    """Return a condition: an instance is subscribed to the user's channel."""

    async def condition():
        with Redis.from_url(redis_url) as client:
            return client.pubsub_numsub(_PREFIX + user_id)[0][1] == 1

    return condition


async def test_a_login_is_told_to_the_other_devices_and_not_to_strangers(users):
    await users.register("alice")
    await users.register("bob")
    alice, bob = await users.log_in("alice"), await users.log_in("bob")
    async with users.alert_socket(alice) as at_alice, users.alert_socket(bob) as at_bob:
        second = await users.log_in("alice", device="Firefox", address="192.0.2.7")
        alert = await at_alice.event()
        assert alert.pop("alert_id")
        assert alert.pop("at").endswith("Z")
        assert alert == {
            "type": "login",
            "device": "Firefox",
            "address": "192.0.2.7",
            "session_id": second.session_id,
        }
        await at_bob.hears_nothing()


async def test_a_failed_attempt_is_told_and_an_unknown_account_tells_nobody(users, code_of):
    await users.register()
    login = await users.log_in()
    async with users.alert_socket(login) as socket:
        await fail_to_log_in(users, code_of)
        alert = await socket.event()
        assert alert["type"] == "login_failed"
        assert (alert["device"], alert["address"]) == ("phone", "::1")
        assert alert["alert_id"]
        unknown = users.log_in("nobody")
        assert await code_of(unknown) is ErrorCode.WRONG_CREDENTIALS
        await socket.hears_nothing()


async def test_alerts_reach_the_sockets_of_every_instance_once(
    start_users, redis_url, eventually, code_of
):
    one, two = await start_users(), await start_users()
    user_id = await one.register()
    login = await one.log_in()
    async with two.alert_socket(login) as socket:
        await eventually(followed(redis_url, user_id))
        await one.log_in()
        assert (await socket.event())["type"] == "login"
        await fail_to_log_in(one, code_of)
        assert (await socket.event())["type"] == "login_failed"
        await two.log_in()
        assert (await socket.event())["type"] == "login"
        await socket.hears_nothing()


async def test_an_instance_subscribes_only_for_users_with_sockets(users, redis_url, eventually):
    user_id = await users.register()
    login = await users.log_in()
    is_followed = followed(redis_url, user_id)
    assert not await is_followed()
    async with users.alert_socket(login):
        await eventually(is_followed)

    async def is_not_followed():
        return not await is_followed()

    await eventually(is_not_followed)


async def test_without_redis_logins_go_on_and_local_alerts_come(start_users, own_redis, eventually):
    one, two = [await start_users(redis_url=own_redis.url(0)) for _ in range(2)]
    user_id = await one.register()
    login = await one.log_in()
    async with one.alert_socket(login) as here, two.alert_socket(login) as there:
        await own_redis.process.kill()
        async with asyncio.timeout(1):
            await one.log_in()
        assert (await here.event())["type"] == "login"
        await own_redis.start()

        async def both_follow():
            with Redis.from_url(own_redis.url(0)) as client:
                return client.pubsub_numsub(_PREFIX + user_id)[0][1] == 2

        await eventually(both_follow)
        await one.log_in()
        assert (await there.event())["type"] == "login"


async def test_pings_acks_and_nonsense_are_answered_and_the_socket_stays_open(users):
    await users.register()
    async with users.alert_socket(await users.log_in()) as socket:
        assert await socket.ask({"type": "ping", "ref": 1}) == {"type": "pong", "ref": 1}
        acked = await socket.ask({"type": "ack", "alert_id": "a1"})
        assert acked == {"type": "acked", "alert_id": "a1"}
        problem = await socket.ask({"type": "dance", "ref": "r"})
        assert (problem["type"], problem["code"], problem["ref"]) == (
            "error",
            "invalid_request",
            "r",
        )
        await socket.socket.send("{")
        assert (await socket.event())["code"] == "malformed_json"
        await socket.hears_nothing()


async def test_a_browser_passes_its_token_as_a_subprotocol(users):
    user_id = await users.register()
    login = await users.log_in()
    async with websockets.connect(
        users.alert_url(user_id), subprotocols=["chatterroom.v1", f"bearer.{login.token}"]
    ) as socket:
        assert socket.subprotocol == "chatterroom.v1"
        assert "ready" in await socket.recv()


async def refused(url, token=None, **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= options.pop("headers", {})
    with pytest.raises(InvalidStatus) as caught:
        async with websockets.connect(url, additional_headers=headers, **options):
            pass
    return caught.value.response.status_code


async def test_strangers_are_refused_before_the_upgrade(users):
    alice, mallory = await users.register("alice"), await users.register("mallory")
    token = (await users.log_in("mallory")).token
    assert await refused(users.alert_url(alice)) == 401
    assert await refused(users.alert_url(alice), "x.y.z") == 401
    assert await refused(users.alert_url(alice), token) == 403
    assert await refused(users.alert_url("nonsense"), token) == 400
    assert await refused(users.alert_url(mallory).partition("?")[0], token) == 400
    assert await refused(users.alert_url(mallory, "/ws/chat"), token) == 404
    assert await refused(users.alert_url(mallory), token, origin="https://evil.example") == 403


async def test_a_configured_origin_may_open_sockets(start_users):
    users = await start_users(allowed_origins="https://app.example, https://b.example")
    user_id = await users.register()
    token = (await users.log_in()).token
    async with websockets.connect(
        users.alert_url(user_id),
        origin="https://b.example",
        additional_headers={"Authorization": f"Bearer {token}"},
    ) as socket:
        assert "ready" in await socket.recv()


async def closing_code(client):
    async with asyncio.timeout(10):
        await client.socket.wait_closed()
    return client.socket.close_code


async def test_a_socket_ends_with_its_access_token(start_users):
    users = await start_users(access_token_lifetime_s=2)
    await users.register()
    async with users.alert_socket(await users.log_in()) as socket:
        assert await closing_code(socket) == 4401


async def test_logging_out_closes_the_sockets_of_the_session_on_every_instance(
    start_users, redis_url, eventually
):
    one, two = await start_users(), await start_users()
    user_id = await one.register()
    ending, staying = await one.log_in(), await one.log_in()
    async with two.alert_socket(ending) as ended, two.alert_socket(staying) as open_one:
        assert (await open_one.event())["session_id"] == ending.session_id
        await eventually(followed(redis_url, user_id))
        await one.acting_for(user_id, ending.session_id).LogoutUser(pb.LogoutUserRequest())
        assert await closing_code(ended) == 4401
        await open_one.hears_nothing()


async def test_a_stop_closes_the_sockets_with_service_restart_and_is_quick(users):
    await users.register()
    async with users.alert_socket(await users.log_in()) as socket:
        async with asyncio.timeout(2):
            await users.stop()
        assert await closing_code(socket) == 1012


async def test_many_sockets_may_come_and_go(users):
    await users.register()
    login = await users.log_in()

    async def visit():
        async with users.alert_socket(login) as socket:
            await socket.hears_nothing()

    await asyncio.gather(*(visit() for _ in range(30)))
