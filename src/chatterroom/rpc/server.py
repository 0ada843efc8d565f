"""A gRPC server as every service runs it: credentials, errors, health, reflection, clean stop."""

# grpc's types take parameters in its stubs, but not at run time.
from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chatterroom.auth.certificates import Certificates
from chatterroom.background import report
from chatterroom.core.errors import ChatterRoomError, ErrorCode, StorageUnavailableError
from chatterroom.rpc.errors import abort_with
from chatterroom.rpc.identity import Doorkeeper
from chatterroom.rpc.message_sizes import MESSAGE_SIZES
from chatterroom.rpc.probes import UPTIME

__all__ = ["RpcServer", "serve_rpc"]

log = structlog.get_logger()

_OPEN_TO_ALL = ("/grpc.health.", "/grpc.reflection.")
_STOP_GRACE_S = 5.0


@dataclass(frozen=True)
class RpcServer:
    """A server that is listening."""

    port: int
    health: health.aio.HealthServicer
    service_name: str

    async def say_serving(self, serving: bool) -> None:
        """Answer health checks with SERVING or NOT_SERVING, for the server and the service."""
        answer = health_pb2.HealthCheckResponse
        state = answer.SERVING if serving else answer.NOT_SERVING
        await self.health.set("", state)
        await self.health.set(self.service_name, state)


@asynccontextmanager
async def serve_rpc(
    host: str,
    port: int,
    service_name: str,
    doorkeeper: Doorkeeper,
    add_servicer: Callable[[grpc.aio.Server], None],
    *,
    certificates: Certificates | None = None,
) -> AsyncIterator[RpcServer]:
    """Serve until the block ends; then finish the calls under way, within five seconds.

    `service_name` is the full name from the proto file. Health starts as NOT_SERVING.
    With certificates, who connects must show one of the same authority.
    Raises OSError where the port is taken.
    """
    server = grpc.aio.server(
        interceptors=(_Gate(doorkeeper),),
        options=(
            ("grpc.so_reuseport", 0),
            *MESSAGE_SIZES,
            # Clients ping idle connections every ten seconds (rpc/channels.py).
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ),
    )
    add_servicer(server)
    health_servicer = _Health()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = (service_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    try:
        bound = _listen(server, f"{host}:{port}", certificates)
    except RuntimeError:
        raise OSError(f"cannot listen on {host}:{port}") from None
    rpc_server = RpcServer(bound, health_servicer, service_name)
    await rpc_server.say_serving(False)
    await server.start()
    try:
        yield rpc_server
    finally:
        await health_servicer.enter_graceful_shutdown()
        await server.stop(_STOP_GRACE_S)


class _Health(health.aio.HealthServicer):
    """Says beside its health for how long the process has served."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    async def Check(  # noqa: N802 -- named as in the proto file
        self, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """Answer a health check."""
        context.set_trailing_metadata(((UPTIME, f"{time.monotonic() - self._began:.6f}"),))
        return await super().Check(request, context)


def _listen(server: grpc.aio.Server, address: str, certificates: Certificates | None) -> int:
    if certificates is None:
        return server.add_insecure_port(address)
    shown = grpc.ssl_server_credentials(
        [(certificates.key, certificates.certificate)],
        root_certificates=certificates.authority,
        require_client_auth=True,
    )
    return server.add_secure_port(address, shown)


class _Gate(grpc.aio.ServerInterceptor):
    """Admits the caller, runs the handler, and turns what it raises into a status."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_OPEN_TO_ALL):
            return handler
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._answer_once(method, handler.unary_unary),
                _forgiving(handler.request_deserializer),
                handler.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            self._answer_often(method, handler.unary_stream),
            _forgiving(handler.request_deserializer),
            handler.response_serializer,
        )

    def _admit(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        bare = method.rpartition("/")[2]
        self._doorkeeper.admit(bare, context.invocation_metadata() or (), _certified(context))

    def _answer_once(self, method: str, answer: Any) -> Any:
        async def gated(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                self._admit(method, context)
                return await answer(_read(request), context)
            except Exception as error:  # noqa: BLE001 -- the edge: every failure gets a status
                await abort_with(context, _as_known(method, error))

        return gated

    def _answer_often(self, method: str, answer: Any) -> Any:
        async def gated(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                self._admit(method, context)
                async for response in answer(_read(request), context):
                    yield response
            except Exception as error:  # noqa: BLE001 -- the edge: every failure gets a status
                await abort_with(context, _as_known(method, error))

        return gated


def _forgiving(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Put off the failure of a request that cannot be read.

    It is read before the caller is known, and grpc would log a trace for every stranger.
    """

    def deserialized(data: bytes) -> Any:
        try:
            return deserialize(data) if deserialize else data
        except DecodeError:
            return None

    return deserialized


def _read(request: Any) -> Any:
    if request is None:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, "the request is not what it should be")
    return request


def _certified(context: grpc.aio.ServicerContext[Any, Any]) -> list[str] | None:
    """Return the names on the caller's certificate, or None where the connection has none."""
    secured = context.auth_context()
    if secured.get("transport_security_type") != [b"ssl"]:
        return None
    names = secured.get("x509_subject_alternative_name", ())
    return [name.decode("ascii", "replace") for name in names]


def _as_known(method: str, error: Exception) -> ChatterRoomError:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, StorageUnavailableError):
        report(method, error)
    if isinstance(error, ChatterRoomError):
        return error
    log.error("rpc_failed", method=method, exc_info=error)
    return ChatterRoomError(ErrorCode.INTERNAL, "something went wrong on our side")
