"""Every way a request can fail, as one exception with a stable code.

    ChatterRoomError
     ├── code: ErrorCode ── kind: ErrorKind
     └── StorageUnavailableError

The rule that is broken raises; `rpc/errors.py` and `gateway/errors.py` translate the kind into
a gRPC status and an HTTP answer. Clients may match on `code`, never on the message.
"""

from enum import Enum, unique

__all__ = [
    "ChatterRoomError",
    "ErrorCode",
    "ErrorKind",
    "StorageUnavailableError",
    "internal_error",
]


@unique
class ErrorKind(Enum):
    """What went wrong in general, and so which status a transport answers with."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA = "unsupported_media"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    INTERNAL = "internal"


@unique
class ErrorCode(Enum):
    """A stable name for one broken rule; the value is what clients see."""

    kind: ErrorKind

    def __new__(cls, code: str, kind: ErrorKind) -> "ErrorCode":
        """Bind the client's word to its kind."""
        member = object.__new__(cls)
        member._value_ = code
        member.kind = kind
        return member

    INVALID_REQUEST = ("invalid_request", ErrorKind.INVALID)
    MALFORMED_JSON = ("malformed_json", ErrorKind.INVALID)
    MALFORMED_ID = ("malformed_id", ErrorKind.INVALID)
    EMPTY_MESSAGE = ("empty_message", ErrorKind.INVALID)
    MESSAGE_TOO_LONG = ("message_too_long", ErrorKind.INVALID)
    TOO_MANY_MEMBERS = ("too_many_members", ErrorKind.INVALID)
    WEAK_PASSWORD = ("weak_password", ErrorKind.INVALID)
    MESSAGE_TO_ONESELF = ("message_to_oneself", ErrorKind.INVALID)

    TOKEN_MISSING = ("token_missing", ErrorKind.UNAUTHENTICATED)
    TOKEN_INVALID = ("token_invalid", ErrorKind.UNAUTHENTICATED)
    TOKEN_EXPIRED = ("token_expired", ErrorKind.UNAUTHENTICATED)
    WRONG_CREDENTIALS = ("wrong_credentials", ErrorKind.UNAUTHENTICATED)
    SECOND_FACTOR_REQUIRED = ("second_factor_required", ErrorKind.UNAUTHENTICATED)
    SECOND_FACTOR_WRONG = ("second_factor_wrong", ErrorKind.UNAUTHENTICATED)
    SERVICE_CREDENTIAL_INVALID = ("service_credential_invalid", ErrorKind.UNAUTHENTICATED)

    IDENTITY_MISMATCH = ("identity_mismatch", ErrorKind.FORBIDDEN)
    NOT_ALLOWED = ("not_allowed", ErrorKind.FORBIDDEN)
    BLOCKED = ("blocked", ErrorKind.FORBIDDEN)
    NOT_ACCEPTED = ("not_accepted", ErrorKind.FORBIDDEN)
    ORIGIN_NOT_ALLOWED = ("origin_not_allowed", ErrorKind.FORBIDDEN)

    NOT_FOUND = ("not_found", ErrorKind.NOT_FOUND)
    USER_NOT_FOUND = ("user_not_found", ErrorKind.NOT_FOUND)
    ROOM_NOT_FOUND = ("room_not_found", ErrorKind.NOT_FOUND)
    CONVERSATION_NOT_FOUND = ("conversation_not_found", ErrorKind.NOT_FOUND)
    MESSAGE_NOT_FOUND = ("message_not_found", ErrorKind.NOT_FOUND)
    NOT_A_MEMBER = ("not_a_member", ErrorKind.NOT_FOUND)
    REQUEST_NOT_FOUND = ("request_not_found", ErrorKind.NOT_FOUND)
    SERVICE_NOT_FOUND = ("service_not_found", ErrorKind.NOT_FOUND)

    METHOD_NOT_ALLOWED = ("method_not_allowed", ErrorKind.METHOD_NOT_ALLOWED)

    EMAIL_TAKEN = ("email_taken", ErrorKind.CONFLICT)
    USERNAME_TAKEN = ("username_taken", ErrorKind.CONFLICT)
    ALREADY_A_MEMBER = ("already_a_member", ErrorKind.CONFLICT)
    UNCHANGED = ("unchanged", ErrorKind.CONFLICT)
    CLIENT_ID_REUSED = ("client_id_reused", ErrorKind.CONFLICT)
    ROOM_EXISTS = ("room_exists", ErrorKind.CONFLICT)
    INVITATION_VOID = ("invitation_void", ErrorKind.CONFLICT)

    BODY_TOO_LARGE = ("body_too_large", ErrorKind.TOO_LARGE)
    RESPONSE_TOO_LARGE = ("response_too_large", ErrorKind.INVALID)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", ErrorKind.UNSUPPORTED_MEDIA)

    RATE_LIMITED = ("rate_limited", ErrorKind.RATE_LIMITED)

    OVERLOADED = ("overloaded", ErrorKind.UNAVAILABLE)
    SERVICE_UNAVAILABLE = ("service_unavailable", ErrorKind.UNAVAILABLE)
    STORAGE_UNAVAILABLE = ("storage_unavailable", ErrorKind.UNAVAILABLE)

    REQUEST_TIMED_OUT = ("request_timed_out", ErrorKind.TIMEOUT)

    INTERNAL = ("internal", ErrorKind.INTERNAL)


class ChatterRoomError(Exception):
    """A broken rule: its code, a sentence for a person, and data a client may use.

    `retry_after_s` is set where trying again later makes sense. `data` holds only values that
    may be shown to the one who asked.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retry_after_s: float | None = None,
        **data: str | int | float,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.data = data

    def __str__(self) -> str:
        return f"{self.code.value}: {self.message}"


class StorageUnavailableError(ChatterRoomError):
    """A store did not answer, or did not confirm: what it was asked to write may be stored.

    `reason` is for logs. Failures that a retry cannot help are never this one (see `storage/`).
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(
            ErrorCode.STORAGE_UNAVAILABLE,
            "Storage is not available. Try again in a moment.",
            retry_after_s=1.0,
        )
        self.reason = reason


def internal_error() -> ChatterRoomError:
    """Return what is answered where a bug has been logged: it reveals nothing of it."""
    return ChatterRoomError(ErrorCode.INTERNAL, "Something went wrong on our side.")
