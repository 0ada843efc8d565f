"""The status pages, with services that are well, unwell, silent and gone."""

import asyncio
import time

from chatterroom.pb import discovery_pb2


async def test_all_is_well(world):
    answer = await world.client.get("/status")
    assert answer.status_code == 200
    body = answer.json()
    assert isinstance(body.pop("uptime_seconds"), float)
    assert body == {"gateway": "healthy", "user_service": "healthy", "chat_service": "healthy"}
    for service in ("user-service", "chat-service"):
        told = await world.client.get(f"/{service}/status")
        assert (told.status_code, told.json()) == (200, {"status": "healthy"})


async def test_a_service_that_is_gone_is_unhealthy_and_the_others_are_not(world):
    await world.user_service.stop()
    answer = await world.client.get("/status")
    assert answer.status_code == 200
    assert answer.json()["user_service"] == "unhealthy"
    assert answer.json()["chat_service"] == "healthy"
    assert (await world.client.get("/user-service/status")).json() == {"status": "unhealthy"}


async def test_a_service_that_says_it_does_not_serve_is_unhealthy(world):
    await world.chat.rpc.say_serving(False)
    assert (await world.client.get("/chat-service/status")).json() == {"status": "unhealthy"}


async def test_a_service_nobody_knows_is_unhealthy(start):
    world = await start(users=0)
    assert (await world.client.get("/status")).json()["user_service"] == "unhealthy"


async def test_discovery_status(world):
    world.discovery.answers["StatusCheck"] = discovery_pb2.StatusCheckResponse(
        status="healthy", db_status="healthy", uptime="12.5", registered_services="3"
    )
    answer = await world.client.get("/discovery/status")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "db_status": "healthy",
        "uptime_seconds": 12.5,
        "registered_services": 3,
    }


async def test_discovery_that_is_away_is_503_with_the_same_fields(world):
    await world.discovery.stop()
    answer = await world.client.get("/discovery/status")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unhealthy",
        "db_status": "unknown",
        "uptime_seconds": 0.0,
        "registered_services": 0,
    }


async def test_timeout_waits_for_the_deadline(start):
    world = await start(timeout_demo_s=0.3)
    world.user_service.answers["Timeout"] = lambda request: asyncio.sleep(30)
    began = time.monotonic()
    answer = await world.client.get("/timeout")
    assert 0.3 <= time.monotonic() - began < 5
    assert answer.status_code == 504
    assert answer.json() == {"message": "Request timed out"}


async def test_timeouts_do_not_shut_the_user_service_off(start):
    world = await start(timeout_demo_s=0.05)
    world.user_service.answers["Timeout"] = lambda request: asyncio.sleep(30)
    for _ in range(5):
        await world.client.get("/timeout")
    answer = await world.client.get(
        f"/user-service/users/{world.bob.id}", headers=world.ada.headers
    )
    assert answer.status_code == 200


async def test_timeout_without_a_user_service_is_a_problem(world):
    await world.user_service.stop()
    answer = await world.client.get("/timeout")
    assert answer.status_code == 503
    assert answer.json()["code"] == "service_unavailable"


async def test_health_and_readiness(start):
    world = await start(chats=0)
    assert (await world.client.get("/healthz")).status_code == 200
    not_ready = await world.client.get("/readyz")
    assert not_ready.status_code == 503
    assert not_ready.json() == {
        "ready": False,
        "users": True,
        "chat": False,
        "sessions": True,
    }
    world.balancers["chat"].replace([world.user_service.instance])
    assert (await world.client.get("/readyz")).json()["ready"] is True


async def test_a_gateway_that_does_not_know_the_ended_sessions_is_not_ready(start):
    world = await start(sessions_known=False)
    assert (await world.client.get("/healthz")).status_code == 200
    not_ready = await world.client.get("/readyz")
    assert not_ready.status_code == 503
    assert not_ready.json() == {"ready": False, "users": True, "chat": True, "sessions": False}
    assert (await world.client.get("/status")).json()["gateway"] == "unhealthy"
    world.verifier.ended.complete()
    assert (await world.client.get("/readyz")).status_code == 200
    assert (await world.client.get("/status")).json()["gateway"] == "healthy"
