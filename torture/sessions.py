"""Two ways to follow one user's conversations: the client library's, and one of bare frames.

The first is what people use; it repairs and hides what goes wrong on the way. The second repairs
nothing: a hole, a repetition or an incomplete resume on the wire ends up in its history.
"""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Collection, Sequence
from typing import Any, Protocol

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from chatterroom.client import ApiError, ClientError, Entry, Message
from chatterroom.client import Session as LibrarySession
from chatterroom.client.session import SessionState
from torture.events import change_of
from torture.people import Person
from torture.records import Recorder, Recv, Resume, Session, View
from torture.sending import PASSING, Draft, send_until_answered

__all__ = ["BareFollower", "Follower", "LibraryFollower"]

_RETRY_S = (0.05, 0.4)
_ANSWER_S = 8.0
_LONGEST_DELAY_S = 1.0

_LOST = {"type": "error", "code": "service_unavailable"}

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Follower(Protocol):
    """Keeps a user connected, and sends."""

    reconnects: int
    cursors: dict[str, int]
    """The last seq shown of each conversation."""

    async def run(self) -> None:
        """Follow until cancelled."""

    async def send(self, drafts: Sequence[Draft]) -> list[int | None]:
        """Send, none waiting for another; return when each is answered, with the seqs.

        None stands for what was refused.
        """

    async def remove_member(self, room_id: str, user_id: str, client_id: str) -> int:
        """Remove somebody from a room one owns; return the seq. Raises `ClientError`."""

    async def drop(self, for_s: float) -> None:
        """Lose the connection, and come back after a while where the user left off."""


class LibraryFollower:
    """A user of `chatterroom.client`.

    With `only`, what happens in other conversations is not taken down.
    """

    def __init__(
        self,
        person: Person,
        recorder: Recorder,
        *,
        only: Collection[str] | None = None,
        answer_s: float = _ANSWER_S,
    ) -> None:
        self.reconnects = -1
        self._only = only
        self._answer_s = answer_s
        self._person = person
        self._recorder = recorder
        self.cursors: dict[str, int] = {}
        self._session: LibrarySession | None = None
        self._open = asyncio.Event()
        self._away_s = 0.0

    async def run(self) -> None:
        """Follow from the beginning of each conversation on; after `drop`, from the cursors on."""
        self._recorder.write(Session, event="start", user=self._person.user_id)
        while True:
            session = self._person.client.session(
                cursors=self.cursors, on_state=self._changed, longest_delay_s=_LONGEST_DELAY_S
            )
            with contextlib.suppress(ClientError):
                async with session:
                    self._session = session
                    self._open.set()
                    await self._watch(session)
            self._open.clear()
            await asyncio.sleep(self._away_s or random.uniform(*_RETRY_S))
            self._away_s = 0.0

    async def send(self, drafts: Sequence[Draft]) -> list[int | None]:
        """Send through the session, which repeats by itself."""
        return await asyncio.gather(
            *(send_until_answered(draft, self._recorder, self.attempt) for draft in drafts)
        )

    async def remove_member(self, room_id: str, user_id: str, client_id: str) -> int:
        """Remove by a command that the session repeats by itself."""
        await self._open.wait()
        assert self._session is not None  # noqa: S101 -- it is open
        changed = await self._session.remove_member(
            room_id, user_id, client_id=client_id, timeout_s=self._answer_s
        )
        return changed.seq

    async def drop(self, for_s: float) -> None:
        """Close the session; another goes on behind the last event."""
        self._away_s = for_s
        if self._session is not None:
            await self._session.close()

    async def attempt(self, draft: Draft) -> tuple[str, int]:
        """Ask for it once, for which the library may need several times; return id and seq."""
        await self._open.wait()
        assert self._session is not None  # noqa: S101 -- it is open
        if draft.action != "message":
            type_, fields = draft.command()
            reply = await self._session.command(
                type_, repeatable=True, timeout_s=self._answer_s, **fields
            )
            return reply.fields["id"], reply.fields["seq"]
        target = draft.target
        ack = await self._session.send(
            draft.message,
            room_id=target.room_id,
            receiver_id=target.receiver_id,
            client_id=draft.client_id,
            timeout_s=self._answer_s,
        )
        return ack.id, ack.seq

    async def _watch(self, session: LibrarySession) -> None:
        async for event in session:
            if not isinstance(event, Entry):
                continue
            self.cursors = session.cursors
            if self._only is not None and event.conversation_id not in self._only:
                continue
            self._recorder.write(
                View,
                user=self._person.user_id,
                conversation=event.conversation_id,
                seq=event.seq,
                id=event.id,
                client_id=event.client_id or "",
                message=event.message if isinstance(event, Message) else None,
                **change_of(msgspec.structs.asdict(event), event.__struct_config__.tag),
            )

    def _changed(self, state: SessionState) -> None:
        if state is SessionState.LIVE:
            self.reconnects += 1


