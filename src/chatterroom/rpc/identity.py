"""On whose behalf a call is made, and how the two ends agree on it.

A service shows the shared credential and names the user it acts for, or nobody: then it acts for
itself and may act for anybody. A person with an access token shows that instead.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from chatterroom.auth.secrets import ServiceCredential
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId

__all__ = ["SERVICE", "Caller", "Doorkeeper", "call_metadata", "current_caller", "require_identity"]

_AUTHORIZATION = "authorization"
_USER = "chatterroom-user-id"
_SESSION = "chatterroom-session-id"
_BEARER = "Bearer "

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Caller:
    """Who acts. `user_id` is None where a service acts for itself."""

    user_id: UserId | None = None
    session_id: SessionId | None = None


SERVICE = Caller()

# Without a default: code that runs outside an RPC must not pass for a service.
_current: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Return the caller of the RPC that is being served."""
    return _current.get()


def require_identity(claimed: UserId, field: str) -> None:
    """Raise IDENTITY_MISMATCH unless the current caller is, or may act for, `claimed`."""
    caller = _current.get()
    if caller.user_id is not None and caller.user_id != claimed:
        raise ChatterRoomError(
            ErrorCode.IDENTITY_MISMATCH,
            f"{field} is not the user that the access token was issued to",
            field=field,
        )


def call_metadata(credential: ServiceCredential, caller: Caller) -> Metadata:
    """Return the metadata with which a service calls on behalf of `caller`."""
    metadata: Metadata = ((_AUTHORIZATION, _BEARER + credential.value),)
    if caller.user_id is not None:
        metadata += ((_USER, caller.user_id),)
    if caller.session_id is not None:
        metadata += ((_SESSION, caller.session_id),)
    return metadata


class Doorkeeper:
    """Lets in holders of the service credential or of an access token, and nobody else."""

    def __init__(self, credential: ServiceCredential, verifier: TokenVerifier | None) -> None:
        self._credential = credential
        self._verifier = verifier

    def admit(self, metadata: Iterable[tuple[str, str | bytes]]) -> Caller:
        """Make the caller known to `current_caller`, or raise an UNAUTHENTICATED error."""
        values = {key: value for key, value in metadata if isinstance(value, str)}
        authorization = values.get(_AUTHORIZATION, "")
        if not authorization.startswith(_BEARER):
            raise ChatterRoomError(
                ErrorCode.SERVICE_CREDENTIAL_INVALID,
                "the call carries neither a service credential nor an access token",
            )
        offered = authorization.removeprefix(_BEARER)
        if self._credential.matches(offered):
            user = values.get(_USER)
            session = values.get(_SESSION)
            caller = Caller(UserId(user) if user else None, SessionId(session) if session else None)
        elif self._verifier is not None:
            token = self._verifier.verify(offered)
            caller = Caller(token.user_id, token.session_id)
        else:
            raise ChatterRoomError(
                ErrorCode.SERVICE_CREDENTIAL_INVALID, "the service credential is not valid"
            )
        _current.set(caller)
        return caller
