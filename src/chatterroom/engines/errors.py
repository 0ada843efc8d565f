"""The one exception of this package."""

__all__ = ["EngineError"]


class EngineError(Exception):
    """An engine or a service cannot run; the message is one line for the person who started it."""
