"""All attacks, by name."""

from siege.attacks import (
    connections,
    credentials,
    malformed,
    messages,
    pages,
    readers,
    rooms,
    services,
)
from siege.front import Attack

__all__ = ["ATTACKS", "chosen"]

ATTACKS: dict[str, Attack] = {
    "big-pages": pages.BIG_PAGES,
    "long-lists": pages.LONG_LISTS,
    "damaged-cursors": pages.DAMAGED_CURSORS,
    "slow-http-readers": readers.SLOW_HTTP_READERS,
    "slow-socket-readers": readers.SLOW_SOCKET_READERS,
    "resume-floods": readers.RESUME_FLOODS,
    "idle-connections": connections.IDLE_CONNECTIONS,
    "half-open": connections.HALF_OPEN,
    "keep-alive": connections.KEEP_ALIVE,
    "message-floods": messages.MESSAGE_FLOODS,
    "big-messages": messages.BIG_MESSAGES,
    "edit-floods": messages.EDIT_FLOODS,
    "reaction-floods": messages.REACTION_FLOODS,
    "signal-floods": messages.SIGNAL_FLOODS,
    "poisoned-lists": rooms.POISONED_LISTS,
    "room-floods": rooms.ROOM_FLOODS,
    "huge-member-lists": rooms.HUGE_MEMBER_LISTS,
    "hashing-floods": credentials.HASHING_FLOODS,
    "ended-tokens": credentials.ENDED_TOKENS,
    "grpc-floods": services.GRPC_FLOODS,
    "forbidden-frames": malformed.FORBIDDEN_FRAMES,
    "oversize-bodies": malformed.OVERSIZE_BODIES,
}


def chosen(names: str) -> list[str]:
    """Return the attacks of a list separated by commas, or all if it is empty.

    Raises ValueError for a name that is none.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := sorted(set(wanted) - ATTACKS.keys()):
        raise ValueError(f"no such attack: {', '.join(unknown)}; there are {', '.join(ATTACKS)}")
    return wanted or list(ATTACKS)
