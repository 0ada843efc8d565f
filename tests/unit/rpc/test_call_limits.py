"""What a server does before it reads a request: who may call at all, and how many at a time."""

import asyncio
import contextlib
from datetime import UTC, datetime

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import SessionId, UserId
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc import server
from chatterroom.rpc.call_limits import RpcSettings
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import SERVICE, call_metadata
from chatterroom.rpc.message_sizes import MAX_REQUEST_BYTES_OF_PEOPLE

CODE = grpc.StatusCode


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


class Profiles:
    """Answers calls, or lets them wait; counts those that have come this far."""

    def __init__(self):
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.arrived = 0

    async def __call__(self, request, context):
        self.arrived += 1
        await self.go_on.wait()
        return users_pb2.GetUserProfileResponse(user_id=str(len(request.user_id)))


@pytest.fixture
def profiles():
    return Profiles()


@pytest.fixture
def person(signer):
    def metadata(name):
        token = signer.sign(UserId(name), SessionId(name), datetime.now(UTC))
        return (("authorization", f"Bearer {token}"),)

    return metadata


def raw(channel, metadata=()):
    """Return a call whose request is never sent."""
    path = users_pb2.DESCRIPTOR.services_by_name["UserService"].full_name
    return channel.stream_unary(f"/{path}/GetUserProfile")(metadata=metadata, timeout=10)


def ask(channel, metadata, user_id="ada"):
    request = users_pb2.GetUserProfileRequest(user_id=user_id)
    stub = users_pb2_grpc.UserServiceStub(channel)
    return stub.GetUserProfile(request, metadata=metadata, timeout=10)


async def code_of(call):
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    known = error_from(failed.value)
    return None if known is None else known.code


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((), ErrorCode.SERVICE_CREDENTIAL_INVALID),
        ((("authorization", "Bearer x"),), ErrorCode.TOKEN_INVALID),
    ],
)
async def test_a_stranger_is_refused_before_a_request_has_come(
    serve_profile, profiles, metadata, code
):
    async with serve_profile(profiles) as (_, channel):
        assert await code_of(raw(channel, metadata)) is code
        assert await code_of(ask(channel, metadata, "x" * 2_000_000)) is code
    assert profiles.arrived == 0


async def test_people_send_less_than_services(serve_profile, profiles, person, credential):
    large = "x" * MAX_REQUEST_BYTES_OF_PEOPLE
    async with serve_profile(profiles) as (_, channel):
        assert await code_of(ask(channel, person("ada"), large)) is ErrorCode.BODY_TOO_LARGE
        gateway = call_metadata(credential, SERVICE)
        assert (await ask(channel, gateway, large)).user_id == str(len(large))
        assert (await ask(channel, person("ada"), large[:1000])).user_id == "1000"


async def test_one_who_never_sends_the_request_is_given_up(
    serve_profile, profiles, person, monkeypatch
):
    monkeypatch.setattr(server, "_RECEIVE_S", 0.1)
    async with serve_profile(profiles) as (_, channel):
        assert await code_of(raw(channel, person("ada"))) is ErrorCode.REQUEST_TIMED_OUT
        assert (await ask(channel, person("ada"))).user_id == "3"


async def test_a_call_without_a_request_is_refused(serve_profile, profiles, person):
    async with serve_profile(profiles) as (_, channel):
        call = raw(channel, person("ada"))
        await call.done_writing()
        assert await code_of(call) is ErrorCode.INVALID_REQUEST