class BareFollower:
    """A user who speaks `chatterroom.v1`, believes every frame, and keeps only cursors."""

    def __init__(
        self, url: str, person: Person, recorder: Recorder, *, only: Collection[str] | None = None
    ) -> None:
        self._only = only
        self.reconnects = -1
        self._url = f"ws{url.removeprefix('http')}/ws/chat?userId={person.user_id}"
        self._person = person
        self._recorder = recorder
        self.cursors: dict[str, int] = {}
        self._resumed_after: dict[str, int] = {}
        self._connection: ClientConnection | None = None
        self._live = asyncio.Event()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._away_s = 0.0
        self._bursts = itertools.count(1)

    async def run(self) -> None:
        """Follow from the first entry of each conversation on."""
        self._recorder.write(Session, event="start", user=self._person.user_id)
        while True:
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                await self._connect()
            await asyncio.sleep(self._away_s or random.uniform(*_RETRY_S))
            self._away_s = 0.0

    async def send(self, drafts: Sequence[Draft]) -> list[int | None]:
        """Send in order over one connection where it lasts; repeat what gets no answer."""
        line = f"{self._recorder.client} {self.reconnects} {next(self._bursts)}"
        return await asyncio.gather(*(self._send(draft, line) for draft in drafts))

    async def remove_member(self, room_id: str, user_id: str, client_id: str) -> int:
        """Remove by one command."""
        await self._live.wait()
        fields = {"room_id": room_id, "user_id": user_id, "client_id": client_id}
        event = await self._ask({"type": "remove_member", "ref": client_id, **fields})
        if event["type"] == "error":
            raise ApiError(event["code"], event.get("detail", ""))
        return int(event["seq"])

    async def drop(self, for_s: float) -> None:
        """Cut the connection without a word."""
        self._away_s = for_s
        if self._connection is not None:
            self._connection.transport.abort()

    async def _connect(self) -> None:
        tokens = self._person.client.tokens
        try:
            connection = await websockets.connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {tokens.token if tokens else ''}"},
                subprotocols=[Subprotocol("chatterroom.v1")],
                compression=None,
                proxy=None,
                open_timeout=5,
                close_timeout=0.5,
                ping_interval=3,
                ping_timeout=5,
                max_queue=None,
            )
        except websockets.InvalidStatus as refused:
            if refused.response.status_code == 401:
                await self._renew()
            raise
        async with connection:
            self._connection = connection
            try:
                async for text in connection:
                    await self._receive(connection, _decode(text))
            finally:
                self._lost()

    async def _receive(self, connection: ClientConnection, event: dict[str, Any]) -> None:
        match event["type"]:
            case "ready":
                ids = [each["conversation_id"] for each in event["conversations"]]
                wanted = [id_ for id_ in ids if self._only is None or id_ in self._only]
                after = {id_: self.cursors.get(id_, 0) for id_ in wanted}
                self._resumed_after = after
                await connection.send(_encode({"type": "resume", "conversations": after}).decode())
            case "resumed":
                self._resumed(event["conversations"])
            case "ack" | "error":
                answer = self._answers.get(event.get("ref") or "")
                if answer is not None and not answer.done():
                    answer.set_result(event)
            case _ if "seq" in event and "conversation_id" in event:
                self._take(event)

    def _resumed(self, heads: dict[str, int]) -> None:
        for conversation, head in heads.items():
            after = self._resumed_after.get(conversation)
            if after is not None:
                self._recorder.write(
                    Resume,
                    user=self._person.user_id,
                    conversation=conversation,
                    after=after,
                    head=head,
                )
        self.reconnects += 1
        self._live.set()

    def _take(self, event: dict[str, Any]) -> None:
        conversation, seq = event["conversation_id"], event["seq"]
        what = {
            "user": self._person.user_id,
            "conversation": conversation,
            "seq": seq,
            "id": event["id"],
            "client_id": event["client_id"],
            "message": event.get("message") if event["type"] == "message" else None,
            **change_of(event, event["type"]),
        }
        self._recorder.write(Recv, **what)
        if seq > self.cursors.get(conversation, 0):
            self.cursors[conversation] = seq
            self._recorder.write(View, **what)

    def _lost(self) -> None:
        self._live.clear()
        self._connection = None
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            if not answer.done():
                answer.set_result(_LOST)

    async def _send(self, draft: Draft, line: str) -> int | None:
        type_, fields = draft.command()
        while True:
            await self._live.wait()
            draft.write(self._recorder, "invoke", line=line)
            event = await self._ask({"type": type_, "ref": draft.client_id, **fields})
            if event["type"] == "ack":
                draft.write(self._recorder, "ok", id=event["id"], seq=event["seq"])
                return int(event["seq"])
            if event["code"] not in PASSING:
                draft.write(self._recorder, "fail")
                return None
            draft.write(self._recorder, "info")
            line = ""
            await asyncio.sleep(random.uniform(*_RETRY_S))

    async def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Return the `ack` or `error` that answers; without one, an error that says nothing."""
        connection, ref = self._connection, command["ref"]
        if connection is None:
            return _LOST
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[ref] = answer
        try:
            await connection.send(_encode(command).decode())
            return await asyncio.wait_for(answer, _ANSWER_S)
        except (OSError, TimeoutError, websockets.WebSocketException):
            connection.transport.abort()  # half open, perhaps
            return _LOST
        finally:
            self._answers.pop(ref, None)

    async def _renew(self) -> None:
        """Make a call, for which the library renews the tokens."""
        with contextlib.suppress(ClientError):
            await self._person.client.profile()
