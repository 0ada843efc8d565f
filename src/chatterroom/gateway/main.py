"""The gateway process: joins the parts and runs them until it is told to stop."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog

from chatterroom.auth.secrets import DISCOVERY, ServiceSecret, load_service_secret
from chatterroom.auth.token_keys import VerificationKeys
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.core.settings import load_settings
from chatterroom.gateway.addresses import ClientAddresses
from chatterroom.gateway.admission import Admission
from chatterroom.gateway.app import make_app
from chatterroom.gateway.backends_grpc import CHAT, USERS, open_services
from chatterroom.gateway.connections import Connections
from chatterroom.gateway.endpoints import Platform
from chatterroom.gateway.identity import Identities
from chatterroom.gateway.last_seen import LastSeen
from chatterroom.gateway.last_seen_grpc import tell_last_seen
from chatterroom.gateway.limits import Limits
from chatterroom.gateway.relay import Relay, SocketRoute
from chatterroom.gateway.sends import Sends
from chatterroom.gateway.server import serve_http
from chatterroom.gateway.settings import GatewaySettings
from chatterroom.gateway.slow_readers import SlowReaders
from chatterroom.process import run_service, split_urls
from chatterroom.rpc.balancer import Balancer
from chatterroom.rpc.directory import Directory
from chatterroom.rpc.session_watch import watch_sessions

__all__ = ["run", "running_gateway"]

log = structlog.get_logger()


def run() -> int:
    """Run a gateway with the settings of the environment; return the exit status."""
    settings = load_settings(GatewaySettings, "gateway", os.environ)
    return run_service("gateway", settings, partial(serve, settings))


async def serve(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    secret = load_service_secret(settings.secrets_path, "gateway", settings.certificates("gateway"))
    verifier = TokenVerifier(VerificationKeys.load(settings.secrets_path))
    directory = Directory(split_urls(settings.discovery_url), secret.towards(DISCOVERY))
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(directory.follow()),
            tasks.create_task(
                watch_sessions(directory.balancer(USERS), secret.towards(USERS), verifier.ended)
            ),
        ]
        async with running_gateway(settings, secret, verifier, directory.balancer) as port:
            log.info("listening", host=settings.host, port=port)
            await stop.wait()
        for task in background:
            task.cancel()


@asynccontextmanager
async def running_gateway(
    settings: GatewaySettings,
    secret: ServiceSecret,
    verifier: TokenVerifier,
    balancer: Callable[[str], Balancer],
) -> AsyncIterator[int]:
    """Run a gateway in front of the services that `balancer` knows; give its port."""
    started_at = time.monotonic()
    last_seen = LastSeen()
    addresses = ClientAddresses(settings.trusted_proxies)
    limits = Limits(settings)
    admission = Admission(
        addresses,
        Connections(settings, addresses),
        limits,
        SlowReaders(limits.in_flight, settings.slow_reader_s),
        Identities(verifier, last_seen),
        settings.origins,
        settings.max_body_bytes,
        settings.max_response_bytes,
        settings.request_timeout_s,
    )
    services = open_services(settings, secret, balancer)
    relay = Relay(
        {
            "/ws/alert": SocketRoute(USERS, balancer(USERS), services.users.suspect),
            "/ws/chat": SocketRoute(
                CHAT, balancer(CHAT), services.chat.suspect, gather_by="roomId"
            ),
        },
        admission,
        secret.certificates,
    )
    sends = Sends(services.chat, settings.max_open_sends)
    platform = Platform(
        services,
        sends,
        lambda: time.monotonic() - started_at,
        verifier,
        settings.timeout_demo_s,
    )
    app = make_app(settings, platform, admission)
    try:
        async with (
            serve_http(settings.host, settings.port, app, relay, admission) as port,
            asyncio.TaskGroup() as tasks,
        ):
            telling = tasks.create_task(tell_last_seen(last_seen, services.users))
            yield port
            telling.cancel()
    finally:
        await sends.close()
        await services.close()
