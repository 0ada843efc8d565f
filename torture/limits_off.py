"""The settings that switch limits off, for runs that measure or break something else."""

__all__ = ["without_limits"]

_GATEWAY = (
    "ADDRESS_REQUESTS_PER_S",
    "USER_REQUESTS_PER_S",
    "USER_RESPONSE_BYTES_PER_S",
    "CREDENTIALS_PER_MIN",
    "USER_CREDENTIALS_PER_MIN",
    "EMAIL_ATTEMPTS_PER_MIN",
    "ADDRESS_HANDSHAKES_PER_S",
    "USER_HANDSHAKES_PER_S",
    "MAX_CONNECTIONS_PER_ADDRESS",
    "MAX_BYTES_IN_FLIGHT_PER_ADDRESS",
    "MAX_BYTES_IN_FLIGHT_PER_USER",
)
_CHAT = (
    "USER_MESSAGES_PER_S",
    "USER_MESSAGE_BYTES_PER_S",
    "USER_CHANGES_PER_S",
    "USER_MARKS_PER_S",
    "USER_TYPING_PER_S",
    "USER_PRESENCE_PER_S",
    "USER_SOCKETS_PER_S",
    "USER_RESUMED_BYTES_PER_S",
    "USER_ROOMS_PER_HOUR",
    "USER_ADDED_PER_HOUR",
    "USER_ADDED_TO_PER_HOUR",
    "USER_ADDED_BY_ONE_PER_HOUR",
    "USER_FIRST_MESSAGES_PER_HOUR",
)
_USERS = ("MAX_SESSIONS_PER_USER",)


def without_limits() -> dict[str, str]:
    """Return the settings under which nobody is asked to wait, or kept from having more."""
    limits = {"GATEWAY": _GATEWAY, "CHAT": _CHAT, "USERS": _USERS}
    return {
        f"CHATTERROOM_{service}_{name}": "0" for service, names in limits.items() for name in names
    }
