"""Whether somebody is who they say: password, second factor, and the limit on guesses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import UserId
from chatterroom.users.accounts import Account, email_key, parse_email, password_forms
from chatterroom.users.guessing import Guesses, network_of
from chatterroom.users.hashing_turns import Asker
from chatterroom.users.passwords import Passwords
from chatterroom.users.recovery_codes import recovery_code_hash
from chatterroom.users.second_factor import matching_step
from chatterroom.users.second_factor_mongo import SecondFactorStore
from chatterroom.users.store_mongo import UserStore

__all__ = ["Attempt", "Authentication", "Proof"]

log = structlog.get_logger()


@dataclass(frozen=True)
class Proof:
    """What a user who is logged in gives again before a sensitive change; the code may be ""."""

    password: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True)
class Attempt:
    """How an attempt to log in has ended: with an account, unless there is a refusal.

    With a refusal the account, if there is one, is whose owner may want to hear of it.
    """

    account: Account | None
    refusal: ChatterRoomError | None = None


class Authentication:
    """Checks passwords and codes. Every method may raise STORAGE_UNAVAILABLE and OVERLOADED."""

    def __init__(
        self,
        store: UserStore,
        passwords: Passwords,
        factors: SecondFactorStore,
        guesses: Guesses,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._factors = factors
        self._guesses = guesses

    async def attempt(
        self, email: str, password: str, code: str, address: str, now: datetime
    ) -> Attempt:
        """Check who logs in.

        Refusals are WRONG_CREDENTIALS, the same and after the same time whether the account is
        unknown or the password wrong, and only behind the right password SECOND_FACTOR_REQUIRED
        and SECOND_FACTOR_WRONG. Raises RATE_LIMITED after too many of them.
        """
        try:
            parse_email(email)
            forms = password_forms(password)
        except ChatterRoomError:
            # What can be nobody's is refused at once: looking up and hashing have a price.
            return Attempt(None, _wrong_credentials())
        admission = await self._guesses.admit(email_key(email), address, now)
        account = await self._store.account_by_email(email)
        known_hash = account.password_hash if account else None
        asker = Asker(network_of(address) or email_key(email), logs_in=True)
        matching = await self._matching(known_hash, forms, asker)
        if matching is None or not account:
            return Attempt(account, _wrong_credentials())
        if account.second_factor and not code:
            await self._guesses.forgive(admission)
            return Attempt(None, _code_required())
        if not await self._accepts(account, code, now):
            return Attempt(account, _wrong_code())
        await self._guesses.succeeded(admission)
        await self._strengthen(account, forms[0], asker, anyway=matching != forms[0])
        return Attempt(account)

    async def confirm(self, user_id: UserId, password: str, now: datetime) -> Account:
        """Return the account of a user who is logged in and gives the password again.

        Raises WRONG_CREDENTIALS, USER_NOT_FOUND and, after too many wrong ones, RATE_LIMITED.
        """
        account = await self._store.account(user_id)
        if account is None:
            raise ChatterRoomError(ErrorCode.USER_NOT_FOUND, "There is no such user.")
        try:
            forms = password_forms(password)
        except ChatterRoomError:
            raise _wrong_password() from None
        admission = await self._guesses.admit_confirmation(user_id, now)
        asker = Asker(user_id)
        if await self._matching(account.password_hash, forms, asker) is None:
            log.info("confirmation_failed", user_id=user_id)
            raise _wrong_password()
        await self._guesses.forgive(admission)
        return account

    async def confirm_code(self, account: Account, code: str, now: datetime) -> None:
        """Check a code of a user who is logged in, where the account has a second factor.

        Raises SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG and RATE_LIMITED.
        """
        if account.second_factor is None:
            return
        if not code:
            raise _code_required()
        admission = await self._guesses.admit_confirmation(account.user_id, now)
        if not await self._accepts(account, code, now):
            raise _wrong_code()
        await self._guesses.forgive(admission)

    async def confirm_first_code(
        self, user_id: UserId, secret: bytes, code: str, now: datetime
    ) -> int:
        """Return the time step of a code of a secret that is not in force yet.

        Raises SECOND_FACTOR_WRONG and RATE_LIMITED.
        """
        admission = await self._guesses.admit_confirmation(user_id, now)
        step = matching_step(secret, code, now)
        if step is None:
            raise _wrong_code()
        await self._guesses.forgive(admission)
        return step

    async def _accepts(self, account: Account, code: str, now: datetime) -> bool:
        """Use up a code of an account, or say that there is no such code."""
        factor = account.second_factor
        if factor is None:
            return True
        step = matching_step(factor.secret, code, now)
        if step is not None:
            return await self._factors.spend_step(account.user_id, factor.secret, step)
        used = await self._factors.spend_recovery(account.user_id, recovery_code_hash(code))
        if used:
            log.info("recovery_code_used", user_id=account.user_id)
        return used

    async def _matching(
        self, password_hash: str | None, forms: Sequence[bytes], asker: Asker
    ) -> bytes | None:
        """Return the form of a password that a hash was made of; in the same time for any hash."""
        matching = None
        for form in forms:
            if await self._passwords.matches(password_hash, form, asker):
                matching = form
        return matching

    async def _strengthen(
        self, account: Account, password: bytes, asker: Asker, *, anyway: bool
    ) -> None:
        """Keep a hash of today's strength: only at a login is there something to hash."""
        if not anyway and not self._passwords.is_outdated(account.password_hash):
            return
        try:
            stronger = await self._passwords.hash(password, asker)
            await self._store.replace_hash(account.user_id, account.password_hash, stronger)
        except ChatterRoomError as error:
            # The next login tries again; this one need not fail.
            log.warning("hash_not_upgraded", reason=error.code.value)


def _wrong_credentials() -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.WRONG_CREDENTIALS, "The email or password is wrong.")


def _wrong_password() -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.WRONG_CREDENTIALS, "The password is wrong.")


def _code_required() -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.SECOND_FACTOR_REQUIRED,
        "Enter a code from your authenticator app, or a recovery code.",
        field="code",
    )


def _wrong_code() -> ChatterRoomError:
    return ChatterRoomError(
        ErrorCode.SECOND_FACTOR_WRONG, "This code is wrong or was already used.", field="code"
    )
