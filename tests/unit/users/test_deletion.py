"""Carrying out deletions, against a real MongoDB and a chat service that fails at first."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import pytest
from grpc.aio import AioRpcError
from pymongo import AsyncMongoClient

from chatterroom.auth.secrets import KnownCredentials, ServiceCredential
from chatterroom.chat.servicer_grpc import OPEN_TO
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId, new_id
from chatterroom.core.times import format_time, now
from chatterroom.pb import chat_pb2, chat_pb2_grpc, users_pb2
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import Doorkeeper
from chatterroom.rpc.server import serve_rpc
from chatterroom.users import deletion
from chatterroom.users.accounts import Account
from chatterroom.users.alert_store_mongo import AlertStore
from chatterroom.users.alerts import LoginFailed
from chatterroom.users.deletion import Deletions
from chatterroom.users.deletion_mongo import DeletionStore
from chatterroom.users.session_control import SessionControl
from chatterroom.users.session_store_mongo import SessionStore
from chatterroom.users.store_mongo import UserStore

CREDENTIAL = ServiceCredential("a-credential-that-only-tests-know-of")
KNOWN = KnownCredentials({CREDENTIAL.digest: "users"})


class Chat(chat_pb2_grpc.ChatServiceServicer):
    """Says what it is told to say: a number of rooms that were left, or an error."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def ForgetUser(self, request, context):  # noqa: N802
        self.asked.append(request.user_id)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return chat_pb2.ForgetUserResponse(rooms_left=answer)


class Nobody:
    """No places to forget, and nobody to tell: neither matters here."""

    def tell(self, *_) -> None:
        pass

    async def forget(self, email) -> None:
        pass


@pytest.fixture
async def stores(mongo_url):
    async with UserStore(mongo_url) as store, DeletionStore(store.database) as deletions:
        yield store, deletions


@pytest.fixture
async def sessions(stores):
    async with SessionStore(stores[0].database, 60) as store:
        yield SessionControl(store, Nobody(), Nobody(), max_per_user=100)


@pytest.fixture
async def alerts(stores):
    async with AlertStore(stores[0].database) as store:
        yield store


@pytest.fixture
async def deletions_with(stores, sessions, alerts):
    async with AsyncExitStack() as stack:

        async def make(chat: Chat) -> Deletions:
            adding = partial(chat_pb2_grpc.add_ChatServiceServicer_to_server, chat)
            rpc = await stack.enter_async_context(
                serve_rpc("127.0.0.1", 0, "chat", Doorkeeper(KNOWN, None, OPEN_TO), adding)
            )
            balancer = Balancer()
            balancer.replace([Instance(f"127.0.0.1:{rpc.port}")])
            backend = Backend("chat", balancer, chat_pb2_grpc.ChatServiceStub, CREDENTIAL, 5)
            stack.push_async_callback(backend.close)
            return Deletions(stores[1], Nobody(), sessions, alerts, backend)

        yield make


async def an_account(store: UserStore, name: str = "alice") -> Account:
    account = Account(UserId(new_id()), name, f"{name}@example.org", "", now())
    await store.add_account(account)
    return account


async def until_done(deletions: Deletions, mongo_url: str) -> None:
    running = asyncio.create_task(deletions.run())
    async with AsyncMongoClient(mongo_url) as client, asyncio.timeout(20):
        tombstones = client.get_default_database().deleted_users
        while await tombstones.count_documents({"due_at": {"$exists": True}}):
            assert not running.done()
            await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_chat_service_is_told_until_no_room_is_left(stores, deletions_with, mongo_url):
    account = await an_account(stores[0])
    chat = Chat(2, 1, 0)
    deletions = await deletions_with(chat)
    await deletions.delete(account)
    await until_done(deletions, mongo_url)
    assert chat.asked == [account.user_id] * 3


