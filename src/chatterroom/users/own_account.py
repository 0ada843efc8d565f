"""What users do with their own account: profile, password, second factor, deletion."""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId, new_id
from chatterroom.core.times import format_time
from chatterroom.users.accounts import Account, parse_password
from chatterroom.users.alert_book import AlertBook
from chatterroom.users.alerts import PasswordChanged, ProfileChanged, SecondFactorChanged
from chatterroom.users.authentication import Authentication, Proof
from chatterroom.users.common_passwords import refuse_guessable
from chatterroom.users.deletion import Deletions
from chatterroom.users.hashing_turns import Asker
from chatterroom.users.look_alikes_mongo import LookAlikes, username_taken
from chatterroom.users.names import parse_username
from chatterroom.users.password_change import PasswordChanges
from chatterroom.users.passwords import Passwords
from chatterroom.users.pictures import Pictures
from chatterroom.users.profile import Avatar, ProfileChange, Upload
from chatterroom.users.profile_mongo import ProfileStore
from chatterroom.users.recovery_codes import new_recovery_codes, recovery_code_hash
from chatterroom.users.second_factor import PENDING_FOR, new_secret
from chatterroom.users.second_factor_mongo import SecondFactorStore
from chatterroom.users.session_control import SessionControl
from chatterroom.users.sessions import Origin
from chatterroom.users.store_mongo import UserStore

__all__ = ["OwnAccounts", "Who"]

log = structlog.get_logger()


@dataclass(frozen=True)
class Who:
    """A user, in one of their sessions: None where a service acts for them without one."""

    user_id: UserId
    session_id: SessionId | None


