"""WebSocket frames as the server writes them, and the codes it closes with.

A server's frames are not masked (RFC 6455, section 5.1), so every receiver gets the same bytes:
an event is encoded once.
"""

from enum import IntEnum, unique

__all__ = ["CloseCode", "text_frame"]


@unique
class CloseCode(IntEnum):
    """Why a socket was closed.

    A client should connect again, with jitter, after 1011 to 1013 and 43xx, and where it got no
    code. After the others it must change something first, as each says.
    """

    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013

    TOO_SLOW = 4301
    """The client read too slowly: connect again and resume."""
    TOKEN_EXPIRED = 4401
    """Refresh the access token, then connect again."""
    REMOVED = 4403
    """The user is no longer a member of the room."""
    NOT_FOUND = 4404
    """The room does not exist, or the user is not in it."""
    TOO_MANY_MESSAGES = 4429
    """The client sent too much: connect again after a pause."""


_ONE_BYTE_LENGTH = 126
_TWO_BYTE_LENGTH = 65536
_FINAL_TEXT = 0x81


def text_frame(payload: bytes) -> bytes:
    """Return a complete, unmasked text frame around UTF-8 bytes (RFC 6455, section 5.2)."""
    length = len(payload)
    if length < _ONE_BYTE_LENGTH:
        return bytes((_FINAL_TEXT, length)) + payload
    if length < _TWO_BYTE_LENGTH:
        return bytes((_FINAL_TEXT, 126)) + length.to_bytes(2) + payload
    return bytes((_FINAL_TEXT, 127)) + length.to_bytes(8) + payload
