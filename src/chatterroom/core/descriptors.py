"""How many file descriptors this process may have, and whether one is left."""

import os
import resource

__all__ = ["is_one_free", "left_for_connections", "raise_limit"]

# Databases, calls between services, files.
_OTHERS = 256


def raise_limit() -> int:
    """Raise the soft limit to the hard one, as far as the system lets us; return what it is now.

    Every connection takes a descriptor, and shells commonly leave no more than 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return soft
    return hard


def left_for_connections() -> int:
    """Return how many connections of clients fit beside what else a process opens."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(limit - _OTHERS, limit // 2)


def is_one_free() -> bool:
    """Say whether another file or connection could be opened right now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
