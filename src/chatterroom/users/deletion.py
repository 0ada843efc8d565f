"""Deleting accounts: decided once, carried out for as long as it takes, by any instance."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from chatterroom.background import keep_running
from chatterroom.core.ids import UserId
from chatterroom.core.times import now
from chatterroom.pb import chat_pb2
from chatterroom.users.accounts import Account
from chatterroom.users.alert_store_mongo import AlertStore
from chatterroom.users.deletion_mongo import DeletionStore
from chatterroom.users.guessing import Guesses
from chatterroom.users.session_control import SessionControl

if TYPE_CHECKING:
    from chatterroom.pb import chat_pb2_grpc
    from chatterroom.rpc.backend import Backend

__all__ = ["Deletions"]

log = structlog.get_logger()

_LOOK_EVERY_S = 2.0
_CLAIMED_FOR = timedelta(seconds=30)
_FORGET_S = 20.0


class Deletions:
    """Erases accounts whose deletion was decided, and tells the chat service to forget them."""

    def __init__(
        self,
        deletions: DeletionStore,
        guesses: Guesses,
        sessions: SessionControl,
        alerts: AlertStore,
        chat: "Backend[chat_pb2_grpc.ChatServiceAsyncStub]",
    ) -> None:
        self._deletions = deletions
        self._guesses = guesses
        self._sessions = sessions
        self._alerts = alerts
        self._chat = chat
        self._begun = asyncio.Event()

    async def delete(self, account: Account) -> None:
        """Delete an account for good.

        When this returns nobody can log in to it and nothing personal is left; the rooms follow.
        Where it raises STORAGE_UNAVAILABLE the deletion happens nevertheless, or nothing does.
        """
        await self._deletions.begin(account, now())
        log.info("user_deleted", user_id=account.user_id)
        self._begun.set()
        await self._erase(account.user_id)

    async def run(self) -> None:
        """Carry out what is to be done, until cancelled."""
        await keep_running("deletions", self._carry_out_all)

    async def _carry_out_all(self) -> None:
        """Carry out what is due, then wait until there may be more."""
        self._begun.clear()
        while user_id := await self._deletions.claim(now(), now() + _CLAIMED_FOR):
            await self._erase(user_id)
            if await self._left_rooms(user_id):
                # There may be more rooms, or one was joined meanwhile. The others who are due come
                # first: somebody in thousands of rooms does not keep them waiting.
                await self._deletions.put_back(user_id, now())
                continue
            await self._deletions.finish(user_id)
            log.info("user_forgotten", user_id=user_id)
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._begun.wait()
        except TimeoutError:
            return

    async def _erase(self, user_id: UserId) -> None:
        """Every step may be repeated, and the account goes last: it knows the email."""
        email_key = await self._deletions.email_key(user_id)
        if email_key is not None:
            await self._guesses.forget(email_key)
            await self._deletions.erase(user_id)
        # After the account, so that no login begins another one.
        await self._sessions.end_others(user_id, None, now())
        await self._alerts.forget(user_id)

    async def _left_rooms(self, user_id: UserId) -> int:
        answer: chat_pb2.ForgetUserResponse = await self._chat.call(
            lambda stub: stub.ForgetUser,
            chat_pb2.ForgetUserRequest(user_id=user_id),
            safe_to_repeat=True,
            timeout_s=_FORGET_S,
        )
        return answer.rooms_left
