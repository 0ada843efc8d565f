"""Calls to a service that has several instances: deadlines, retries, breakers."""

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
from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.errors import error_from
from chatterroom.rpc.identity import SERVICE, Caller, call_metadata

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

    `error` is what its caller is told; `may_pass` says whether a repeat makes sense.
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
            instance = self.balancer.pick(time.monotonic(), key=key, avoid=tried)
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
                if last or not lost.may_pass or not self.allows_repeat():
                    raise lost.error from None
            pause_s = backoff_s(len(tried))
            if time.monotonic() + pause_s >= deadline:
                raise self.unavailable()
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
        stub = self._stub(instance)
        metadata = call_metadata(self._credential, caller)
        # An instance that answers, whatever it answers, is alive.
        healthy = True
        self.balancer.started(instance)
        try:
            return await method(stub)(request, timeout=timeout_s, metadata=metadata)
        except grpc.aio.AioRpcError as failure:
            known = error_from(failure)
            if known is not None:
                raise known from None
            healthy = False
            raise self._lost(failure) from None
        finally:
            self.balancer.ended(instance, time.monotonic(), healthy=healthy)

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
            f"the {self.name} service is not available; try again in a moment",
            retry_after_s=_RETRY_AFTER_S,
            service=self.name,
        )

    def timed_out(self) -> ChatterRoomError:
        """Return the error for an answer that has not come in time."""
        return ChatterRoomError(
            ErrorCode.REQUEST_TIMED_OUT,
            f"the {self.name} service did not answer in time",
            service=self.name,
        )

    async def close(self) -> None:
        """Close all channels."""
        await asyncio.gather(*self._departing)
        for channel, _ in self._channels.values():
            await channel.close()
        self._channels.clear()

    def _stub(self, instance: Instance) -> Stub:
        found = self._channels.get(instance.service_url)
        if found is None:
            self._forget_departed()
            channel = open_channel(instance.service_url, self.name, self._credential.certificates)
            found = self._channels[instance.service_url] = (channel, self._make_stub(channel))
        return found[1]

    def _forget_departed(self) -> None:
        present = {instance.service_url for instance in self.balancer.instances()}
        for url in [url for url in self._channels if url not in present]:
            channel, _ = self._channels.pop(url)
            # What leaves still answers the calls it has: closing at once would cancel them.
            task = asyncio.create_task(channel.close(self.timeout_s))
            self._departing.add(task)
            task.add_done_callback(self._departing.discard)

    def _lost(self, failure: grpc.aio.AioRpcError) -> LostCallError:
        if failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return LostCallError(self.timed_out(), may_pass=True)
        if failure.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
            return LostCallError(self.unavailable(), may_pass=True)
        log.error("call_failed", service=self.name, status=failure.code().name)
        error = ChatterRoomError(ErrorCode.INTERNAL, "something went wrong on our side")
        return LostCallError(error, may_pass=False)
