"""The sockets of this instance and the conversations they follow.

A conversation with local followers has a feed. Entries reach it from this instance's commits and,
over the fan-out, from other instances'; both are hints. What they miss is read from the store: at
once where a later entry shows a hole, else when the sweep compares the feeds with the store.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Protocol

import msgspec
import structlog

from chatterroom.background import each_apart, isolated, keep_running, report
from chatterroom.chat.entries import Entry
from chatterroom.chat.feed import (
    Early,
    EarlyTotal,
    KeptTails,
    Published,
    Release,
    Tail,
    publish,
)
from chatterroom.chat.gathering import GatheredReads
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.chat.turns import Turns
from chatterroom.core import times
from chatterroom.core.errors import StorageUnavailableError
from chatterroom.core.ids import ConversationId, UserId, new_id
from chatterroom.sockets.frames import text_frame

__all__ = ["Fanout", "Hub", "Moment", "Outlet", "Subscription"]

log = structlog.get_logger()

PAGE = 500
# A resume sends pieces of this size, and waits in between for its reader.
PIECE_BYTES = 512 * 1024
READS_AT_ONCE = 8
# What has come before its turn, of all conversations.
MAX_EARLY_BYTES = 16 * 1024 * 1024
# A longer hint is not sent: the other instances are notified that there is something to read.
MAX_HINT_BYTES = 64 * 1024
SWEEP_S = 1.0
BUSY_SWEEP_S = 4.0
FEEDS_PER_SWEEP = 500
# How far back the sweep looks for conversations that have appeared. More than one interval, so
# that clocks and slow transactions leave no gap; those already known cost nothing.
APPEARED_WITHIN = timedelta(seconds=30)
# All of them, unless more people than this come into conversations in that time.
APPEARED_AT_MOST = 10_000
# Where many come back at once, the sweep does not read again what has just been read for them.
READ_WITHIN_S = 5.0


class _Hint(msgspec.Struct, frozen=True, array_like=True):
    """What instances send each other about a conversation: entries, or an ephemeral event."""

    entries: list[Published] = []
    ephemeral: bytes = b""
    skip: UserId | None = None
    unread: int = 0
    """The seq of an entry that is too long for a hint."""
    origin: str = ""
    """The hub that has published it. Last, so that the end of the bytes says whose it is."""


class _OfUser(msgspec.Struct, frozen=True, array_like=True):
    """What instances send each other about a user: a conversation that has appeared, or a frame
    for their session sockets."""

    appeared: tuple[ConversationId, int] | None
    frame: bytes
    origin: str
    """The last field, as in `_Hint`."""


_CONVERSATION = "chatterroom:conversation:"
_USER = "chatterroom:user:"

_decode_hint = msgspec.msgpack.Decoder(_Hint).decode
_decode_of_user = msgspec.msgpack.Decoder(_OfUser).decode


class Outlet(Protocol):
    """A socket as the hub sees it. Nothing here may block."""

    user_id: UserId

    def write(self, frames: bytes) -> None:
        """Send complete frames."""

    def write_ephemeral(self, frame: bytes) -> None:
        """Send a frame that may be left out where the reader is slow."""

    def drained(self, resumed_bytes: int) -> Awaitable[None]:
        """Wait until the reader has caught up with most of what was written.

        `resumed_bytes` is what a resume has written to it since the last call.
        """

    def appeared(self, conversation_id: ConversationId, seq: int) -> None:
        """Hear, perhaps repeatedly, that the user takes part in a conversation since `seq`."""

    def removed(self, conversation_id: ConversationId) -> None:
        """Hear that the user's membership has ended; the subscription has, too."""

    def failed(self) -> None:
        """Close: something was not delivered."""


