"""Asking a service for its health by the standard gRPC health check."""

import grpc.aio

from chatterroom.auth.certificates import Certificates
from chatterroom.engines.ports import is_listening
from chatterroom.rpc.channels import connect
from chatterroom.rpc.probes import ask_health

__all__ = ["is_serving"]

_DEADLINE_S = 1.0
_OPTIONS = (
    # A channel that shares connections with earlier ones also shares their wait before a retry.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


async def is_serving(host: str, port: int, certificates: Certificates | None = None) -> bool:
    """Tell whether the server there answers SERVING, within about a second.

    With certificates, those of the server itself: whoever may use them may know how it is.
    """
    # A closed port is the common case while a service starts, and this is the cheap way to know.
    if not await is_listening(port, host):
        return False
    name = certificates.names[0] if certificates else ""
    async with connect(f"{host}:{port}", name, certificates, _OPTIONS) as channel:
        try:
            return (await ask_health(channel, _DEADLINE_S)).is_serving
        except grpc.aio.AioRpcError:
            return False
