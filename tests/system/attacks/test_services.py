# ruff: noqa: E501 -- a row of a table is a line
"""Rows 44 to 47: who goes past the gateway, to the services and engines themselves.

What certificates refuse is in ../test_tls.py and tests/unit/rpc/test_certificates.py: this
platform has none.
"""

import grpc
import pymongo
import pytest
import redis
from google.protobuf.empty_pb2 import Empty
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatterroom.chat.servicer_grpc import OPEN_TO as CHAT_OPEN_TO
from chatterroom.pb import (
    chat_pb2,
    chat_pb2_grpc,
    discovery_pb2,
    discovery_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)
from chatterroom.users.servicer_grpc import OPEN_TO as USERS_OPEN_TO

from .services import as_service, channel, grpc_port
from .world import NOBODY, World

CODE = grpc.StatusCode
OPEN_TO = {"users": USERS_OPEN_TO, "chat": CHAT_OPEN_TO}
STUBS = {
    "users": (users_pb2_grpc.UserServiceStub, users_pb2.DESCRIPTOR),
    "chat": (chat_pb2_grpc.ChatServiceStub, chat_pb2.DESCRIPTOR),
    "discovery": (discovery_pb2_grpc.DiscoveryServiceStub, discovery_pb2.DESCRIPTOR),
}


def refusal(call) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return refused.value.code(), refused.value.details() or ""


def methods(service: str) -> list[tuple[str, type]]:
    """Return every method with the type of what it is asked with."""
    from google.protobuf.message_factory import GetMessageClass

    (described,) = STUBS[service][1].services_by_name.values()
    return [(each.name, GetMessageClass(each.input_type)) for each in described.methods]


def ask(world: World, service: str, method: str, request: object, metadata: list) -> object:
    with channel(world, service) as plain:
        answer = getattr(STUBS[service][0](plain), method)(request, metadata=metadata, timeout=10)
        # A stream is refused where it is read.
        return answer if not isinstance(answer, grpc.Call) else next(iter(answer))


@pytest.mark.parametrize("service", STUBS)
def test_row_44_every_method_wants_a_credential(world: World, service: str):
    # A mallory's token is a person's; another's credential belongs to nobody.
    strangers = [[], [("authorization", "Bearer " + "x" * 43)], [("authorization", "Basic YTpi")]]
    for method, request in methods(service):
        for metadata in strangers:
            code, told = refusal(
                lambda m=method, r=request, d=metadata: ask(world, service, m, r(), d)
            )
            assert code is CODE.UNAUTHENTICATED, (method, metadata, told)


def test_row_44_a_service_calls_only_what_is_there_for_it(world: World):
    for service, other in (("chat", "users"), ("users", "chat")):
        for method, request in methods(service):
            if other in OPEN_TO[service].get(method, ()):
                continue
            metadata = as_service(world, other, service)
            code, _ = refusal(
                lambda m=method, r=request, d=metadata, s=service: ask(world, s, m, r(), d)
            )
            assert code is CODE.PERMISSION_DENIED, method


def test_row_45_only_the_gateway_says_for_whom_it_calls(world: World, mallory):
    request = users_pb2.GetUserProfileRequest(user_id=world.alice.id)
    named = [("chatterroom-user-id", world.alice.id)]
    code, _ = refusal(lambda: ask(world, "users", "GetUserProfile", request, named))
    assert code is CODE.UNAUTHENTICATED
    forged = [("chatterroom-user-id", world.alice.id), ("authorization", f"Bearer {mallory.token}")]
    send = chat_pb2.SendRoomMessageRequest(
        room_id=world.shared_room, sender_id=world.alice.id, message="hi"
    )
    code, _ = refusal(lambda: ask(world, "chat", "SendRoomMessage", send, forged))
    assert code is CODE.PERMISSION_DENIED


