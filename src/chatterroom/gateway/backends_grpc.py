"""The services behind the gateway, ready to be called."""

# The types of the asynchronous stubs exist in the stub files only.
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc.aio

from chatterroom.auth.secrets import DISCOVERY, ServiceSecret
from chatterroom.gateway.settings import GatewaySettings
from chatterroom.pb import chat_pb2_grpc, discovery_pb2_grpc, users_pb2_grpc
from chatterroom.process import split_urls
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Balancer, Instance

__all__ = ["Services", "open_services"]

Stub = TypeVar("Stub")

# What discovery knows the services by.
USERS = "users"
CHAT = "chat"


@dataclass(frozen=True)
class Services:
    """One backend for each thing the gateway asks of a service."""

    users: Backend[users_pb2_grpc.UserServiceAsyncStub]
    chat: Backend[chat_pb2_grpc.ChatServiceAsyncStub]
    discovery: Backend[discovery_pb2_grpc.DiscoveryServiceAsyncStub]

    async def close(self) -> None:
        """Close every channel."""
        for backend in (self.users, self.chat, self.discovery):
            await backend.close()


def open_services(
    settings: GatewaySettings,
    secret: ServiceSecret,
    balancer: Callable[[str], Balancer],
) -> Services:
    """Return the services as `balancer` knows them; discovery as the settings do."""
    timeout_s = settings.call_timeout_s
    users, chat, discovery = balancer(USERS), balancer(CHAT), Balancer()
    discovery.replace(Instance(url) for url in split_urls(settings.discovery_url))

    def backend(
        name: str, instances: Balancer, make_stub: Callable[[grpc.aio.Channel], Stub]
    ) -> Backend[Stub]:
        return Backend(name, instances, make_stub, secret.towards(name), timeout_s)

    return Services(
        users=backend(USERS, users, users_pb2_grpc.UserServiceStub),
        chat=backend(CHAT, chat, chat_pb2_grpc.ChatServiceStub),
        discovery=backend(DISCOVERY, discovery, discovery_pb2_grpc.DiscoveryServiceStub),
    )
