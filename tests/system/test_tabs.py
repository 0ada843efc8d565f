"""Tabs of one browser share a stored pair of tokens; none may log the others out by renewing it."""

import asyncio
import secrets

import httpx
import pytest

from chatterroom.client import Client, Tokens

from .conftest import Platform

TABS = 10
RENEWALS = 3


@pytest.fixture
def short_lived(own_platform: Platform) -> Platform:
    own_platform.settings = {
        "CHATTERROOM_USERS_ACCESS_TOKEN_LIFETIME_S": "5",
        "CHATTERROOM_GATEWAY_USER_REQUESTS_PER_S": "0",
    }
    own_platform.start()
    return own_platform


async def log_in(platform: Platform) -> Tokens:
    email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(12)
    async with Client(platform.url) as client:
        await client.register(f"tabs-{secrets.token_hex(4)}", email, password)
        return await client.login(email, password)


async def use_a_tab(platform: Platform, stored: Tokens, started: asyncio.Event) -> set[str]:
    """Call until the tokens were renewed a few times; return the access tokens that were used."""
    seen = {stored.token}
    async with Client(platform.url, tokens=stored) as tab:
        await started.wait()
        while len(seen) <= RENEWALS:
            await tab.profile()
            assert tab.tokens is not None
            seen.add(tab.tokens.token)
            await asyncio.sleep(0.05)
    return seen


async def lose_a_response(platform: Platform, tokens: Tokens) -> None:
    """Renew, and never learn what came of it."""
    async with httpx.AsyncClient(base_url=platform.url, trust_env=False) as http:
        body = {"refresh_token": tokens.refresh_token}
        response = await http.post("/user-service/refresh", json=body)
        assert response.status_code == 200


async def test_ten_tabs_that_share_a_pair_are_never_logged_out(short_lived: Platform):
    stored, started = await log_in(short_lived), asyncio.Event()
    async with asyncio.timeout(120), asyncio.TaskGroup() as tabs:
        running = [tabs.create_task(use_a_tab(short_lived, stored, started)) for _ in range(TABS)]
        for _ in range(3):
            tabs.create_task(lose_a_response(short_lived, stored))
        started.set()
    for tab in running:
        assert len(tab.result()) > RENEWALS
    async with Client(short_lived.url, tokens=stored) as late:
        assert len(await late.sessions()) == 1
