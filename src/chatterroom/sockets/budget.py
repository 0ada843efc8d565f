"""How many bytes the sockets of one instance hold together, and those of each user. Pure."""

from chatterroom.core.ids import UserId

__all__ = ["Budget"]


class Budget:
    """Counts bytes that wait. A bound of 0 is none."""

    def __init__(self, max_bytes: int, max_bytes_per_user: int) -> None:
        self._max_bytes = max_bytes
        self._max_bytes_per_user = max_bytes_per_user
        self._of_user: dict[UserId, int] = {}
        self.held = 0
        """Bytes that all users hold."""

    def of(self, user_id: UserId) -> int:
        """Return how much a user holds."""
        return self._of_user.get(user_id, 0)

    def change(self, user_id: UserId, by: int) -> None:
        """Count that a user holds more, or less."""
        self.held += by
        left = self._of_user.get(user_id, 0) + by
        if left:
            self._of_user[user_id] = left
        else:
            self._of_user.pop(user_id, None)

    def is_spent(self, user_id: UserId) -> bool:
        """Say whether the user, or all together, hold more than they may."""
        return self.is_spent_by_all() or (
            0 < self._max_bytes_per_user < self._of_user.get(user_id, 0)
        )

    def has_room(self, user_id: UserId) -> bool:
        """Say whether the user, and all together, hold less than half of what they may."""
        of_user, of_all = self._max_bytes_per_user, self._max_bytes
        return (not of_all or self.held * 2 < of_all) and (
            not of_user or self._of_user.get(user_id, 0) * 2 < of_user
        )

    def is_spent_by_all(self) -> bool:
        """Say whether all together hold more than they may."""
        return 0 < self._max_bytes < self.held
