"""`python -m bench.naive VARIANT …` is `chatterroom …` as one would write it first.

A unary call for each send, an insert for each message, a write for each delivery. In the variant
`concurrent` messages of different conversations are inserted beside each other, as handlers of
their own would do it; in `serial` one insert is in flight at a time. The database, the checks and
the durability are the product's.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pymongo.errors import DuplicateKeyError

from chatterroom import cli
from chatterroom.chat import log
from chatterroom.chat.documents_mongo import document_of
from chatterroom.chat.entries import MessagePosted
from chatterroom.chat.feed import Published
from chatterroom.chat.hub import Hub, Subscription
from chatterroom.chat.log import ConversationLog
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.cancellation import raise_if_cancelled
from chatterroom.core.ids import ConversationId
from chatterroom.engines.up import UpOptions, run
from chatterroom.gateway.sends import Sends
from chatterroom.pb import chat_pb2
from chatterroom.storage.availability_mongo import available

__all__ = ["VARIANTS", "main"]

VARIANTS = ("concurrent", "serial")


def main() -> int:
    """Start what is asked for; `up` starts its services by way of this module again."""
    variant, command, *arguments = sys.argv[1:]
    if variant not in VARIANTS:
        sys.exit(f"the variants are {', '.join(VARIANTS)}")
    if command == "up":
        return run(_up_options(arguments), (sys.executable, "-m", "bench.naive", variant))
    if command == "chat":
        _insert_one_by_one(concurrently=variant == "concurrent")
        _write_one_by_one()
    elif command == "gateway":
        _call_one_by_one()
    sys.argv = ["chatterroom", command, *arguments]
    cli.main()
    return 0


def _insert_one_by_one(*, concurrently: bool) -> None:
    async def insert_messages(self: ChatStore, entries: Sequence[MessagePosted]) -> int:
        (entry,) = entries
        with available():
            try:
                await self._messages(entry.conversation_id).insert_one(document_of(entry))
            except DuplicateKeyError:
                return 0
        return 1

    ChatStore.insert_messages = insert_messages  # type: ignore[method-assign]
    log.MAX_BATCH = 1
    if not concurrently:
        return

    async def run(self: ConversationLog) -> None:
        async with self._tasks:
            while True:
                raise_if_cancelled()
                await self._work.wait()
                plans = self._gather()
                if not self._ready:
                    self._work.clear()
                for plan in plans:
                    self._tasks.create_task(self._commit([plan]))

    ConversationLog.run = run  # type: ignore[method-assign]


def _write_one_by_one() -> None:
    joined = Hub._deliver  # noqa: SLF001 -- another way to do the same is the point

    def deliver(self: Hub, run: list[Published], subscriptions: Iterable[Subscription]) -> None:
        for entry in run:
            joined(self, [entry], subscriptions)

    Hub._deliver = deliver  # type: ignore[method-assign]  # noqa: SLF001


def _call_one_by_one() -> None:
    async def send(
        self: Sends, conversation_id: ConversationId, request: chat_pb2.SendRequest
    ) -> chat_pb2.SendRoomMessageResponse:
        if request.receiver_id:
            private = await self._chat.call(
                lambda stub: stub.SendPrivateMessage,
                chat_pb2.SendPrivateMessageRequest(
                    sender_id=request.sender_id,
                    receiver_id=request.receiver_id,
                    message=request.message,
                    client_id=request.client_id,
                ),
                safe_to_repeat=True,
                key=conversation_id,
            )
            return chat_pb2.SendRoomMessageResponse.FromString(private.SerializeToString())
        answer: chat_pb2.SendRoomMessageResponse = await self._chat.call(
            lambda stub: stub.SendRoomMessage,
            chat_pb2.SendRoomMessageRequest(
                sender_id=request.sender_id,
                room_id=request.room_id,
                message=request.message,
                client_id=request.client_id,
            ),
            safe_to_repeat=True,
            key=conversation_id,
        )
        return answer

    Sends.send = send  # type: ignore[method-assign]


def _up_options(arguments: list[str]) -> UpOptions:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--chat", type=int, required=True)
    parser.add_argument("--gateway-port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    return UpOptions(host="127.0.0.1", **vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
