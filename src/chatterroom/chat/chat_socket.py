"""One `/ws/chat` socket: a room's, or everything of one user; simple mode or `chatterroom.v1`.

Events reach a simple socket from the moment it opens. A `chatterroom.v1` socket says `resume`
first, so that what it missed comes before what happens, and nothing comes twice.
"""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any

import msgspec
import structlog

from chatterroom.auth.tokens import AccessToken, TokenVerifier
from chatterroom.chat.actions import Actions
from chatterroom.chat.commands import MAX_RESUMED, Ping, Resume, Send, parse_command, reference_of
from chatterroom.chat.hub import Hub, Subscription
from chatterroom.chat.live_rooms_redis import LiveRooms
from chatterroom.chat.log import Appended, StorageUnavailableError
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import (
    ConversationId,
    RoomId,
    message_id,
    parse_client_id,
    parse_room_id,
    parse_user_id,
    room_conversation_id,
)
from chatterroom.core.times import format_time
from chatterroom.sockets.frames import CloseCode
from chatterroom.sockets.handshake import Handshake, authenticate
from chatterroom.sockets.server_picows import Socket

__all__ = ["ChatSocket", "ChatSockets"]

log = structlog.get_logger()

PATH = "/ws/chat"
MAX_INBOX = 1_000
_RESUMED_AT_ONCE = 8
_CLOSING_S = 2.5


class ChatSockets:
    """The chat sockets of this instance."""

    def __init__(
        self,
        actions: Actions,
        hub: Hub,
        live_rooms: LiveRooms,
        *,
        verifier: TokenVerifier,
        allowed_origins: frozenset[str],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.actions = actions
        self.hub = hub
        self.live_rooms = live_rooms
        self.tasks = tasks
        self._verifier = verifier
        self._allowed_origins = allowed_origins
        self._open: set[ChatSocket] = set()
        self._all_gone = asyncio.Event()

    def accept(self, handshake: Handshake) -> "ChatSocket":
        """Return the session of a new socket, or raise why there is none."""
        if handshake.path != PATH:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "there is no such socket")
        token = authenticate(handshake, self._verifier, self._allowed_origins)
        room_id = handshake.query.get("roomId")
        room = room_conversation_id(parse_room_id(room_id, "roomId")) if room_id else None
        return ChatSocket(self, token, room, simple=not handshake.wants_protocol)

    async def close_all(self) -> None:
        """Tell every client to connect again, elsewhere; return when all are gone."""
        for socket in tuple(self._open):
            socket.close(CloseCode.SERVICE_RESTART, "this instance stops; connect again")
        self._all_gone.clear()
        try:
            async with asyncio.timeout(_CLOSING_S):
                while self._open:
                    await self._all_gone.wait()
        except TimeoutError:
            log.warning("sockets_left_open", sockets=len(self._open))

    def opened(self, socket: "ChatSocket") -> None:
        """Count a socket that has opened."""
        self._open.add(socket)

    def gone(self, socket: "ChatSocket") -> None:
        """Forget a socket."""
        self._open.discard(socket)
        if not self._open:
            self._all_gone.set()


