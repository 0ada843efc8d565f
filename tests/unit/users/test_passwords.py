import asyncio
import statistics
import threading
import time

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users import hashing_turns as module
from chatterroom.users.hashing_turns import Asker
from chatterroom.users.passwords import Passwords

ADA = Asker("ada")


@pytest.fixture
async def passwords():
    async with Passwords(2) as passwords:
        yield passwords


async def test_a_hash_matches_its_password_only(passwords):
    made = await passwords.hash(b"secret-1", ADA)
    assert await passwords.matches(made, b"secret-1", ADA)
    assert not await passwords.matches(made, b"secret-2", ADA)
    assert not await passwords.matches("not a hash", b"secret-1", ADA)


async def test_the_hash_is_salted_argon2id_with_the_parameters_of_owasp(passwords):
    one, other = await passwords.hash(b"same", ADA), await passwords.hash(b"same", ADA)
    assert one != other
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_nobody_has_no_password_but_takes_as_long(passwords):
    made = await passwords.hash(b"secret-1", ADA)

    async def seconds(password_hash):
        started = time.perf_counter()
        assert not await passwords.matches(password_hash, b"another", ADA)
        return time.perf_counter() - started

    known, unknown = [], []
    for _ in range(15):
        known.append(await seconds(made))
        unknown.append(await seconds(None))
    assert 0.5 < statistics.median(known) / statistics.median(unknown) < 2


async def test_who_would_wait_too_long_is_told_to_come_back(passwords, monkeypatch):
    monkeypatch.setattr(module, "_WAIT_S", 0.05)
    gate = threading.Event()
    busy = [asyncio.create_task(passwords._in_turn(ADA, gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ChatterRoomError) as caught:
        await passwords.hash(b"secret-1", ADA)
    assert caught.value.code is ErrorCode.OVERLOADED
    assert caught.value.retry_after_s
    gate.set()
    await asyncio.gather(*busy)
    assert await passwords.hash(b"secret-1", ADA)


async def test_the_loop_stays_free_while_passwords_are_hashed(passwords):
    hashing = asyncio.gather(*(passwords.hash(b"secret-1", ADA) for _ in range(4)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
