"""What requests and answers about accounts hold. The OpenAPI document is made from these types."""

from typing import Annotated

from msgspec import Meta, Struct

from chatterroom.gateway.fields import Moment, RequestBody, UserIdText, Username, example
from chatterroom.gateway.profile_bodies import AvatarUrl, Deleted, DisplayName, Password

__all__ = [
    "Login",
    "Profile",
    "Refresh",
    "Register",
    "Registered",
    "Tokens",
    "UserSummary",
    "Users",
    "UsersQuery",
]

Email = Annotated[str, example("ada@example.org")]
AccessTokenText = Annotated[str, example("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMWtheCJ9.c2lnbmVk")]
RefreshTokenText = Annotated[str, example("rt_4mJt7v9QxYc2")]
SessionIdText = Annotated[str, example("01kax3w2d5f7h9k1m3p5r7t9vx")]


class Register(RequestBody):
    """A new account."""

    username: Username
    password: Password
    email: Email


class Registered(Struct):
    """The account exists."""

    message: Annotated[str, example("User registered successfully")]
    user_id: UserIdText


class Login(RequestBody):
    """Who logs in."""

    email: Email
    password: Password
    code: (
        Annotated[
            str,
            example(
                "492039",
                "Required with two-factor authentication: the six digits from the authenticator "
                "app, or a recovery code.",
            ),
        ]
        | None
    ) = None


class Tokens(Struct):
    """A session's access token, and the refresh token that gets the next one."""

    token: AccessTokenText
    refresh_token: RefreshTokenText
    user_id: UserIdText
    session_id: SessionIdText
    expires_in: Annotated[int, example(900, "How long `token` is valid, in seconds.")]


class Refresh(RequestBody):
    """Asks for new tokens of the same session."""

    refresh_token: RefreshTokenText


class Profile(Struct):
    """What may be known of a user."""

    username: Username
    email: Annotated[Email, Meta(description="Empty if the operator does not show it.")]
    user_id: UserIdText
    created_at: Moment
    display_name: DisplayName
    avatar_url: AvatarUrl
    deleted: Deleted


class UsersQuery(Struct):
    """Whom to find."""

    query: Annotated[
        str, Meta(max_length=64, description="The start of the username; case is ignored.")
    ] = ""
    ids: Annotated[
        str,
        Meta(max_length=4096, description="User ids separated by commas, instead of `query`."),
    ] = ""
    usernames: Annotated[
        str,
        Meta(
            max_length=4096,
            description="Whole usernames separated by commas, instead of `query`; case is ignored.",
        ),
    ] = ""
    limit: (
        Annotated[
            int, Meta(ge=1, le=100, description="The largest number to return; 20 by default.")
        ]
        | None
    ) = None


class UserSummary(Struct):
    """A user as others see them in a list."""

    user_id: UserIdText
    username: Username
    display_name: DisplayName
    avatar_url: AvatarUrl
    deleted: Deleted


class Users(Struct):
    """Users that were found."""

    users: list[UserSummary]
