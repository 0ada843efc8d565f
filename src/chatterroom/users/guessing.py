"""How many wrong passwords an account takes, from all over, without locking its owner out.

Attempts are counted by account, over all instances, and a success is taken out of the count. Where
somebody has logged in from before (a *known place*) has a count of its own, and all other places
share one: so a crowd that guesses stops itself, and the owner at a known place does not notice.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import new_id

__all__ = ["Admission", "GuessRecords", "Guesses", "network_of"]

_IPV6_NETWORK_BITS = 64
_PLACE_KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Admission:
    """One attempt that counts as a failure until it is forgiven."""

    count: str
    account: str
    place: str
    at: datetime
    attempt_id: str
    """Many attempts may have one time."""


class GuessRecords(Protocol):
    """Where counts and known places are kept, for all instances."""

    async def is_known(self, place: str, now: datetime) -> bool:
        """Say whether a place is remembered."""

    async def remember(self, place: str, account: str, until: datetime) -> None:
        """Remember a place of an account."""

    async def count(
        self, key: str, attempt_id: str, now: datetime, window: timedelta, most: int
    ) -> datetime | None:
        """Count an attempt where fewer than `most` lie within the window.

        Else count nothing and return when the oldest of them was.
        """

    async def uncount(self, key: str, attempt_id: str) -> None:
        """Take an attempt out of a count."""

    async def forget(self, account: str) -> None:
        """Forget the places of an account."""


class Guesses:
    """At most `most` wrong attempts of a kind within `window`."""

    def __init__(self, records: GuessRecords, most: int, window: timedelta) -> None:
        self._records = records
        self._most = most
        self._window = window

    async def admit(self, email: str, address: str, now: datetime) -> Admission:
        """Count an attempt to log in as a failure, or raise RATE_LIMITED.

        The same whether or not there is such an account.
        """
        account = _digest("account", email)
        place = _digest("place", email, network_of(address)) if address else ""
        known = bool(place) and await self._records.is_known(place, now)
        return await self._counted(place if known else account, account, place, now)

    async def admit_confirmation(self, user_id: str, now: datetime) -> Admission:
        """Count a password or code that a user who is logged in gives, or raise RATE_LIMITED.

        A count of its own: who has stolen a token locks nobody out of the login.
        """
        return await self._counted(_digest("confirmation", user_id), "", "", now)

    async def forgive(self, admission: Admission) -> None:
        """Take an attempt out of the count: the password, or the code, was right."""
        await self._records.uncount(admission.count, admission.attempt_id)

    async def succeeded(self, admission: Admission) -> None:
        """Forgive an attempt that was a login, and know its place from now on."""
        await self.forgive(admission)
        if admission.place:
            until = admission.at + _PLACE_KNOWN_FOR
            await self._records.remember(admission.place, admission.account, until)

    async def forget(self, email: str) -> None:
        """Forget where the user of an email has been."""
        await self._records.forget(_digest("account", email))

    async def _counted(self, count: str, account: str, place: str, now: datetime) -> Admission:
        attempt_id = new_id()
        oldest = await self._records.count(count, attempt_id, now, self._window, self._most)
        if oldest is None:
            return Admission(count, account, place, now, attempt_id)
        raise ChatterRoomError(
            ErrorCode.RATE_LIMITED,
            "Too many wrong passwords or codes for this account. Try again later.",
            retry_after_s=max(1.0, (oldest + self._window - now).total_seconds()),
            policy="account",
        )


def _digest(*parts: str) -> str:
    """Return what is stored of who and where; emails and addresses themselves are not."""
    return sha256("\0".join(parts).encode()).hexdigest()


def network_of(address: str) -> str:
    """One subscriber has a /64 of IPv6 addresses, and changes within it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
