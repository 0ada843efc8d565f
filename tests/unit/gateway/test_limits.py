"""Rate limits over HTTP."""

import asyncio

CREDENTIALS = {"email": "a@b.c", "password": "x"}
LOGIN = "/user-service/login"


async def test_a_user_over_the_limit_gets_429_and_others_do_not(start):
    world = await start(user_requests_per_s=0.1, user_burst=2)
    path = "/chat-service/conversations"
    first = await world.client.get(path, headers=world.ada.headers)
    assert first.status_code == 200
    assert '"user";q=2;w=20' in first.headers["ratelimit-policy"]
    assert '"user";r=1;t=10' in first.headers["ratelimit"]
    await world.client.get(path, headers=world.ada.headers)
    refused = await world.client.get(path, headers=world.ada.headers)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["policy"] == "user"
    assert 9 <= int(refused.headers["retry-after"]) <= 10
    assert '"user";r=0;t=20' in refused.headers["ratelimit"]
    assert (await world.client.get(path, headers=world.bob.headers)).status_code == 200


async def test_an_address_over_the_limit_gets_429_everywhere_but_on_health(start):
    world = await start(address_requests_per_s=0.1, address_burst=2)
    assert (await world.client.get("/status")).status_code == 200
    assert (await world.client.get("/user-service/status")).status_code == 200
    refused = await world.client.get("/status")
    assert (refused.status_code, refused.json()["policy"]) == (429, "address")
    health = await world.client.get("/healthz")
    assert health.status_code == 200
    assert "ratelimit" not in health.headers


async def test_logins_are_limited_by_address_more_strictly(start):
    world = await start(credentials_per_min=1, credentials_burst=2)
    for name in "ab":
        answer = await world.client.post(LOGIN, json={**CREDENTIALS, "email": f"{name}@x"})
        assert answer.status_code == 200
    refused = await world.client.post(LOGIN, json={**CREDENTIALS, "email": "c@x"})
    assert (refused.status_code, refused.json()["policy"]) == (429, "credentials")
    assert len(world.user_service.heard) == 2
    assert (await world.client.get("/status")).status_code == 200


async def test_logins_are_limited_by_email_and_address(start):
    world = await start(
        email_attempts_per_min=1, email_attempts_burst=2, trusted_proxies="127.0.0.1"
    )

    async def log_in(email, address):
        headers = {"X-Forwarded-For": address}
        return await world.client.post(LOGIN, json={**CREDENTIALS, "email": email}, headers=headers)

    for n in range(3):
        answer = await log_in(" A@B.c"[n % 2 :], "203.0.113.1")
    assert (answer.status_code, answer.json()["policy"]) == (429, "email")
    assert (await log_in("other@b.c", "203.0.113.1")).status_code == 200
    # Whoever guesses does not lock out the owner, who is somewhere else.
    assert (await log_in("a@b.c", "203.0.113.2")).status_code == 200


async def test_forwarded_addresses_count_only_from_trusted_proxies(start):
    spoofed = await start(address_requests_per_s=0.1, address_burst=1)
    for n in range(2):
        answer = await spoofed.client.get("/status", headers={"X-Forwarded-For": f"203.0.113.{n}"})
    assert answer.status_code == 429

    behind = await start(address_requests_per_s=0.1, address_burst=1, trusted_proxies="127.0.0.0/8")
    for n in range(2):
        answer = await behind.client.get("/status", headers={"X-Forwarded-For": f"203.0.113.{n}"})
        assert answer.status_code == 200


async def test_limits_of_zero_are_off(start):
    world = await start(address_requests_per_s=0, user_requests_per_s=0, credentials_per_min=0)
    answers = await asyncio.gather(
        *(
            world.client.get("/chat-service/conversations", headers=world.ada.headers)
            for _ in range(50)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers


async def test_who_has_read_too_many_bytes_waits_and_others_do_not(start):
    world = await start(user_response_bytes_per_s=1, user_response_bytes_burst=10)
    path = "/chat-service/conversations"
    first = await world.client.get(path, headers=world.ada.headers)
    assert first.status_code == 200
    assert len(first.content) > 10
    refused = await world.client.get(path, headers=world.ada.headers)
    assert (refused.status_code, refused.json()["policy"]) == (429, "response-bytes-per-user")
    assert int(refused.headers["retry-after"]) >= 1
    other = await world.client.get(path, headers=world.bob.headers)
    assert other.status_code == 200
