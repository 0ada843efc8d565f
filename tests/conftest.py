"""Real engines for every test that asks: one mongod and one redis-server per test process."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import settings
from pymongo import MongoClient
from redis import Redis
from xdist.scheduler import LoadScopeScheduling

from chatterroom.engines.mongod import Mongod
from chatterroom.engines.redis_server import RedisServer

# How long an example takes says more about the machine than about the code.
settings.register_profile("chatterroom", deadline=None)
settings.load_profile("chatterroom")

SHARING = tuple(map(PurePosixPath, ("tests/browser", "tests/system", "tests/system/attacks")))
OWN_PLATFORMS = ("test_faults.py", "test_readme.py", "test_tls.py", "test_torture.py")


class UnitsOfWork(LoadScopeScheduling):
    """Gives files to processes, and together those that share a platform or a browser.

    What is expensive to start is so started once, and not by every process.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        together = path.parent in SHARING and path.name not in OWN_PLATFORMS
        return str(path.parent if together else path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> UnitsOfWork:
    return UnitsOfWork(config, log)


@pytest.fixture(scope="session")
def engine_runner() -> Iterator[asyncio.Runner]:
    # The engines outlive the loops of the tests; their own loop stays out of the tests' way.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="session")
def mongod(
    engine_runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mongod]:
    engine = Mongod(tmp_path_factory.mktemp("mongod"), cache_gb=0.25)
    engine_runner.run(engine.start())
    yield engine
    engine_runner.run(engine.process.kill())


@pytest.fixture(scope="session")
def redis_server(
    engine_runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisServer]:
    engine = RedisServer(tmp_path_factory.mktemp("redis"))
    engine_runner.run(engine.start())
    yield engine
    engine_runner.run(engine.process.kill())


@pytest.fixture(scope="session")
def mongo_admin(mongod: Mongod) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongod.url("admin")) as client:
        yield client


@pytest.fixture(scope="session")
def redis_admin(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url(0)) as client:
        yield client


@pytest.fixture
def mongo_url(mongod: Mongod, mongo_admin: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """Name a database nobody has used; it is dropped after the test."""
    database = f"test_{uuid.uuid4().hex}"
    yield mongod.url(database)
    mongo_admin.drop_database(database)


@pytest.fixture
def redis_url(redis_server: RedisServer, redis_admin: Redis) -> str:
    """Name database 0; all sixteen are empty, for tests that need a second one."""
    redis_admin.flushall()
    return redis_server.url(0)
