"""All `/ws/chat` sockets of this instance: who may open one, and how they end together."""

import asyncio
from dataclasses import dataclass

import msgspec
import structlog

from chatterroom.auth.ended_sessions import EndedSession
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.chat.actions import Actions
from chatterroom.chat.chat_socket import ChatSocket
from chatterroom.chat.leases_redis import Leases
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, parse_room_id, room_conversation_id
from chatterroom.sockets.frames import CloseCode, text_frame
from chatterroom.sockets.handshake import Handshake, authenticate

__all__ = ["PATH", "ChatSockets"]

log = structlog.get_logger()

PATH = "/ws/chat"
_CLOSING_S = 2.5


@dataclass(frozen=True, slots=True)
class _Parts:
    actions: Actions
    leases: Leases
    tasks: asyncio.TaskGroup


class ChatSockets:
    """Accepts sockets and knows the open ones."""

    def __init__(
        self,
        actions: Actions,
        leases: Leases,
        tasks: asyncio.TaskGroup,
        *,
        verifier: TokenVerifier,
        allowed_origins: frozenset[str],
    ) -> None:
        self._parts = _Parts(actions, leases, tasks)
        self._verifier = verifier
        self._allowed_origins = allowed_origins
        self._open: set[ChatSocket] = set()
        # A tuple: with thousands of sessions of one socket each, sets would weigh something.
        self._by_session: dict[SessionId, tuple[ChatSocket, ...]] = {}
        self._one_gone = asyncio.Event()

    def accept(self, handshake: Handshake) -> ChatSocket:
        """Return the session of a new socket, or raise why there is none."""
        if handshake.path != PATH:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "There is no such socket.")
        token = authenticate(handshake, self._verifier, self._allowed_origins)
        room_id = handshake.query.get("roomId")
        room = room_conversation_id(parse_room_id(room_id, "roomId")) if room_id else None
        parts = self._parts
        parts.actions.quotas.spend_opening(token.user_id)
        socket = ChatSocket(
            parts.actions,
            parts.leases,
            parts.tasks,
            token=token,
            room=room,
            simple=not handshake.wants_protocol,
            gone=self._gone,
        )
        self._open.add(socket)
        of_session = self._by_session.get(socket.session_id, ())
        self._by_session[socket.session_id] = (*of_session, socket)
        return socket

    def end_session(self, ended: EndedSession) -> None:
        """Close the sockets of a session that has been ended."""
        for socket in self._by_session.get(ended.session_id, ()):
            socket.close(CloseCode.TOKEN_EXPIRED, "The session has ended.")

    async def close_all(self, drain_s: float) -> None:
        """Ask clients to connect elsewhere within `drain_s`, then close those that have not.

        Simple sockets, which know no `going_away`, are closed at once. What happens meanwhile is
        still delivered; whoever resumes elsewhere misses nothing.
        """
        going_away = text_frame(msgspec.json.encode({"type": "going_away", "within_s": drain_s}))
        for socket in tuple(self._open):
            if socket.simple:
                socket.close(
                    CloseCode.SERVICE_RESTART, "This instance is shutting down. Reconnect."
                )
            else:
                socket.write(going_away)
        await self._until_gone(drain_s)
        for socket in tuple(self._open):
            socket.close(CloseCode.SERVICE_RESTART, "This instance is shutting down. Reconnect.")
        await self._until_gone(_CLOSING_S)

    async def _until_gone(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while self._open:
                    self._one_gone.clear()
                    await self._one_gone.wait()
        except TimeoutError:
            log.info("sockets_still_open", sockets=len(self._open))

    def _gone(self, socket: ChatSocket) -> None:
        self._open.discard(socket)
        left = tuple(
            other for other in self._by_session.get(socket.session_id, ()) if other is not socket
        )
        if left:
            self._by_session[socket.session_id] = left
        else:
            self._by_session.pop(socket.session_id, None)
        self._one_gone.set()
