# ruff: noqa: N802 -- methods are named as in the proto file
"""The gRPC calls about a user's own account."""

from typing import Any

import grpc.aio

from chatterroom.core.ids import parse_user_id
from chatterroom.core.times import format_time, now
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.identity import address_of_client, current_caller, require_identity
from chatterroom.users.accounts import Account
from chatterroom.users.authentication import Proof
from chatterroom.users.names import parse_display_name
from chatterroom.users.own_account import OwnAccounts, Who
from chatterroom.users.profile import (
    ProfileChange,
    parse_avatar,
    parse_preferences,
)
from chatterroom.users.second_factor import secret_text, setup_uri
from chatterroom.users.sessions import Origin

__all__ = ["AccountServicer"]

Context = grpc.aio.ServicerContext[Any, Any]


class AccountServicer(users_pb2_grpc.UserServiceServicer):
    """Answers for the user of the call; a service may act for anybody."""

    def __init__(self, own_accounts: OwnAccounts) -> None:
        self._own = own_accounts

    async def GetAccount(
        self, request: users_pb2.GetAccountRequest, context: Context
    ) -> users_pb2.Account:
        """Raises USER_NOT_FOUND."""
        who = _who(request.user_id)
        return await self._account(await self._own.account(who.user_id))

    async def UpdateAccount(
        self, request: users_pb2.UpdateAccountRequest, context: Context
    ) -> users_pb2.Account:
        """Raises INVALID_REQUEST, USERNAME_TAKEN, USER_NOT_FOUND.

        For another username also SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG, RATE_LIMITED.
        """
        who = _who(request.user_id)
        change = _change(request)
        return await self._account(await self._own.change_profile(who, change, request.code, now()))

    async def GetAvatar(
        self, request: users_pb2.GetAvatarRequest, context: Context
    ) -> users_pb2.GetAvatarResponse:
        """Shows a picture to every user. Raises NOT_FOUND."""
        avatar = await self._own.avatar(parse_user_id(request.user_id))
        return users_pb2.GetAvatarResponse(
            content_type=avatar.content_type, data=avatar.data, avatar=avatar.avatar_id
        )

    async def ChangePassword(
        self, request: users_pb2.ChangePasswordRequest, context: Context
    ) -> users_pb2.AccountResponse:
        """Raises WRONG_CREDENTIALS, WEAK_PASSWORD, RATE_LIMITED, OVERLOADED.

        With a second factor also SECOND_FACTOR_REQUIRED and SECOND_FACTOR_WRONG.
        """
        await self._own.change_password(
            _who(request.user_id),
            Proof(request.current_password, request.code),
            request.new_password,
            Origin.of(request.device, address_of_client(request.address, context.peer())),
            now(),
        )
        return users_pb2.AccountResponse(message="Password changed successfully")

    async def DeleteAccount(
        self, request: users_pb2.DeleteAccountRequest, context: Context
    ) -> users_pb2.AccountResponse:
        """Raises WRONG_CREDENTIALS, SECOND_FACTOR_REQUIRED, SECOND_FACTOR_WRONG, RATE_LIMITED."""
        who = _who(request.user_id)
        await self._own.delete(who, Proof(request.password, request.code), now())
        return users_pb2.AccountResponse(message="Account deleted successfully")

    async def BeginSecondFactor(
        self, request: users_pb2.BeginSecondFactorRequest, context: Context
    ) -> users_pb2.BeginSecondFactorResponse:
        """Raises WRONG_CREDENTIALS, UNCHANGED, RATE_LIMITED."""
        who = _who(request.user_id)
        account, secret = await self._own.begin_second_factor(who, request.password, now())
        return users_pb2.BeginSecondFactorResponse(
            secret=secret_text(secret), uri=setup_uri(secret, account.email)
        )

    async def ConfirmSecondFactor(
        self, request: users_pb2.ConfirmSecondFactorRequest, context: Context
    ) -> users_pb2.ConfirmSecondFactorResponse:
        """Raises NOT_FOUND, SECOND_FACTOR_WRONG, RATE_LIMITED."""
        origin = Origin.of(request.device, address_of_client(request.address, context.peer()))
        who = _who(request.user_id)
        codes = await self._own.confirm_second_factor(who, request.code, origin, now())
        return users_pb2.ConfirmSecondFactorResponse(recovery_codes=codes)

    async def RemoveSecondFactor(
        self, request: users_pb2.RemoveSecondFactorRequest, context: Context
    ) -> users_pb2.AccountResponse:
        """Raises NOT_FOUND, WRONG_CREDENTIALS, SECOND_FACTOR_WRONG, RATE_LIMITED."""
        origin = Origin.of(request.device, address_of_client(request.address, context.peer()))
        who = _who(request.user_id)
        proof = Proof(request.password, request.code)
        await self._own.remove_second_factor(who, proof, origin, now())
        return users_pb2.AccountResponse(
            message="Two-factor authentication turned off successfully"
        )

    async def _account(self, account: Account) -> users_pb2.Account:
        return users_pb2.Account(
            user_id=account.user_id,
            username=account.username,
            email=account.email,
            display_name=account.display_name,
            avatar=account.avatar_id,
            created_at=format_time(account.created_at),
            preferences=await self._own.profiles.preferences(account.user_id),
            second_factor=account.second_factor is not None,
        )


def _who(user_id: str) -> Who:
    """Accept the caller's own id; a service may name anybody."""
    parsed = parse_user_id(user_id)
    require_identity(parsed, "user_id")
    return Who(parsed, current_caller().session_id)


def _change(request: users_pb2.UpdateAccountRequest) -> ProfileChange:
    given = request.HasField
    picture = request.avatar if given("avatar") else None
    return ProfileChange(
        username=request.username if given("username") else None,
        display_name=(parse_display_name(request.display_name) if given("display_name") else None),
        avatar=parse_avatar(picture) if picture else None,
        remove_avatar=picture == "",
        preferences=parse_preferences(request.preferences) if given("preferences") else None,
    )
