"""Who talks to a service behind the gateway's back: its ports, its channels, its credentials."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from chatterroom.auth.secrets import load_service_secret
from chatterroom.rpc.identity import SERVICE, call_metadata

from .world import World

__all__ = ["as_service", "channel", "grpc_port", "websocket_port"]


def grpc_port(world: World, service: str) -> int:
    return _ports(world, service)[0]


def websocket_port(world: World, service: str) -> int:
    return _ports(world, service)[1]


@contextmanager
def channel(world: World, service: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port(world, service)}") as plain:
        yield plain


def as_service(world: World, service: str, called: str) -> list[tuple[str, str]]:
    """Return the metadata with which a service calls another, with its real credential."""
    credential = load_service_secret(world.secret_path(), service).towards(called)
    return list(call_metadata(credential, SERVICE))


def _ports(world: World, service: str) -> list[int]:
    """Return the port of gRPC and, where there is one, that of WebSockets."""
    if service not in world.ports:
        (process,) = world.platform.processes(service)
        names = [f"CHATTERROOM_{service.upper()}_{kind}_PORT" for kind in ("GRPC", "WEBSOCKET")]
        environ = process.environ()
        world.ports[service] = [int(environ[name]) for name in names if name in environ]
    return world.ports[service]
