import asyncio
import sys
from pathlib import Path

import pytest

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.health_grpc import is_serving
from chatterroom.engines.health_http import ReadyOnce, is_healthy
from chatterroom.engines.ports import LOOPBACK, free_port

FAKE_SERVICE = Path(__file__).with_name("fake_service.py")


async def test_nobody_there_is_neither_serving_nor_healthy():
    assert not await is_serving(LOOPBACK, free_port())
    assert not await is_healthy(LOOPBACK, free_port())


async def test_a_service_is_serving_once_its_health_check_says_so(tmp_path):
    port = free_port()
    service = await ChildProcess.start(
        [sys.executable, FAKE_SERVICE, "users"],
        log_path=tmp_path / "log",
        environment={"CHATTERROOM_USERS_GRPC_PORT": str(port)},
    )
    await service.wait_until(lambda: is_serving(LOOPBACK, port), name="users", deadline_s=20)
    await service.kill()


@pytest.mark.parametrize(
    ("answer", "healthy"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"", False),
    ],
)
async def test_a_gateway_is_healthy_when_it_answers_200(answer, healthy):
    asked = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await is_healthy(LOOPBACK, port) is healthy
    assert (await asked.get()).startswith(b"GET /healthz HTTP/1.1\r\n")


async def test_a_gateway_is_asked_for_readiness_until_it_is_ready_and_for_health_from_then_on():
    asked = list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split()[1])
        writer.write(
            b"HTTP/1.1 503 Not Yet\r\n\r\n" if len(asked) == 1 else b"HTTP/1.1 200 OK\r\n\r\n"
        )
        writer.close()

    is_ready = ReadyOnce()
    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert [await is_ready(LOOPBACK, port) for _ in range(3)] == [False, True, True]
    assert asked == [b"/readyz", b"/readyz", b"/healthz"]
