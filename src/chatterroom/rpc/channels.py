"""gRPC channels as every client opens them."""

from collections.abc import Sequence

import grpc
import grpc.aio

from chatterroom.auth.certificates import Certificates
from chatterroom.rpc.message_sizes import CLIENT_SIZES

__all__ = ["connect", "is_connected", "open_channel", "reach"]

_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
_ON_THE_WAY = (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING)


def open_channel(
    address: str, service: str = "", certificates: Certificates | None = None
) -> grpc.aio.Channel:
    """Return a channel that notices a dead peer within seconds and reconnects soon after.

    Retries are the caller's: gRPC's own are off, so that there is one layer of them.
    With certificates the peer must show one for `service`.
    """
    return connect(address, service, certificates, _OPTIONS)


def connect(
    address: str,
    service: str,
    certificates: Certificates | None,
    options: Sequence[tuple[str, int | str]],
) -> grpc.aio.Channel:
    """Return a channel with these options, encrypted where there are certificates."""
    options = (*options, *CLIENT_SIZES)
    if certificates is None:
        return grpc.aio.insecure_channel(address, options=options)
    shown = grpc.ssl_channel_credentials(
        certificates.authority, certificates.key, certificates.certificate
    )
    # Instances come and go under any address; what stays is which service they are.
    expected = (("grpc.ssl_target_name_override", service),)
    return grpc.aio.secure_channel(address, shown, options=(*options, *expected))


def is_connected(channel: grpc.aio.Channel) -> bool:
    """Return whether there is a connection, as far as is known."""
    return channel.get_state() is grpc.ChannelConnectivity.READY


async def reach(channel: grpc.aio.Channel) -> bool:
    """Connect where there is no connection yet; return whether there is one now.

    Waits for one attempt at most, and not at all while the pause after a failed one lasts.
    """
    state = channel.get_state(try_to_connect=True)
    while state in _ON_THE_WAY:
        await channel.wait_for_state_change(state)
        state = channel.get_state(try_to_connect=True)
    return state is grpc.ChannelConnectivity.READY
