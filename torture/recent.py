"""The messages that users have in front of them, to change: what was acknowledged last."""

import random
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from chatterroom.core.ids import new_id
from torture.people import Target
from torture.sending import Draft

__all__ = ["Recent"]

_REMEMBERED = 6
_EMOJIS = ("👍", "🎉")


class Recent:
    """The last few messages of each user and of each conversation.

    Few, so that changes meet on one message: several users' reactions, an edit and a deletion.
    """

    def __init__(self) -> None:
        few: Callable[[], deque[Any]] = partial(deque, maxlen=_REMEMBERED)
        self._own: defaultdict[str, deque[tuple[Draft, int]]] = defaultdict(few)
        self._told: defaultdict[str, deque[int]] = defaultdict(few)
        self._reactions: defaultdict[str, deque[Draft]] = defaultdict(few)

    def note(self, draft: Draft, seq: int | None) -> None:
        """Take in what was answered; `seq` is None where it was refused."""
        if seq is None:
            return
        if draft.action == "message":
            self._own[draft.user].append((draft, seq))
            self._told[draft.target.conversation].append(seq)
        elif draft.action == "message_edited":
            self._own[draft.user].append((draft, draft.message_seq))
        elif draft.action == "reaction_added":
            self._reactions[draft.user].append(draft)

    def edit(self, user: str, chance: random.Random) -> Draft | None:
        """Return an edit of one of the user's own messages, None where there is none."""
        if not self._own[user]:
            return None
        draft, seq = chance.choice(self._own[user])
        client_id = new_id()
        text = f"{draft.message} as {client_id}"
        return Draft(user, draft.target, client_id, text, "message_edited", seq)

    def delete(self, user: str, chance: random.Random) -> Draft | None:
        """Return a deletion of one of the user's own messages, which others may be changing."""
        if not self._own[user]:
            return None
        draft, seq = chance.choice(self._own[user])
        return Draft(user, draft.target, new_id(), "", "message_deleted", seq)

    def react(self, user: str, target: Target, chance: random.Random) -> Draft | None:
        """Return a reaction to anybody's message."""
        if not self._told[target.conversation]:
            return None
        seq = chance.choice(self._told[target.conversation])
        return Draft(user, target, new_id(), chance.choice(_EMOJIS), "reaction_added", seq)

    def unreact(self, user: str) -> Draft | None:
        """Return what takes the user's oldest remembered reaction back."""
        if not self._reactions[user]:
            return None
        there = self._reactions[user].popleft()
        seq = there.message_seq
        return Draft(user, there.target, new_id(), there.message, "reaction_removed", seq)
