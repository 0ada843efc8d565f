"""gRPC channels as every client opens them."""

import grpc.aio

__all__ = ["open_channel"]


def open_channel(address: str) -> grpc.aio.Channel:
    """Return a channel that notices a dead peer within seconds and reconnects soon after.

    Retries are the caller's: gRPC's own are off, so that there is one layer of them.
    """
    return grpc.aio.insecure_channel(
        address,
        options=(
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.keepalive_timeout_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ),
    )
