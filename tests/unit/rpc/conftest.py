"""A real gRPC server with the user service's methods, answered by the test."""

from contextlib import asynccontextmanager
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatterroom.auth.secrets import KnownCredentials, ServiceCredential
from chatterroom.auth.token_keys import VerificationKeys
from chatterroom.auth.tokens import TokenSigner, TokenVerifier
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import Doorkeeper
from chatterroom.rpc.server import serve_rpc


class Scripted(users_pb2_grpc.UserServiceServicer):
    """Answers GetUserProfile with what a function of the test does."""

    def __init__(self, answer):
        self._answer = answer

    async def GetUserProfile(self, request, context):  # noqa: N802 -- named as in the proto file
        return await self._answer(request, context)


@pytest.fixture
def credential():
    return ServiceCredential("c" * 40)


@pytest.fixture
def chat_credential():
    return ServiceCredential("d" * 40)


@pytest.fixture
def known(credential, chat_credential):
    """The credential of the gateway, and that of a service."""
    return KnownCredentials({credential.digest: "gateway", chat_credential.digest: "chat"})


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def signer(key):
    return TokenSigner(key, 60)


@pytest.fixture
def verifier(key):
    verifier = TokenVerifier(VerificationKeys.of(key.public_key()))
    verifier.ended.complete()
    return verifier


@pytest.fixture
def serve_profile(known, verifier):
    @asynccontextmanager
    async def serve(answer, port=0, open_to=None, limits=None):
        doorkeeper = Doorkeeper(known, verifier, open_to)
        name = users_pb2.DESCRIPTOR.services_by_name["UserService"].full_name
        add = partial(users_pb2_grpc.add_UserServiceServicer_to_server, Scripted(answer))
        async with (
            serve_rpc("127.0.0.1", port, name, doorkeeper, add, limits=limits) as server,
            open_channel(f"127.0.0.1:{server.port}") as channel,
        ):
            yield server, channel

    return serve
