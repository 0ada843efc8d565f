"""Renewing tokens that work once."""

import asyncio

import pytest

from chatterroom.client.answers import Tokens
from chatterroom.client.credentials import Credentials
from chatterroom.client.errors import ApiError, ConnectionLostError, NotLoggedInError


class FakeHttp:
    """A user service whose refresh tokens work once. `gate` holds its answers back."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.number = 1
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.expires_in = 900

    def tokens(self) -> Tokens:
        return Tokens(f"t{self.number}", f"r{self.number}", "ada", "s", self.expires_in)

    async def call(self, method, path, answer, *, body, user_agent=None):
        self.calls.append(path.rpartition("/")[2])
        await self.gate.wait()
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if path.endswith("refresh") and body.refresh_token != f"r{self.number}":
            raise ApiError("token_invalid", "used before", 401)
        self.number += 1
        return self.tokens()


@pytest.fixture
def http() -> FakeHttp:
    return FakeHttp()


@pytest.fixture
def credentials(http: FakeHttp) -> Credentials:
    return Credentials(http, http.tokens())


async def test_many_refusals_at_once_lead_to_one_renewal(http, credentials):
    tokens = await asyncio.gather(*[credentials.renewed("t1") for _ in range(10)])
    assert set(tokens) == {"t2"}
    assert await credentials.renewed("t1") == "t2"
    assert http.calls == ["refresh"]


async def test_a_renewal_goes_on_where_its_caller_has_given_up(http, credentials):
    http.gate.clear()
    caller = asyncio.create_task(credentials.renewed("t1"))
    while not http.calls:
        await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    http.gate.set()
    assert await credentials.renewed("t1") == "t2"
    assert credentials.tokens == http.tokens()
    assert http.calls == ["refresh"]


async def test_closing_waits_for_the_renewal(http, credentials):
    http.gate.clear()
    caller = asyncio.create_task(credentials.renewed("t1"))
    while not http.calls:
        await asyncio.sleep(0)
    closing = asyncio.create_task(credentials.close())
    http.gate.set()
    await closing
    assert credentials.tokens == http.tokens()
    await caller


async def test_a_token_is_renewed_before_it_expires_without_anybody_waiting(http):
    http.expires_in = 0
    credentials = Credentials(http, None)
    await credentials.log_in("ada@example.org", "secret", None, keep_password=False)
    credentials._expires_at = asyncio.get_running_loop().time() + 30
    credentials._tokens = Tokens("t2", "r2", "ada", "s", 900)
    http.gate.clear()
    assert await credentials.fresh() == "t2"
    http.gate.set()
    await credentials.close()
    assert credentials.tokens.token == "t3"


async def test_an_expired_token_is_renewed_first(http):
    http.expires_in = 0
    credentials = Credentials(http, None)
    await credentials.log_in("ada@example.org", "secret", None, keep_password=False)
    assert await credentials.fresh() == "t3"
    assert http.calls == ["login", "refresh"]


async def test_a_lost_renewal_is_tried_again_with_the_same_token(http, credentials):
    http.failure = ConnectionLostError("gone")
    with pytest.raises(ConnectionLostError):
        await credentials.renewed("t1")
    assert await credentials.renewed("t1") == "t2"


async def test_an_ended_session_is_told_unless_the_password_is_kept(http):
    credentials = Credentials(http, None)
    await credentials.log_in("ada@example.org", "secret", None, keep_password=False)
    http.number = 7
    with pytest.raises(ApiError, match="token_invalid"):
        await credentials.renewed("t2")
    await credentials.log_in("ada@example.org", "secret", None, keep_password=True)
    http.number = 17
    assert await credentials.renewed("t8") == "t18"


async def test_without_a_login_there_is_nobody(http):
    credentials = Credentials(http, None)
    with pytest.raises(NotLoggedInError):
        _ = credentials.user_id
    with pytest.raises(NotLoggedInError):
        await credentials.fresh()


def test_tokens_do_not_show_in_logs(http):
    assert "t1" not in repr(http.tokens())
