"""One platform for all attacks, and what is looked at after each."""

from collections.abc import Iterator

import pytest
from tests.system.conftest import Platform

from .world import SETTINGS, Person, World


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    platform = Platform(tmp_path_factory.mktemp("attacked") / "data", users=1, chat=1)
    platform.settings = SETTINGS
    try:
        platform.start()
        world = World(platform)
        yield world
        world.close()
        world.check_logs()
    finally:
        assert platform.stop() == 0


@pytest.fixture(autouse=True)
def unharmed(world: World) -> Iterator[None]:
    """After each attack the platform is as it was, and has told nothing it should not."""
    before = world.resident_bytes()
    world.answers.clear()
    yield
    world.check(before)


@pytest.fixture
def alice(world: World) -> Person:
    return world.alice


@pytest.fixture
def bob(world: World) -> Person:
    return world.bob


@pytest.fixture
def mallory(world: World) -> Person:
    return world.mallory
