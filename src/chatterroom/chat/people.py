"""Whether users exist: asked of the user service before somebody new is written to or added."""

from collections.abc import Iterable

import structlog

from chatterroom.core.errors import ChatterRoomError, ErrorCode, ErrorKind
from chatterroom.core.ids import UserId
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.backend import Backend

__all__ = ["People"]

log = structlog.get_logger()

_PER_CALL = 100
_CALL_S = 1.0


class People:
    """Knows users by asking the user service."""

    def __init__(self, users: "Backend[users_pb2_grpc.UserServiceAsyncStub]") -> None:
        self._users = users

    async def require_known(self, user_ids: Iterable[UserId]) -> None:
        """Raise USER_NOT_FOUND for the first that nobody registered.

        Where the user service is away everybody passes: chats must go on without it, and an id
        that is nobody's only leads to a conversation that nobody can read.
        """
        ids = list(user_ids)
        for start in range(0, len(ids), _PER_CALL):
            asked = ids[start : start + _PER_CALL]
            request = users_pb2.SearchUsersRequest(ids=asked, limit=_PER_CALL)
            try:
                answer = await self._users.call(
                    lambda stub: stub.SearchUsers, request, safe_to_repeat=True, timeout_s=_CALL_S
                )
            except ChatterRoomError as error:
                if error.code.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
                    raise
                log.warning("users_not_checked", reason=error.code.value)
                return
            known = {user.user_id for user in answer.users}
            for user_id in asked:
                if user_id not in known:
                    raise ChatterRoomError(
                        ErrorCode.USER_NOT_FOUND, "there is no such user", user_id=user_id
                    )
