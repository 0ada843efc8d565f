"""W6: the storm. Everybody is dropped at once, and comes back at once to what they missed."""

import asyncio
import time
from collections.abc import Iterator, Sequence

from bench.checking import VoidRunError
from bench.connections import Target
from bench.database import Reads
from bench.dialects import CHATTERROOM, Opening
from bench.doors import socket_target
from bench.frames import upgrade_request
from bench.load import Load
from bench.people import Person, create_rooms, make_people
from bench.platform import Platform
from bench.results import Row
from bench.scale import Scale
from bench.texts import Texts
from chatterroom.auth.secrets import load_service_secret
from chatterroom.pb import chat_pb2, chat_pb2_grpc
from chatterroom.rpc.channels import open_channel
from chatterroom.rpc.identity import SERVICE, call_metadata

__all__ = ["run"]

MISSED = 20
_BATCH = 250
_AT_ONCE = 16
_NOTICED_S = 3.0
_CALL_S = 30.0


def run(scale: Scale) -> Iterator[Row]:
    """Measure straight at the chat service."""
    with Platform() as platform:
        people = make_people(platform, scale.storm_clients)
        size = len(people) // scale.storm_rooms
        groups = [people[start : start + size] for start in range(0, len(people), size)]
        rooms = create_rooms(platform, groups)
        with Load(CHATTERROOM, platform.usage, size) as load:
            yield _measure(platform, load, groups, rooms)


def _measure(
    platform: Platform, load: Load, groups: Sequence[Sequence[Person]], rooms: Sequence[str]
) -> Row:
    places = [(person, room) for room, group in zip(rooms, groups, strict=True) for person in group]
    address = platform.chat_socket
    load.open_receivers([socket_target(address, *_one_room(place)) for place in places], _AT_ONCE)
    load.drop_receivers()
    time.sleep(_NOTICED_S)
    asyncio.run(_send_to_all(platform, groups, rooms))
    # Everybody at once: nobody waits for anybody's handshake.
    targets = [_returning(address, person, room) for person, room in places]
    reads = Reads(platform.mongo_url)
    usage = platform.usage()
    started = time.monotonic()
    opened = load.open_receivers(targets, len(targets), goal=MISSED)
    load.wait_until_held(MISSED * len(targets))
    cpu_s = platform.usage().since(usage)
    log_reads = reads.of("room_messages")
    moments = sorted(moment - started for _, reached in load.reports() for moment in reached)
    _check(load, len(places), moments)
    row = Row(workload="W6", subject="ChatterRoom", case=f"{len(places):,} clients, direct")
    row.unit = "clients/s"
    row.rate = len(moments) / moments[-1]
    row.cpu_us = cpu_s / len(moments) * 1e6
    for percent in (50, 99, 100):
        row.details[f"s_until_{percent}"] = moments[len(moments) * percent // 100 - 1]
    row.details["asked_to_come_back"] = sum(each.repeats for each in opened)
    row.details["log_reads_per_room"] = log_reads / len(rooms)
    row.details["membership_reads_per_client"] = reads.of("memberships") / len(places)
    row.details["read_commands_per_client"] = reads.commands() / len(places)
    return row


def _check(load: Load, clients: int, moments: Sequence[float]) -> None:
    if len(moments) != clients:
        raise VoidRunError(f"{clients - len(moments)} clients do not hold what they missed")
    for streams, _ in load.reports():
        for stream in streams.values():
            if [number for _, number in stream.marks] != list(range(MISSED)):
                raise VoidRunError("a room's messages are not those that were sent")


def _one_room(place: tuple[Person, str]) -> tuple[Person, tuple[str, ...]]:
    person, room = place
    return person, (room,)


def _returning(address: tuple[str, int], person: Person, room: str) -> Target:
    """Return a socket that asks for what it missed."""
    headers = {
        "Authorization": f"Bearer {person.token}",
        "Sec-WebSocket-Protocol": "chatterroom.v1",
    }
    request = upgrade_request(f"/ws/chat?userId={person.user_id}", headers)
    steps = CHATTERROOM.steps[:1]
    return Target(address, Opening(request, steps, resumes=room), (room,))


async def _send_to_all(
    platform: Platform, groups: Sequence[Sequence[Person]], rooms: Sequence[str]
) -> None:
    metadata = call_metadata(
        load_service_secret(platform.secrets, "gateway").towards("chat"), SERVICE
    )
    texts = Texts(6)
    sends = [
        chat_pb2.SendRequest(
            sender_id=group[0].user_id,
            room_id=room,
            message=texts.text(sender, number),
            client_id=f"{number}",
        )
        for number in range(MISSED)
        for sender, (group, room) in enumerate(zip(groups, rooms, strict=True))
    ]
    async with open_channel(platform.chat_rpc) as channel:
        stub = chat_pb2_grpc.ChatServiceStub(channel)
        for start in range(0, len(sends), _BATCH):
            request = chat_pb2.SendMessagesRequest(sends=sends[start : start + _BATCH])
            answer = await stub.SendMessages(request, metadata=metadata, timeout=_CALL_S)
            for result in answer.results:
                if result.HasField("error"):
                    raise VoidRunError(f"a message was refused: {result.error.message}")
