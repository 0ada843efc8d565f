"""A service's entry in discovery, kept alive for as long as the service runs."""

# The types of the asynchronous stubs exist in the stub files only.
from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import structlog

from chatterroom.auth.secrets import ServiceCredential
from chatterroom.background import isolated, keep_running
from chatterroom.pb import discovery_pb2, discovery_pb2_grpc
from chatterroom.rpc.balancer import Instance
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata
from chatterroom.rpc.server import RpcServer

__all__ = ["Registration", "stay_known"]

log = structlog.get_logger()

_CALL_S = 2.0
_RETRY_S = (0.2, 1.0)
# Three heartbeats a lease: two may be lost.
_HEARTBEATS_PER_LEASE = 3
_HEALTH_CHECK_S = 1.0
_FIRST_HEALTH_CHECK_S = 0.1


class Registration:
    """Registers an instance, sends its heartbeats, and registers again when told to."""

    def __init__(
        self,
        service_name: str,
        instance: Instance,
        discovery_urls: list[str],
        credential: ServiceCredential,
    ) -> None:
        self._name = service_name
        self._instance = instance
        self._urls = discovery_urls
        self._metadata = call_metadata(credential, SERVICE)
        self._certificates = credential.certificates
        self._attempt = 0

    async def keep(self) -> None:
        """Stay registered until cancelled; then leave, so that no caller waits for the lease."""
        try:
            await keep_running("registration", self._stay_registered)
        finally:
            with isolated("registration"):
                await self._deregister()

    async def _stay_registered(self) -> None:
        lease_s = await self._until_answered(self._register)
        log.info("registered", service=self._name, url=self._instance.service_url)
        pause_s = lease_s / _HEARTBEATS_PER_LEASE
        known = True
        while known:
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.0))
            known = await self._until_answered(self._heartbeat)

    async def _until_answered(
        self, ask: Callable[[discovery_pb2_grpc.DiscoveryServiceAsyncStub], Awaitable[Any]]
    ) -> Any:
        reported = False
        while True:
            url = self._urls[self._attempt % len(self._urls)]
            try:
                async with self._open(url) as channel:
                    return await ask(discovery_pb2_grpc.DiscoveryServiceStub(channel))
            except grpc.aio.AioRpcError as failure:
                if not reported:
                    log.warning("not_registered", discovery=url, status=failure.code().name)
                    reported = True
            self._attempt += 1
            await asyncio.sleep(random.uniform(*_RETRY_S))

    def _open(self, url: str) -> grpc.aio.Channel:
        return open_channel(url, "discovery", self._certificates)

    async def _register(self, stub: discovery_pb2_grpc.DiscoveryServiceAsyncStub) -> float:
        answer = await stub.RegisterService(
            discovery_pb2.RegisterServiceRequest(
                service_name=self._name,
                service_url=self._instance.service_url,
                websocket_url=self._instance.websocket_url,
            ),
            timeout=_CALL_S,
            metadata=self._metadata,
        )
        return answer.lease_s

    async def _heartbeat(self, stub: discovery_pb2_grpc.DiscoveryServiceAsyncStub) -> bool:
        answer = await stub.Heartbeat(
            discovery_pb2.HeartbeatRequest(service_url=self._instance.service_url),
            timeout=_CALL_S,
            metadata=self._metadata,
        )
        return answer.success

    async def _deregister(self) -> None:
        try:
            async with self._open(self._urls[self._attempt % len(self._urls)]) as channel:
                await discovery_pb2_grpc.DiscoveryServiceStub(channel).DeregisterService(
                    discovery_pb2.DeregisterServiceRequest(service_url=self._instance.service_url),
                    timeout=_CALL_S,
                    metadata=self._metadata,
                )
        except grpc.aio.AioRpcError:
            log.info("left_without_deregistering", url=self._instance.service_url)


async def stay_known(
    is_ready: Callable[[], Awaitable[bool]],
    rpc: RpcServer,
    registration: Registration,
    stop: asyncio.Event,
) -> None:
    """Tell health checks and discovery of a service until `stop` is set; then say goodbye to both.

    Health follows `is_ready`, asked every second, and more often at first. Discovery hears of the
    service when it is ready for the first time; a later outage of its storage does not take it off
    the list.
    """
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        reporting = tasks.create_task(_report_health(is_ready, rpc, ready))
        registering = tasks.create_task(_register(registration, ready))
        await stop.wait()
        reporting.cancel()
        await rpc.say_serving(False)
        registering.cancel()


async def _report_health(
    is_ready: Callable[[], Awaitable[bool]], rpc: RpcServer, ready: asyncio.Event
) -> None:
    was_ready = False

    async def look() -> None:
        nonlocal was_ready
        now_ready = False
        with isolated("health"):
            now_ready = await is_ready()
        if now_ready != was_ready:
            log.info("storage_ready" if now_ready else "storage_lost")
            await rpc.say_serving(now_ready)
            was_ready = now_ready
        if now_ready:
            ready.set()
        await asyncio.sleep(_HEALTH_CHECK_S if ready.is_set() else _FIRST_HEALTH_CHECK_S)

    await keep_running("health", look)


async def _register(registration: Registration, ready: asyncio.Event) -> None:
    await ready.wait()
    await registration.keep()
