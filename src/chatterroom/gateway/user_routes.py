"""Accounts, logins and profiles over HTTP."""

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import parse_user_id
from chatterroom.gateway import user_bodies as bodies
from chatterroom.gateway.endpoints import Access, Call, Endpoint, Platform
from chatterroom.gateway.fields import Done, Nothing
from chatterroom.gateway.profile_routes import avatar_url, device_of
from chatterroom.gateway.reading import listed
from chatterroom.pb import users_pb2

__all__ = ["USER_ENDPOINTS"]

# The limiter remembers emails; no real one is longer (RFC 5321, section 4.5.3.1).
_MAX_EMAIL_CHARACTERS = 254


async def register(call: Call[bodies.Register, Nothing], platform: Platform) -> bodies.Registered:
    """Register a new user."""
    body = call.body
    answer = await platform.services.users.call(
        lambda stub: stub.RegisterUser,
        users_pb2.RegisterUserRequest(
            username=body.username,
            password=body.password,
            email=body.email,
            address=call.address,
        ),
        safe_to_repeat=False,
    )
    return bodies.Registered(answer.message, answer.user_id)


async def login(call: Call[bodies.Login, Nothing], platform: Platform) -> bodies.Tokens:
    """Log in: get an access token and a refresh token."""
    answer = await platform.services.users.call(
        lambda stub: stub.LoginUser,
        users_pb2.LoginUserRequest(
            email=call.body.email,
            password=call.body.password,
            device=device_of(call),
            address=call.address,
            code=call.body.code or "",
        ),
        safe_to_repeat=False,
    )
    return _tokens(answer)


async def refresh(call: Call[bodies.Refresh, Nothing], platform: Platform) -> bodies.Tokens:
    """Exchange a refresh token for new tokens of the same session.

    A repeat within 20 seconds gets the newest refresh token of the session.
    """
    answer = await platform.services.users.call(
        lambda stub: stub.RefreshToken,
        users_pb2.RefreshTokenRequest(refresh_token=call.body.refresh_token),
        safe_to_repeat=True,
    )
    return _tokens(answer)


async def logout(call: Call[None, Nothing], platform: Platform) -> Done:
    """End this session: its tokens stop working and its sockets are closed."""
    answer = await platform.services.users.call(
        lambda stub: stub.LogoutUser,
        users_pb2.LogoutUserRequest(session_id=call.caller.session_id or ""),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return Done(answer.message)


async def profile(call: Call[None, Nothing], platform: Platform) -> bodies.Profile:
    """Get a user's profile."""
    user_id = parse_user_id(call.path["user_id"])
    answer = await platform.services.users.call(
        lambda stub: stub.GetUserProfile,
        users_pb2.GetUserProfileRequest(user_id=user_id),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.Profile(
        username=answer.username,
        email=answer.email,
        user_id=answer.user_id,
        created_at=answer.created_at,
        display_name=answer.display_name,
        avatar_url=avatar_url(answer.user_id, answer.avatar),
        deleted=answer.deleted,
    )


async def find(call: Call[None, bodies.UsersQuery], platform: Platform) -> bodies.Users:
    """Find users by the start of their username, by whole usernames, or by ids."""
    query = call.query
    answer = await platform.services.users.call(
        lambda stub: stub.SearchUsers,
        users_pb2.SearchUsersRequest(
            query=query.query,
            ids=[parse_user_id(text, "ids") for text in listed(query.ids)],
            usernames=listed(query.usernames),
            limit=query.limit or 0,
        ),
        caller=call.caller,
        safe_to_repeat=True,
    )
    return bodies.Users([_summary(user) for user in answer.users])


def _summary(user: users_pb2.UserSummary) -> bodies.UserSummary:
    return bodies.UserSummary(
        user_id=user.user_id,
        username=user.username,
        display_name=user.display_name,
        avatar_url=avatar_url(user.user_id, user.avatar),
        deleted=user.deleted,
    )


def _tokens(answer: users_pb2.LoginUserResponse) -> bodies.Tokens:
    return bodies.Tokens(
        token=answer.token,
        refresh_token=answer.refresh_token,
        user_id=answer.user_id,
        session_id=answer.session_id,
        expires_in=answer.expires_in_s,
    )


def _email(body: bodies.Register | bodies.Login) -> str:
    return body.email.strip().casefold()[:_MAX_EMAIL_CHARACTERS]


USER_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/user-service/register",
        handler=register,
        access=Access.CREDENTIALS,
        body=bodies.Register,
        answer=bodies.Registered,
        service="users",
        counted_email=_email,
        errors=(ErrorCode.WEAK_PASSWORD, ErrorCode.EMAIL_TAKEN, ErrorCode.USERNAME_TAKEN),
    ),
    Endpoint(
        method="POST",
        path="/user-service/login",
        handler=login,
        access=Access.CREDENTIALS,
        body=bodies.Login,
        answer=bodies.Tokens,
        service="users",
        counted_email=_email,
        errors=(
            ErrorCode.WRONG_CREDENTIALS,
            ErrorCode.SECOND_FACTOR_REQUIRED,
            ErrorCode.SECOND_FACTOR_WRONG,
        ),
    ),
    Endpoint(
        method="POST",
        path="/user-service/refresh",
        handler=refresh,
        access=Access.OPEN,
        body=bodies.Refresh,
        answer=bodies.Tokens,
        service="users",
        errors=(ErrorCode.TOKEN_INVALID, ErrorCode.TOKEN_EXPIRED),
    ),
    Endpoint(
        method="POST",
        path="/user-service/logout",
        handler=logout,
        answer=Done,
        service="users",
    ),
    Endpoint(
        method="GET",
        path="/user-service/users",
        handler=find,
        query=bodies.UsersQuery,
        answer=bodies.Users,
        service="users",
        errors=(ErrorCode.MALFORMED_ID,),
    ),
    Endpoint(
        method="GET",
        path="/user-service/users/{user_id}",
        handler=profile,
        answer=bodies.Profile,
        service="users",
        errors=(ErrorCode.MALFORMED_ID, ErrorCode.USER_NOT_FOUND),
    ),
)
