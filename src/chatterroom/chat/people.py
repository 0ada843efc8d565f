"""Who users are: asked of the user service before somebody new is written to, added or named."""

import time
from collections import OrderedDict
from collections.abc import Iterable

import structlog

from chatterroom.chat.mentions import candidates, chosen, folded
from chatterroom.core.errors import ChatterRoomError, ErrorCode, ErrorKind
from chatterroom.core.ids import UserId
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.backend import Backend

__all__ = ["People", "no_such_user"]

log = structlog.get_logger()

_PER_CALL = 100
_CALL_S = 1.0
_REMEMBERED = 10_000
# So long does a new or given up name take to be known here.
_REMEMBERED_S = 5.0


class People:
    """Knows users by asking the user service.

    Where that is away, chats go on without: everybody passes for known, and a name that is not
    remembered is nobody's.
    """

    def __init__(self, users: "Backend[users_pb2_grpc.UserServiceAsyncStub]") -> None:
        self._users = users
        self._names: OrderedDict[str, tuple[float, UserId | None]] = OrderedDict()

    async def require_known(self, user_ids: Iterable[UserId]) -> None:
        """Raise USER_NOT_FOUND for the first that nobody registered, or whose account is gone."""
        ids = list(user_ids)
        unknown = await self.unknown(ids)
        for user_id in ids:
            if user_id in unknown:
                raise no_such_user(user_id)

    async def unknown(self, user_ids: Iterable[UserId]) -> set[UserId]:
        """Return those that nobody registered, or whose account is gone."""
        ids = list(dict.fromkeys(user_ids))
        unknown: set[UserId] = set()
        for start in range(0, len(ids), _PER_CALL):
            asked = ids[start : start + _PER_CALL]
            found = await self._search(users_pb2.SearchUsersRequest(ids=asked, limit=_PER_CALL))
            if found is None:
                break
            unknown.update(set(asked) - set(found.values()))
        return unknown

    async def mentioned(self, text: str) -> dict[str, UserId]:
        """Return the users whose @username stands in a text, by their folded names, at most
        fifty."""
        possible = candidates(text)
        names = list(dict.fromkeys(name for names in possible for name in names))
        oldest = time.monotonic() - _REMEMBERED_S
        unknown = [name for name in names if self._names.get(name, (0.0, None))[0] < oldest]
        for start in range(0, len(unknown), _PER_CALL):
            await self._learn(unknown[start : start + _PER_CALL])
        known = {name: self._names[name][1] for name in names if name in self._names}
        mentioned = chosen(possible, {name for name, user in known.items() if user})
        return {name: user for name in mentioned if (user := known[name])}

    async def _learn(self, names: list[str]) -> None:
        found = await self._search(users_pb2.SearchUsersRequest(usernames=names, limit=_PER_CALL))
        if found is None:
            return
        by_name = {folded(username): user_id for username, user_id in found.items()}
        now = time.monotonic()
        for name in names:
            self._names[name] = (now, by_name.get(name))
            self._names.move_to_end(name)
        while len(self._names) > _REMEMBERED:
            self._names.popitem(last=False)

    async def _search(self, request: users_pb2.SearchUsersRequest) -> dict[str, UserId] | None:
        """Return ids by username, of users who are not deleted; None while nobody can be asked."""
        try:
            answer = await self._users.call(
                lambda stub: stub.SearchUsers, request, safe_to_repeat=True, timeout_s=_CALL_S
            )
        except ChatterRoomError as error:
            if error.code.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
                raise
            log.warning("users_not_asked", reason=error.code.value)
            return None
        return {user.username: UserId(user.user_id) for user in answer.users if not user.deleted}


def no_such_user(user_id: UserId) -> ChatterRoomError:
    """Return the error for a user that nobody registered."""
    return ChatterRoomError(ErrorCode.USER_NOT_FOUND, "There is no such user.", user_id=user_id)
