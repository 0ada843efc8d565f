"""One `/ws/chat` socket: a room's, or everything of one user; simple mode or `chatterroom.v1`.

Events reach a simple socket from the moment it opens. A `chatterroom.v1` socket says `resume`
first, so that what it missed comes before what happens, and nothing comes twice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import structlog

from chatterroom.auth.tokens import AccessToken
from chatterroom.background import isolated, report
from chatterroom.chat.actions import Actions
from chatterroom.chat.carry_out import carry_out
from chatterroom.chat.commands import (
    Mark,
    Ping,
    Resume,
    Send,
    Typing,
    WatchPresence,
    parse_command,
    reference_of,
)
from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.following import Following
from chatterroom.chat.leases_redis import Leases, online
from chatterroom.chat.log import Appended
from chatterroom.chat.memberships import Membership
from chatterroom.chat.requests import Invited
from chatterroom.chat.unread import position_of
from chatterroom.core.errors import (
    ChatterRoomError,
    ErrorCode,
    StorageUnavailableError,
    internal_error,
)
from chatterroom.core.ids import (
    ConversationId,
    RoomId,
    UserId,
    message_id,
    parse_client_id,
    parse_conversation_id,
    parse_message_id,
    parse_room_id,
    parse_user_id,
    room_conversation_id,
)
from chatterroom.core.slices import slices
from chatterroom.core.times import format_time
from chatterroom.sockets.frames import CloseCode
from chatterroom.sockets.server_picows import Socket

__all__ = ["ChatSocket"]

log = structlog.get_logger()


# Conversations in one `ready` or `conversations`.
READY_PAGE = 500
_MAX_DETAIL_CHARACTERS = 500

_NO_ROOM = ChatterRoomError(
    ErrorCode.ROOM_NOT_FOUND, "There is no such room, or you are not in it."
)


class _HalfResumedError(Exception):
    """Some conversations are live and others are not: only another connection puts that right."""


class ChatSocket:
    """A session of `sockets.server_picows`, an outlet of the hub and a watcher of presence."""

    __slots__ = (
        "_actions",
        "_closing",
        "_following",
        "_gone",
        "_inbox",
        "_leases",
        "_opened",
        "_room",
        "_socket",
        "_tasks",
        "_token",
        "_work",
        "session_id",
        "simple",
        "user_id",
    )

    def __init__(
        self,
        actions: Actions,
        leases: Leases,
        tasks: asyncio.TaskGroup,
        *,
        token: AccessToken,
        room: ConversationId | None,
        simple: bool,
        gone: Callable[["ChatSocket"], None],
    ) -> None:
        self.user_id = token.user_id
        self.session_id = token.session_id
        self.simple = simple
        self._actions = actions
        self._leases = leases
        self._tasks = tasks
        self._token = token
        self._room = room
        self._gone = gone
        self._socket: Socket | None = None
        self._following = Following(self, actions.hub, actions.store, leases)
        self._opened = False
        self._closing: tuple[CloseCode, str] | None = None
        # An empty deque takes as much memory as everything else here.
        self._inbox: deque[bytes] | None = None
        self._work: asyncio.Task[None] | None = None

    # The session: what the client does

    def connected(self, socket: Socket) -> None:
        """Open: find out what there is to follow."""
        self._socket = socket
        self._leases.take(online(self.user_id), self.user_id)
        socket.expire_at(self._token.expires_at)
        if self._closing is not None:
            self.close(*self._closing)
            return
        self._work = self._start(self._open())

    def received(self, text: bytes) -> None:
        """Queue a message behind those before it; one task answers them in order."""
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(text)
        if self._socket is not None:
            self._socket.hold(text)
        if self._opened and self._work is None:
            self._work = self._start(self._answer_inbox())

    def disconnected(self) -> None:
        """Let go of everything."""
        if self._socket is not None:
            self._leases.give_up(online(self.user_id), self.user_id)
        self._socket = None
        if self._work is not None:
            self._work.cancel()
        self._let_go()
        self._actions.presence.unwatch(self)
        self._inbox = None
        self._gone(self)

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the socket, saying why; one that is not open yet as soon as it is."""
        if self._socket is not None:
            self._socket.close(code, reason)
        else:
            self._closing = (code, reason)

    def failed(self) -> None:
        """Close: something was not delivered, and the client has to resume."""
        self.close(CloseCode.INTERNAL_ERROR, "Something went wrong on our side.")

    # The outlet and the watcher: what happens

    def write(self, frames: bytes) -> None:
        """Pass frames on."""
        if self._socket is not None:
            self._socket.write(frames)

    def write_ephemeral(self, frame: bytes) -> None:
        """Pass a frame on, unless the reader is slow."""
        if self._socket is not None:
            self._socket.write_ephemeral(frame)

    async def drained(self, resumed_bytes: int) -> None:
        """Wait for a slow reader, and for one whose user resumes more than others let them."""
        if resumed_bytes:
            await self._actions.quotas.pace_resume(self.user_id, resumed_bytes)
        if self._socket is not None:
            await self._socket.drained()

    def _let_go(self) -> None:
        if self._following.end():
            self._start(self._let_go_of_the_rest())

    async def _let_go_of_the_rest(self) -> None:
        more = True
        while more:
            async with self._following.turn():
                more = self._following.give_up_some()

    def appeared(self, conversation_id: ConversationId, seq: int) -> None:
        """Follow a conversation that is new to the user."""
        if self._following.is_new(conversation_id, seq):
            self._start(self._following.join(conversation_id, seq))

    def removed(self, conversation_id: ConversationId) -> None:
        """Stop following; on a room's own socket there is nothing left to do."""
        self._following.removed(conversation_id)
        if conversation_id == self._room:
            self.close(CloseCode.REMOVED, "You are no longer a member of this room.")

    def saw(self, changes: dict[UserId, bool]) -> None:
        """Tell who came online or went offline."""
        self._send_event({"type": "presence", "users": _shown(changes)})

    # Opening

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(self._guard(work))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a failure end this socket, not the service."""
        with isolated("socket"):
            try:
                await work
            except (StorageUnavailableError, _HalfResumedError):
                self.close(CloseCode.TRY_AGAIN_LATER, "Storage is not available. Reconnect.")
            except Exception:
                log.exception("socket_failed")
                self.failed()

    async def _open(self) -> None:
        if self._room is None:
            memberships = await self._following.open_all()
            self._actions.quotas.charge_opening(self.user_id, len(memberships))
        else:
            membership = await self._following.open_room(self._room)
            if membership is None:
                self._send_error(_NO_ROOM)
                self.close(CloseCode.NOT_FOUND, _NO_ROOM.message)
                return
            memberships = [membership]
        await self._say_ready(memberships)
        if self.simple:
            await self._following.go_live({})
        self._opened = True
        await self._answer_inbox()

    async def _say_ready(self, memberships: list[Membership]) -> None:
        """Say what is followed: `ready`, and where that is much, `conversations` with the rest."""
        heads = self._following.heads()
        pending = self._actions.marks.pending
        pages = list(slices(memberships, READY_PAGE)) or [[]]
        for number, page in enumerate(pages, start=1):
            if number > 1:
                await self.drained(0)
            async with self._following.turn():
                event: dict[str, Any] = {
                    "conversations": [
                        {
                            "conversation_id": each.conversation_id,
                            "seq": heads[each.conversation_id],
                            "joined_seq": each.joined_seq,
                            "read_index": position.read_index,
                            "delivered_index": position.delivered_index,
                        }
                        for each in page
                        if each.conversation_id in heads
                        for position in (
                            position_of(each, pending(self.user_id, each.conversation_id), 0),
                        )
                    ]
                }
                if len(pages) > 1:
                    event["has_more"] = number < len(pages)
                if number > 1:
                    self._send_event({"type": "conversations", **event})
                else:
                    self._send_event({"type": "ready", **self._own(), **event})

    def _own(self) -> dict[str, Any]:
        return {
            "user_id": self.user_id,
            "session_id": self._token.session_id,
            "blocked": self._actions.blocks.of(self.user_id),
        }

    # Answering

    async def _answer_inbox(self) -> None:
        while self._inbox:
            text = self._inbox.popleft()
            if self._socket is not None:
                self._socket.release(text)
            try:
                await (self._answer_text(text) if self.simple else self._answer_command(text))
            except _HalfResumedError:
                raise
            except Exception as error:  # noqa: BLE001 -- what is no rule is reported by _known
                self._send_error(_known(error), None if self.simple else reference_of(text))
        self._inbox = None
        self._work = None

    async def _answer_text(self, text: bytes) -> None:
        if self._room is None:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                "name a room in the URL (roomId), or speak the subprotocol chatterroom.v1",
            )
        answer = await self._actions.send_room_message(
            RoomId(self._room), self.user_id, text.decode(), None
        )
        answer.add_done_callback(self._report_failure)

    async def _answer_command(self, text: bytes) -> None:
        command = parse_command(text)
        match command:
            case Send():
                answer = await self._submit(command)
                answer.add_done_callback(lambda done: self._acknowledge(done, command))
            case Resume():
                await self._resume(command)
            case Mark():
                await self._mark(command)
            case Typing():
                await self._tell_typing(parse_conversation_id(command.conversation_id))
            case WatchPresence():
                users = [parse_user_id(user_id, "user_ids") for user_id in command.user_ids]
                present = await self._actions.watch_presence(self, users)
                event = {"type": "presence", "ref": command.ref, "users": _shown(present)}
                self._send_event(event)
            case Ping():
                self._send_event({"type": "pong", "ref": command.ref})
            case _:
                done = await carry_out(self._actions, self.user_id, command)
                # What adds several users is stored under ids of its parts.
                client_id = command.client_id
                if isinstance(done, Invited):
                    self._send_invited(done, command.ref, client_id)
                else:
                    self._send_ack(done, command.ref, client_id)

    async def _submit(self, send: Send) -> asyncio.Future[Appended]:
        client_id = parse_client_id(send.client_id) if send.client_id is not None else None
        reply_to = parse_message_id(send.reply_to, "reply_to") if send.reply_to else None
        if send.receiver_id is not None:
            receiver_id = parse_user_id(send.receiver_id, "receiver_id")
            return await self._actions.send_private_message(
                self.user_id, receiver_id, send.message, client_id, reply_to
            )
        room_id = send.room_id or self._room
        if room_id is None:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "room_id or receiver_id is missing.", field="room_id"
            )
        return await self._actions.send_room_message(
            parse_room_id(room_id), self.user_id, send.message, client_id, reply_to
        )

    def _acknowledge(self, done: asyncio.Future[Appended], send: Send) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._send_ack(done.result(), send.ref)
        else:
            self._send_error(_known(error), send.ref, send.client_id)

    async def _resume(self, resume: Resume) -> None:
        if self._following.is_live:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, "This socket has already resumed. Reconnect."
            )
        after = {ConversationId(id_): seq for id_, seq in resume.conversations.items()}
        unknown = [id_ for id_ in after if id_ not in self._following]
        try:
            await self._following.go_live(after)
        except Exception as error:
            report("resume", error)
            # No answer like others: a client that took it for one would go on, and miss something.
            raise _HalfResumedError from error
        event: dict[str, Any] = {"type": "resumed", "ref": resume.ref, "unknown": unknown}
        heads = self._following.heads()
        if len(heads) > READY_PAGE:
            # What was named is bounded by the command; the others are where `ready` has said.
            heads = {id_: heads[id_] for id_ in after if id_ in heads}
            event["has_more"] = True
        self._send_event({**event, "conversations": heads})

    async def _mark(self, mark: Mark) -> None:
        conversation_id = parse_conversation_id(mark.conversation_id)
        # A client that only names what was delivered may fill in zero.
        has_read = mark.read is not None and (mark.read > 0 or mark.delivered == 0)
        read, delivered, unread = await self._actions.mark(
            self.user_id,
            conversation_id,
            read=mark.read if has_read else None,
            delivered=mark.delivered,
        )
        self._send_event(
            {
                "type": "marked",
                "ref": mark.ref,
                "conversation_id": conversation_id,
                "read_index": read,
                "delivered_index": delivered,
                "unread": unread,
            }
        )

    async def _tell_typing(self, conversation_id: ConversationId) -> None:
        if conversation_id not in self._following:
            raise ChatterRoomError(
                ErrorCode.CONVERSATION_NOT_FOUND,
                "There is no such conversation, or you are not in it.",
                conversation_id=conversation_id,
            )
        try:
            await self._actions.set_typing(self.user_id, conversation_id, is_member=True)
        except ChatterRoomError as error:
            # Clients repeat it while somebody goes on writing; more often tells nothing more.
            if error.code is not ErrorCode.RATE_LIMITED:
                raise

    def _report_failure(self, done: asyncio.Future[Appended]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._send_error(_known(error))

    def _send_ack(self, appended: Appended, ref: str | None, client_id: str | None = None) -> None:
        entry = appended.entry
        ack: dict[str, Any] = {
            "type": "ack",
            "ref": ref,
            "client_id": client_id or entry.client_id,
            "id": message_id(entry.conversation_id, entry.seq),
            "conversation_id": entry.conversation_id,
            "seq": entry.seq,
            "created_at": format_time(entry.created_at),
            "duplicate": appended.duplicate,
        }
        if isinstance(entry, MessagePosted):
            ack["message_index"] = entry.message_index
        self._send_event(ack)

    def _send_invited(
        self, invited: Invited, ref: str | None, client_id: str | None = None
    ) -> None:
        conversation_id = room_conversation_id(invited.room_id)
        self._send_event(
            {
                "type": "ack",
                "ref": ref,
                "client_id": client_id or invited.client_id,
                "id": message_id(conversation_id, invited.seq),
                "conversation_id": conversation_id,
                "seq": invited.seq,
                "created_at": format_time(invited.invited_at),
                "duplicate": False,
                "invited": True,
            }
        )

    def _send_event(self, event: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(msgspec.json.encode(event))

    def _send_error(
        self, error: ChatterRoomError, ref: str | None = None, client_id: str | None = None
    ) -> None:
        event: dict[str, Any] = {
            "type": "error",
            "ref": ref,
            "client_id": client_id,
            "code": error.code.value,
            "detail": error.message[:_MAX_DETAIL_CHARACTERS],
            **error.data,
        }
        if error.retry_after_s is not None:
            event["retry_after_s"] = error.retry_after_s
        self._send_event(event)


def _shown(presence: dict[UserId, bool]) -> list[dict[str, Any]]:
    return [{"user_id": user_id, "online": online_} for user_id, online_ in presence.items()]


def _known(error: BaseException) -> ChatterRoomError:
    if isinstance(error, ChatterRoomError):
        return error
    log.error("send_failed", exc_info=error)
    return internal_error()