class Fanout(Protocol):
    """Carries hints between instances, perhaps lost, perhaps twice, and in no promised order."""

    def publish(self, channel: str, payload: bytes) -> None:
        """Send to the instances that have subscribed, without waiting."""

    def subscribe(self, channels: Sequence[str]) -> None:
        """Ask for channels. Every call needs an `unsubscribe` of its own."""

    async def confirmed(self, channels: Sequence[str]) -> None:
        """Return when messages of these channels arrive from now on, or cannot for now."""

    def unsubscribe(self, channels: Sequence[str]) -> None:
        """Stop, soon."""


@dataclass(slots=True, eq=False)
class _Feed:
    id: ConversationId
    release: Release
    opened: asyncio.Future[None]
    early: Early
    """What came while the feed was being opened."""
    opened_at: float = math.inf
    """On the clock of the loop."""
    read_at: float = math.inf
    """When a read that has come to the newest entry began, on the clock of the loop."""
    users: int = 0
    """Subscriptions, live or not, and attempts at one."""
    live: set["Subscription"] = field(default_factory=set)
    unread: int = 0
    """The newest seq that a hint has named without its entry."""
    filling: bool = False
    tail: Tail = field(default_factory=lambda: Tail(0))
    reading: dict[int, asyncio.Task[list[Published] | Exception]] = field(default_factory=dict)
    """Reads of past entries under way, by the seq they begin after."""

    def was_open(self, moment: float) -> bool:
        """Say whether it was open before a moment on the clock of the loop."""
        return self.opened_at < moment


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was, as far as the hub can tell later what has happened since."""

    at: float
    removals: int


@dataclass(slots=True, eq=False)
class Subscription:
    """An outlet's place in a conversation: it has, or chose not to have, all up to `cursor`."""

    feed: _Feed
    outlet: Outlet
    cursor: int
    member_at: int
    """The seq at which the user was found to be a member: removals up to it are history."""
    ended: bool = False

    @property
    def conversation_id(self) -> ConversationId:
        """The conversation that is followed."""
        return self.feed.id

    @property
    def reached(self) -> int:
        """The seq up to which the outlet has what it asked for."""
        return self.feed.release.released if self in self.feed.live else self.cursor


