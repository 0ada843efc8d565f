"""How instances are, found out by health checks where calls to them have failed.

A check is asked with the service's credential, one at a time of each instance. Its response
says for how long the process has run, so that one who asks knows whether it is still the process
that a call was sent to.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health_pb2

from chatterroom.background import isolated
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.channels import is_connected, reach
from chatterroom.rpc.identity import Metadata

__all__ = ["UPTIME", "Health", "Probes", "ask_health"]

log = structlog.get_logger()

UPTIME = "chatterroom-uptime-s"
"""The trailing metadata of a health check in which a server says for how long it has run."""

_DEADLINE_S = 1.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
# Each is a new connection: the one before was cut.
_ATTEMPTS = 3
_CHECK = "/grpc.health.v1.Health/Check"


@dataclass(frozen=True, slots=True)
class Health:
    """What a check has found."""

    is_serving: bool
    running_since: float | None = None
    """On this process's monotonic clock; None where the instance did not say."""

    def has_run_since(self, moment: float) -> bool:
        """Return whether the process that was checked was running at `moment`, for sure."""
        return self.running_since is not None and self.running_since <= moment


_SICK = Health(is_serving=False)


class Probes:
    """Checks the instances of one service, and tells their balancer."""

    def __init__(
        self,
        balancer: Balancer,
        channel_to: Callable[[Instance], grpc.aio.Channel],
        metadata: Metadata,
    ) -> None:
        self._balancer = balancer
        self._channel_to = channel_to
        self._metadata = metadata
        self._checks: dict[str, asyncio.Task[Health]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}

    def suspect(self, instance: Instance) -> None:
        """Check an instance until a check succeeds or it is not known any more."""
        url = instance.service_url
        if url not in self._watches:
            watch = self._watches[url] = asyncio.create_task(self._watch(instance))
            watch.add_done_callback(lambda _: self._watches.pop(url, None))

    async def check(self, instance: Instance) -> Health:
        """Return what a check says, maybe one that is under way; within a second."""
        url = instance.service_url
        task = self._checks.get(url)
        if task is None:
            channel = self._channel_to(instance)
            task = self._checks[url] = asyncio.create_task(_check(channel, self._metadata))
            task.add_done_callback(lambda _: self._checks.pop(url, None))
        return await asyncio.shield(task)

    async def fresh_check(self, instance: Instance) -> Health:
        """Return what a check says that begins after this is called; within two seconds."""
        if (running := self._checks.get(instance.service_url)) is not None:
            await asyncio.wait([running])
        return await self.check(instance)

    async def close(self) -> None:
        """Give up all checks."""
        tasks = [*self._watches.values(), *self._checks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, instance: Instance) -> None:
        pause_s = _FIRST_PAUSE_S
        was_left_out = False
        while instance in self._balancer.instances():
            health = _SICK
            with isolated("probes"):
                health = await self.check(instance)
            self._balancer.checked(instance, healthy=health.is_serving)
            if health.is_serving:
                break
            if not was_left_out and not self._balancer.admits(instance):
                was_left_out = True
                log.warning("instance_left_out", url=instance.service_url)
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
        if was_left_out:
            log.info("instance_back", url=instance.service_url)


async def _check(channel: grpc.aio.Channel, metadata: Metadata) -> Health:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            for _ in range(_ATTEMPTS):
                if not await reach(channel):
                    break
                try:
                    return await ask_health(channel, _DEADLINE_S, metadata)
                except grpc.aio.AioRpcError:
                    if is_connected(channel):
                        break
    except TimeoutError:
        pass
    except Exception as error:
        # Whatever it is: the instance must be checked again, and not be left out for ever.
        log.error("health_check_failed", exc_info=error)
    return _SICK


async def ask_health(
    channel: grpc.aio.Channel, timeout_s: float, metadata: Metadata = ()
) -> Health:
    """Return what the server says of itself. Raises AioRpcError."""
    # By hand, as the type stubs of the generated client leave its methods out.
    check = channel.unary_unary(
        _CHECK,
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    call = check(health_pb2.HealthCheckRequest(), timeout=timeout_s, metadata=metadata)
    response = await call
    is_serving = response.status == health_pb2.HealthCheckResponse.SERVING
    trailing = dict(await call.trailing_metadata() or ())
    uptime_s = trailing.get(UPTIME)
    if not isinstance(uptime_s, str):
        return Health(is_serving)
    return Health(is_serving, time.monotonic() - float(uptime_s))
