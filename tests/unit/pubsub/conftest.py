import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    # What a lost connection looks like to who writes is the loop's: that of production.
    return {"uvloop": uvloop.new_event_loop}
