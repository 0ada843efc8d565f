"""A gRPC server as every service runs it: credentials, errors, health, reflection, clean stop."""

# grpc's types take parameters in its stubs, but not at run time.
from __future__ import annotations

import asyncio
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
from chatterroom.core.errors import (
    ChatterRoomError,
    ErrorCode,
    StorageUnavailableError,
    internal_error,
)
from chatterroom.rpc.call_limits import CallLimits, RpcSettings
from chatterroom.rpc.errors import abort_with
from chatterroom.rpc.identity import Caller, Doorkeeper
from chatterroom.rpc.message_sizes import MAX_REQUEST_BYTES_OF_PEOPLE, SERVER_SIZES
from chatterroom.rpc.probes import UPTIME

__all__ = ["RpcServer", "serve_rpc"]

log = structlog.get_logger()

_Context = grpc.aio.ServicerContext[Any, Any]

_OPEN_TO_ALL = ("/grpc.health.", "/grpc.reflection.")
_STOP_GRACE_S = 5.0
# How long one who is not a service may take to send a request.
_RECEIVE_S = 5.0
# After that one who watches health without a credential begins again.
_STRANGERS_CALL_S = 60.0


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
    limits: RpcSettings | None = None,
) -> AsyncIterator[RpcServer]:
    """Serve until the block ends; then finish the calls under way, within five seconds.

    `service_name` is the full name from the proto file. Health starts as NOT_SERVING.
    With certificates, who connects must show one of the same authority.
    Raises OSError where the port is taken.
    """
    limits = limits or RpcSettings()
    server = grpc.aio.server(
        interceptors=(_Gate(doorkeeper, CallLimits(limits)),),
        options=(
            ("grpc.so_reuseport", 0),
            *SERVER_SIZES,
            *limits.options(),
            # Else gRPC takes in megabytes of a request before anybody wants to read it.
            ("grpc.http2.bdp_probe", 0),
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
    """Admits the caller, reads the request, runs the handler, turns what it raises into a status.

    Requests are read here, and not by gRPC, so that nothing of a call is read or parsed before
    its caller is known and counted.
    """

    def __init__(self, doorkeeper: Doorkeeper, limits: CallLimits) -> None:
        self._doorkeeper = doorkeeper
        self._limits = limits

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return None
        # Handlers of streams get to decide when a request is read.
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._answer_often(method, handler),
                handler.request_deserializer if handler.request_streaming else None,
                handler.response_serializer,
            )
        return grpc.stream_unary_rpc_method_handler(
            self._answer_once(method, handler), None, handler.response_serializer
        )

    def _admit(self, method: str, context: _Context) -> Caller | None:
        metadata = context.invocation_metadata() or ()
        if method.startswith(_OPEN_TO_ALL):
            return self._doorkeeper.recognized(metadata)
        return self._doorkeeper.admit(method.rpartition("/")[2], metadata, _certified(context))

    def _answer_once(self, method: str, handler: Any) -> Any:
        async def gated(_: Any, context: _Context) -> Any:
            try:
                caller = self._admit(method, context)
                with self._limits.counted(caller):
                    request = await _read(handler.request_deserializer, context, caller)
                    return await handler.unary_unary(request, context)
            except Exception as error:  # noqa: BLE001 -- the edge: every failure gets a status
                await abort_with(context, _as_known(method, error))

        return gated

    def _answer_often(self, method: str, handler: Any) -> Any:
        async def gated(requests: Any, context: _Context) -> Any:
            try:
                caller = self._admit(method, context)
                lifetime_s = _STRANGERS_CALL_S if caller is None else None
                with self._limits.counted(caller):
                    async with _lasting(lifetime_s):
                        if handler.request_streaming:
                            responses = handler.stream_stream(requests, context)
                        else:
                            request = await _read(handler.request_deserializer, context, caller)
                            responses = handler.unary_stream(request, context)
                        if isinstance(responses, Awaitable):
                            # It writes its responses by itself.
                            await responses
                            return
                        async for response in responses:
                            yield response
            except Exception as error:  # noqa: BLE001 -- the edge: every failure gets a status
                await abort_with(context, _as_known(method, error))

        return gated


@asynccontextmanager
async def _lasting(longest_s: float | None) -> AsyncIterator[None]:
    """Raise REQUEST_TIMED_OUT where what is inside takes longer."""
    try:
        async with asyncio.timeout(longest_s):
            yield
    except TimeoutError:
        raise ChatterRoomError(ErrorCode.REQUEST_TIMED_OUT, "The call took too long.") from None


async def _read(
    deserialize: Callable[[bytes], Any] | None, context: _Context, caller: Caller | None
) -> Any:
    """Read the only request of a call."""
    if caller is not None and caller.service:
        data = await context.read()
    else:
        async with _lasting(_RECEIVE_S):
            data = await context.read()
        if data is not grpc.aio.EOF and len(data) > MAX_REQUEST_BYTES_OF_PEOPLE:
            raise ChatterRoomError(
                ErrorCode.BODY_TOO_LARGE,
                f"The request is larger than {MAX_REQUEST_BYTES_OF_PEOPLE >> 10} KiB.",
            )
    if data is grpc.aio.EOF:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, "The call has no request.")
    try:
        return deserialize(data) if deserialize else data
    except DecodeError:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, "The request is not a message of this type."
        ) from None


def _certified(context: _Context) -> list[str] | None:
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
    return internal_error()
