"""The process `chatterroom discovery`: its parts, joined."""

import asyncio
import os
from functools import partial

import structlog

from chatterroom.auth.secrets import DISCOVERY, load_known_credentials
from chatterroom.core.settings import load_settings
from chatterroom.discovery.servicer_grpc import OPEN_TO, SERVICE_NAME, DiscoveryServicer
from chatterroom.discovery.settings import DiscoverySettings
from chatterroom.discovery.store_redis import RegistryStore
from chatterroom.discovery.watch import Watch
from chatterroom.pb import discovery_pb2_grpc
from chatterroom.process import run_service
from chatterroom.rpc.call_limits import RpcSettings
from chatterroom.rpc.identity import Doorkeeper
from chatterroom.rpc.server import serve_rpc

__all__ = ["run", "serve"]

log = structlog.get_logger()


def run() -> int:
    """Run one service discovery until it is told to stop; return the exit status."""
    settings = load_settings(DiscoverySettings, "discovery", os.environ)
    rpc_settings = load_settings(RpcSettings, "discovery", os.environ)
    return run_service("discovery", settings, partial(serve, settings, rpc_settings=rpc_settings))


async def serve(
    settings: DiscoverySettings, stop: asyncio.Event, *, rpc_settings: RpcSettings | None = None
) -> None:
    """Serve until `stop` is set. Starts, and stays up, with or without Redis."""
    # Only services register and look each other up: there is no verifier for people's tokens.
    doorkeeper = Doorkeeper(load_known_credentials(settings.secrets_path, DISCOVERY), None, OPEN_TO)
    certificates = settings.certificates("discovery")
    async with RegistryStore(settings.redis_url, settings.lease_s) as store:
        watch = Watch(store)
        servicer = DiscoveryServicer(store, watch, settings.lease_s)
        async with (
            serve_rpc(
                settings.host,
                settings.grpc_port,
                SERVICE_NAME,
                doorkeeper,
                partial(discovery_pb2_grpc.add_DiscoveryServiceServicer_to_server, servicer),
                certificates=certificates,
                limits=rpc_settings,
            ) as rpc,
            asyncio.TaskGroup() as tasks,
        ):
            following = tasks.create_task(watch.follow())
            await rpc.say_serving(True)
            log.info("serving", port=rpc.port)
            await stop.wait()
            await rpc.say_serving(False)
            await watch.close()
            following.cancel()
