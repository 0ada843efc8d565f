"""What the end of a session does to chat sockets, as the user service would tell of it."""

import asyncio
import time
from types import SimpleNamespace

import jwt
import pytest
import websockets

from chatterroom.auth.ended_sessions import EndedSession
from chatterroom.auth.token_keys import VerificationKeys
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.chat import main
from chatterroom.chat.chat_sockets import ChatSockets
from chatterroom.core.ids import SessionId, UserId
from chatterroom.sockets.frames import CloseCode
from chatterroom.sockets.handshake import Handshake

from .conftest import ALICE, BOB, Service, receive, say


class Ends:
    """Tells every chat service of this process about ended sessions."""

    def __init__(self):
        self._told = []

    async def watch(self, balancer, credential, ended, heard):
        del balancer, credential
        ended.complete()
        self._told.append((ended, heard))
        await asyncio.Event().wait()

    def end(self, token):
        claims = jwt.decode(token, options={"verify_signature": False})
        session_id, user_id = SessionId(claims["sid"]), UserId(claims["sub"])
        session = EndedSession(session_id, user_id, time.time() + 60)
        for ended, heard in self._told:
            assert ended.add(session)
            heard(session)


@pytest.fixture
def ends(monkeypatch):
    """Ask for it before the services."""
    ends = Ends()
    monkeypatch.setattr(main, "watch_sessions", ends.watch)
    return ends


async def test_the_sockets_of_an_ended_session_are_closed_on_every_instance(
    ends, service: Service, other_service: Service
):
    room = await service.create_room(ALICE, BOB)
    ending, staying = service.token(ALICE), service.token(ALICE)
    async with (
        service.connect(ALICE, room, token=ending) as one,
        service.connect(ALICE, token=ending) as two,
        other_service.connect(ALICE, simple=True, token=ending) as three,
        service.connect(ALICE, token=staying) as other,
    ):
        for socket in (one, two, three, other):
            await receive(socket, "ready")
        ends.end(ending)
        for socket in (one, two, three):
            async with asyncio.timeout(1):
                await socket.wait_closed()
            assert socket.close_code == 4401
        await say(other, type="ping", ref="p")
        assert (await receive(other, "pong"))["ref"] == "p"
    for instance in (service, other_service):
        with pytest.raises(websockets.InvalidStatus) as caught:
            await instance.connect(ALICE, token=ending)
        assert caught.value.response.status_code == 401


async def test_a_session_that_ends_between_handshake_and_opening_opens_nothing(service: Service):
    token = service.token(ALICE)
    verifier = TokenVerifier(VerificationKeys.load(service.secrets))
    verifier.ended.complete()
    quiet = SimpleNamespace(
        take=lambda *_: None, give_up=lambda *_: None, unwatch=lambda *_: None, unfollow=None
    )
    quotas = SimpleNamespace(spend_opening=lambda _: None)
    actions = SimpleNamespace(hub=quiet, store=quiet, presence=quiet, quotas=quotas)
    closed = []
    connection = SimpleNamespace(
        close=lambda code, reason: closed.append(code), expire_at=lambda _: None
    )
    async with asyncio.TaskGroup() as tasks:
        sockets = ChatSockets(actions, quiet, tasks, verifier=verifier, allowed_origins=frozenset())
        headers = {"authorization": f"Bearer {token}"}
        socket = sockets.accept(Handshake("/ws/chat", {"userId": ALICE}, headers))
        sockets.end_session(EndedSession(socket.session_id, ALICE, time.time() + 60))
        socket.connected(connection)
        assert closed == [CloseCode.TOKEN_EXPIRED]
        socket.disconnected()
    assert not sockets._by_session
