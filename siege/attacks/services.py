"""Strangers at the ports of the services, behind the gateway's back."""

import grpc

from siege.front import Attack, Front
from siege.tally import TAKEN

__all__ = ["GRPC_FLOODS"]

_EMPTY_PART = b"\x0a\x00"
_BODY = _EMPTY_PART * (4 * 1024 * 1024 // len(_EMPTY_PART) - 8)
_AT_ONCE = 8
_DEADLINE_S = 15.0
_METHODS = {
    "chat": "/chatterroom.chat.v1.ChatService/SendMessages",
    "users": "/chatterroom.users.v1.UserService/TouchSessions",
    "discovery": "/chatterroom.discovery.v1.DiscoveryService/RegisterService",
}


async def _flood(front: Front) -> None:
    addresses = [
        (name.partition("-")[0], address)
        for name, address in front.target.services.items()
        if name.partition("-")[0] in _METHODS
    ]

    async def call() -> None:
        kind, address = front.chance.choice(addresses)
        async with grpc.aio.insecure_channel(address) as channel:
            ask = channel.unary_unary(
                _METHODS[kind], request_serializer=bytes, response_deserializer=bytes
            )
            try:
                await ask(_BODY, timeout=_DEADLINE_S)
                front.tally.note(TAKEN)
            except grpc.aio.AioRpcError as error:
                front.tally.note(error.code().name)

    async for _ in front.each_phase():
        await front.repeat(call, at_once=_AT_ONCE, pause_s=0.5)


GRPC_FLOODS = Attack(
    "calls of 4 MiB of empty parts, 8 at once, without a credential",
    _flood,
    met_by="UNAUTHENTICATED",
    may_succeed=False,
)
