"""The ids of everything, how they are made and how they are recognised.

Ids are ULIDs in lower case: 26 characters of Crockford's base 32, the first ten a time in
milliseconds, the rest random (https://github.com/ulid/spec). A private chat has no id of its own
to hand out: both sides derive the same one from the two users. A message is its conversation and
its place in it.
"""

import re
import secrets
import time
from functools import lru_cache
from hashlib import sha256
from typing import NewType

from chatterroom.core.errors import ChatterRoomError, ErrorCode

__all__ = [
    "ClientId",
    "ConversationId",
    "MessageId",
    "RoomId",
    "SessionId",
    "UserId",
    "client_id_of_part",
    "is_private",
    "message_id",
    "new_id",
    "parse_client_id",
    "parse_conversation_id",
    "parse_message_id",
    "parse_room_id",
    "parse_session_id",
    "parse_user_id",
    "place_of",
    "private_conversation_id",
    "room_conversation_id",
    "room_id_of_request",
]

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
RoomId = NewType("RoomId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
ClientId = NewType("ClientId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
_CONVERSATION = re.compile(r"p?[0-7][0-9a-hjkmnp-tv-z]{25}")
_MESSAGE = re.compile(rf"{_CONVERSATION.pattern}-[0-9]{{12}}")
_CLIENT = re.compile(r"[!-~]{1,64}")
_SEQ_DIGITS = 12


def new_id() -> str:
    """Return a fresh ULID; ids of different milliseconds sort by time."""
    return _base32(time.time_ns() // 1_000_000 << 80 | secrets.randbits(80))


@lru_cache(maxsize=10_000)
def private_conversation_id(one: UserId, other: UserId) -> ConversationId:
    """Return the id of the chat between two users, the same whoever asks."""
    pair = ":".join(sorted((one, other)))
    return ConversationId("p" + _base32(int.from_bytes(sha256(pair.encode()).digest()) >> 128))


def room_id_of_request(creator_id: UserId, client_id: ClientId) -> RoomId:
    """Return the room that one creation request makes, the same however often it is repeated."""
    digest = sha256(f"{creator_id} {client_id}".encode()).digest()
    return RoomId(_base32(int.from_bytes(digest) >> 128))


def client_id_of_part(client_id: ClientId, part: str) -> ClientId:
    """Return the id of one part of a request that stores several entries, the same whenever the
    request is repeated."""
    digest = sha256(f"{client_id} {part}".encode()).digest()
    return ClientId(_base32(int.from_bytes(digest) >> 128))


def room_conversation_id(room_id: RoomId) -> ConversationId:
    """Return the conversation of a room: it goes by the room's id."""
    return ConversationId(room_id)


def is_private(conversation_id: ConversationId) -> bool:
    """Say whether a conversation is a private chat rather than a room."""
    return conversation_id[0] == "p"


def message_id(conversation_id: ConversationId, seq: int) -> MessageId:
    """Return the id of the entry at `seq`; ids of one conversation sort like their seqs."""
    return MessageId(f"{conversation_id}-{seq:0{_SEQ_DIGITS}d}")


def parse_user_id(text: str, name: str = "user_id") -> UserId:
    """Accept a user id or raise MALFORMED_ID naming the field."""
    return UserId(_matched(_ULID, text, name))


def parse_session_id(text: str, name: str = "session_id") -> SessionId:
    """Accept a session id or raise MALFORMED_ID naming the field."""
    return SessionId(_matched(_ULID, text, name))


def parse_room_id(text: str, name: str = "room_id") -> RoomId:
    """Accept a room id or raise MALFORMED_ID naming the field."""
    return RoomId(_matched(_ULID, text, name))


def parse_conversation_id(text: str, name: str = "conversation_id") -> ConversationId:
    """Accept a conversation id or raise MALFORMED_ID naming the field."""
    return ConversationId(_matched(_CONVERSATION, text, name))


def parse_message_id(text: str, name: str = "message_id") -> MessageId:
    """Accept a message id or raise MALFORMED_ID naming the field."""
    return MessageId(_matched(_MESSAGE, text, name))


def place_of(id_: MessageId) -> tuple[ConversationId, int]:
    """Return the conversation of a message and its seq there."""
    conversation_id, _, seq = id_.partition("-")
    return ConversationId(conversation_id), int(seq)


def parse_client_id(text: str, name: str = "client_id") -> ClientId:
    """Accept 1 to 64 printable ASCII characters without spaces, else raise MALFORMED_ID."""
    return ClientId(_matched(_CLIENT, text, name))


def _matched(pattern: re.Pattern[str], text: str, name: str) -> str:
    if pattern.fullmatch(text):
        return text
    raise ChatterRoomError(ErrorCode.MALFORMED_ID, f"{name} is not a valid id.", field=name)


def _base32(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
