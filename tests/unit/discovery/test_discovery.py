import asyncio
import time
from contextlib import suppress

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from redis import Redis

from chatterroom.auth.secrets import load_service_secret
from chatterroom.core.errors import ErrorCode
from chatterroom.pb import discovery_pb2 as pb
from chatterroom.pb import discovery_pb2_grpc
from chatterroom.rpc.balancer import Instance
from chatterroom.rpc.directory import Directory
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.registration import Registration


async def register(discovery, name="chat", url="host:1", websocket_url="", service=None):
    return await discovery.stubs.get(service or name, discovery.stub).RegisterService(
        pb.RegisterServiceRequest(service_name=name, service_url=url, websocket_url=websocket_url)
    )


async def discover(discovery, name="chat"):
    return await discovery.stub.DiscoverService(pb.DiscoverServiceRequest(service_name=name))


async def heartbeat(discovery, url="host:1"):
    return await discovery.stub.Heartbeat(pb.HeartbeatRequest(service_url=url))


async def code_of(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    known = error_from(caught.value)
    assert known is not None, caught.value
    return known.code


async def listed(discovery):
    status = await discovery.stub.StatusCheck(Empty())
    return {instance.service_url for instance in status.instances}


async def test_a_registered_service_is_discovered_with_both_addresses(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    answer = await register(discovery, "users", "10.0.0.1:5", "10.0.0.1:6")
    assert answer.success
    assert answer.lease_s == 6.0
    found = await discover(discovery, "users")
    assert (found.service_url, found.websocket_url) == ("10.0.0.1:5", "10.0.0.1:6")


async def test_discovery_takes_turns_over_the_instances(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    for port in (1, 2, 3):
        await register(discovery, url=f"host:{port}")
    urls = [(await discover(discovery)).service_url for _ in range(6)]
    assert sorted(urls) == sorted([f"host:{port}" for port in (1, 2, 3)] * 2)


async def test_an_unknown_service_is_not_found(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    assert await code_of(discover(discovery, "nothing")) is ErrorCode.SERVICE_NOT_FOUND


async def test_a_silent_instance_expires_and_is_told_to_register_again(
    start_discovery, redis_url, eventually
):
    discovery = await start_discovery(redis_url, lease_s=0.3)
    await register(discovery)

    async def gone():
        return not await listed(discovery)

    await eventually(gone)
    answer = await heartbeat(discovery)
    assert not answer.success
    assert "Register it again" in answer.message
    assert await code_of(discover(discovery)) is ErrorCode.SERVICE_NOT_FOUND
    await register(discovery)
    assert (await heartbeat(discovery)).success


async def test_an_instance_that_nobody_knows_is_told_to_register(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    assert not (await heartbeat(discovery, "stranger:1")).success


async def test_heartbeats_keep_an_instance_listed_beyond_its_lease(start_discovery, redis_url):
    discovery = await start_discovery(redis_url, lease_s=1.0)
    await register(discovery)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert (await heartbeat(discovery)).success
        await asyncio.sleep(0.1)
    assert await listed(discovery) == {"host:1"}


async def test_registering_again_replaces_the_entry(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    await register(discovery, "chat", "host:1")
    await register(discovery, "chat", "host:1", "host:2")
    assert await listed(discovery) == {"host:1"}
    assert (await discover(discovery, "chat")).websocket_url == "host:2"


async def test_a_service_registers_under_its_own_name_only(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    for name, service in (("users", "chat"), ("gateway", "chat"), ("chat", "gateway")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await register(discovery, name, "evil:1", service=service)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert not await listed(discovery)


async def test_a_service_neither_replaces_nor_removes_an_instance_of_another(
    start_discovery, redis_url, eventually
):
    discovery = await start_discovery(redis_url)
    await register(discovery, "users", "host:1")
    taken = discovery.stubs["chat"]
    assert await code_of(register(discovery, "chat", "host:1")) is ErrorCode.NOT_ALLOWED
    request = pb.DeregisterServiceRequest(service_url="host:1")
    assert await code_of(taken.DeregisterService(request)) is ErrorCode.NOT_ALLOWED
    assert (await discover(discovery, "users")).service_url == "host:1"

    async def heartbeat_is_refused():
        try:
            await heartbeat(discovery)
        except grpc.aio.AioRpcError as failure:
            return failure.code() is grpc.StatusCode.PERMISSION_DENIED
        return False

    await eventually(heartbeat_is_refused)


async def test_a_deregistered_instance_is_gone_at_once(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    await register(discovery)
    request = pb.DeregisterServiceRequest(service_url="host:1")
    assert (await discovery.stub.DeregisterService(request)).success
    assert not await listed(discovery)
    assert not (await discovery.stub.DeregisterService(request)).success


@pytest.mark.parametrize(
    ("name", "url", "websocket_url"),
    [("", "host:1", ""), ("chat", "host", ""), ("chat", "host:1", "ws://host:2")],
)
async def test_malformed_registrations_are_refused(
    start_discovery, redis_url, name, url, websocket_url
):
    discovery = await start_discovery(redis_url)
    code = await code_of(register(discovery, name, url, websocket_url))
    assert code is ErrorCode.INVALID_REQUEST
    assert not await listed(discovery)


async def test_a_call_without_the_service_credential_is_refused(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    stub = discovery_pb2_grpc.DiscoveryServiceStub(discovery.channel)
    request = pb.RegisterServiceRequest(service_name="chat", service_url="evil:1")
    for metadata in ((), (("authorization", "Bearer wrong"),)):
        code = await code_of(stub.RegisterService(request, metadata=metadata))
        assert code is ErrorCode.SERVICE_CREDENTIAL_INVALID
    with pytest.raises(grpc.aio.AioRpcError):
        await anext(aiter(stub.WatchServices(pb.WatchServicesRequest())))
    assert not await listed(discovery)


async def test_a_watcher_gets_the_list_at_once_and_every_change_from_any_instance(
    start_discovery, redis_url
):
    here, there = await start_discovery(redis_url), await start_discovery(redis_url)
    await register(here, url="host:1")
    lists = aiter(there.stub.WatchServices(pb.WatchServicesRequest()))

    async def until(expected):
        async with asyncio.timeout(5):
            while {i.service_url for i in (await anext(lists)).instances} != expected:
                pass

    await until({"host:1"})
    await register(here, url="host:2")
    await until({"host:1", "host:2"})
    await here.stub.DeregisterService(pb.DeregisterServiceRequest(service_url="host:1"))
    await until({"host:2"})


async def test_a_watcher_notices_an_expiry(start_discovery, redis_url):
    discovery = await start_discovery(redis_url, lease_s=0.3)
    await register(discovery)
    async with asyncio.timeout(5):
        async for latest in discovery.stub.WatchServices(pb.WatchServicesRequest()):
            if not latest.instances:
                break


async def test_the_list_is_repeated_within_five_seconds(start_discovery, redis_url):
    discovery = await start_discovery(redis_url, lease_s=60)
    await register(discovery)
    lists = aiter(discovery.stub.WatchServices(pb.WatchServicesRequest()))
    async with asyncio.timeout(5):
        while not (await anext(lists)).instances:
            pass
    async with asyncio.timeout(5):
        assert (await anext(lists)).instances


async def test_status_tells_what_is_registered(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    await register(discovery, "users", "host:1", "host:2")
    status = await discovery.stub.StatusCheck(Empty())
    assert (status.status, status.db_status) == ("healthy", "connected")
    assert float(status.uptime) >= 0
    assert status.registered_services == "1"
    assert list(status.instances) == [
        pb.ServiceInstance(service_name="users", service_url="host:1", websocket_url="host:2")
    ]


async def test_without_redis_calls_fail_within_a_second_and_watchers_keep_their_list(
    start_discovery, own_redis, eventually
):
    discovery = await start_discovery(own_redis.url(1))
    await register(discovery)
    lists = aiter(discovery.stub.WatchServices(pb.WatchServicesRequest()))
    async with asyncio.timeout(5):
        while not (await anext(lists)).instances:
            pass
    await own_redis.process.kill()

    for call in (register, discover, heartbeat):
        started = time.monotonic()
        assert await code_of(call(discovery)) is ErrorCode.STORAGE_UNAVAILABLE
        assert time.monotonic() - started < 5
    status = await discovery.stub.StatusCheck(Empty())
    assert (status.status, status.db_status) == ("unhealthy", "disconnected")
    assert status.registered_services == "1"
    async with asyncio.timeout(6):
        assert (await anext(lists)).instances

    await own_redis.start()
    own = Redis.from_url(own_redis.url(1))
    own.flushall()
    own.close()

    async def answers_again():
        with suppress(grpc.aio.AioRpcError):
            return (await register(discovery, url="host:2")).success
        return False

    await eventually(answers_again)
    async with asyncio.timeout(5):
        while {i.service_url for i in (await anext(lists)).instances} != {"host:2"}:
            pass


async def test_a_start_without_redis_waits_for_it(start_discovery, own_redis, eventually):
    await own_redis.process.kill()
    discovery = await start_discovery(own_redis.url(0))
    assert (await discovery.stub.StatusCheck(Empty())).db_status == "disconnected"
    await own_redis.start()

    async def connected():
        return (await discovery.stub.StatusCheck(Empty())).db_status == "connected"

    await eventually(connected)


async def test_a_frozen_redis_is_given_up_after_a_second(start_discovery, own_redis):
    discovery = await start_discovery(own_redis.url(0))
    await register(discovery)
    own_redis.process._process.send_signal(19)
    started = time.monotonic()
    assert await code_of(discover(discovery)) is ErrorCode.STORAGE_UNAVAILABLE
    assert time.monotonic() - started < 5


async def test_health_and_reflection_answer_without_a_credential(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    health = health_pb2_grpc.HealthStub(discovery.channel)
    for service in ("", "chatterroom.discovery.v1.DiscoveryService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(discovery.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in reflection.ServerReflectionInfo(iter([request])):
        names = {service.name for service in answer.list_services_response.service}
        assert "chatterroom.discovery.v1.DiscoveryService" in names


async def test_a_stop_ends_the_streams_and_is_quick(start_discovery, redis_url):
    discovery = await start_discovery(redis_url)
    lists = aiter(discovery.stub.WatchServices(pb.WatchServicesRequest()))
    await anext(lists)
    async with asyncio.timeout(2):
        await discovery.stop()
        with suppress(StopAsyncIteration, grpc.aio.AioRpcError):
            while True:
                await anext(lists)


async def test_a_registration_survives_the_loss_of_the_registry_and_ends_with_the_service(
    start_discovery, redis_url, redis_admin, secrets_dir, eventually
):
    discovery = await start_discovery(redis_url, lease_s=0.6)
    credential = load_service_secret(secrets_dir, "chat").towards("discovery")
    registration = Registration("chat", Instance("host:1", "host:2"), [discovery.url], credential)
    keeping = asyncio.create_task(registration.keep())

    async def is_listed():
        return await listed(discovery) == {"host:1"}

    await eventually(is_listed)
    redis_admin.flushall()
    await eventually(is_listed)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert not await listed(discovery)


async def test_a_directory_follows_and_moves_to_another_discovery(
    start_discovery, redis_url, secrets_dir, eventually
):
    first, second = await start_discovery(redis_url), await start_discovery(redis_url)
    await register(first, "chat", "host:1", "host:2")
    credential = load_service_secret(secrets_dir, "gateway").towards("discovery")
    directory = Directory([first.url, second.url], credential)
    following = asyncio.create_task(directory.follow())

    async def knows_the_first():
        return directory.balancer("chat").instances() == [Instance("host:1", "host:2")]

    await eventually(knows_the_first)
    await first.stop()
    await register(second, "chat", "host:3")

    async def knows_both():
        return len(directory.balancer("chat").instances()) == 2

    await eventually(knows_both)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
