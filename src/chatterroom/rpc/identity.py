"""On whose behalf a call is made, and how the two ends agree on it.

A service shows its credential. The gateway also names the user it acts for, or nobody: then it
acts for itself and may act for anybody. The other services name nobody and may call only what is
there for them. A person with an access token shows that instead.
"""

from collections.abc import Collection, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote

from chatterroom.auth.secrets import GATEWAY, KnownCredentials, ServiceCredential
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.core.ids import SessionId, UserId

__all__ = [
    "SERVICE",
    "Caller",
    "Doorkeeper",
    "address_of_client",
    "call_metadata",
    "current_caller",
    "require_identity",
]

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
    service: str = ""
    """The service that calls; empty where a person does, with an access token."""


SERVICE = Caller()

# Without a default: code that runs outside an RPC must not pass for a service.
_current: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Return the caller of the RPC that is being served."""
    return _current.get()


def require_identity(claimed: UserId, field: str) -> None:
    """Raise IDENTITY_MISMATCH unless the current caller is, or may act for, `claimed`."""
    caller = _current.get()
    may_act_for_anybody = caller.user_id is None and caller.service == GATEWAY
    if caller.user_id != claimed and not may_act_for_anybody:
        raise ChatterRoomError(
            ErrorCode.IDENTITY_MISMATCH,
            f"{field} is not the user of the access token.",
            field=field,
        )


def address_of_client(claimed: str, peer: str) -> str:
    """Return the address that counts for the current caller: the gateway names its client's, all
    others have their own, which is that of `peer` as gRPC writes it.
    """
    if _current.get().service == GATEWAY:
        return claimed
    kind, _, place = unquote(peer).partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    parsed = ip_address(place.rpartition(":")[0].strip("[]"))
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def call_metadata(credential: ServiceCredential, caller: Caller) -> Metadata:
    """Return the metadata with which a service calls on behalf of `caller`."""
    metadata: Metadata = ((_AUTHORIZATION, _BEARER + credential.value),)
    if caller.user_id is not None:
        metadata += ((_USER, caller.user_id),)
    if caller.session_id is not None:
        metadata += ((_SESSION, caller.session_id),)
    return metadata


class Doorkeeper:
    """Lets in holders of a service's credential or of an access token, and nobody else.

    The gateway may call every method; another service those of `open_to` that name it. Without a
    verifier no access tokens are taken.
    """

    def __init__(
        self,
        known: KnownCredentials,
        verifier: TokenVerifier | None,
        open_to: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._known = known
        self._verifier = verifier
        self._open_to = open_to or {}

    def admit(
        self,
        method: str,
        metadata: Iterable[tuple[str, str | bytes]],
        certified: Collection[str] | None = None,
    ) -> Caller:
        """Make the caller known to `current_caller`, or raise SERVICE_CREDENTIAL_INVALID,
        NOT_ALLOWED, or what is wrong with the access token.

        `method` is its bare name. `certified` are the names on the caller's certificate, None
        where connections carry none: a service shows the credential of a name that is on it.
        """
        values = _texts(metadata)
        offered = _offered(values)
        if offered is None:
            raise _refused("The call has neither a service credential nor an access token.")
        service = self._known.holder(offered)
        if service is not None:
            self._require_open(method, service, certified)
            caller = _named_by(service, values)
        elif self._verifier is not None:
            token = self._verifier.verify(offered)
            caller = Caller(token.user_id, token.session_id)
        else:
            raise _refused("The service credential is not valid.")
        _current.set(caller)
        return caller

    def recognized(self, metadata: Iterable[tuple[str, str | bytes]]) -> Caller | None:
        """Return the service whose credential a call shows that needs none; None for others."""
        offered = _offered(_texts(metadata))
        service = None if offered is None else self._known.holder(offered)
        return None if service is None else Caller(service=service)

    def _require_open(self, method: str, service: str, certified: Collection[str] | None) -> None:
        if certified is not None and service not in certified:
            raise ChatterRoomError(
                ErrorCode.NOT_ALLOWED, "The certificate does not belong to the calling service."
            )
        if service != GATEWAY and service not in self._open_to.get(method, ()):
            raise ChatterRoomError(
                ErrorCode.NOT_ALLOWED, f"The {service} service may not call {method}."
            )


def _texts(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    return {key: value for key, value in metadata if isinstance(value, str)}


def _offered(values: Mapping[str, str]) -> str | None:
    authorization = values.get(_AUTHORIZATION, "")
    if not authorization.startswith(_BEARER):
        return None
    return authorization.removeprefix(_BEARER)


def _named_by(service: str, values: Mapping[str, str]) -> Caller:
    user, session = values.get(_USER), values.get(_SESSION)
    if service != GATEWAY and (user is not None or session is not None):
        raise _refused("Only the gateway may act for a user.")
    return Caller(UserId(user) if user else None, SessionId(session) if session else None, service)


def _refused(reason: str) -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.SERVICE_CREDENTIAL_INVALID, reason)