async def test_somebody_in_thousands_of_rooms_keeps_no_other_waiting(
    stores, deletions_with, mongo_url
):
    one, other = await an_account(stores[0]), await an_account(stores[0], "other")
    chat = Chat(100, 0, 100, 0)
    deletions = await deletions_with(chat)
    await deletions.delete(one)
    await deletions.delete(other)
    await until_done(deletions, mongo_url)
    assert chat.asked == [one.user_id, other.user_id, one.user_id, one.user_id]


async def test_what_an_instance_has_begun_another_one_finishes(stores, deletions_with, mongo_url):
    store, deletion_store = stores
    account = await an_account(store)
    # The first one stops as soon as it is decided.
    await deletion_store.begin(account, now())
    chat = Chat(0)
    await until_done(await deletions_with(chat), mongo_url)
    assert chat.asked == [account.user_id]
    assert await store.account(account.user_id) is None
    assert list(await deletion_store.deleted([account.user_id])) == [account.user_id]


async def test_a_failure_is_tried_again_and_holds_up_nobody_else(
    stores, deletions_with, mongo_url, monkeypatch
):
    monkeypatch.setattr(deletion, "_CLAIMED_FOR", timedelta(milliseconds=500))
    monkeypatch.setattr(deletion, "_LOOK_EVERY_S", 0.05)
    away = ChatterRoomError(ErrorCode.STORAGE_UNAVAILABLE, "away")
    one, other = await an_account(stores[0]), await an_account(stores[0], "other")
    chat = Chat(away, 0, 0)
    deletions = await deletions_with(chat)
    await deletions.delete(one)
    await deletions.delete(other)
    await until_done(deletions, mongo_url)
    assert len(chat.asked) == 3
    assert set(chat.asked) == {one.user_id, other.user_id}


def a_failed_login() -> LoginFailed:
    return LoginFailed(new_id(), "phone", "203.0.113.1", format_time(now()))


async def test_alerts_that_were_kept_are_gone_with_the_account(stores, deletions_with, alerts):
    one, other = await an_account(stores[0]), await an_account(stores[0], "other")
    kept = a_failed_login()
    await alerts.add([(one.user_id, a_failed_login()), (other.user_id, kept)], now())
    await (await deletions_with(Chat())).delete(one)
    session = SessionId(new_id())
    assert await alerts.unseen(one.user_id, session) == []
    assert await alerts.unseen(other.user_id, session) == [kept]


async def test_an_alert_that_comes_after_the_deletion_is_not_kept(stores, alerts):
    one, other = await an_account(stores[0]), await an_account(stores[0], "other")
    await stores[1].begin(one, now())
    kept = a_failed_login()
    await alerts.add([(one.user_id, a_failed_login()), (other.user_id, kept)], now())
    session = SessionId(new_id())
    assert await alerts.unseen(one.user_id, session) == []
    assert await alerts.unseen(other.user_id, session) == [kept]


async def test_a_deletion_is_claimed_by_one_instance_at_a_time(stores):
    store, deletion_store = stores
    account = await an_account(store)
    await deletion_store.begin(account, now())
    await deletion_store.begin(account, now())
    later = now().replace(year=2100)
    claims = await asyncio.gather(*(deletion_store.claim(now(), later) for _ in range(5)))
    assert sorted(claims, key=str) == sorted([account.user_id, *[None] * 4], key=str)


async def test_a_login_under_way_does_not_outlive_the_account(start_users, mongo_url):
    users = await start_users()
    user_id = await users.register()

    async def log_in() -> None:
        try:
            await users.log_in()
        except AioRpcError as failure:
            error = error_from(failure)
            assert error is not None
            assert error.code in {ErrorCode.WRONG_CREDENTIALS, ErrorCode.OVERLOADED}

    logins = [asyncio.create_task(log_in()) for _ in range(4)]
    request = users_pb2.DeleteAccountRequest(user_id=user_id, password="correct horse battery")
    await users.acting_for(user_id).DeleteAccount(request)
    await asyncio.gather(*logins)
    async with AsyncMongoClient(mongo_url) as client:
        sessions = client.get_default_database().sessions
        assert await sessions.count_documents({}) == 0
