"""Connections with certificates that the test makes."""

from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chatterroom.auth.secrets import (
    KnownCredentials,
    SecretsError,
    ServiceCredential,
    load_certificates,
)
from chatterroom.engines.health_grpc import is_serving
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.channels import connect, open_channel
from chatterroom.rpc.identity import SERVICE, Doorkeeper, call_metadata, current_caller
from chatterroom.rpc.server import serve_rpc

GATEWAY = ServiceCredential("g" * 40)
CHAT = ServiceCredential("c" * 40)
KNOWN = KnownCredentials({GATEWAY.digest: "gateway", CHAT.digest: "chat"})
REQUEST = users_pb2.GetUserProfileRequest()
ANSWER_S = 5.0


class Servicer(users_pb2_grpc.UserServiceServicer):
    async def GetUserProfile(self, request, context):  # noqa: N802 -- named as in the proto file
        return users_pb2.GetUserProfileResponse(email=current_caller().service)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def issue(authority, tmp_path):
    """Write the certificate of a service into a directory, and read it."""

    def write(*names: str, by: trustme.CA | None = None):
        directory = tmp_path / "-".join(names)
        write_certificate(directory, by or authority, authority, *names)
        return load_certificates(str(directory), names[0])

    return write


def write_certificate(directory: Path, by: trustme.CA, believed: trustme.CA, *names: str) -> None:
    directory.mkdir()
    certificate = by.issue_cert(*names)
    believed.cert_pem.write_to_path(directory / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    (directory / "key.pem").chmod(0o600)


@asynccontextmanager
async def serving(certificates):
    doorkeeper = Doorkeeper(KNOWN, None, {"GetUserProfile": ("chat",)})
    name = users_pb2.DESCRIPTOR.services_by_name["UserService"].full_name
    add = partial(users_pb2_grpc.add_UserServiceServicer_to_server, Servicer())
    async with serve_rpc("127.0.0.1", 0, name, doorkeeper, add, certificates=certificates) as rpc:
        await rpc.say_serving(True)
        yield f"127.0.0.1:{rpc.port}"


async def ask(channel, credential):
    stub = users_pb2_grpc.UserServiceStub(channel)
    metadata = call_metadata(credential, SERVICE)
    async with channel:
        return await stub.GetUserProfile(REQUEST, metadata=metadata, timeout=ANSWER_S)


async def status_of(channel, credential=GATEWAY):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, credential)
    return caught.value.code()


async def test_both_ends_show_certificates(issue):
    async with serving(issue("users")) as address:
        for name, credential in (("gateway", GATEWAY), ("chat", CHAT)):
            answer = await ask(open_channel(address, "users", issue(name)), credential)
            assert answer.email == name


async def test_who_shows_no_certificate_is_not_connected(issue, authority):
    users = issue("users")
    trusting = grpc.ssl_channel_credentials(users.authority)
    override = (("grpc.ssl_target_name_override", "users"),)
    async with serving(users) as address:
        for channel in (
            grpc.aio.insecure_channel(address),
            grpc.aio.secure_channel(address, trusting, override),
        ):
            assert await status_of(channel) is grpc.StatusCode.UNAVAILABLE


async def test_who_shows_the_certificate_of_another_authority_is_not_connected(issue):
    async with serving(issue("users")) as address:
        stranger = issue("gateway", by=trustme.CA())
        status = await status_of(open_channel(address, "users", stranger))
        assert status is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("name", "credential"), [("chat", GATEWAY), ("mallory", GATEWAY), ("gateway", CHAT)]
)
async def test_a_credential_beside_the_certificate_of_another_is_not_enough(
    issue, name, credential
):
    async with serving(issue("users")) as address:
        channel = open_channel(address, "users", issue(name))
        assert await status_of(channel, credential) is grpc.StatusCode.PERMISSION_DENIED


async def test_a_server_without_the_certificate_of_the_service_is_not_called(issue):
    async with serving(issue("chat")) as address:
        channel = open_channel(address, "users", issue("gateway"))
        assert await status_of(channel) is grpc.StatusCode.UNAVAILABLE


async def test_a_backend_calls_with_its_certificate(issue):
    async with serving(issue("users")) as address:
        balancer = Balancer()
        balancer.replace([Instance(address)])
        credential = ServiceCredential(CHAT.value, issue("chat"))
        backend = Backend("users", balancer, users_pb2_grpc.UserServiceStub, credential, ANSWER_S)
        answer = await backend.call(lambda stub: stub.GetUserProfile, REQUEST, safe_to_repeat=False)
        await backend.close()
        assert answer.email == "chat"


async def test_health_is_asked_with_a_certificate(issue):
    users = issue("users")
    async with serving(users) as address:
        host, port = address.split(":")
        assert await is_serving(host, int(port), users)
        assert not await is_serving(host, int(port))
        async with connect(address, "users", issue("gateway"), ()) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_without_a_directory_there_are_no_certificates():
    assert load_certificates("", "users") is None


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
def test_a_missing_certificate_names_its_file(issue, name):
    directory = issue("users").directory
    (directory / name).unlink()
    with pytest.raises(SecretsError, match=name):
        load_certificates(str(directory), "users")


def test_a_certificate_for_another_service_is_refused(issue):
    directory = str(issue("chat").directory)
    with pytest.raises(SecretsError, match="does not name users"):
        load_certificates(directory, "users")


def test_a_key_of_another_certificate_is_refused(issue):
    users, chat = issue("users").directory, issue("chat").directory
    (users / "key.pem").write_bytes((chat / "key.pem").read_bytes())
    with pytest.raises(SecretsError, match="no certificate with its key"):
        load_certificates(str(users), "users")


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
def test_a_damaged_certificate_is_refused_without_its_content(issue, name):
    directory = issue("users").directory
    (directory / name).write_text("rubbish")
    with pytest.raises(SecretsError) as caught:
        load_certificates(str(directory), "users")
    assert "rubbish" not in str(caught.value)
    assert str(directory) in str(caught.value)
