"""The process `chatterroom users`: its parts, joined."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from chatterroom.auth.secrets import (
    DISCOVERY,
    ServiceSecret,
    load_known_credentials,
    load_service_secret,
)
from chatterroom.auth.token_keys import VerificationKeys, load_signing_key
from chatterroom.auth.tokens import TokenSigner, TokenVerifier
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
from chatterroom.sockets.server_picows import SocketSettings, serve_sockets
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alert_channel_redis import RedisAlertChannel
from chatterroom.users.alert_socket import AlertSockets
from chatterroom.users.alert_store_mongo import AlertStore
from chatterroom.users.alerts import Alerts
from chatterroom.users.authentication import Authentication
from chatterroom.users.deletion import Deletions
from chatterroom.users.deletion_mongo import DeletionStore
from chatterroom.users.guessing import Guesses
from chatterroom.users.guessing_mongo import GuessStore
from chatterroom.users.key_rotation import follow_signing_key
from chatterroom.users.login import Logins
from chatterroom.users.look_alikes_mongo import LookAlikes, complete_look_alikes
from chatterroom.users.own_account import OwnAccounts
from chatterroom.users.password_change import PasswordChanges
from chatterroom.users.password_change_mongo import PasswordChangeStore
from chatterroom.users.passwords import Passwords
from chatterroom.users.pictures import Pictures
from chatterroom.users.profile_mongo import ProfileStore
from chatterroom.users.second_factor_mongo import SecondFactorStore
from chatterroom.users.servicer_grpc import OPEN_TO, SERVICE_NAME, UsersServicer
from chatterroom.users.session_control import SessionControl
from chatterroom.users.session_ends import SessionEnds
from chatterroom.users.session_store_mongo import SessionStore
from chatterroom.users.settings import UsersSettings
from chatterroom.users.store_mongo import UserStore

__all__ = ["run", "serve"]

log = structlog.get_logger()

_CLOSING_S = 2.5
_CHAT_CALL_S = 5.0


def run() -> int:
    """Run one user service until it is told to stop; return the exit status."""
    settings = load_settings(UsersSettings, "users", os.environ)
    limits = load_settings(SocketSettings, "users", os.environ)
    rpc_settings = load_settings(RpcSettings, "users", os.environ)
    return run_service(
        "users", settings, partial(serve, settings, limits, rpc_settings=rpc_settings)
    )


async def serve(
    settings: UsersSettings,
    limits: SocketSettings,
    stop: asyncio.Event,
    *,
    rpc_settings: RpcSettings | None = None,
) -> None:
    """Serve until `stop` is set. Starts, and stays up, with or without MongoDB and Redis.

    Appears in discovery once MongoDB has answered for the first time.
    """
    secrets = settings.secrets_path
    certificates = settings.certificates("users")
    secret = load_service_secret(secrets, "users", certificates)
    known = load_known_credentials(secrets, "users")
    signer = TokenSigner(load_signing_key(secrets), settings.access_token_lifetime_s)
    verifier = TokenVerifier(VerificationKeys.load(secrets))
    discovery_urls = split_urls(settings.discovery_url)
    directory = Directory(discovery_urls, secret.towards(DISCOVERY))
    async with (
        RedisChannels.connect(settings.redis_url, "CHATTERROOM_USERS_REDIS_URL") as channels,
        UserStore(settings.mongo_url) as store,
        SessionStore(store.database, settings.access_token_lifetime_s) as session_store,
        AlertStore(store.database) as alert_store,
        ProfileStore(store.database) as profiles,
        LookAlikes(store.database) as look_alikes,
        SecondFactorStore(store.database) as factors,
        GuessStore(store.database) as records,
        DeletionStore(store.database) as deletion_store,
        PasswordChangeStore(store.database) as password_change_store,
        Passwords(settings.hashing_concurrency) as passwords,
        Pictures() as pictures,
        _chat_backend(directory, secret) as chat,
        asyncio.TaskGroup() as tasks,
    ):

        async def is_ready() -> bool:
            stores = (store, session_store, alert_store, look_alikes)
            return verifier.ended.is_complete and all([await each.is_ready() for each in stores])

        channel = RedisAlertChannel(channels)
        alerts = Alerts(channel)
        book = AlertBook(alert_store, alerts)
        ends = SessionEnds(
            session_store,
            verifier.ended,
            lambda ended: alerts.end(ended.user_id, ended.session_id),
        )
        sessions = SessionControl(session_store, ends, book, settings.max_sessions_per_user)
        password_changes = PasswordChanges(password_change_store, sessions)
        window = timedelta(seconds=settings.wrong_passwords_window_s)
        guesses = Guesses(records, settings.wrong_passwords, window)
        authentication = Authentication(store, passwords, factors, guesses)
        logins = Logins(
            store,
            sessions,
            authentication,
            signer,
            book,
            refresh_token_lifetime_s=settings.refresh_token_lifetime_s,
        )
        deletions = Deletions(deletion_store, guesses, sessions, alert_store, chat)
        servicer = UsersServicer(
            store,
            deletion_store,
            OwnAccounts(
                store,
                profiles,
                look_alikes,
                factors,
                pictures,
                passwords,
                authentication,
                password_changes,
                deletions,
                sessions,
                book,
            ),
            logins,
            ends,
            timeout_simulation_s=settings.timeout_simulation_s,
            emails_visible=settings.emails_visible,
        )
        sockets = AlertSockets(verifier, settings.origins, alerts, book, tasks)
        background = [
            tasks.create_task(follow_signing_key(secrets, signer)),
            tasks.create_task(channel.run(alerts.hear)),
            tasks.create_task(ends.run()),
            tasks.create_task(book.run()),
            tasks.create_task(directory.follow()),
            tasks.create_task(deletions.run()),
            tasks.create_task(complete_look_alikes(look_alikes)),
            tasks.create_task(password_changes.run()),
        ]
        async with serve_rpc(
            settings.host,
            settings.grpc_port,
            SERVICE_NAME,
            Doorkeeper(known, verifier, OPEN_TO),
            partial(users_pb2_grpc.add_UserServiceServicer_to_server, servicer),
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
                registration = Registration(
                    "users",
                    Instance(advertised(settings, rpc.port), advertised(settings, websocket_port)),
                    discovery_urls,
                    secret.towards(DISCOVERY),
                )
                log.info("serving", grpc_port=rpc.port, websocket_port=websocket_port)
                await stay_known(is_ready, rpc, registration, stop)
            ends.close()
            await alerts.close(_CLOSING_S)
        for task in background:
            task.cancel()


@asynccontextmanager
async def _chat_backend(
    directory: Directory, secret: ServiceSecret
) -> "AsyncIterator[Backend[chat_pb2_grpc.ChatServiceAsyncStub]]":
    backend = Backend(
        "chat",
        directory.balancer("chat"),
        chat_pb2_grpc.ChatServiceStub,
        secret.towards("chat"),
        _CHAT_CALL_S,
    )
    try:
        yield backend
    finally:
        await backend.close()
