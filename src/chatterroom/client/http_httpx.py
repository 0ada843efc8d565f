"""HTTP calls: a struct in, a struct out, and two ways to fail."""

import ssl
from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from chatterroom.client.errors import ApiError, ConnectionLostError
from chatterroom.client.problems import problem

__all__ = ["Http"]

T = TypeVar("T")
Parameter = str | int | None


class Http:
    """A pool of connections to one server. No call is repeated."""

    def __init__(
        self, url: str, *, timeout_s: float, max_connections: int, tls: ssl.SSLContext | None
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout_s,
            limits=httpx.Limits(
                max_connections=max_connections, max_keepalive_connections=max_connections
            ),
            verify=True if tls is None else tls,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        token: str | None = None,
        body: msgspec.Struct | None = None,
        client_id: str | None = None,
        params: Mapping[str, Parameter] | None = None,
        user_agent: str | None = None,
    ) -> T:
        """Return the answer to a call; parameters that are None are left out.

        Raises `ApiError` for a refusal and `ConnectionLostError` where no answer came.
        """
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if client_id is not None:
            headers["Idempotency-Key"] = client_id
        if user_agent is not None:
            headers["User-Agent"] = user_agent
        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            response = await self._http.request(
                method,
                path,
                content=None if body is None else msgspec.json.encode(body),
                params=given,
                headers=headers,
            )
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise ConnectionLostError(f"{method} {path}: {reason}") from error
        if response.status_code != httpx.codes.OK:
            raise problem(
                response.status_code, response.content, response.headers.get("retry-after")
            )
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.DecodeError as error:
            raise ApiError(
                "unreadable_answer", f"{method} {path}: {error}", response.status_code
            ) from None
