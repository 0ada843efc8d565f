"""Tells the user service which sessions are used."""

# The types of the asynchronous stubs exist in the stub files only.
from __future__ import annotations

from chatterroom.background import keep_running
from chatterroom.gateway.last_seen import LastSeen
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.backend import Backend

__all__ = ["tell_last_seen"]

_EVERY_S = 10.0
_AT_ONCE = 1_000


async def tell_last_seen(
    last_seen: LastSeen, users: Backend[users_pb2_grpc.UserServiceAsyncStub]
) -> None:
    """Tell every few seconds, until cancelled. What cannot be told is left out."""

    async def tell() -> None:
        taken = last_seen.take()
        for start in range(0, len(taken), _AT_ONCE):
            request = users_pb2.TouchSessionsRequest(session_ids=taken[start : start + _AT_ONCE])
            await users.call(lambda stub: stub.TouchSessions, request, safe_to_repeat=True)

    await keep_running("last_seen", tell, _EVERY_S)
