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
        user_id=caller.user_id or "", username=caller.session_id or ""
    )


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


def test_where_no_tokens_are_taken_a_wrong_credential_is_called_that(credential):
    with pytest.raises(ChatterRoomError) as caught:
        Doorkeeper(credential, None).admit((("authorization", "Bearer wrong"),))
    assert caught.value.code is ErrorCode.SERVICE_CREDENTIAL_INVALID


async def test_a_service_may_act_for_itself_and_so_for_anybody(ask, credential):
    assert await ask(call_metadata(credential, SERVICE)) == ("", "")


async def test_a_service_that_names_a_user_acts_for_that_user_only(ask, credential):
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


def test_code_outside_a_call_does_not_pass_for_a_service():
    with pytest.raises(LookupError):
        current_caller()
    with pytest.raises(LookupError):
        require_identity(ALICE, "user_id")
