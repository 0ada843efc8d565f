"""What requests and answers about one's own account hold. The OpenAPI document is made of them."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from chatterroom.gateway.fields import USER, Moment, RequestBody, UserIdText, Username, example

__all__ = [
    "AvatarUrl",
    "ChangePassword",
    "ConfirmSecondFactor",
    "DeleteAccount",
    "Deleted",
    "DisplayName",
    "OwnAccount",
    "Password",
    "RecoveryCodes",
    "RemoveSecondFactor",
    "SecondFactorBegun",
    "StartSecondFactor",
    "UpdateAccount",
]

Password = Annotated[str, example("correct horse battery staple", format="password")]
Code = Annotated[str, example("492039", "Six digits of the authenticator app, or a recovery code.")]
CodeIfNeeded = Annotated[Code, Meta(description="Required if two-factor authentication is on.")]
DisplayName = Annotated[str, example("Ada Lovelace", "Empty: none.")]
AvatarUrl = Annotated[
    str,
    example(
        f"/user-service/users/{USER}/avatar?v=7f83b1657ff1fc53b92dc18148a1d65d",
        "The address of the picture, which changes with it. Empty if there is none.",
    ),
]
Deleted = Annotated[
    bool, Meta(description="Whether the account was deleted; the other fields are empty then.")
]
Preferences = Annotated[
    dict[str, Any],
    example({"theme": "dark"}, "Preferences that clients keep, at most 8 KiB of JSON."),
]


class OwnAccount(Struct):
    """One's own account."""

    user_id: UserIdText
    username: Username
    email: Annotated[str, example("ada@example.org")]
    display_name: DisplayName
    avatar_url: AvatarUrl
    created_at: Moment
    preferences: Preferences
    second_factor: Annotated[bool, Meta(description="Whether logging in needs a code.")]


class UpdateAccount(RequestBody):
    """What to change; the rest stays as it is."""

    username: Username | None = None
    display_name: (
        Annotated[str, example("Ada Lovelace", "1 to 64 characters; empty removes it.")] | None
    ) = None
    avatar: (
        Annotated[
            str,
            example(
                "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4"
                "z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC",
                "A data: URL of a PNG, JPEG or WebP picture, at most 40,000 characters and 1,024 "
                "pixels a side; empty removes it. Only the first frame of an animation is kept.",
            ),
        ]
        | None
    ) = None
    preferences: Preferences | None = None
    code: (
        Annotated[
            Code,
            Meta(description="Required to change the username if two-factor authentication is on."),
        ]
        | None
    ) = None


class ChangePassword(RequestBody):
    """The password as it is, and as it is to be."""

    current_password: Password
    new_password: Password
    code: CodeIfNeeded | None = None


class DeleteAccount(RequestBody):
    """Proof that it is really the user who deletes the account."""

    password: Password
    code: CodeIfNeeded | None = None


class StartSecondFactor(RequestBody):
    """Proof that it is really the user."""

    password: Password


class SecondFactorBegun(Struct):
    """A secret for the authenticator app, to be confirmed within fifteen minutes."""

    secret: Annotated[str, example("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "In base 32.")]
    uri: Annotated[
        str,
        example(
            "otpauth://totp/ChatterRoom:ada%40example.org?secret=JBSWY3DPEHPK3PXP",
            "The same secret as a URL for a QR code.",
        ),
    ]


class ConfirmSecondFactor(RequestBody):
    """A code of the secret that was made before."""

    code: Code


class RecoveryCodes(Struct):
    """Codes that are shown once and work once each, should the app be lost."""

    recovery_codes: list[Annotated[str, example("4f7k-9q2m-x5zt-b8hn")]]


class RemoveSecondFactor(RequestBody):
    """Proof that it is really the user."""

    password: Password
    code: Code
