import sys

import pytest

from chatterroom.engines.errors import EngineError
from chatterroom.engines.service import Service

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
END = [sys.executable, "-I", "-S", "-c", "pass"]


async def yes(_host: str, _port: int) -> bool:
    return True


async def no(_host: str, _port: int) -> bool:
    return False


def a_service(tmp_path, command, is_ready, *, others_know_ports=False) -> Service:
    return Service(
        name="users-1",
        command=command,
        environment=dict,
        is_ready=is_ready,
        log_path=tmp_path / "log",
        port_variables=["GRPC_PORT", "WEBSOCKET_PORT"],
        others_know_ports=others_know_ports,
    )


async def live(service: Service) -> list[int]:
    """Start it, wait until it is ready or ended, end it; return the ports it had."""
    process = await service.spawn()
    if service.is_ready is yes:
        await service.wait_ready()
    else:
        with pytest.raises(EngineError):
            await service.wait_ready()
    await process.kill()
    return list(service.ports)


async def test_a_service_that_was_ready_keeps_its_ports(tmp_path):
    service = a_service(tmp_path, SLEEP, yes)
    assert await live(service) == await live(service)


async def test_a_service_that_ended_before_it_was_ready_gets_other_ports(tmp_path):
    service = a_service(tmp_path, END, no)
    assert await live(service) != await live(service)


@pytest.mark.parametrize("others_know_ports", [True, False])
async def test_ports_that_others_know_stay_even_when_a_restart_fails(tmp_path, others_know_ports):
    service = a_service(tmp_path, SLEEP, yes, others_know_ports=others_know_ports)
    known = await live(service)
    service.command, service.is_ready = END, no
    assert await live(service) == known
    assert (await live(service) == known) is others_know_ports
