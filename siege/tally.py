"""What was sent and what became of it, counted by attack and rule. Pure."""

from collections import Counter
from collections.abc import Mapping

import msgspec

__all__ = ["NO_ANSWER", "TAKEN", "Tally", "rule_of"]

TAKEN = "taken"
NO_ANSWER = "no answer"


class Tally(msgspec.Struct):
    """One attack: how often it tried, and which rule met it how often."""

    sent: int = 0
    rules: dict[str, int] = {}

    def note(self, rule: str, times: int = 1) -> None:
        """Count attempts and what became of them."""
        self.sent += times
        self.rules[rule] = self.rules.get(rule, 0) + times

    @property
    def refused(self) -> Mapping[str, int]:
        """What was not done, by rule, the most frequent first."""
        return dict(
            Counter({rule: n for rule, n in self.rules.items() if rule != TAKEN}).most_common()
        )

    @property
    def taken(self) -> int:
        """How much was done as it was asked for."""
        return self.rules.get(TAKEN, 0)


class _Problem(msgspec.Struct):
    code: str = ""
    policy: str = ""


_decode = msgspec.json.Decoder(_Problem).decode


def rule_of(status: int, body: bytes) -> str:
    """Name the rule by which a request was refused: status, code and, if there is one, policy."""
    if not status:
        return NO_ANSWER
    if status < 300:
        return TAKEN
    try:
        problem = _decode(body)
    except msgspec.DecodeError:
        problem = _Problem()
    return " ".join(filter(None, [f"{status}", problem.code, problem.policy]))
