"""Your own account over HTTP: profile, password, two-factor authentication, deletion, pictures."""

from http import HTTPStatus
from typing import Any

import msgspec

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import parse_user_id
from chatterroom.gateway import profile_bodies as bodies
from chatterroom.gateway.answers import Answer, Header
from chatterroom.gateway.endpoints import Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, Nothing
from chatterroom.pb import users_pb2

__all__ = ["PROFILE_ENDPOINTS", "avatar_url", "device_of"]

_MAX_DEVICE_CHARACTERS = 200
_PICTURES = ("image/png", "image/jpeg", "image/webp")
# A picture's address changes with it. What a user has uploaded must never act as a page.
_PICTURE_POLICY: tuple[Header, ...] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"cache-control", b"private, max-age=31536000, immutable"),
)
_CONFIRMED_BY_CODE = (ErrorCode.SECOND_FACTOR_REQUIRED, ErrorCode.SECOND_FACTOR_WRONG)
_CONFIRMED_BY_PASSWORD = (ErrorCode.WRONG_CREDENTIALS, ErrorCode.USER_NOT_FOUND)


async def own_account(call: Call[None, Nothing], platform: Platform) -> bodies.OwnAccount:
    """Get your own account."""
    account = await platform.services.users.call(
        lambda stub: stub.GetAccount,
        users_pb2.GetAccountRequest(user_id=call.user_id),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return _account(account)


async def update_account(
    call: Call[bodies.UpdateAccount, Nothing], platform: Platform
) -> bodies.OwnAccount:
    """Change your username, display name, picture or preferences."""
    body = call.body
    given: dict[str, Any] = {
        name: value
        for name, value in (
            ("username", body.username),
            ("display_name", body.display_name),
            ("avatar", body.avatar),
        )
        if value is not None
    }
    if body.preferences is not None:
        given["preferences"] = msgspec.json.encode(body.preferences).decode()
    account = await platform.services.users.call(
        lambda stub: stub.UpdateAccount,
        users_pb2.UpdateAccountRequest(user_id=call.user_id, code=body.code or "", **given),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return _account(account)


async def avatar(call: Call[None, Nothing], platform: Platform) -> Answer:
    """Get a user's picture. `v` in the address is ignored: it is for caches."""
    user_id = parse_user_id(call.path["user_id"])
    picture = await platform.services.users.call(
        lambda stub: stub.GetAvatar,
        users_pb2.GetAvatarRequest(user_id=user_id),
        caller=call.caller,
        safe_to_repeat=True,
    )
    etag = f'"{picture.avatar}"'.encode()
    known = call.headers.get(b"if-none-match", b"").split(b",")
    fresh = etag in (each.strip().removeprefix(b"W/") for each in known)
    return Answer(
        HTTPStatus.NOT_MODIFIED if fresh else HTTPStatus.OK,
        b"" if fresh else picture.data,
        picture.content_type.encode(),
        ((b"etag", etag),),
        _PICTURE_POLICY,
    )


async def change_password(call: Call[bodies.ChangePassword, Nothing], platform: Platform) -> Done:
    """Change your password. All your other sessions end."""
    answer = await platform.services.users.call(
        lambda stub: stub.ChangePassword,
        users_pb2.ChangePasswordRequest(
            user_id=call.user_id,
            current_password=call.body.current_password,
            new_password=call.body.new_password,
            code=call.body.code or "",
            device=device_of(call),
            address=call.address,
        ),
        caller=call.caller,
        safe_to_repeat=False,
    )
    return Done(answer.message)


async def delete_account(call: Call[bodies.DeleteAccount, Nothing], platform: Platform) -> Done:
    """Delete your account. This can't be undone. Your messages stay, without your name."""
    answer = await platform.services.users.call(
        lambda stub: stub.DeleteAccount,
        users_pb2.DeleteAccountRequest(
            user_id=call.user_id, password=call.body.password, code=call.body.code or ""
        ),
        caller=call.caller,
        safe_to_repeat=False,
    )
    return Done(answer.message)


async def begin_second_factor(
    call: Call[bodies.StartSecondFactor, Nothing], platform: Platform
) -> bodies.SecondFactorBegun:
    """Get a secret for an authenticator app. It takes effect when you confirm a code."""
    answer = await platform.services.users.call(
        lambda stub: stub.BeginSecondFactor,
        users_pb2.BeginSecondFactorRequest(user_id=call.user_id, password=call.body.password),
        caller=call.caller,
        safe_to_repeat=False,
    )
    return bodies.SecondFactorBegun(answer.secret, answer.uri)


async def confirm_second_factor(
    call: Call[bodies.ConfirmSecondFactor, Nothing], platform: Platform
) -> bodies.RecoveryCodes:
    """Turn two-factor authentication on: logins need a code from now on."""
    answer = await platform.services.users.call(
        lambda stub: stub.ConfirmSecondFactor,
        users_pb2.ConfirmSecondFactorRequest(
            user_id=call.user_id,
            code=call.body.code,
            device=device_of(call),
            address=call.address,
        ),
        caller=call.caller,
        safe_to_repeat=False,
    )
    return bodies.RecoveryCodes(list(answer.recovery_codes))


async def remove_second_factor(
    call: Call[bodies.RemoveSecondFactor, Nothing], platform: Platform
) -> Done:
    """Turn two-factor authentication off."""
    answer = await platform.services.users.call(
        lambda stub: stub.RemoveSecondFactor,
        users_pb2.RemoveSecondFactorRequest(
            user_id=call.user_id,
            password=call.body.password,
            code=call.body.code,
            device=device_of(call),
            address=call.address,
        ),
        caller=call.caller,
        safe_to_repeat=False,
    )
    return Done(answer.message)


def avatar_url(user_id: str, avatar: str) -> str:
    """Return where a user's picture is, or "" where there is none."""
    return f"/user-service/users/{user_id}/avatar?v={avatar}" if avatar else ""


def device_of(call: Call[Any, Any]) -> str:
    """Return how a client describes itself."""
    device = call.headers.get(b"user-agent", b"").decode("latin-1")
    return device[:_MAX_DEVICE_CHARACTERS]


def _account(account: users_pb2.Account) -> bodies.OwnAccount:
    return bodies.OwnAccount(
        user_id=account.user_id,
        username=account.username,
        email=account.email,
        display_name=account.display_name,
        avatar_url=avatar_url(account.user_id, account.avatar),
        created_at=account.created_at,
        preferences=msgspec.json.decode(account.preferences or "{}"),
        second_factor=account.second_factor,
    )


PROFILE_ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/user-service/me",
        handler=own_account,
        answer=bodies.OwnAccount,
        service="users",
        errors=(ErrorCode.USER_NOT_FOUND,),
    ),
    Endpoint(
        method="PATCH",
        path="/user-service/me",
        handler=update_account,
        body=bodies.UpdateAccount,
        answer=bodies.OwnAccount,
        service="users",
        errors=(*_CONFIRMED_BY_CODE, ErrorCode.USERNAME_TAKEN, ErrorCode.USER_NOT_FOUND),
    ),
    Endpoint(
        method="POST",
        path="/user-service/me/password",
        handler=change_password,
        takes_secret=True,
        body=bodies.ChangePassword,
        answer=Done,
        service="users",
        errors=(*_CONFIRMED_BY_PASSWORD, *_CONFIRMED_BY_CODE, ErrorCode.WEAK_PASSWORD),
    ),
    Endpoint(
        method="POST",
        path="/user-service/me/deletion",
        handler=delete_account,
        takes_secret=True,
        body=bodies.DeleteAccount,
        answer=Done,
        service="users",
        errors=(*_CONFIRMED_BY_PASSWORD, *_CONFIRMED_BY_CODE),
    ),
    Endpoint(
        method="POST",
        path="/user-service/me/second-factor",
        handler=begin_second_factor,
        takes_secret=True,
        body=bodies.StartSecondFactor,
        answer=bodies.SecondFactorBegun,
        service="users",
        errors=(*_CONFIRMED_BY_PASSWORD, ErrorCode.UNCHANGED),
    ),
    Endpoint(
        method="POST",
        path="/user-service/me/second-factor/confirm",
        handler=confirm_second_factor,
        takes_secret=True,
        body=bodies.ConfirmSecondFactor,
        answer=bodies.RecoveryCodes,
        service="users",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.SECOND_FACTOR_WRONG),
    ),
    Endpoint(
        method="POST",
        path="/user-service/me/second-factor/removal",
        handler=remove_second_factor,
        takes_secret=True,
        body=bodies.RemoveSecondFactor,
        answer=Done,
        service="users",
        errors=(*_CONFIRMED_BY_PASSWORD, *_CONFIRMED_BY_CODE, ErrorCode.NOT_FOUND),
    ),
    Endpoint(
        method="GET",
        path="/user-service/users/{user_id}/avatar",
        handler=avatar,
        answer=None,
        media_types=_PICTURES,
        service="users",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.NOT_FOUND),
    ),
)
