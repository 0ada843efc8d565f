"""What discovery says is running, kept up to date for as long as a process lives."""

import asyncio
import random
from collections import defaultdict

import grpc
import grpc.aio
import structlog

from chatterroom.auth.secrets import ServiceCredential
from chatterroom.background import keep_running
from chatterroom.pb import discovery_pb2, discovery_pb2_grpc
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata

__all__ = ["Directory"]

log = structlog.get_logger()

_RETRY_S = (0.2, 2.0)
# Discovery repeats the list at least this often, so silence means a dead connection.
_SILENCE_S = 15.0


class Directory:
    """A balancer for each service, fed by discovery's stream.

    While discovery is away the last list stays in force.
    """

    def __init__(self, discovery_urls: list[str], credential: ServiceCredential) -> None:
        self._urls = discovery_urls
        self._metadata = call_metadata(credential, SERVICE)
        self._certificates = credential.certificates
        self._balancers: defaultdict[str, Balancer] = defaultdict(Balancer)
        self._connected = False
        self._attempt = 0

    def balancer(self, service_name: str) -> Balancer:
        """Return the balancer of a service, empty until an instance is known."""
        return self._balancers[service_name]

    async def follow(self) -> None:
        """Keep the lists up to date until cancelled."""
        await keep_running("directory", self._follow_next)

    async def _follow_next(self) -> None:
        url = self._urls[self._attempt % len(self._urls)]
        self._attempt += 1
        try:
            await self._follow(url)
        except (grpc.aio.AioRpcError, TimeoutError) as error:
            if self._connected:
                log.warning("discovery_lost", discovery=url, reason=type(error).__name__)
                self._connected = False
        await asyncio.sleep(random.uniform(*_RETRY_S))

    async def _follow(self, url: str) -> None:
        async with open_channel(url, "discovery", self._certificates) as channel:
            stub = discovery_pb2_grpc.DiscoveryServiceStub(channel)
            stream = stub.WatchServices(
                discovery_pb2.WatchServicesRequest(), metadata=self._metadata
            )
            lists = aiter(stream)
            while True:
                async with asyncio.timeout(_SILENCE_S):
                    latest = await anext(lists, None)
                if latest is None:
                    return
                self._connected = True
                self._take_over(latest)

    def _take_over(self, latest: discovery_pb2.WatchServicesResponse) -> None:
        by_name: defaultdict[str, list[Instance]] = defaultdict(list)
        for entry in latest.instances:
            instance = Instance(entry.service_url, entry.websocket_url)
            by_name[entry.service_name].append(instance)
        for name, instances in by_name.items():
            self._balancers[name].replace(instances)
