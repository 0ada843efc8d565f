"""The chat service put together: the one place that knows all its parts."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog

from chatterroom.auth.secrets import (
    DISCOVERY,
    ServiceSecret,
    load_known_credentials,
    load_service_secret,
)
from chatterroom.auth.token_keys import VerificationKeys
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.chat.actions import Actions
from chatterroom.chat.activity import Activity, migrate
from chatterroom.chat.blocks import Blocks
from chatterroom.chat.chat_sockets import ChatSockets
from chatterroom.chat.contacts import Contacts
from chatterroom.chat.departed import Departed
from chatterroom.chat.entries import Entry
from chatterroom.chat.erasures import keep_erasing
from chatterroom.chat.events import encode_block
from chatterroom.chat.hub import Hub
from chatterroom.chat.leases_redis import Leases
from chatterroom.chat.log import ConversationLog
from chatterroom.chat.marks import Marks
from chatterroom.chat.people import People
from chatterroom.chat.presence import Presence
from chatterroom.chat.quotas import Quotas
from chatterroom.chat.servicer_grpc import OPEN_TO, SERVICE_NAME, ChatServicer
from chatterroom.chat.settings import ChatSettings
from chatterroom.chat.shared_quotas_redis import SharedQuotas
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.core.settings import load_settings
from chatterroom.pb import chat_pb2_grpc, users_pb2_grpc
from chatterroom.process import advertised, run_service, split_urls
from chatterroom.pubsub.channels_redis import RedisChannels
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Instance
from chatterroom.rpc.call_limits import RpcSettings
from chatterroom.rpc.directory import Directory
from chatterroom.rpc.identity import Doorkeeper
from chatterroom.rpc.registration import Registration, stay_known
from chatterroom.rpc.server import serve_rpc
from chatterroom.rpc.session_watch import watch_sessions
from chatterroom.sockets.server_picows import SocketSettings, serve_sockets

__all__ = ["run", "serve"]

log = structlog.get_logger()

_USERS_CALL_S = 2.0
_REDIS_URL = "CHATTERROOM_CHAT_REDIS_URL"


def run() -> int:
    """Run one chat service until it is told to stop; return the exit status."""
    settings = load_settings(ChatSettings, "chat", os.environ)
    limits = load_settings(SocketSettings, "chat", os.environ)
    rpc_settings = load_settings(RpcSettings, "chat", os.environ)
    return run_service(
        "chat", settings, partial(serve, settings, limits, rpc_settings=rpc_settings)
    )


async def serve(
    settings: ChatSettings,
    limits: SocketSettings,
    stop: asyncio.Event,
    *,
    rpc_settings: RpcSettings | None = None,
) -> None:
    """Serve until `stop` is set. Starts, and stays up, with or without MongoDB and Redis.

    Appears in discovery once MongoDB has answered for the first time, and a user service has sent
    the sessions that have ended.
    """
    certificates = settings.certificates("chat")
    secret = load_service_secret(settings.secrets_path, "chat", certificates)
    known = load_known_credentials(settings.secrets_path, "chat")
    verifier = TokenVerifier(VerificationKeys.load(settings.secrets_path))
    discovery_urls = split_urls(settings.discovery_url)
    directory = Directory(discovery_urls, secret.towards(DISCOVERY))
    async with (
        ChatStore.connect(settings.mongo_url) as store,
        RedisChannels.connect(settings.redis_url, _REDIS_URL) as fanout,
        Leases.connect(settings.redis_url, _REDIS_URL) as leases,
        SharedQuotas.connect(settings, _REDIS_URL) as shared_quotas,
        _users_backend(directory, secret) as users,
        asyncio.TaskGroup() as tasks,
    ):
        hub = Hub(store, fanout, tasks, settings.max_kept_bytes)
        marks = Marks(store, hub.broadcast)

        def committed(conversation_id: ConversationId, entries: list[Entry]) -> None:
            marks.note_own(entries)
            activity.note(conversation_id, entries)
            hub.committed(conversation_id, entries)
            contacts.committed(conversation_id, entries)

        conversation_log = ConversationLog(store, committed)
        activity = Activity(store.activity, conversation_log.member_count)

        def block_changed(user_id: UserId, other: UserId, blocked: bool) -> None:
            hub.tell_user(user_id, encode_block(other, blocked))
            presence.block_changed(user_id, other)

        blocks = Blocks(store.blocks, block_changed)

        def user_departed(user_id: UserId) -> None:
            presence.departed(user_id)

        departed = Departed(store.departed, user_departed)
        presence = Presence(store, leases, blocks, departed)
        people = People(users)
        contacts = Contacts(conversation_log, store, hub, people, blocks, shared_quotas)
        actions = Actions(
            conversation_log,
            store,
            hub,
            people,
            marks,
            presence,
            blocks,
            departed,
            contacts,
            Quotas(settings),
        )
        origins = frozenset(split_urls(settings.allowed_origins))
        sockets = ChatSockets(actions, leases, tasks, verifier=verifier, allowed_origins=origins)

        async def ready() -> bool:
            loaded = blocks.loaded and departed.loaded and verifier.ended.is_complete
            return await store.ready() and loaded

        background = [
            tasks.create_task(directory.follow()),
            tasks.create_task(
                watch_sessions(
                    directory.balancer("users"),
                    secret.towards("users"),
                    verifier.ended,
                    sockets.end_session,
                )
            ),
            tasks.create_task(fanout.run(hub.heard, hub.missed_some)),
            tasks.create_task(leases.run()),
            tasks.create_task(marks.run()),
            tasks.create_task(activity.run()),
            tasks.create_task(migrate(store.activity)),
            tasks.create_task(conversation_log.run()),
            tasks.create_task(hub.run()),
            tasks.create_task(presence.run()),
            tasks.create_task(blocks.run()),
            tasks.create_task(departed.run()),
            tasks.create_task(keep_erasing(store.erasures)),
        ]
        servicer = ChatServicer(actions, leases, activity)
        async with serve_rpc(
            settings.host,
            settings.grpc_port,
            SERVICE_NAME,
            Doorkeeper(known, verifier, OPEN_TO),
            partial(chat_pb2_grpc.add_ChatServiceServicer_to_server, servicer),
            certificates=certificates,
            limits=rpc_settings,
        ) as rpc:
            async with serve_sockets(
                settings.host,
                settings.websocket_port,
                limits,
                sockets.accept,
                certificates.server_context() if certificates else None,
            ) as websocket_port:
                instance = Instance(
                    advertised(settings, rpc.port), advertised(settings, websocket_port)
                )
                log.info("serving", grpc_port=rpc.port, websocket_port=websocket_port)
                registration = Registration(
                    "chat", instance, discovery_urls, secret.towards(DISCOVERY)
                )
                await stay_known(ready, rpc, registration, stop)
            await sockets.close_all(settings.drain_s)
        for task in background:
            task.cancel()


@asynccontextmanager
async def _users_backend(
    directory: Directory, secret: ServiceSecret
) -> "AsyncIterator[Backend[users_pb2_grpc.UserServiceAsyncStub]]":
    backend = Backend(
        "users",
        directory.balancer("users"),
        users_pb2_grpc.UserServiceStub,
        secret.towards("users"),
        _USERS_CALL_S,
    )
    try:
        yield backend
    finally:
        await backend.close()
