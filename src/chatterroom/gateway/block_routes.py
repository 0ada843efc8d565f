"""Blocked users over HTTP."""

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import parse_user_id
from chatterroom.gateway import block_bodies as bodies
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, Nothing
from chatterroom.pb import chat_pb2

__all__ = ["BLOCK_ENDPOINTS"]


async def blocks(call: Call[None, Nothing], platform: Platform) -> bodies.Blocks:
    """List the users you have blocked."""
    answer = await platform.services.chat.call(
        lambda stub: stub.ListBlocks,
        chat_pb2.ListBlocksRequest(user_id=call.user_id),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.Blocks(list(answer.user_ids))


async def block(call: Call[None, Nothing], platform: Platform) -> Done:
    """Block a user: no private messages either way, and neither can add the other to rooms."""
    return await _block(call, platform, remove=False)


async def unblock(call: Call[None, Nothing], platform: Platform) -> Done:
    """Unblock a user."""
    return await _block(call, platform, remove=True)


async def _block(call: Call[None, Nothing], platform: Platform, *, remove: bool) -> Done:
    answer = await platform.services.chat.call(
        lambda stub: stub.BlockUser,
        chat_pb2.BlockUserRequest(
            user_id=call.user_id, blocked_id=parse_user_id(call.path["user_id"]), remove=remove
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return Done(answer.message)


_BLOCK = "/chat-service/blocks/{user_id}"

BLOCK_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/chat-service/blocks",
        handler=blocks,
        answer=bodies.Blocks,
        service="chat",
    ),
    Endpoint(
        method="PUT",
        path=_BLOCK,
        handler=block,
        answer=Done,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.USER_NOT_FOUND),
    ),
    Endpoint(
        method="DELETE",
        path=_BLOCK,
        handler=unblock,
        answer=Done,
        service="chat",
        errors=(ErrorCode.MALFORMED_ID,),
    ),
)