class ChatSocket:
    """A session of `sockets.server_picows` and an outlet of the hub."""

    __slots__ = (
        "_appeared_early",
        "_expiry",
        "_inbox",
        "_opened",
        "_resumed",
        "_room",
        "_socket",
        "_sockets",
        "_subscriptions",
        "_token",
        "_work",
        "simple",
        "user_id",
    )

    def __init__(
        self,
        sockets: ChatSockets,
        token: AccessToken,
        room: ConversationId | None,
        *,
        simple: bool,
    ) -> None:
        self.user_id = token.user_id
        self.simple = simple
        self._sockets = sockets
        self._token = token
        self._room = room
        self._socket: Socket | None = None
        self._subscriptions: dict[ConversationId, Subscription] = {}
        self._resumed = False
        self._appeared_early: dict[ConversationId, int] = {}
        self._opened = False
        self._inbox: deque[bytes] = deque()
        self._work: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None

    # The session: what the client does

    def connected(self, socket: Socket) -> None:
        """Open: find out what there is to follow."""
        self._socket = socket
        self._sockets.opened(self)
        self._expiry = asyncio.get_running_loop().call_later(
            max(0.0, self._token.expires_at - time.time()),
            self.close,
            CloseCode.TOKEN_EXPIRED,
            "the access token has expired",
        )
        self._work = self._start(self._open_and_answer())

    def received(self, text: bytes) -> None:
        """Queue a message behind those before it; one task answers them in order."""
        if len(self._inbox) >= MAX_INBOX:
            self.close(CloseCode.TOO_MANY_MESSAGES, "too many messages wait for an answer")
            return
        self._inbox.append(text)
        if self._opened and self._work is None:
            self._work = self._start(self._answer_inbox())

    def disconnected(self) -> None:
        """Let go of everything."""
        self._socket = None
        self._sockets.gone(self)
        if self._expiry is not None:
            self._expiry.cancel()
        if self._work is not None:
            self._work.cancel()
        self._sockets.hub.unwatch(self)
        for subscription in tuple(self._subscriptions.values()):
            self._unfollow(subscription)
        self._inbox.clear()

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the socket, saying why."""
        if self._socket is not None:
            self._socket.close(code, reason)

    # The outlet: what happens

    def write(self, frames: bytes) -> None:
        """Pass frames on."""
        if self._socket is not None:
            self._socket.write(frames)

    async def drained(self) -> None:
        """Wait for a slow reader."""
        if self._socket is not None:
            await self._socket.drained()

    def appeared(self, conversation_id: ConversationId, seq: int) -> None:
        """Follow a conversation that is new to the user."""
        if conversation_id in self._subscriptions:
            return
        if self._resumed:
            self._start(self._follow_new(conversation_id, seq))
        elif len(self._appeared_early) < MAX_RESUMED:
            self._appeared_early[conversation_id] = seq

    def removed(self, conversation_id: ConversationId) -> None:
        """Stop following; on a room's own socket there is nothing left to do."""
        subscription = self._subscriptions.pop(conversation_id, None)
        if subscription is not None:
            self._sockets.live_rooms.left(conversation_id, self.user_id)
        if conversation_id == self._room:
            self.close(CloseCode.REMOVED, "you are no longer a member of this room")

    # Opening

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._sockets.tasks.create_task(self._guard(work))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a failure end this socket, not the service."""
        try:
            await work
        except StorageUnavailableError:
            self.close(CloseCode.TRY_AGAIN_LATER, "storage is not available; connect again")
        except Exception:
            log.exception("socket_failed")
            self.close(CloseCode.INTERNAL_ERROR, "something went wrong on our side")

    async def _open_and_answer(self) -> None:
        if self._room is not None:
            await self._follow([self._room])
            if not await self._is_member(self._room):
                self._refuse_room()
                return
        else:
            await self._follow_all()
        self._send_event(self._ready())
        if self.simple:
            await self._go_live({})
        self._opened = True
        await self._answer_inbox()

    async def _follow_all(self) -> None:
        await self._sockets.hub.watch(self)
        store = self._sockets.actions.store
        known = [each.conversation_id for each in await store.memberships(self.user_id)]
        await self._follow(known)
        # Read again: a removal between the first read and the attachment is not delivered.
        still = {each.conversation_id for each in await store.memberships(self.user_id)}
        for subscription in tuple(self._subscriptions.values()):
            if subscription.conversation_id not in still:
                self._unfollow(subscription)

    async def _follow(self, conversation_ids: list[ConversationId]) -> list[Subscription]:
        """Subscribe to those not followed yet, to be started by the caller."""
        followed: list[Subscription] = []
        for subscription in await self._sockets.hub.attach(self, conversation_ids):
            if self._socket is None or subscription.conversation_id in self._subscriptions:
                self._sockets.hub.detach(subscription)
                continue
            followed.append(subscription)
            self._subscriptions[subscription.conversation_id] = subscription
            self._sockets.live_rooms.entered(subscription.conversation_id, self.user_id)
        return followed

    def _unfollow(self, subscription: Subscription) -> None:
        self._subscriptions.pop(subscription.conversation_id, None)
        self._sockets.hub.detach(subscription)
        self._sockets.live_rooms.left(subscription.conversation_id, self.user_id)

    async def _follow_new(self, conversation_id: ConversationId, seq: int) -> None:
        """Follow from the entry with which the user came in."""
        for subscription in await self._follow([conversation_id]):
            if await self._is_member(conversation_id):
                await self._sockets.hub.start(subscription, seq - 1)
            else:
                self._unfollow(subscription)

    async def _is_member(self, conversation_id: ConversationId) -> bool:
        membership = await self._sockets.actions.store.membership(self.user_id, conversation_id)
        return membership is not None

    def _refuse_room(self) -> None:
        self._send_error(
            ChatterRoomError(
                ErrorCode.ROOM_NOT_FOUND, "there is no such room, or you are not in it"
            )
        )
        self.close(CloseCode.NOT_FOUND, "there is no such room, or you are not in it")

    def _ready(self) -> dict[str, Any]:
        heads = [
            {"conversation_id": subscription.conversation_id, "seq": subscription.cursor}
            for subscription in self._subscriptions.values()
        ]
        return {
            "type": "ready",
            "user_id": self.user_id,
            "session_id": self._token.session_id,
            "conversations": heads,
        }

    # Answering

    async def _answer_inbox(self) -> None:
        while self._inbox:
            text = self._inbox.popleft()
            try:
                await (self._answer_text(text) if self.simple else self._answer_command(text))
            except ChatterRoomError as error:
                self._send_error(error, None if self.simple else reference_of(text))
            except StorageUnavailableError:
                self._send_error(
                    _storage_unavailable(), None if self.simple else reference_of(text)
                )
        self._work = None

    async def _answer_text(self, text: bytes) -> None:
        if self._room is None:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                "name a room in the URL (roomId), or speak the subprotocol chatterroom.v1",
            )
        answer = self._sockets.actions.send_room_message(
            RoomId(self._room), self.user_id, text.decode(), None
        )
        answer.add_done_callback(self._report_failure)

    async def _answer_command(self, text: bytes) -> None:
        match parse_command(text):
            case Send() as send:
                answer = await self._submit(send)
                answer.add_done_callback(lambda done: self._acknowledge(done, send))
            case Resume(ref, conversations):
                await self._resume(ref, conversations)
            case Ping(ref):
                self._send_event({"type": "pong", "ref": ref})

    async def _submit(self, send: Send) -> asyncio.Future[Appended]:
        client_id = parse_client_id(send.client_id) if send.client_id is not None else None
        actions = self._sockets.actions
        if send.receiver_id is not None:
            receiver_id = parse_user_id(send.receiver_id, "receiver_id")
            return await actions.send_private_message(
                self.user_id, receiver_id, send.message, client_id
            )
        room_id = send.room_id or self._room
        if room_id is None:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "room_id or receiver_id is missing", field="room_id"
            )
        return actions.send_room_message(
            parse_room_id(room_id), self.user_id, send.message, client_id
        )

    def _acknowledge(self, done: asyncio.Future[Appended], send: Send) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            self._send_error(_known(error), send.ref, send.client_id)
            return
        entry = done.result().entry
        self._send_event(
            {
                "type": "ack",
                "ref": send.ref,
                "client_id": entry.client_id,
                "id": message_id(entry.conversation_id, entry.seq),
                "conversation_id": entry.conversation_id,
                "seq": entry.seq,
                "message_index": entry.message_index,
                "created_at": format_time(entry.created_at),
                "duplicate": done.result().duplicate,
            }
        )

    def _report_failure(self, done: asyncio.Future[Appended]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._send_error(_known(error))

    async def _resume(self, ref: str | None, conversations: dict[str, int]) -> None:
        if self._resumed:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "this socket has resumed already; connect again"
            )
        unknown = [id_ for id_ in conversations if ConversationId(id_) not in self._subscriptions]
        after = {ConversationId(id_): seq for id_, seq in conversations.items()}
        await self._go_live(after)
        heads = {
            subscription.conversation_id: max(
                subscription.cursor, after.get(subscription.conversation_id, 0)
            )
            for subscription in self._subscriptions.values()
        }
        self._send_event(
            {"type": "resumed", "ref": ref, "conversations": heads, "unknown": unknown}
        )

    async def _go_live(self, after: dict[ConversationId, int]) -> None:
        """Bring all subscriptions up to date, a few at a time."""
        self._resumed = True
        gate = asyncio.Semaphore(_RESUMED_AT_ONCE)

        async def start(subscription: Subscription) -> None:
            async with gate:
                await self._sockets.hub.start(subscription, after.get(subscription.conversation_id))

        await _all([start(each) for each in tuple(self._subscriptions.values())])
        early, self._appeared_early = self._appeared_early, {}
        for conversation_id, seq in early.items():
            self.appeared(conversation_id, seq)

    def _send_event(self, event: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(msgspec.json.encode(event))

    def _send_error(
        self, error: ChatterRoomError, ref: str | None = None, client_id: str | None = None
    ) -> None:
        self._send_event(
            {
                "type": "error",
                "ref": ref,
                "client_id": client_id,
                "code": error.code.value,
                "detail": error.message,
                **error.data,
            }
        )


async def _all(works: list[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; raise the first failure."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _known(error: BaseException) -> ChatterRoomError:
    if isinstance(error, ChatterRoomError):
        return error
    log.error("send_failed", exc_info=error)
    return ChatterRoomError(ErrorCode.INTERNAL, "something went wrong on our side")


def _storage_unavailable() -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.STORAGE_UNAVAILABLE, "storage is not available", retry_after_s=1.0
    )
