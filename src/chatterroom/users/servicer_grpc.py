# ruff: noqa: N802 -- methods are named as in the proto file
"""The gRPC face of the user service: messages in, accounts and logins, messages out."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import grpc.aio
import structlog
from google.protobuf.empty_pb2 import Empty

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId, new_id, parse_session_id, parse_user_id
from chatterroom.core.times import format_time, now
from chatterroom.pb import users_pb2
from chatterroom.rpc.identity import address_of_client, current_caller, require_identity
from chatterroom.users.account_servicer_grpc import AccountServicer
from chatterroom.users.accounts import Account, parse_email, parse_password
from chatterroom.users.common_passwords import refuse_guessable
from chatterroom.users.deletion_mongo import DeletionStore
from chatterroom.users.guessing import network_of
from chatterroom.users.hashing_turns import Asker
from chatterroom.users.login import Logins, Tokens
from chatterroom.users.names import DELETED_USERNAME, parse_username
from chatterroom.users.own_account import OwnAccounts
from chatterroom.users.profile import Person
from chatterroom.users.session_ends import SessionEnds
from chatterroom.users.sessions import Origin, Session
from chatterroom.users.store_mongo import UserStore

__all__ = ["OPEN_TO", "SERVICE_NAME", "UsersServicer"]

log = structlog.get_logger()

SERVICE_NAME = users_pb2.DESCRIPTOR.services_by_name["UserService"].full_name

# Which services besides the gateway may call what (see rpc/identity.py).
OPEN_TO = {"SearchUsers": ("chat",), "WatchEndedSessions": ("chat",)}

_USERS_AT_ONCE = 100
_MOST_RESULTS = 100
_USUAL_RESULTS = 20
_QUERY_CHARACTERS = 64
_MOST_SESSIONS = 200
_USUAL_SESSIONS = 100
_TOUCHED_AT_ONCE = 1_000
_BEYOND_DEADLINE_S = 1.0

Context = grpc.aio.ServicerContext[Any, Any]


class UsersServicer(AccountServicer):
    """Answers as proto/chatterroom/users/v1/users.proto promises."""

    def __init__(
        self,
        store: UserStore,
        deletions: DeletionStore,
        own_accounts: OwnAccounts,
        logins: Logins,
        ends: SessionEnds,
        *,
        timeout_simulation_s: float,
        emails_visible: bool,
    ) -> None:
        super().__init__(own_accounts)
        self._store = store
        self._deletions = deletions
        self._passwords = own_accounts.passwords
        self._logins = logins
        self._sessions = own_accounts.sessions
        self._ends = ends
        self._timeout_simulation_s = timeout_simulation_s
        self._emails_visible = emails_visible

    async def RegisterUser(
        self, request: users_pb2.RegisterUserRequest, context: Context
    ) -> users_pb2.RegisterUserResponse:
        """Raises INVALID_REQUEST, WEAK_PASSWORD, EMAIL_TAKEN, USERNAME_TAKEN, OVERLOADED."""
        username = parse_username(request.username)
        email = parse_email(request.email)
        password = parse_password(request.password)
        refuse_guessable(request.password, username, email)
        address = address_of_client(request.address, context.peer())
        asker = Asker(network_of(address) or email)
        password_hash = await self._passwords.hash(password, asker)
        account = Account(UserId(new_id()), username, email, password_hash, now())
        await self._store.add_account(account)
        log.info("user_registered", user_id=account.user_id)
        return users_pb2.RegisterUserResponse(
            message="User registered successfully", user_id=account.user_id
        )

    async def LoginUser(
        self, request: users_pb2.LoginUserRequest, context: Context
    ) -> users_pb2.LoginUserResponse:
        """Raises INVALID_REQUEST where a field is empty, and what `Logins.log_in` raises."""
        _require(request.email, "email")
        _require(request.password, "password")
        origin = Origin.of(request.device, address_of_client(request.address, context.peer()))
        return _login(
            await self._logins.log_in(request.email, request.password, request.code, origin, now())
        )

    async def RefreshToken(
        self, request: users_pb2.RefreshTokenRequest, context: Context
    ) -> users_pb2.LoginUserResponse:
        """Raises TOKEN_INVALID; then only a login helps."""
        return _login(await self._logins.refresh(request.refresh_token, now()))

    async def LogoutUser(
        self, request: users_pb2.LogoutUserRequest, context: Context
    ) -> users_pb2.LogoutUserResponse:
        """Ends the named session of the caller, or the one of the call.

        Logging out of the call's own session again is fine. Raises NOT_FOUND for a session that
        is not the caller's, as for one that does not exist.
        """
        caller = current_caller()
        session_id = SessionId(request.session_id or caller.session_id or "")
        _require(session_id, "session_id")
        ended = await self._sessions.end(session_id, caller.user_id, now(), by=caller.session_id)
        if not ended and session_id != caller.session_id:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "There is no such session.")
        return users_pb2.LogoutUserResponse(message="User logged out successfully")

    async def ListSessions(
        self, request: users_pb2.ListSessionsRequest, context: Context
    ) -> users_pb2.ListSessionsResponse:
        """Shows users their own. Raises IDENTITY_MISMATCH, MALFORMED_ID, INVALID_REQUEST."""
        user_id = parse_user_id(request.user_id)
        require_identity(user_id, "user_id")
        before = parse_session_id(request.before, "before") if request.before else None
        limit = request.limit or _USUAL_SESSIONS
        if not 1 <= limit <= _MOST_SESSIONS:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST, f"limit must be 1 to {_MOST_SESSIONS}.", field="limit"
            )
        found = await self._sessions.of_user(user_id, now(), limit + 1, before)
        current = current_caller().session_id
        return users_pb2.ListSessionsResponse(
            sessions=[_session_entry(session, current) for session in found[:limit]],
            has_more=len(found) > limit,
        )

    async def EndOtherSessions(
        self, request: users_pb2.EndOtherSessionsRequest, context: Context
    ) -> users_pb2.EndOtherSessionsResponse:
        """Raises IDENTITY_MISMATCH, MALFORMED_ID."""
        user_id = parse_user_id(request.user_id)
        require_identity(user_id, "user_id")
        ended = await self._sessions.end_others(user_id, current_caller().session_id, now())
        return users_pb2.EndOtherSessionsResponse(
            message="Other sessions ended successfully", ended=ended
        )

    async def TouchSessions(
        self, request: users_pb2.TouchSessionsRequest, context: Context
    ) -> users_pb2.TouchSessionsResponse:
        """Raises NOT_ALLOWED for users, INVALID_REQUEST."""
        _require_service()
        if len(request.session_ids) > _TOUCHED_AT_ONCE:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                f"Pass at most {_TOUCHED_AT_ONCE} sessions at once.",
                field="session_ids",
            )
        await self._sessions.touch([SessionId(text) for text in request.session_ids], now())
        return users_pb2.TouchSessionsResponse()

    async def WatchEndedSessions(
        self, request: users_pb2.WatchEndedSessionsRequest, context: Context
    ) -> AsyncIterator[users_pb2.WatchEndedSessionsResponse]:
        """Streams until the caller leaves or this process stops. Raises NOT_ALLOWED for users."""
        _require_service()
        async for ends in self._ends.watch():
            yield users_pb2.WatchEndedSessionsResponse(
                sessions=[
                    users_pb2.EndedSession(
                        session_id=session.session_id,
                        user_id=session.user_id,
                        forget_at=session.forget_at,
                    )
                    for session in ends.sessions
                ],
                up_to_date=ends.up_to_date,
            )

    async def GetUserProfile(
        self, request: users_pb2.GetUserProfileRequest, context: Context
    ) -> users_pb2.GetUserProfileResponse:
        """Shows a profile to every user. Raises USER_NOT_FOUND, MALFORMED_ID."""
        user_id = parse_user_id(request.user_id)
        account = await self._store.account(user_id)
        if account is None:
            return await self._deleted(user_id)
        viewer = current_caller().user_id
        shown = self._emails_visible or viewer is None or viewer == user_id
        return users_pb2.GetUserProfileResponse(
            username=account.username,
            email=account.email if shown else "",
            user_id=account.user_id,
            created_at=format_time(account.created_at),
            display_name=account.display_name,
            avatar=account.avatar_id,
        )

    async def SearchUsers(
        self, request: users_pb2.SearchUsersRequest, context: Context
    ) -> users_pb2.SearchUsersResponse:
        """Answers in the order of the ids, or of the usernames. Raises INVALID_REQUEST."""
        if request.ids:
            return _summaries(await self._by_ids(request.ids))
        if request.usernames:
            return _summaries(await self._by_usernames(request.usernames))
        _require(request.query, "query")
        limit = request.limit or _USUAL_RESULTS
        if not 1 <= limit <= _MOST_RESULTS or len(request.query) > _QUERY_CHARACTERS:
            raise ChatterRoomError(
                ErrorCode.INVALID_REQUEST,
                f"limit must be 1 to {_MOST_RESULTS}, "
                f"query at most {_QUERY_CHARACTERS} characters.",
            )
        return _summaries(await self._store.people_beginning(request.query, limit))

    async def Timeout(self, request: Empty, context: Context) -> Empty:
        """Never answers in time; without a deadline raises REQUEST_TIMED_OUT after a while."""
        remaining_s = context.time_remaining()
        longest_s = self._timeout_simulation_s
        wait_s = longest_s if remaining_s is None else remaining_s + _BEYOND_DEADLINE_S
        await asyncio.sleep(min(wait_s, longest_s))
        raise ChatterRoomError(ErrorCode.REQUEST_TIMED_OUT, "Request timed out")

    async def _deleted(self, user_id: UserId) -> users_pb2.GetUserProfileResponse:
        registered_at = (await self._deletions.deleted([user_id])).get(user_id)
        if registered_at is None:
            raise ChatterRoomError(ErrorCode.USER_NOT_FOUND, "There is no such user.")
        return users_pb2.GetUserProfileResponse(
            username=DELETED_USERNAME,
            user_id=user_id,
            created_at=format_time(registered_at),
            deleted=True,
        )

    async def _by_ids(self, texts: Iterable[str]) -> dict[UserId, Person]:
        user_ids = list(dict.fromkeys(parse_user_id(text, "ids") for text in texts))
        _require_few(user_ids, "ids")
        found = await self._store.people(user_ids)
        missing = [user_id for user_id in user_ids if user_id not in found]
        if missing:
            gone = Person(DELETED_USERNAME, deleted=True)
            found.update(dict.fromkeys(await self._deletions.deleted(missing), gone))
        return {user_id: found[user_id] for user_id in user_ids if user_id in found}

    async def _by_usernames(self, texts: Sequence[str]) -> dict[UserId, Person]:
        _require_few(texts, "usernames")
        # Nobody has a longer name; normalising one could take a while.
        return await self._store.people_named(
            text for text in texts if len(text) <= _QUERY_CHARACTERS
        )


def _require(value: str, name: str) -> None:
    if not value:
        raise ChatterRoomError(ErrorCode.INVALID_REQUEST, f"{name} is missing.", field=name)


def _require_service() -> None:
    if current_caller().user_id is not None:
        raise ChatterRoomError(ErrorCode.NOT_ALLOWED, "Only services may call this.")


def _require_few(users: Sequence[str], name: str) -> None:
    if len(users) > _USERS_AT_ONCE:
        raise ChatterRoomError(
            ErrorCode.INVALID_REQUEST, f"Pass at most {_USERS_AT_ONCE} {name} at once.", field=name
        )


def _login(tokens: Tokens) -> users_pb2.LoginUserResponse:
    return users_pb2.LoginUserResponse(
        token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        user_id=tokens.user_id,
        session_id=tokens.session_id,
        expires_in_s=tokens.expires_in_s,
    )


def _session_entry(session: Session, current: SessionId | None) -> users_pb2.SessionEntry:
    return users_pb2.SessionEntry(
        session_id=session.session_id,
        device=session.origin.device,
        address=session.origin.address,
        created_at=format_time(session.created_at),
        last_seen_at=format_time(session.last_seen_at),
        current=session.session_id == current,
    )


def _summaries(people: dict[UserId, Person]) -> users_pb2.SearchUsersResponse:
    return users_pb2.SearchUsersResponse(
        users=[
            users_pb2.UserSummary(
                user_id=user_id,
                username=person.username,
                display_name=person.display_name,
                avatar=person.avatar_id,
                deleted=person.deleted,
            )
            for user_id, person in people.items()
        ]
    )
