import grpc
import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode, ErrorKind
from chatterroom.engines.ports import free_port
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import SERVICE, call_metadata


async def failure_of(channel, credential):
    stub = users_pb2_grpc.UserServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetUserProfile(
            users_pb2.GetUserProfileRequest(), metadata=call_metadata(credential, SERVICE)
        )
    return caught.value


async def test_every_error_arrives_as_it_was_raised(serve_profile, credential):
    raised = None

    async def answer(request, context):
        raise raised

    async with serve_profile(answer) as (_, channel):
        for code in ErrorCode:
            raised = ChatterRoomError(
                code, f"räson: {code.value}", retry_after_s=1.5, field="x", limit=3, share=0.5
            )
            arrived = error_from(await failure_of(channel, credential))
            assert arrived is not None
            assert (arrived.code, arrived.message) == (code, raised.message)
            assert (arrived.retry_after_s, arrived.data) == (1.5, raised.data)


async def test_the_status_tells_the_kind_to_those_who_know_no_codes(serve_profile, credential):
    async def answer(request, context):
        raise ChatterRoomError(ErrorCode.EMAIL_TAKEN, "taken")

    async with serve_profile(answer) as (_, channel):
        failure = await failure_of(channel, credential)
    assert failure.code() is grpc.StatusCode.ALREADY_EXISTS
    assert failure.details() == "taken"


async def test_what_nobody_expected_becomes_internal_and_tells_nothing(serve_profile, credential):
    async def answer(request, context):
        raise RuntimeError("the password is swordfish")

    async with serve_profile(answer) as (_, channel):
        failure = await failure_of(channel, credential)
    assert error_from(failure).code is ErrorCode.INTERNAL
    assert "swordfish" not in str(failure)
    assert "Traceback" not in str(failure)


async def test_a_failure_of_the_call_itself_is_no_error_of_the_service(credential):
    async with open_channel(f"127.0.0.1:{free_port()}") as channel:
        failure = await failure_of(channel, credential)
    assert failure.code() is grpc.StatusCode.UNAVAILABLE
    assert error_from(failure) is None


async def test_a_taken_port_is_an_oserror(serve_profile):
    async def answer(request, context):
        return users_pb2.GetUserProfileResponse()

    async with serve_profile(answer) as (server, _):
        with pytest.raises(OSError, match=str(server.port)):
            async with serve_profile(answer, port=server.port):
                pass


def test_every_kind_is_used_and_every_code_is_a_plain_word():
    assert {code.kind for code in ErrorCode} == set(ErrorKind)
    assert all(code.value.replace("_", "").isalpha() for code in ErrorCode)