async def test_each_caller_has_places_of_its_own(
    serve_profile, profiles, person, credential, chat_credential
):
    limits = RpcSettings(max_rpcs_per_user=2, max_rpcs_of_users=3, max_rpcs_per_service=2)
    gateway, chat = call_metadata(credential, SERVICE), call_metadata(chat_credential, SERVICE)
    open_to = {"GetUserProfile": ("chat",)}
    async with serve_profile(profiles, limits=limits, open_to=open_to) as (_, channel):
        profiles.go_on.clear()
        waiting = [ask(channel, person("ada")) for _ in range(2)]
        await until(lambda: profiles.arrived == 2)
        assert await code_of(ask(channel, person("ada"))) is ErrorCode.OVERLOADED
        waiting.append(ask(channel, person("bob")))
        await until(lambda: profiles.arrived == 3)
        assert await code_of(ask(channel, person("carol"))) is ErrorCode.OVERLOADED
        for metadata in (gateway, chat):
            before = profiles.arrived
            waiting += [ask(channel, metadata) for _ in range(2)]
            await until(lambda n=before: profiles.arrived == n + 2)
            assert await code_of(ask(channel, metadata)) is ErrorCode.OVERLOADED
        profiles.go_on.set()
        assert [(await call).user_id for call in waiting] == ["3"] * 7
        for metadata in (gateway, chat, person("ada"), person("carol")):
            assert (await ask(channel, metadata)).user_id == "3"


async def test_places_are_free_again_when_callers_go(serve_profile, profiles, person):
    async with serve_profile(profiles, limits=RpcSettings(max_rpcs_per_user=2)) as (_, channel):
        profiles.go_on.clear()
        for _ in range(5):
            before = profiles.arrived
            calls = [ask(channel, person("ada")), ask(channel, person("ada"))]
            await until(lambda n=before: profiles.arrived == n + 2)
            for call in calls:
                call.cancel()
            profiles.go_on.set()
            async with asyncio.timeout(10):
                while await went_wrong(ask(channel, person("ada"))):
                    await asyncio.sleep(0.01)
            profiles.go_on.clear()


async def went_wrong(call):
    try:
        await call
    except grpc.aio.AioRpcError:
        return True
    return False


async def test_a_limit_of_0_is_off(serve_profile, profiles, person):
    off = RpcSettings(
        **dict.fromkeys(RpcSettings.__struct_fields__, 0)  # every one of them
    )
    async with serve_profile(profiles, limits=off) as (_, channel):
        calls = [ask(channel, person("ada")) for _ in range(50)]
        assert [(await call).user_id for call in calls] == ["3"] * 50


async def test_strangers_who_watch_health_keep_no_service_from_asking(serve_profile, credential):
    limits = RpcSettings(max_rpcs_of_strangers=3)
    request = health_pb2.HealthCheckRequest()
    async with serve_profile(None, limits=limits) as (_, channel):
        health = health_pb2_grpc.HealthStub(channel)
        watching = [health.Watch(request) for _ in range(3)]
        for each in watching:
            await each.read()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await health.Check(request)
        assert error_from(refused.value).code is ErrorCode.OVERLOADED
        answer = await health.Check(request, metadata=call_metadata(credential, SERVICE))
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        for each in watching:
            each.cancel()
        async with asyncio.timeout(10):
            while True:
                try:
                    await health.Check(request)
                    break
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.01)


async def test_watching_health_as_a_stranger_ends_in_time(serve_profile, monkeypatch):
    monkeypatch.setattr(server, "_STRANGERS_CALL_S", 0.2)
    async with serve_profile(None) as (rpc, channel):
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        seen = [(await watching.read()).status]
        await rpc.say_serving(True)
        seen.append((await watching.read()).status)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watching.read()
        assert ended.value.code() is CODE.DEADLINE_EXCEEDED
        assert seen == [
            health_pb2.HealthCheckResponse.NOT_SERVING,
            health_pb2.HealthCheckResponse.SERVING,
        ]


async def test_connections_are_capped(serve_profile, profiles, credential):
    limits = RpcSettings(max_rpc_connections=5)
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    async with serve_profile(profiles, limits=limits) as (rpc, channel):
        gateway = call_metadata(credential, SERVICE)
        await ask(channel, gateway)
        served, writers = 0, []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", rpc.port)
            writers.append(writer)
            writer.write(hello)
            with contextlib.suppress(ConnectionError):
                served += bool(await reader.read(1))
        assert served <= 5
        assert (await ask(channel, gateway)).user_id == "3"
        for writer in writers:
            writer.transport.abort()