def test_row_45_what_is_too_large_missing_or_unknown(world: World, mallory):
    person = [("authorization", f"Bearer {mallory.token}")]
    big = chat_pb2.SendRoomMessageRequest(
        room_id=world.shared_room, sender_id=mallory.id, message="x" * (5 * 1024 * 1024)
    )
    code, _ = refusal(lambda: ask(world, "chat", "SendRoomMessage", big, person))
    assert code is CODE.RESOURCE_EXHAUSTED
    for method, request in methods("chat"):
        if method in {
            "ListConversations",
            "SendMessages",
            "ListBlocks",
            "GetPresence",
            "ForgetUser",
        }:
            continue
        code, told = refusal(lambda m=method, r=request: ask(world, "chat", m, r(), person))
        assert code in {CODE.INVALID_ARGUMENT, CODE.PERMISSION_DENIED}, (method, code, told)
    role = chat_pb2.ChangeRoleRequest(
        room_id=world.shared_room, actor_id=mallory.id, user_id=world.bob.id, role="emperor"
    )
    code, _ = refusal(lambda: ask(world, "chat", "ChangeRole", role, person))
    assert code is CODE.INVALID_ARGUMENT
    history = chat_pb2.GetRoomHistoryRequest(room_id=NOBODY, limit=-1)
    code, _ = refusal(lambda: ask(world, "chat", "GetRoomHistory", history, person))
    assert code in {CODE.INVALID_ARGUMENT, CODE.NOT_FOUND}


def test_row_45_bytes_that_are_no_message(world: World, mallory):
    person = [("authorization", f"Bearer {mallory.token}")]
    for service, path in (("chat", "SendRoomMessage"), ("users", "GetUserProfile")):
        (described,) = STUBS[service][1].services_by_name.values()
        with channel(world, service) as plain:
            call = plain.unary_unary(f"/{described.full_name}/{path}")
            for data in (b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xff\xff"):
                code, _ = refusal(lambda c=call, d=data: c(d, metadata=person, timeout=10))
                assert code is CODE.INVALID_ARGUMENT
                code, _ = refusal(lambda c=call, d=data: c(d, timeout=10))
                assert code is CODE.UNAUTHENTICATED


@pytest.mark.parametrize("caller", ["nobody", "a person", "users", "gateway"])
def test_row_46_nobody_registers_in_the_name_of_another_service(world: World, caller: str):
    metadata = {
        "nobody": [],
        "a person": [("authorization", f"Bearer {world.mallory.token}")],
        "users": as_service(world, "users", "discovery"),
        "gateway": as_service(world, "gateway", "discovery"),
    }[caller]
    real = f"127.0.0.1:{grpc_port(world, 'chat')}"
    rogue = [
        ("RegisterService", discovery_pb2.RegisterServiceRequest(service_name="chat", service_url="127.0.0.1:1", websocket_url="127.0.0.1:1")),
        ("RegisterService", discovery_pb2.RegisterServiceRequest(service_name="users", service_url=real)),
        ("Heartbeat", discovery_pb2.HeartbeatRequest(service_url=real)),
        ("DeregisterService", discovery_pb2.DeregisterServiceRequest(service_url=real)),
    ]  # fmt: skip
    expected = (
        {CODE.UNAUTHENTICATED} if caller in {"nobody", "a person"} else {CODE.PERMISSION_DENIED}
    )
    for method, request in rogue:
        code, _ = refusal(lambda m=method, r=request: ask(world, "discovery", m, r, metadata))
        assert code in expected, method
    found = ask(world, "discovery", "DiscoverService", discovery_pb2.DiscoverServiceRequest(service_name="chat"), as_service(world, "gateway", "discovery"))  # fmt: skip
    assert found.service_url == real


def test_row_47_engines_and_services_listen_on_loopback_and_want_a_password(world: World):
    for name in ("mongod", "redis-server", "users", "chat", "discovery"):
        places = world.listening(name)
        assert places, name
        assert {address for address, _ in places} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    ((_, mongo_port),) = world.listening("mongod")
    with pymongo.MongoClient("127.0.0.1", mongo_port, directConnection=True) as client:
        for command in ("listDatabases", "replSetGetStatus", "shutdown"):
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                client.admin.command(command)
            assert refused.value.code == 13, "unauthorised"
    ((_, redis_port),) = world.listening("redis-server")
    for username, password in ((None, None), ("default", "redis"), ("root", "root")):
        with (
            redis.Redis(
                port=redis_port, username=username, password=password, retry=Retry(NoBackoff(), 0)
            ) as client,
            pytest.raises(redis.RedisError),
        ):
            client.execute_command("KEYS", "*")


def test_row_47_the_state_of_the_platform_is_not_for_strangers(world: World):
    code, told = refusal(lambda: ask(world, "discovery", "StatusCheck", Empty(), []))
    assert code is CODE.UNAUTHENTICATED
    assert "127.0.0.1" not in told
