# ruff: noqa: N802 -- methods are named as in the proto file
"""The gRPC face of discovery: messages in, registry calls, messages out."""

import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc.aio
import structlog
from google.protobuf.empty_pb2 import Empty

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.discovery.registry import Entry, Rotation, parse_name, parse_url
from chatterroom.discovery.store_redis import RegistryStore
from chatterroom.discovery.watch import Watch
from chatterroom.pb import discovery_pb2, discovery_pb2_grpc
from chatterroom.rpc.identity import current_caller

__all__ = ["OPEN_TO", "SERVICE_NAME", "DiscoveryServicer"]

log = structlog.get_logger()

SERVICE_NAME = discovery_pb2.DESCRIPTOR.services_by_name["DiscoveryService"].full_name

_REGISTERED = ("users", "chat")
# Which services besides the gateway may call what (see rpc/identity.py).
OPEN_TO = {
    "RegisterService": _REGISTERED,
    "Heartbeat": _REGISTERED,
    "DeregisterService": _REGISTERED,
    "DiscoverService": _REGISTERED,
    "WatchServices": _REGISTERED,
    "StatusCheck": _REGISTERED,
}

Context = grpc.aio.ServicerContext[Any, Any]


class DiscoveryServicer(discovery_pb2_grpc.DiscoveryServiceServicer):
    """Answers as proto/chatterroom/discovery/v1/discovery.proto promises."""

    def __init__(self, store: RegistryStore, watch: Watch, lease_s: float) -> None:
        self._store = store
        self._watch = watch
        self._lease_s = lease_s
        self._rotation = Rotation()
        self._started_at = time.monotonic()

    async def RegisterService(
        self, request: discovery_pb2.RegisterServiceRequest, context: Context
    ) -> discovery_pb2.RegisterServiceResponse:
        """Lists the instance for a lease.

        Raises INVALID_REQUEST, STORAGE_UNAVAILABLE, and NOT_ALLOWED for another name than the
        caller's own or in place of an instance of another service.
        """
        entry = Entry(
            parse_name(request.service_name),
            parse_url(request.service_url),
            request.websocket_url and parse_url(request.websocket_url, "websocket_url"),
        )
        _require_own([entry])
        _require_own(_at(entry.service_url, await self._store.live()))
        await self._store.register(entry)
        log.info("service_registered", service_name=entry.service_name, url=entry.service_url)
        return discovery_pb2.RegisterServiceResponse(
            success=True, message="Service registered successfully", lease_s=self._lease_s
        )

    async def DiscoverService(
        self, request: discovery_pb2.DiscoverServiceRequest, context: Context
    ) -> discovery_pb2.DiscoverServiceResponse:
        """Takes turns. Raises SERVICE_NOT_FOUND, INVALID_REQUEST, STORAGE_UNAVAILABLE."""
        name = parse_name(request.service_name)
        entry = self._rotation.next(name, await self._store.live())
        return discovery_pb2.DiscoverServiceResponse(
            service_url=entry.service_url, websocket_url=entry.websocket_url
        )

    async def Heartbeat(
        self, request: discovery_pb2.HeartbeatRequest, context: Context
    ) -> discovery_pb2.HeartbeatResponse:
        """Renews the lease, or says to register again. Raises NOT_ALLOWED, STORAGE_UNAVAILABLE."""
        _require_own(_at(request.service_url, self._watch.entries))
        if await self._store.renew(parse_url(request.service_url)):
            return discovery_pb2.HeartbeatResponse(success=True, message="Lease renewed")
        return discovery_pb2.HeartbeatResponse(
            success=False, message="This instance is unknown or has expired. Register it again."
        )

    async def DeregisterService(
        self, request: discovery_pb2.DeregisterServiceRequest, context: Context
    ) -> discovery_pb2.DeregisterServiceResponse:
        """Takes the instance off the list. Raises NOT_ALLOWED, STORAGE_UNAVAILABLE."""
        _require_own(_at(request.service_url, await self._store.live()))
        removed = await self._store.remove(parse_url(request.service_url))
        if removed:
            log.info("service_deregistered", url=request.service_url)
        message = "Service deregistered successfully" if removed else "It was not registered"
        return discovery_pb2.DeregisterServiceResponse(success=removed, message=message)

    async def WatchServices(
        self, request: discovery_pb2.WatchServicesRequest, context: Context
    ) -> AsyncIterator[discovery_pb2.WatchServicesResponse]:
        """Streams the list until the caller leaves or this process stops."""
        async for entries in self._watch.lists():
            yield discovery_pb2.WatchServicesResponse(instances=_instances(entries))

    async def StatusCheck(
        self, request: Empty, context: Context
    ) -> discovery_pb2.StatusCheckResponse:
        """Answers also while Redis is away: then with the last list that is known."""
        try:
            entries, connected = await self._store.live(), True
        except ChatterRoomError:
            entries, connected = list(self._watch.entries), False
        return discovery_pb2.StatusCheckResponse(
            status="healthy" if connected else "unhealthy",
            db_status="connected" if connected else "disconnected",
            uptime=f"{time.monotonic() - self._started_at:.3f}",
            registered_services=str(len(entries)),
            instances=_instances(entries),
        )


def _at(service_url: str, entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.service_url == service_url]


def _require_own(entries: Iterable[Entry]) -> None:
    service = current_caller().service
    if any(entry.service_name != service for entry in entries):
        raise ChatterRoomError(ErrorCode.NOT_ALLOWED, f"The {service} service may not do this.")


def _instances(entries: Iterable[Entry]) -> list[discovery_pb2.ServiceInstance]:
    return [
        discovery_pb2.ServiceInstance(
            service_name=entry.service_name,
            service_url=entry.service_url,
            websocket_url=entry.websocket_url,
        )
        for entry in entries
    ]
