"""Calls to a service that has several instances: deadlines, retries, suspicion.

A call that fails counts against nobody but its caller. It makes its instance suspect, and health
checks decide (`rpc/probes.py`).
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message

from chatterroom.auth.secrets import ServiceCredential
from chatterroom.core.errors import ChatterRoomError, ErrorCode, internal_error
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.channels import is_connected, open_channel, reach
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import SERVICE, Caller, call_metadata
from chatterroom.rpc.message_sizes import MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES
from chatterroom.rpc.probes import Probes

__all__ = ["ATTEMPTS", "Backend", "LostCallError", "backoff_s"]

log = structlog.get_logger()

Stub = TypeVar("Stub")

ATTEMPTS = 3
_BACKOFF_S = 0.05
# Retries may add a tenth to the traffic, so that they cannot bring down what is already slow
# (the Builders' Library: "Timeouts, retries, and backoff with jitter").
_BUDGET = 10.0
_BUDGET_SHARE = 0.1
_RETRY_AFTER_S = 1.0


class LostCallError(Exception):
    """A call that no service has answered: nobody knows whether it was carried out.

    `error` is what its caller gets; `may_pass` says whether a repeat makes sense, and is safe for
    other instances: a call that may have ended one is not repeated on the next.
    """

    def __init__(self, error: ChatterRoomError, *, may_pass: bool) -> None:
        super().__init__(error, may_pass)
        self.error = error
        self.may_pass = may_pass


def backoff_s(attempts: int) -> float:
    """Return how long to wait before a call is repeated that has failed so many times."""
    return random.uniform(0, _BACKOFF_S * 2**attempts)


class Backend(Generic[Stub]):
    """One service as its clients see it. `name` is also what its certificates must name.

    Failures of the service come out as the `ChatterRoomError` it raised; failures of the call as
    SERVICE_UNAVAILABLE or REQUEST_TIMED_OUT.
    """

    def __init__(
        self,
        name: str,
        balancer: Balancer,
        make_stub: Callable[[grpc.aio.Channel], Stub],
        credential: ServiceCredential,
        timeout_s: float,
    ) -> None:
        self.name = name
        self.balancer = balancer
        self._make_stub = make_stub
        self._credential = credential
        self.timeout_s = timeout_s
        self._channels: dict[str, tuple[grpc.aio.Channel, Stub]] = {}
        self._probes = Probes(balancer, self._channel, call_metadata(credential, SERVICE))
        self._departing: set[asyncio.Task[None]] = set()
        self._budget = _BUDGET

    async def call(
        self,
        method: Callable[[Stub], Any],
        request: Message,
        *,
        caller: Caller = SERVICE,
        safe_to_repeat: bool,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Return the answer of `method`, picked from a stub: `lambda stub: stub.GetRoom`.

        A call that fails on the way is repeated on another instance if it is `safe_to_repeat`,
        at most three times in all and within `timeout_s` (the backend's own where not given).
        Calls with the same `key` prefer the same instance.
        """
        deadline = time.monotonic() + (timeout_s or self.timeout_s)
        tried: list[str] = []
        while True:
            instance = self.balancer.pick(key=key, avoid=tried)
            if instance is None:
                raise self.unavailable()
            tried.append(instance.service_url)
            remaining = deadline - time.monotonic()
            last = len(tried) == ATTEMPTS or not safe_to_repeat
            # An attempt that may be repeated leaves time for the repeat.
            attempt_s = remaining if last else remaining / 2
            try:
                return await self.call_once(
                    instance, method, request, caller=caller, timeout_s=attempt_s
                )
            except LostCallError as lost:
                pause_s = backoff_s(len(tried))
                in_time = time.monotonic() + pause_s < deadline
                if last or not in_time or not lost.may_pass or not self.allows_repeat():
                    raise lost.error from None
            await asyncio.sleep(pause_s)

    async def call_once(
        self,
        instance: Instance,
        method: Callable[[Stub], Any],
        request: Message,
        *,
        caller: Caller = SERVICE,
        timeout_s: float,
    ) -> Any:
        """Return the answer of this instance.

        Raises the `ChatterRoomError` that the service raised, and `LostCallError` where the call
        failed on the way.
        """
        self._budget = min(_BUDGET, self._budget + _BUDGET_SHARE)
        channel, stub = self._connection(instance)
        metadata = call_metadata(self._credential, caller)
        sent_at = time.monotonic()
        self.balancer.started(instance)
        try:
            if not is_connected(channel):
                await self._reach(instance, channel, timeout_s)
                timeout_s = max(0.0, timeout_s - (time.monotonic() - sent_at))
                sent_at = time.monotonic()
            return await method(stub)(request, timeout=timeout_s, metadata=metadata)
        except grpc.aio.AioRpcError as failure:
            known = error_from(failure)
            if known is not None:
                raise known from None
            raise await self._lost(instance, failure, request, sent_at) from None
        finally:
            self.balancer.ended(instance)

    async def is_serving(self) -> bool:
        """Return whether any instance says within a second that it serves."""
        instances = self.balancer.instances()
        checks = await asyncio.gather(*(self._probes.check(each) for each in instances))
        return any(health.is_serving for health in checks)

    def suspect(self, instance: Instance) -> None:
        """Have the health of an instance checked that could not be used."""
        self._probes.suspect(instance)

    def allows_repeat(self) -> bool:
        """Take one repeat out of the budget, or return False where nothing is left of it."""
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def unavailable(self) -> ChatterRoomError:
        """Return the error for a service that cannot be reached."""
        return ChatterRoomError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"The {self.name} service is not available. Try again in a moment.",
            retry_after_s=_RETRY_AFTER_S,
            service=self.name,
        )

    def timed_out(self) -> ChatterRoomError:
        """Return the error for an answer that has not come in time."""
        return ChatterRoomError(
            ErrorCode.REQUEST_TIMED_OUT,
            f"The {self.name} service did not respond in time.",
            service=self.name,
        )

    async def close(self) -> None:
        """Close all channels."""
        await self._probes.close()
        await asyncio.gather(*self._departing)
        for channel, _ in self._channels.values():
            await channel.close()
        self._channels.clear()

    def _connection(self, instance: Instance) -> tuple[grpc.aio.Channel, Stub]:
        found = self._channels.get(instance.service_url)
        if found is None:
            self._forget_departed()
            channel = open_channel(instance.service_url, self.name, self._credential.certificates)
            found = self._channels[instance.service_url] = (channel, self._make_stub(channel))
        return found

    def _channel(self, instance: Instance) -> grpc.aio.Channel:
        return self._connection(instance)[0]

    async def _reach(self, instance: Instance, channel: grpc.aio.Channel, timeout_s: float) -> None:
        """Connect, or raise that nothing was sent."""
        try:
            async with asyncio.timeout(timeout_s):
                reached = await reach(channel)
        except TimeoutError:
            reached = False
        if not reached:
            self._probes.suspect(instance)
            raise LostCallError(self.unavailable(), may_pass=True)

    def _forget_departed(self) -> None:
        present = {instance.service_url for instance in self.balancer.instances()}
        for url in [url for url in self._channels if url not in present]:
            channel, _ = self._channels.pop(url)
            # What leaves still answers the calls it has: closing at once would cancel them.
            task = asyncio.create_task(channel.close(self.timeout_s))
            self._departing.add(task)
            task.add_done_callback(self._departing.discard)

    async def _lost(
        self, instance: Instance, failure: grpc.aio.AioRpcError, request: Message, sent_at: float
    ) -> LostCallError:
        match failure.code():
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                self._probes.suspect(instance)
                return LostCallError(self.timed_out(), may_pass=True)
            case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
                self._probes.suspect(instance)
                health = await self._probes.fresh_check(instance)
                survived = health.has_run_since(sent_at)
                if not survived:
                    log.warning("call_lost_with_its_instance", url=instance.service_url)
                return LostCallError(self.unavailable(), may_pass=survived)
            case grpc.StatusCode.RESOURCE_EXHAUSTED:
                return LostCallError(_too_large(request), may_pass=False)
        log.error("call_failed", service=self.name, status=failure.code().name)
        error = internal_error()
        return LostCallError(error, may_pass=False)


def _too_large(request: Message) -> ChatterRoomError:
    if request.ByteSize() > MAX_REQUEST_BYTES:
        most = f"{MAX_REQUEST_BYTES >> 20} MiB"
        return ChatterRoomError(ErrorCode.BODY_TOO_LARGE, f"The request is larger than {most}.")
    most = f"{MAX_RESPONSE_BYTES >> 20} MiB"
    return ChatterRoomError(
        ErrorCode.RESPONSE_TOO_LARGE, f"The response is larger than {most}. Ask for less at a time."
    )
