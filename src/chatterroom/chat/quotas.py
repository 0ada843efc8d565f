"""How much one user may ask of an instance: messages, changes, marks, typing, presence, sockets.

Counted over all sockets, sessions and calls of a user, on every way in. Each instance counts for
itself: with n instances a user may do up to n times as much. A rate of 0 is off.
"""

import asyncio
import time
from collections.abc import Callable

from chatterroom.chat.settings import ChatSettings
from chatterroom.core.errors import ChatterRoomError
from chatterroom.core.ids import ConversationId, UserId
from chatterroom.core.rate_limits import Policy, RateLimiter

__all__ = ["Quotas"]

# More often than this in one conversation says nothing new.
_TYPING_PER_S = 1.0
# Each of these is full again after a second, so forgetting one early changes little.
_TYPING_KEYS = 10_000
# Whoever has more of them pays for further sockets, so many conversations for each.
_CONVERSATIONS_OF_ONE_SOCKET = 1_000


class Quotas:
    """Counts what users do. Every `spend_…` raises RATE_LIMITED, with `policy` and
    `retry_after_s`, and then takes nothing."""

    def __init__(self, settings: ChatSettings, clock: Callable[[], float] = time.monotonic) -> None:
        def limiter(name: str, per_s: float, burst: int) -> RateLimiter:
            return RateLimiter(Policy(name, per_s, burst))

        own = settings
        self._clock = clock
        self._messages = limiter("messages", own.user_messages_per_s, own.user_messages_burst)
        self._message_bytes = limiter(
            "message bytes", own.user_message_bytes_per_s, own.user_message_bytes_burst
        )
        self._changes = limiter("changes", own.user_changes_per_s, own.user_changes_burst)
        self._marks = limiter("marks", own.user_marks_per_s, own.user_marks_burst)
        self._typing = limiter("typing", own.user_typing_per_s, own.user_typing_burst)
        here_per_s = _TYPING_PER_S if own.user_typing_per_s else 0.0
        self._typing_here = RateLimiter(Policy("typing here", here_per_s, 1), _TYPING_KEYS)
        self._presence = limiter("presence", own.user_presence_per_s, own.user_presence_burst)
        self._openings = limiter("sockets", own.user_sockets_per_s, own.user_sockets_burst)
        self._resumed_bytes = limiter(
            "resumed bytes", own.user_resumed_bytes_per_s, own.user_resumed_bytes_burst
        )

    def spend_message(self, user_id: UserId, message: str) -> None:
        """Count a new message and its bytes."""
        self._spend_text(self._messages, user_id, message)

    def spend_edit(self, user_id: UserId, message: str) -> None:
        """Count a change that brings a text."""
        self._spend_text(self._changes, user_id, message)

    def spend_change(self, user_id: UserId) -> None:
        """Count a reaction, pin or deletion, a block, or a change of a room or its members."""
        self._changes.spend(user_id, self._clock())

    def spend_mark(self, user_id: UserId) -> None:
        """Count a read or delivery mark."""
        self._marks.spend(user_id, self._clock())

    def spend_typing(self, user_id: UserId, conversation_id: ConversationId) -> None:
        """Count that a user is writing: one a second in a conversation, and some in all."""
        now = self._clock()
        self._typing.spend(user_id, now)
        try:
            self._typing_here.spend(f"{user_id} {conversation_id}", now)
        except ChatterRoomError:
            self._typing.refund(user_id)
            raise

    def spend_presence(self, user_id: UserId) -> None:
        """Count a question who is online."""
        self._presence.spend(user_id, self._clock())

    def spend_opening(self, user_id: UserId) -> None:
        """Count a socket that is opened."""
        self._openings.spend(user_id, self._clock())

    def charge_opening(self, user_id: UserId, conversations: int) -> None:
        """Count what a socket has turned out to follow: thousands of conversations delay the next
        socket of this user."""
        cost = conversations // _CONVERSATIONS_OF_ONE_SOCKET
        if cost:
            self._openings.charge(user_id, self._clock(), cost)

    async def pace_resume(self, user_id: UserId, resumed_bytes: int) -> None:
        """Count what a resume has sent; wait while the user's resumes are over their rate."""
        while True:
            try:
                self._resumed_bytes.spend(user_id, self._clock(), cost=resumed_bytes)
            except ChatterRoomError as error:
                await asyncio.sleep(error.retry_after_s or 0.0)
            else:
                return

    def _spend_text(self, limiter: RateLimiter, user_id: UserId, message: str) -> None:
        now = self._clock()
        limiter.spend(user_id, now)
        try:
            self._message_bytes.spend(user_id, now, cost=len(message.encode()))
        except ChatterRoomError:
            limiter.refund(user_id)
            raise
