from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import (
    SERVICE,
    Caller,
    Doorkeeper,
    _current,
    address_of_client,
    call_metadata,
    current_caller,
    require_identity,
)

ALICE, BOB = UserId("alice"), UserId("bob")


async def answer(request, context):
    """Tell who calls, once the caller may act for the user of the request."""
    require_identity(UserId(request.user_id), "user_id")
    caller = current_caller()
    return users_pb2.GetUserProfileResponse(
        user_id=caller.user_id or "", username=caller.session_id or "", email=caller.service
    )


async def answer_service(request, context):
    return users_pb2.GetUserProfileResponse(email=current_caller().service)


@pytest.fixture
async def ask(serve_profile):
    async with serve_profile(answer) as (_, channel):
        stub = users_pb2_grpc.UserServiceStub(channel)

        async def call(metadata, user_id=ALICE):
            request = users_pb2.GetUserProfileRequest(user_id=user_id)
            try:
                response = await stub.GetUserProfile(request, metadata=metadata)
            except grpc.aio.AioRpcError as failure:
                return error_from(failure).code
            return (response.user_id, response.username)

        yield call


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Basic abc"),),
        (("authorization", "bearer " + "c" * 40),),
        (("chatterroom-user-id", "alice"),),
    ],
)
async def test_a_call_without_a_credential_is_refused(ask, metadata):
    assert await ask(metadata) is ErrorCode.SERVICE_CREDENTIAL_INVALID


@pytest.mark.parametrize("offered", ["", "wrong", "c" * 39, "c" * 41, "x" * 5000])
async def test_a_wrong_credential_is_refused(ask, offered):
    assert await ask((("authorization", f"Bearer {offered}"),)) is ErrorCode.TOKEN_INVALID


def admit(known, metadata, certified=None, open_to=None):
    # In a context of its own: no caller may stay behind.
    admit = Doorkeeper(known, None, open_to).admit
    return copy_context().run(admit, "GetUserProfile", metadata, certified)


def code_of(known, metadata, certified=None, open_to=None):
    with pytest.raises(ChatterRoomError) as caught:
        admit(known, metadata, certified, open_to)
    return caught.value.code


def test_where_no_tokens_are_taken_a_wrong_credential_is_called_that(known):
    metadata = (("authorization", "Bearer wrong"),)
    assert code_of(known, metadata) is ErrorCode.SERVICE_CREDENTIAL_INVALID


async def test_the_gateway_may_act_for_itself_and_so_for_anybody(ask, credential):
    assert await ask(call_metadata(credential, SERVICE)) == ("", "")


async def test_another_service_may_call_what_is_open_to_it_only(serve_profile, chat_credential):
    metadata = call_metadata(chat_credential, SERVICE)
    for open_to, status in (
        ({}, grpc.StatusCode.PERMISSION_DENIED),
        ({"GetUserProfile": ("users",)}, grpc.StatusCode.PERMISSION_DENIED),
        ({"SearchUsers": ("chat",)}, grpc.StatusCode.PERMISSION_DENIED),
        ({"GetUserProfile": ("chat",)}, None),
    ):
        async with serve_profile(answer_service, open_to=open_to) as (_, channel):
            call = users_pb2_grpc.UserServiceStub(channel).GetUserProfile(
                users_pb2.GetUserProfileRequest(), metadata=metadata
            )
            if status is None:
                assert (await call).email == "chat"
            else:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call
                assert caught.value.code() is status


async def test_a_service_that_is_not_the_gateway_acts_for_nobody(serve_profile, chat_credential):
    async with serve_profile(answer, open_to={"GetUserProfile": ("chat",)}) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await users_pb2_grpc.UserServiceStub(channel).GetUserProfile(
                users_pb2.GetUserProfileRequest(user_id=ALICE),
                metadata=call_metadata(chat_credential, SERVICE),
            )
    assert error_from(caught.value).code is ErrorCode.IDENTITY_MISMATCH


@pytest.mark.parametrize(
    "named",
    [
        (("chatterroom-user-id", "alice"),),
        (("chatterroom-session-id", "s1"),),
        (("chatterroom-user-id", ""),),
    ],
)
async def test_only_the_gateway_names_users(serve_profile, chat_credential, named):
    metadata = call_metadata(chat_credential, SERVICE) + named
    async with serve_profile(answer, open_to={"GetUserProfile": ("chat",)}) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await users_pb2_grpc.UserServiceStub(channel).GetUserProfile(
                users_pb2.GetUserProfileRequest(user_id=ALICE), metadata=metadata
            )
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_credential_counts_beside_the_certificate_of_its_service_only(
    known, credential, chat_credential
):
    open_to = {"GetUserProfile": ("chat",)}
    gateway, chat = call_metadata(credential, SERVICE), call_metadata(chat_credential, SERVICE)
    assert admit(known, gateway, ["gateway"]).service == "gateway"
    assert admit(known, chat, ["users", "chat"], open_to).service == "chat"
    for metadata, certified in ((gateway, ["chat"]), (gateway, []), (chat, ["gateway"])):
        assert code_of(known, metadata, certified, open_to) is ErrorCode.NOT_ALLOWED


async def test_a_gateway_that_names_a_user_acts_for_that_user_only(ask, credential):
    metadata = call_metadata(credential, Caller(ALICE, SessionId("s1")))
    assert await ask(metadata) == ("alice", "s1")
    assert await ask(metadata, BOB) is ErrorCode.IDENTITY_MISMATCH


async def test_a_user_shows_an_access_token(ask, signer):
    token = signer.sign(ALICE, SessionId("s1"), datetime.now(UTC))
    metadata = (("authorization", f"Bearer {token}"),)
    assert await ask(metadata) == ("alice", "s1")
    assert await ask(metadata, BOB) is ErrorCode.IDENTITY_MISMATCH


async def test_a_user_cannot_name_another_one_beside_the_token(ask, signer):
    token = signer.sign(ALICE, SessionId("s1"), datetime.now(UTC))
    metadata = (("authorization", f"Bearer {token}"), ("chatterroom-user-id", "bob"))
    assert await ask(metadata) == ("alice", "s1")
    assert await ask(metadata, BOB) is ErrorCode.IDENTITY_MISMATCH


async def test_an_expired_token_is_told_apart(ask, signer):
    token = signer.sign(ALICE, SessionId("s1"), datetime.now(UTC) - timedelta(hours=1))
    assert await ask((("authorization", f"Bearer {token}"),)) is ErrorCode.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("peer", "own"),
    [
        ("ipv4:192.0.2.1:5000", "192.0.2.1"),
        ("ipv6:%5B2001:db8::7%5D:5000", "2001:db8::7"),
        ("ipv6:[::ffff:192.0.2.1]:5000", "192.0.2.1"),
        ("unix:/run/users", ""),
    ],
)
def test_only_the_gateway_names_the_address_of_its_client(peer, own):
    def address(caller):
        _current.set(caller)
        return address_of_client("203.0.113.9", peer)

    for caller, expected in (
        (Caller(service="gateway"), "203.0.113.9"),
        (Caller(ALICE, service="gateway"), "203.0.113.9"),
        (Caller(ALICE), own),
        (Caller(service="chat"), own),
    ):
        assert copy_context().run(address, caller) == expected


def test_code_outside_a_call_does_not_pass_for_a_service():
    with pytest.raises(LookupError):
        current_caller()
    with pytest.raises(LookupError):
        require_identity(ALICE, "user_id")
