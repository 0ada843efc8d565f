import asyncio

from chatterroom.sockets.heartbeat import CHECKS, Due, due, keep_checking


def test_a_silence_is_pinged_once_and_cut_as_long_after_the_ping_as_before_it():
    asked = [due(checks) for checks in range(1, 2 * CHECKS + 2)]
    assert asked.count(Due.PING) == 1
    ping, cut = asked.index(Due.PING), asked.index(Due.CUT)
    # The check that counts first may follow the last sign of life at once.
    assert ping == CHECKS
    assert cut - ping == CHECKS
    assert due(1_000) is Due.CUT


class Counted:
    def __init__(self, enough: asyncio.Event) -> None:
        self.checks = 0
        self._enough = enough

    def check(self) -> None:
        self.checks += 1
        if self.checks == 3:
            self._enough.set()


class Broken:
    def check(self) -> None:
        raise RuntimeError


async def test_all_are_checked_again_and_again_also_behind_one_that_fails():
    enough = asyncio.Event()
    last = Counted(enough)
    connections = [Broken(), *(Counted(asyncio.Event()) for _ in range(1_000)), last]
    checking = asyncio.create_task(keep_checking(connections, 0.05))
    async with asyncio.timeout(10):
        await enough.wait()
    checking.cancel()
    await asyncio.wait([checking])
    assert all(each.checks in {3, 4} for each in connections[1:])


async def test_who_comes_later_is_checked_too():
    enough = asyncio.Event()
    connections: list[Counted] = []
    checking = asyncio.create_task(keep_checking(connections, 0.05))
    connections.append(Counted(enough))
    async with asyncio.timeout(10):
        await enough.wait()
    checking.cancel()
    await asyncio.wait([checking])
