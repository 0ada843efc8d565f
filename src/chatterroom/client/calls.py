"""HTTP calls as one user: what all the files `*_calls.py` begin with."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from chatterroom.client.answers import Tokens
from chatterroom.client.credentials import Credentials
from chatterroom.client.errors import ApiError
from chatterroom.client.http_httpx import Http, Parameter

__all__ = ["LARGEST_PAGE", "Calls"]

T = TypeVar("T")

LARGEST_PAGE = 200
"""More a server does not give at once."""

_REFUSED_TOKENS = frozenset({"token_invalid", "token_expired"})


class Calls:
    """Calls to one server, as the user of the credentials."""

    def __init__(self, http: Http, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials

    @property
    def user_id(self) -> str:
        """The user who is logged in; raises `NotLoggedInError`."""
        return self._credentials.user_id

    @property
    def tokens(self) -> Tokens | None:
        """The newest tokens: they change with every renewal, and the ones before stop working."""
        return self._credentials.tokens

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: msgspec.Struct | None = None,
        client_id: str | None = None,
        params: Mapping[str, Parameter] | None = None,
    ) -> T:
        """Call as the user; renew the tokens and repeat where they are refused.

        `client_id` names a request that has no body to say it in.
        """

        async def call_with(token: str) -> T:
            return await self._http.call(
                method, path, answer, token=token, body=body, client_id=client_id, params=params
            )

        token = await self._credentials.fresh()
        try:
            return await call_with(token)
        except ApiError as error:
            # A wrong password is no reason to doubt the token.
            if error.code not in _REFUSED_TOKENS:
                raise
        return await call_with(await self._credentials.renewed(token))