class Hub:
    """Delivers every entry to every local follower, in `seq` order, once."""

    def __init__(
        self,
        store: ChatStore,
        fanout: Fanout,
        tasks: asyncio.TaskGroup,
        max_kept_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._store = store
        self._heads = GatheredReads(store.heads, FEEDS_PER_SWEEP)
        self._fanout = fanout
        self._tasks = tasks
        self._feeds: dict[ConversationId, _Feed] = {}
        self._kept = KeptTails(max_kept_bytes)
        self._early_total = EarlyTotal(MAX_EARLY_BYTES)
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._watchers: defaultdict[UserId, set[Outlet]] = defaultdict(set)
        self._sweep_now = asyncio.Event()
        self._pause_s = SWEEP_S
        self._removals = 0
        self.turns = Turns()
        """For what outlets do with thousands of conversations."""
        self._origin = new_id()
        self._own_end = self._origin.encode()

    # What happens

    def committed(self, conversation_id: ConversationId, entries: Sequence[Entry]) -> None:
        """Deliver what this instance has stored, here and to the other instances."""
        try:
            published = [publish(entry) for entry in entries]
        except Exception:
            log.exception("entries_not_delivered", conversation_id=conversation_id)
            return
        self._send_hints(conversation_id, published)
        self._offer(conversation_id, published)
        for entry in published:
            for user_id in entry.added:
                self.announce(user_id, conversation_id, entry.seq)

    def announce(self, user_id: UserId, conversation_id: ConversationId, seq: int) -> None:
        """Have the session sockets of a user follow a conversation, on every instance."""
        hint = msgspec.msgpack.encode(_OfUser((conversation_id, seq), b"", self._origin))
        self._fanout.publish(_USER + user_id, hint)
        self._tell_appeared(user_id, conversation_id, seq)

    def notify_user(self, user_id: UserId, event: bytes) -> None:
        """Send the session sockets of a user something that is not stored, on every instance."""
        frame = text_frame(event)
        hint = msgspec.msgpack.encode(_OfUser(None, frame, self._origin))
        self._fanout.publish(_USER + user_id, hint)
        self._write_to(user_id, frame)

    def _send_hints(self, conversation_id: ConversationId, published: list[Published]) -> None:
        """Notify the other instances, in several hints where one would be long."""
        channel = _CONVERSATION + conversation_id
        size, start = 0, 0
        for at, entry in enumerate(published):
            size += len(entry.frame)
            if size > MAX_HINT_BYTES and at > start:
                self._fanout.publish(channel, self._hint(published[start:at]))
                size, start = len(entry.frame), at
        self._fanout.publish(channel, self._hint(published[start:]))

    def _hint(self, published: list[Published]) -> bytes:
        if len(published) == 1 and len(published[0].frame) > MAX_HINT_BYTES:
            # The frame is left out: whoever needs the entry reads it.
            hint = _Hint(unread=published[0].seq, origin=self._origin)
        else:
            hint = _Hint(published, origin=self._origin)
        return msgspec.msgpack.encode(hint)

    def broadcast(
        self, conversation_id: ConversationId, event: bytes, skip: UserId | None = None
    ) -> None:
        """Tell all live followers, on every instance, of something that is not stored.

        Those of the user `skip` are left out, and so is whoever reads too slowly.
        """
        frame = text_frame(event)
        hint = msgspec.msgpack.encode(_Hint([], frame, skip, origin=self._origin))
        self._fanout.publish(_CONVERSATION + conversation_id, hint)
        self._deliver_ephemeral(conversation_id, frame, skip)

    def heard(self, channel: str, payload: bytes) -> None:
        """Take in what another instance has published.

        Redis sends everything to everybody who has subscribed, the publisher among them: what
        comes back was delivered when it happened.
        """
        if payload.endswith(self._own_end):
            return
        if channel.startswith(_CONVERSATION):
            conversation_id = ConversationId(channel.removeprefix(_CONVERSATION))
            hint = _decode_hint(payload)
            if hint.entries:
                self._offer(conversation_id, hint.entries)
            elif hint.unread:
                self._note_unread(conversation_id, hint.unread)
            else:
                self._deliver_ephemeral(conversation_id, hint.ephemeral, hint.skip)
        else:
            user_id = UserId(channel.removeprefix(_USER))
            of_user = _decode_of_user(payload)
            if of_user.appeared is not None:
                self._tell_appeared(user_id, *of_user.appeared)
            else:
                self._write_to(user_id, of_user.frame)

    def missed_some(self) -> None:
        """Compare all feeds with the store soon: hints may have been lost."""
        self._sweep_now.set()

    def tell_user(self, user_id: UserId, event: bytes) -> None:
        """Tell the session sockets of a user that this instance has."""
        self._write_to(user_id, text_frame(event))

    # Users and their conversations

    async def watch(self, outlet: Outlet) -> None:
        """Tell `outlet` of conversations in which its user appears from now on."""
        watchers = self._watchers[outlet.user_id]
        watchers.add(outlet)
        channels = [_USER + outlet.user_id]
        if len(watchers) == 1:
            self._fanout.subscribe(channels)
        await self._fanout.confirmed(channels)

    def unwatch(self, outlet: Outlet) -> None:
        """Stop telling `outlet`."""
        watchers = self._watchers.get(outlet.user_id)
        if watchers is None:
            return
        watchers.discard(outlet)
        if not watchers:
            del self._watchers[outlet.user_id]
            self._fanout.unsubscribe([_USER + outlet.user_id])

    async def attach(
        self, outlet: Outlet, conversation_ids: Sequence[ConversationId]
    ) -> list[Subscription]:
        """Prepare to follow conversations: no entry stored after this call began is missed.

        Nothing is delivered before `start`. Check the user's membership in between: a removal
        that the check does not see is delivered. Raises `StorageUnavailableError`.
        """
        feeds = await self._open(conversation_ids)
        return [
            Subscription(feed, outlet, feed.release.released, feed.release.released)
            for feed in feeds
        ]

    def moment(self) -> Moment:
        """Return the present one."""
        return Moment(asyncio.get_running_loop().time(), self._removals)

    def may_lack_removals(self, subscriptions: Iterable[Subscription], since: Moment) -> bool:
        """Say whether a membership may have ended after `since` and before its subscription began.

        If not, memberships that were read after `since` hold for the subscriptions.
        """
        # Open feeds pass on every removal, and it is counted; what is stored before a feed opens
        # it does not hear.
        return self._removals != since.removals or not all(
            each.feed.was_open(since.at) for each in subscriptions
        )

    async def start(self, subscription: Subscription, after: int | None = None) -> None:
        """Deliver entries above `after`, or from the attachment on; first past ones, then live.

        Call it once. Returns when the subscription is live or has ended. Raises
        `StorageUnavailableError`; some may have been delivered then.
        """
        feed = subscription.feed
        if after is not None:
            if after > feed.release.released:
                # The client has heard more elsewhere than this feed, which has missed hints.
                await self._read_missing(feed)
            subscription.cursor = min(after, feed.release.released)
        resumed_bytes = 0
        while not subscription.ended:
            if subscription.cursor >= feed.release.released:
                # No await between this comparison and becoming live: nothing slips between.
                feed.live.add(subscription)
                return
            await subscription.outlet.drained(resumed_bytes)
            due = feed.tail.after(subscription.cursor, PIECE_BYTES)
            if due is None:
                due = await self._read_page(feed, subscription.cursor)
            else:
                self._note_used(feed)
            if due and not subscription.ended:
                resumed_bytes = sum([len(entry.frame) for entry in due])
                self._deliver(due, (subscription,))
                subscription.cursor = due[-1].seq

    def start_at_once(
        self, subscription: Subscription, after: Mapping[ConversationId, int]
    ) -> bool:
        """Start a subscription as `start` does, unless entries are to be read; return whether."""
        feed = subscription.feed
        if subscription.ended:
            return True
        if subscription.conversation_id in after or subscription.cursor < feed.release.released:
            return False
        feed.live.add(subscription)
        return True

    def detach(self, subscription: Subscription) -> None:
        """Stop following. Harmless where it has ended already."""
        if subscription.ended:
            return
        subscription.ended = True
        subscription.feed.live.discard(subscription)
        self._close_unused([subscription.feed])

    # The sweep

    async def run(self) -> None:
        """Find what no hint has told of, until cancelled."""
        await keep_running("sweep", self._sweep_when_due)

    async def _sweep_when_due(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s):
                await self._sweep_now.wait()
        except TimeoutError:
            pass
        everything = self._sweep_now.is_set()
        self._sweep_now.clear()
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            if everything:
                await self._sweep(len(self._feeds), 0.0)
            else:
                await self._sweep(FEEDS_PER_SWEEP, READ_WITHIN_S)
        except BaseException:
            if everything:
                self._sweep_now.set()
            raise
        finally:
            # Where it takes long, others wait for the same store.
            self._pause_s = min(max(SWEEP_S, (clock() - began) * 10), BUSY_SWEEP_S)

    async def _sweep(self, feeds: int, unread_for_s: float) -> None:
        read_before = asyncio.get_running_loop().time() - unread_for_s
        remaining = min(feeds, len(self._feeds))
        while remaining > 0:
            turn = list(islice(self._feeds, min(remaining, FEEDS_PER_SWEEP)))
            remaining -= len(turn)
            for conversation_id in turn:  # to the end of the queue
                self._feeds[conversation_id] = self._feeds.pop(conversation_id)
            due = [id_ for id_ in turn if self._feeds[id_].read_at < read_before]
            if not due:
                continue
            heads: dict[ConversationId, int] = {}

            async def look(some: Sequence[ConversationId]) -> None:
                heads.update(await self._store.heads(some))  # noqa: B023 -- called in this turn

            for _, error in await each_apart(due, look):
                report("sweep", error)
            for conversation_id, head in heads.items():
                feed = self._feeds.get(conversation_id)
                if (
                    feed is not None
                    and feed.was_open(read_before)
                    and (head > feed.release.released)
                ):
                    self._fill(feed)
        if self._watchers:
            since = times.now() - APPEARED_WITHIN
            for appeared in await self._store.appeared_since(since, APPEARED_AT_MOST):
                self._tell_appeared(*appeared)

    # Feeds

    async def _open(self, conversation_ids: Sequence[ConversationId]) -> list[_Feed]:
        loop = asyncio.get_running_loop()
        fresh: list[_Feed] = []
        feeds: list[_Feed] = []
        for conversation_id in conversation_ids:
            feed = self._feeds.get(conversation_id)
            if feed is None:
                feed = _Feed(
                    conversation_id,
                    Release(0, self._early_total),
                    loop.create_future(),
                    Early(self._early_total),
                )
                self._feeds[conversation_id] = feed
                fresh.append(feed)
            feed.users += 1
            feeds.append(feed)
        if fresh:
            self._fanout.subscribe([_CONVERSATION + feed.id for feed in fresh])
            # A task of the hub's: others may wait for these feeds when this caller has gone.
            self._tasks.create_task(self._begin(fresh))
        try:
            for feed in feeds:
                # Thousands are open already where somebody has another socket.
                await (feed.opened if feed.opened.done() else asyncio.shield(feed.opened))
        except BaseException:
            self._close_unused(feeds)
            raise
        return feeds

    async def _begin(self, feeds: list[_Feed]) -> None:
        """Subscribe first, read second: what is stored in between comes as a hint."""
        try:
            await self._fanout.confirmed([_CONVERSATION + feed.id for feed in feeds])
            began = asyncio.get_running_loop().time()
            heads = await self._heads.of(feed.id for feed in feeds)
        except Exception as error:  # noqa: BLE001 -- raised by everybody who waits for it
            for feed in feeds:
                feed.opened.set_exception(error)
                feed.opened.exception()  # everybody who waited may have gone
            return
        for feed in feeds:
            feed.release = Release(heads.get(feed.id, 0), self._early_total)
            feed.tail = Tail(feed.release.released)
            feed.opened_at = asyncio.get_running_loop().time()
            feed.read_at = began
            feed.opened.set_result(None)
            with isolated("opening"):
                self._let_through(feed, feed.early.pop_all())
                self._note_unread(feed.id, feed.unread)

    def _close_unused(self, feeds: Iterable[_Feed]) -> None:
        for feed in feeds:
            feed.users -= 1
            if feed.users == 0 and self._feeds.get(feed.id) is feed:
                del self._feeds[feed.id]
                self._kept.drop(feed.tail)
                feed.early.pop_all()
                feed.release.forget_held()
                self._fanout.unsubscribe([_CONVERSATION + feed.id])

    def _offer(self, conversation_id: ConversationId, entries: list[Published]) -> None:
        feed = self._feeds.get(conversation_id)
        if feed is not None:
            self._let_through(feed, entries)

    def _note_unread(self, conversation_id: ConversationId, seq: int) -> None:
        feed = self._feeds.get(conversation_id)
        if feed is not None:
            feed.unread = max(feed.unread, seq)
            if feed.opened.done() and feed.unread > feed.release.released:
                self._fill(feed)

    def _let_through(self, feed: _Feed, entries: list[Published]) -> None:
        if not feed.opened.done():
            for entry in entries:
                feed.early.add(entry)
            return
        run = feed.release.offer(entries)
        if run:
            feed.tail.append(run)
            self._note_used(feed)
            self._removals += sum(entry.left is not None for entry in run)
            self._deliver(run, feed.live)
        if feed.release.has_hole:
            self._fill(feed)

    def _deliver(self, run: list[Published], subscriptions: Iterable[Subscription]) -> None:
        """Write a run of entries, joined, to each; up to a removal for the one removed."""
        start = 0
        for index, entry in enumerate(run):
            if entry.left is None and index + 1 < len(run):
                continue
            frames = b"".join([part.frame for part in run[start : index + 1]])
            start = index + 1
            for subscription in tuple(subscriptions):
                if subscription.ended:
                    continue
                try:
                    subscription.outlet.write(frames)
                    left = subscription.outlet.user_id == entry.left
                    if left and entry.seq > subscription.member_at:
                        self.detach(subscription)
                        subscription.outlet.removed(subscription.conversation_id)
                except Exception as error:  # noqa: BLE001 -- reported; the others are still to get it
                    self._give_up(subscription, error)

    def _give_up(self, subscription: Subscription, error: Exception) -> None:
        """End a subscription that has lost something: its client resumes on another socket."""
        report("delivering", error)
        with isolated("delivering"):
            self.detach(subscription)
            subscription.outlet.failed()

    def _fill(self, feed: _Feed) -> None:
        if not feed.filling:
            feed.filling = True
            self._tasks.create_task(self._read_missing(feed))

    async def _read_page(self, feed: _Feed, after: int) -> list[Published]:
        """Read past entries, once for all who ask for the same at the same time."""
        reading = feed.reading.get(after)
        if reading is None:
            # A task of the hub's: others may wait for it when this caller has gone.
            reading = self._tasks.create_task(self._read_past(feed, after))
            feed.reading[after] = reading
            reading.add_done_callback(lambda _: feed.reading.pop(after, None))
        due = await asyncio.shield(reading)
        if isinstance(due, Exception):
            raise due
        if not due:
            raise StorageUnavailableError("released entries cannot be read")
        return due

    async def _read_past(self, feed: _Feed, after: int) -> list[Published] | Exception:
        try:
            entries, _ = await self._read(feed, after)
            released = feed.release.released
            due = [entry for entry in entries if entry.seq <= released]
            feed.tail.prepend(due)
            self._note_used(feed)
            if fresh := [entry for entry in entries if entry.seq > released]:
                # What no hint has told of yet.
                self._let_through(feed, fresh)
        except Exception as error:  # noqa: BLE001 -- raised by everybody who waits for it
            report("resume", error)
            return error
        return due

    async def _read(self, feed: _Feed, after: int) -> tuple[list[Published], bool]:
        """Return entries above a seq, and whether more follow."""
        async with self._reads:
            began = asyncio.get_running_loop().time()
            entries, more = await self._store.entries_after(feed.id, after, PAGE, PIECE_BYTES)
        if not more:
            feed.read_at = began
        return [publish(entry) for entry in entries], more

    def _note_used(self, feed: _Feed) -> None:
        if self._feeds.get(feed.id) is feed:
            self._kept.used(feed.tail)

    def _deliver_ephemeral(
        self, conversation_id: ConversationId, frame: bytes, skip: UserId | None
    ) -> None:
        feed = self._feeds.get(conversation_id)
        if feed is None:
            return
        for subscription in tuple(feed.live):
            try:
                if subscription.outlet.user_id != skip:
                    subscription.outlet.write_ephemeral(frame)
            except Exception as error:  # noqa: BLE001 -- reported; the others are still to get it
                report("delivering", error)

    async def _read_missing(self, feed: _Feed) -> None:
        """Fill a hole; where that fails, the sweep comes back to it."""
        with isolated("filling"):
            try:
                entries, more = await self._read(feed, feed.release.released)
            finally:
                feed.filling = False
            if entries:
                self._let_through(feed, entries)
            if entries and more:
                self._fill(feed)

    def _write_to(self, user_id: UserId, frame: bytes) -> None:
        for outlet in tuple(self._watchers.get(user_id, ())):
            with isolated("telling"):
                outlet.write(frame)

    def _tell_appeared(self, user_id: UserId, conversation_id: ConversationId, seq: int) -> None:
        for outlet in tuple(self._watchers.get(user_id, ())):
            with isolated("appearing"):
                outlet.appeared(conversation_id, seq)
