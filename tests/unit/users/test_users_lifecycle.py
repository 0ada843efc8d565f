import asyncio
import os
import signal
import sys
import time
from contextlib import suppress

import grpc
import pytest
from grpc_health.v1 import health_pb2

from chatterroom.auth.secrets import load_service_secret
from chatterroom.core.errors import ErrorCode
from chatterroom.core.settings import SettingsError
from chatterroom.discovery.main import serve as serve_discovery
from chatterroom.discovery.settings import DiscoverySettings
from chatterroom.engines.ports import free_port
from chatterroom.rpc.balancer import Instance
from chatterroom.rpc.directory import Directory
from chatterroom.users.store_mongo import UserStore

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_without_mongodb_calls_fail_soon_and_work_again_when_it_is_back(
    own_mongod, start_users, code_of, eventually
):
    users = await start_users(mongo_url=own_mongod.url("users"))
    await users.register()
    await own_mongod.process.kill()

    for call in (users.register("bob"), users.log_in()):
        started = time.monotonic()
        assert await code_of(call) is ErrorCode.STORAGE_UNAVAILABLE
        assert time.monotonic() - started < 5

    async def is_not_serving():
        return await users.health() == NOT_SERVING

    await eventually(is_not_serving)
    await own_mongod.start()
    await eventually(users.is_serving)
    assert (await users.log_in()).token


async def test_a_start_waits_for_mongodb_and_its_indexes(
    own_mongod, start_users, code_of, eventually
):
    await own_mongod.process.kill()
    users = await start_users(mongo_url=own_mongod.url("users"), ready=False)
    assert await users.health() == NOT_SERVING
    assert await code_of(users.register()) is ErrorCode.STORAGE_UNAVAILABLE
    await own_mongod.start()
    await eventually(users.is_serving)
    await users.register()
    assert await code_of(users.register()) in {ErrorCode.USERNAME_TAKEN, ErrorCode.EMAIL_TAKEN}


async def test_a_stop_while_mongodb_is_away_is_quick(pymongo_may_leak, start_users):
    del pymongo_may_leak
    url = f"mongodb://127.0.0.1:{free_port()}/users?directConnection=true"
    users = await start_users(mongo_url=url, ready=False)
    async with asyncio.timeout(4):
        await users.stop()


async def test_users_appear_in_discovery_with_both_addresses_and_leave_on_stop(
    start_users, redis_server, redis_url, secrets_dir, eventually
):
    del redis_url
    url = f"127.0.0.1:{free_port()}"
    settings = DiscoverySettings(
        secrets_dir=str(secrets_dir),
        redis_url=redis_server.url(1),
        grpc_port=int(url.partition(":")[2]),
    )
    stopping = asyncio.Event()
    discovery = asyncio.create_task(serve_discovery(settings, stopping))
    directory = Directory([url], load_service_secret(secrets_dir, "chat").towards("discovery"))
    following = asyncio.create_task(directory.follow())

    one, two = await start_users(discovery_url=url), await start_users(discovery_url=url)

    def listed(*services):
        async def condition():
            return set(directory.balancer("users").instances()) == {
                Instance(
                    f"127.0.0.1:{users.settings.grpc_port}",
                    f"127.0.0.1:{users.settings.websocket_port}",
                )
                for users in services
            }

        return condition

    await eventually(listed(one, two))
    await one.stop()
    await eventually(listed(two))
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    stopping.set()
    await discovery


async def test_a_call_under_way_is_finished_on_stop(users):
    await users.register()
    login = asyncio.create_task(users.log_in())
    await asyncio.sleep(0.01)
    await users.stop()
    with suppress(grpc.aio.AioRpcError):
        assert (await login).token


@pytest.mark.parametrize("url", ["nonsense", "mongodb://localhost:1", "mongodb://localhost:x/db"])
def test_a_mongodb_url_without_a_database_stops_the_start(url):
    with pytest.raises(SettingsError, match="MongoDB URL") as caught:
        UserStore(url)
    assert url not in str(caught.value)


async def run_process(name, environment):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chatterroom",
        name,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("name", ["users", "discovery"])
async def test_the_process_starts_serves_and_stops_on_sigterm(
    name, secrets_dir, mongo_url, redis_url
):
    process = await run_process(
        name,
        {
            "CHATTERROOM_SECRETS_DIR": str(secrets_dir),
            "CHATTERROOM_MONGO_URL": mongo_url,
            "CHATTERROOM_REDIS_URL": redis_url,
            "CHATTERROOM_DISCOVERY_GRPC_PORT": str(free_port()),
            "CHATTERROOM_LOG_FORMAT": "json",
        },
    )
    async with asyncio.timeout(20):
        while b'"serving"' not in (line := await process.stderr.readline()):
            assert line, "it ended before it served"
        process.send_signal(signal.SIGTERM)
        rest = await process.stderr.read()
        assert await process.wait() == 0
    assert b'"stopped"' in rest
    assert b"Traceback" not in rest


@pytest.mark.parametrize("name", ["users", "discovery"])
async def test_a_missing_setting_is_one_line_and_status_1(name, secrets_dir):
    process = await run_process(name, {"CHATTERROOM_SECRETS_DIR": str(secrets_dir)})
    async with asyncio.timeout(20):
        errors = (await process.stderr.read()).decode()
        assert await process.wait() == 1
    assert errors.count("\n") == 1
    assert "is not set" in errors


async def test_a_taken_port_is_one_line_and_status_1(users, secrets_dir, mongo_url, redis_url):
    process = await run_process(
        "users",
        {
            "CHATTERROOM_SECRETS_DIR": str(secrets_dir),
            "CHATTERROOM_MONGO_URL": mongo_url,
            "CHATTERROOM_REDIS_URL": redis_url,
            "CHATTERROOM_GRPC_PORT": str(users.settings.grpc_port),
        },
    )
    async with asyncio.timeout(20):
        errors = (await process.stderr.read()).decode()
        assert await process.wait() == 1
    assert "cannot listen" in errors
    assert "Traceback" not in errors
