"""The sessions that have been ended, as a service other than the user service learns of them."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import grpc.aio
import structlog

from chatterroom.auth.ended_sessions import EndedSession, EndedSessions
from chatterroom.auth.secrets import ServiceCredential
from chatterroom.background import isolated, keep_running
from chatterroom.core.ids import SessionId, UserId
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.balancer import Balancer
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata

__all__ = ["watch_sessions"]

log = structlog.get_logger()

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
# The user service says something every second, so a longer silence means a dead connection.
_SILENCE_S = 5.0


async def watch_sessions(
    balancer: Balancer,
    credential: ServiceCredential,
    ended: EndedSessions,
    heard: Callable[[EndedSession], None] = lambda _: None,
) -> None:
    """Keep `ended` up to date, and bring news to `heard`, until cancelled.

    `ended` is complete once a user service has sent everything. From then on, while no user
    service can be reached, what is known stays in force.
    """
    pause_s = _FIRST_PAUSE_S
    tried = ""

    async def watch_one() -> None:
        nonlocal pause_s, tried
        instance = balancer.pick(avoid=[tried])
        if instance is None:
            # Asking costs nothing, and access tokens may wait for the first instance.
            pause_s = _FIRST_PAUSE_S
        else:
            tried = instance.service_url
            watching = False
            try:
                async with aclosing(_stream(tried, credential)) as messages:
                    async for message in messages:
                        watching, pause_s = True, _FIRST_PAUSE_S
                        for session in map(_session, message.sessions):
                            if ended.add(session):
                                with isolated("session_watch"):
                                    heard(session)
                        if message.up_to_date:
                            ended.complete()
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                if watching:
                    log.warning("session_watch_lost", url=tried, reason=type(error).__name__)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    await keep_running("session_watch", watch_one)


async def _stream(
    url: str, credential: ServiceCredential
) -> AsyncGenerator[users_pb2.WatchEndedSessionsResponse, None]:
    async with open_channel(url, "users", credential.certificates) as channel:
        stream = users_pb2_grpc.UserServiceStub(channel).WatchEndedSessions(
            users_pb2.WatchEndedSessionsRequest(), metadata=call_metadata(credential, SERVICE)
        )
        messages = aiter(stream)
        while True:
            async with asyncio.timeout(_SILENCE_S):
                message = await anext(messages, None)
            if message is None:
                return
            yield message


def _session(sent: users_pb2.EndedSession) -> EndedSession:
    return EndedSession(SessionId(sent.session_id), UserId(sent.user_id), sent.forget_at)
