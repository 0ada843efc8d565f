"""The messages that users have in front of them, to change: what was acknowledged last."""

import random
from collections import defaultdict, deque

from chatterroom.core.ids import new_id
from torture.people import Target
from torture.sending import Draft

__all__ = ["Recent"]

_REMEMBERED = 12
_EMOJIS = ("👍", "🎉")


class Recent:
    """Few messages of each conversation, known to all, so that several people change the same."""

    def __init__(self) -> None:
        self._messages: defaultdict[str, deque[Draft]] = defaultdict(_few)
        self._seqs: dict[str, int] = {}
        self._reacted: defaultdict[tuple[str, str], deque[Draft]] = defaultdict(_few)

    def note(self, draft: Draft, seq: int | None) -> None:
        """Take in what was answered; `seq` is None where it was refused."""
        if seq is None:
            return
        place = (draft.user, draft.target.conversation)
        if draft.action == "message":
            few = self._messages[draft.target.conversation]
            if len(few) == few.maxlen:
                self._seqs.pop(few[0].client_id)
            few.append(draft)
            self._seqs[draft.client_id] = seq
        elif draft.action == "reaction_added":
            self._reacted[place].append(draft)

    def change(self, user: str, target: Target, name: str, chance: random.Random) -> Draft | None:
        """Return a change for a user to try: `edit`, `delete`, `react` or `unreact`.

        None where there is nothing that the user could change so.
        """
        if name == "unreact":
            mine = self._reacted[user, target.conversation]
            if not mine:
                return None
            there = mine.popleft()
            seq = there.message_seq
            return Draft(user, target, new_id(), there.message, "reaction_removed", seq)
        messages = [
            each
            for each in self._messages[target.conversation]
            if name == "react" or each.user == user
        ]
        if not messages:
            return None
        chosen = chance.choice(messages)
        seq = self._seqs[chosen.client_id]
        client_id = new_id()
        match name:
            case "edit":
                text = f"{chosen.message} as {client_id}"
                return Draft(user, target, client_id, text, "message_edited", seq)
            case "delete":
                return Draft(user, target, client_id, "", "message_deleted", seq)
            case _:
                emoji = chance.choice(_EMOJIS)
                return Draft(user, target, client_id, emoji, "reaction_added", seq)


def _few() -> deque[Draft]:
    return deque(maxlen=_REMEMBERED)
