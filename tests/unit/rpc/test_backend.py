"""Calls to instances that are processes: they die, hang, are cut off, and come back."""

import asyncio
import contextlib
import signal
from contextlib import asynccontextmanager

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.engines.ports import free_port
from chatterroom.pb import users_pb2, users_pb2_grpc
from chatterroom.rpc.backend import Backend
from chatterroom.rpc.balancer import Balancer, Instance

from .mortal import SECRET, running


@asynccontextmanager
async def backend_of(*instances, timeout_s=6.0):
    balancer = Balancer()
    balancer.replace(instances)
    credential = SECRET.towards("users")
    backend = Backend("users", balancer, users_pb2_grpc.UserServiceStub, credential, timeout_s)
    try:
        yield backend
    finally:
        await backend.close()


async def ask(backend, user_id="ada", key=None, timeout_s=None):
    request = users_pb2.GetUserProfileRequest(user_id=user_id)
    answer = await backend.call(
        lambda stub: stub.GetUserProfile,
        request,
        safe_to_repeat=True,
        key=key,
        timeout_s=timeout_s,
    )
    return answer.user_id


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_call_that_ends_an_instance_is_not_repeated_on_the_next():
    async with running(2) as processes, backend_of(*(p.instance for p in processes)) as backend:
        with pytest.raises(ChatterRoomError) as lost:
            await ask(backend, "killer")
        assert lost.value.code is ErrorCode.SERVICE_UNAVAILABLE
        assert lost.value.retry_after_s
        await until(lambda: any(p.died for p in processes))
        assert [await ask(backend) for _ in range(20)] == ["ada"] * 20
        assert sum(p.died for p in processes) == 1


async def test_an_instance_that_is_back_at_once_does_not_get_the_call_again():
    """Somebody restarts what dies, on the same port, before anybody has looked."""
    async with running(1) as [process], backend_of(process.instance) as backend:
        assert await ask(backend) == "ada"

        async def revive():
            await until(lambda: process.died)
            process.deaths += 1
            process.stop()
            await process.start()

        reviving = asyncio.create_task(revive())
        # The check waits for the new process, as it would if that had been there at once.
        instance_check = backend._probes.fresh_check

        async def late_check(instance):
            await reviving
            return await instance_check(instance)

        backend._probes.fresh_check = late_check
        with pytest.raises(ChatterRoomError) as lost:
            await ask(backend, "killer")
        assert lost.value.code is ErrorCode.SERVICE_UNAVAILABLE
        assert process.deaths == 1
        assert not process.died


async def test_the_calls_beside_one_that_ends_an_instance_are_refused_and_later_ones_are_not():
    async with running(2) as processes, backend_of(*(p.instance for p in processes)) as backend:
        victim = backend.balancer.pick(key="x")
        await ask(backend, key="x")
        beside = [asyncio.create_task(ask(backend, "slow", key="x")) for _ in range(5)]
        await until(lambda: backend.balancer._records[victim.service_url].in_flight == 5)
        with pytest.raises(ChatterRoomError):
            await ask(backend, "killer", key="x")
        for told in await asyncio.gather(*beside, return_exceptions=True):
            assert isinstance(told, ChatterRoomError)
            assert told.code is ErrorCode.SERVICE_UNAVAILABLE
        await until(lambda: any(p.died for p in processes))
        assert sum(p.died for p in processes) == 1
        assert await ask(backend, key="x") == "ada"


async def test_what_could_not_be_sent_goes_to_another_instance():
    gone = Instance(f"127.0.0.1:{free_port()}")
    async with running(1) as [process], backend_of(gone, process.instance) as backend:
        assert [await ask(backend, key=str(n)) for n in range(30)] == ["ada"] * 30
        await until(lambda: not backend.balancer.admits(gone))


class Cable:
    """A TCP proxy that the test can cut: what is open breaks, what comes next passes."""

    def __init__(self, port):
        self._port = port
        self._writers = []

    async def start(self):
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        return Instance(f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}")

    def cut(self):
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def close(self):
        self._server.close()
        self.cut()

    async def _pass_on(self, reader, writer):
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, other_writer]

        async def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, other_writer), pump(other_reader, writer))


async def test_a_call_that_lost_its_connection_only_is_repeated():
    async with running(2) as (first, second):
        cable = Cable(first.port)
        near = await cable.start()
        async with backend_of(near, second.instance) as backend:
            key = next(str(n) for n in range(99) if backend.balancer.pick(key=str(n)) == near)
            assert await ask(backend, key=key) == "ada"
            under_way = asyncio.create_task(ask(backend, "slow", key=key, timeout_s=4))
            await until(lambda: backend.balancer._records[near.service_url].in_flight == 1)
            cable.cut()
            # The repeat is as slow, at the other instance: it gets there, and runs out of time.
            other = backend.balancer._records[second.instance.service_url]
            await until(lambda: other.in_flight == 1)
            with pytest.raises(ChatterRoomError) as late:
                await under_way
            assert late.value.code is ErrorCode.REQUEST_TIMED_OUT
            assert not first.died
            assert not second.died
            await until(lambda: backend.balancer.admits(near))
        cable.close()


async def test_a_hung_instance_is_left_out_and_comes_back_when_it_goes_on():
    async with running(2) as processes:
        instances = [p.instance for p in processes]
        async with backend_of(*instances, timeout_s=2.0) as backend:
            hung = next(p for p in processes if p.instance == backend.balancer.pick(key="x"))
            assert await ask(backend, key="x") == "ada"
            hung.running.send_signal(signal.SIGSTOP)
            # The first call waits for its attempt to time out, and is repeated.
            assert await ask(backend, key="x") == "ada"
            await until(lambda: not backend.balancer.admits(hung.instance))
            assert [await ask(backend, key="x", timeout_s=1) for _ in range(20)] == ["ada"] * 20
            hung.running.send_signal(signal.SIGCONT)
            await until(lambda: backend.balancer.admits(hung.instance))
            assert await ask(backend, key="x") == "ada"


async def test_many_suspicions_make_one_check_at_a_time():
    async with running(1) as [process], backend_of(process.instance) as backend:
        for _ in range(100):
            backend.suspect(process.instance)
        assert len(backend._probes._watches) == 1
        answers = await asyncio.gather(*(backend.is_serving() for _ in range(50)))
        assert answers == [True] * 50
        await until(lambda: not backend._probes._watches)
        assert backend._probes._checks == {}


async def test_an_instance_that_is_not_known_any_more_is_not_checked_for_ever():
    gone, other = (Instance(f"127.0.0.1:{free_port()}") for _ in range(2))
    async with backend_of(gone) as backend:
        backend.suspect(gone)
        await until(lambda: not backend.balancer.admits(gone))
        backend.balancer.replace([other])
        await until(lambda: not backend._probes._watches)