@dataclass(frozen=True, slots=True)
class OwnAccounts:
    """The commands. Every one may raise USER_NOT_FOUND and STORAGE_UNAVAILABLE."""

    store: UserStore
    profiles: ProfileStore
    look_alikes: LookAlikes
    factors: SecondFactorStore
    pictures: Pictures
    passwords: Passwords
    authentication: Authentication
    password_changes: PasswordChanges
    deletions: Deletions
    sessions: SessionControl
    alerts: AlertBook

    async def account(self, user_id: UserId) -> Account:
        """Return the account."""
        account = await self.store.account(user_id)
        if account is None:
            raise ChatterRoomError(ErrorCode.USER_NOT_FOUND, "There is no such user.")
        return account

    async def avatar(self, user_id: UserId) -> Avatar:
        """Return a user's picture, or raise NOT_FOUND.

        One that was stored by an earlier version is never shown as it is. May raise OVERLOADED.
        """
        stored = await self.profiles.avatar(user_id)
        avatar = stored.avatar if stored else None
        if stored and not stored.is_still:
            avatar = await self._made_still(user_id, stored.avatar)
        if avatar is None:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "This user has no picture.")
        return avatar

    async def change_profile(
        self, who: Who, change: ProfileChange, code: str, now: datetime
    ) -> Account:
        """Change what is given, all at once, and tell the user's devices.

        Another username needs a code where the account has a second factor. Raises USERNAME_TAKEN,
        SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG, RATE_LIMITED and, for a picture,
        INVALID_REQUEST and OVERLOADED.
        """
        account = await self.account(who.user_id)
        # First: a code would be used up for nothing.
        picture = await self.pictures.still(change.avatar) if change.avatar else None
        change = await self._checked(account, change)
        if change.username is not None:
            await self.authentication.confirm_code(account, code, now)
        if change != ProfileChange():
            await self.profiles.change(who.user_id, change, picture)
            log.info("profile_changed", user_id=who.user_id)
            self.alerts.tell(who.user_id, ProfileChanged())
        return await self.account(who.user_id)

    async def change_password(
        self, who: Who, proof: Proof, new: str, origin: Origin, now: datetime
    ) -> None:
        """Change the password, and end all other sessions of the user.

        Raises WRONG_CREDENTIALS, WEAK_PASSWORD, SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG,
        RATE_LIMITED and OVERLOADED.
        """
        account = await self.authentication.confirm(who.user_id, proof.password, now)
        new_bytes = parse_password(new)
        refuse_guessable(new, account.username, account.email)
        await self.authentication.confirm_code(account, proof.code, now)
        new_hash = await self.passwords.hash(new_bytes, Asker(who.user_id))
        if not await self.password_changes.change(account, new_hash, who.session_id, now):
            raise ChatterRoomError(ErrorCode.WRONG_CREDENTIALS, "The password is wrong.")
        log.info("password_changed", user_id=who.user_id)
        alert = PasswordChanged(new_id(), *_told(who, origin, now))
        self.alerts.tell(who.user_id, alert)

    async def begin_second_factor(
        self, who: Who, password: str, now: datetime
    ) -> tuple[Account, bytes]:
        """Return the account and a new secret, which waits a quarter of an hour for its first code.

        Raises UNCHANGED where there is a second factor, WRONG_CREDENTIALS, RATE_LIMITED.
        """
        account = await self.authentication.confirm(who.user_id, password, now)
        secret = new_secret()
        if not await self.factors.begin(who.user_id, secret, now):
            raise ChatterRoomError(
                ErrorCode.UNCHANGED, "Two-factor authentication is already on. Turn it off first."
            )
        return account, secret

    async def confirm_second_factor(
        self, who: Who, code: str, origin: Origin, now: datetime
    ) -> list[str]:
        """Turn the second factor on and return the recovery codes, which nobody sees again.

        Raises NOT_FOUND where no secret waits, SECOND_FACTOR_WRONG, RATE_LIMITED.
        """
        secret = await self.factors.begun(who.user_id, now - PENDING_FOR)
        if secret is None:
            raise _nothing_begun()
        step = await self.authentication.confirm_first_code(who.user_id, secret, code, now)
        codes = new_recovery_codes()
        hashes = [recovery_code_hash(each) for each in codes]
        if not await self.factors.turn_on(who.user_id, secret, step, hashes):
            raise _nothing_begun()
        self._tell_second_factor(who, origin, now, enabled=True)
        return codes

    async def remove_second_factor(
        self, who: Who, proof: Proof, origin: Origin, now: datetime
    ) -> None:
        """Turn the second factor off.

        Raises NOT_FOUND where there is none, WRONG_CREDENTIALS, SECOND_FACTOR_REQUIRED,
        SECOND_FACTOR_WRONG, RATE_LIMITED.
        """
        account = await self.authentication.confirm(who.user_id, proof.password, now)
        if account.second_factor is None:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "Two-factor authentication is off.")
        await self.authentication.confirm_code(account, proof.code, now)
        await self.factors.turn_off(who.user_id)
        self._tell_second_factor(who, origin, now, enabled=False)

    async def delete(self, who: Who, proof: Proof, now: datetime) -> None:
        """Delete the account for good.

        Raises WRONG_CREDENTIALS, SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG, RATE_LIMITED.
        """
        account = await self.authentication.confirm(who.user_id, proof.password, now)
        await self.authentication.confirm_code(account, proof.code, now)
        await self.deletions.delete(account)

    async def _checked(self, account: Account, change: ProfileChange) -> ProfileChange:
        """Return a change whose names may be had.

        A username that stays as it is was allowed once, and is no change.
        """
        username = change.username if change.username != account.username else None
        if username is not None:
            username = parse_username(username)
            if await self.look_alikes.is_anothers(username, account.user_id):
                raise username_taken()
        shown = (change.display_name or "").lstrip("@ ")
        if shown and await self.look_alikes.is_anothers(shown, account.user_id):
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                "This looks like someone else's username.",
                field="display_name",
            )
        return replace(change, username=username)

    async def _made_still(self, user_id: UserId, avatar: Avatar) -> Avatar | None:
        """Replace a picture as an earlier version stored it; by none if it is none."""
        try:
            still = await self.pictures.still(Upload(avatar.content_type, avatar.data))
        except ChatterRoomError as error:
            if error.code is not ErrorCode.INVALID_REQUEST:
                raise
            still = None
        await self.profiles.replace_avatar(user_id, avatar, still)
        log.info("picture_made_still", user_id=user_id, kept=still is not None)
        return still

    def _tell_second_factor(
        self, who: Who, origin: Origin, now: datetime, *, enabled: bool
    ) -> None:
        log.info("second_factor_changed", user_id=who.user_id, enabled=enabled)
        alert = SecondFactorChanged(new_id(), *_told(who, origin, now), enabled=enabled)
        self.alerts.tell(who.user_id, alert)


def _told(who: Who, origin: Origin, now: datetime) -> tuple[str, str, str, SessionId]:
    """Return device, address, time and session of an alert; a service has no session."""
    return origin.device, origin.address, format_time(now), who.session_id or SessionId("")


def _nothing_begun() -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.NOT_FOUND, "There is no two-factor setup to confirm.")
