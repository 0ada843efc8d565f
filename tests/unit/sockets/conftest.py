import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    # Sockets ride on the transports of the loop: those that run in production.
    return {"uvloop": uvloop.new_event_loop}
