"""The services behind the gateway, ready to be called."""

# The types of the asynchronous stubs exist in the stub files only.
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatterroom.auth.secrets import ServiceCredential
from chatterroom.gateway.settings import GatewaySettings
from chatterroom.pb import chat_pb2_grpc, discovery_pb2_grpc, users_pb2_grpc
from chatterroom.process import split_urls
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Balancer, Instance

__all__ = ["Services", "open_services"]

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
    credential: ServiceCredential,
    balancer: Callable[[str], Balancer],
) -> Services:
    """Return the services as `balancer` knows them; discovery as the settings do."""
    timeout_s = settings.call_timeout_s
    users, chat, discovery = balancer(USERS), balancer(CHAT), Balancer()
    discovery.replace(Instance(url) for url in split_urls(settings.discovery_url))
    return Services(
        users=Backend("users", users, users_pb2_grpc.UserServiceStub, credential, timeout_s),
        chat=Backend("chat", chat, chat_pb2_grpc.ChatServiceStub, credential, timeout_s),
        discovery=Backend(
            "discovery",
            discovery,
            discovery_pb2_grpc.DiscoveryServiceStub,
            credential,
            timeout_s,
        ),
    )
