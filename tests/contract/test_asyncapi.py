"""What docs/asyncapi.yaml says of the WebSockets is what the code takes and sends."""

import asyncio
import json
import time
from base64 import b32decode
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, get_args

import msgspec
import pytest
import websockets
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from chatterroom import __version__
from chatterroom.chat import commands
from chatterroom.chat.entries import (
    Entry,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    Reaction,
    ReactionAdded,
    ReactionRemoved,
    RoleChanged,
    RoomCreated,
    RoomSettings,
    RoomUpdated,
)
from chatterroom.chat.events import encode_entry, encode_marks, encode_typing
from chatterroom.core import times
from chatterroom.core.ids import (
    ClientId,
    UserId,
    new_id,
    private_conversation_id,
    room_conversation_id,
)
from chatterroom.pb import chat_pb2, users_pb2
from chatterroom.sockets.frames import CloseCode
from chatterroom.users import alert_protocol, alerts

from .conftest import DOCUMENT, Schema, chat, message_of, messages, problems, resolved, validator

ALICE, BOB, CAROL = chat.ALICE, chat.BOB, chat.CAROL

RECEIVED = messages("chat", "receive")
SENT = messages("chat", "send")
ALERT_RECEIVED = messages("alert", "receive")
ALERT_SENT = messages("alert", "send")

# The document


def test_it_is_of_this_version():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == __version__


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


def test_every_reference_leads_somewhere_and_everything_is_used():
    used = references(DOCUMENT)
    for reference in used:
        assert resolved({"$ref": reference})
    for kind in ("messages", "schemas", "securitySchemes"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used
    for channel, item in DOCUMENT["channels"].items():
        for key in item["messages"]:
            assert f"#/channels/{channel}/messages/{key}" in used, "no operation has it"


@pytest.mark.parametrize("key", DOCUMENT["components"]["messages"])
def test_every_message_has_examples_that_are_valid(key: str):
    message = DOCUMENT["components"]["messages"][key]
    assert message["examples"]
    for example in message["examples"]:
        assert problems(message["payload"], example["payload"]) == []


# What the user service has no reason to close with.
NOT_OF_ALERTS = {CloseCode.REMOVED, CloseCode.NOT_FOUND}


@pytest.mark.parametrize(
    ("channel", "never"), [("chat", set()), ("chatSimple", set()), ("alert", NOT_OF_ALERTS)]
)
def test_every_close_code_is_described(channel: str, never: set[CloseCode]):
    described = {int(code) for code in DOCUMENT["channels"][channel]["x-close-codes"]}
    assert described == set(CloseCode) - never


# Structs against schemas


def fields_of(schema: Schema) -> tuple[dict[str, Schema], set[str]]:
    parts = [resolved(part) for part in schema.get("allOf", [schema])]
    fields = {name: resolved(f) for part in parts for name, f in part["properties"].items()}
    return fields, {name for part in parts for name in part.get("required", ())}


def shape(schema: Schema, definitions: Schema) -> dict[str, Any]:
    """Return what decides whether a value is taken: types, values and bounds."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    types: set[str] = set()
    bounds: dict[str, Any] = {}
    for part in schema.get("anyOf", [schema]):
        if "enum" in part:
            types.add("string")
            bounds["enum"] = sorted(part["enum"])
        else:
            given = part["type"]
            types.update([given] if isinstance(given, str) else given)
        for bound in ("maxLength", "minimum", "maxProperties"):
            if bound in part:
                bounds[bound] = part[bound]
    return {"types": types, **bounds}


def assert_same(struct: type[msgspec.Struct], message: Schema) -> None:
    """Compare a struct with the schema of its message, field by field."""
    (reference,), definitions = msgspec.json.schema_components([struct])
    ours = definitions[reference["$ref"].rpartition("/")[2]]
    fields, required = fields_of(message["payload"])
    assert set(fields) == set(ours["properties"])
    assert required == set(ours["required"])
    for name, field in fields.items():
        if name == "type":
            assert ours["properties"]["type"]["enum"] == [field["const"]] == [message["name"]]
            continue
        told, taken = shape(field, {}), shape(ours["properties"][name], definitions)
        assert told["types"] == taken["types"], name
        for bound, value in taken.items():
            assert told[bound] == value, (name, bound)


def structs_of(union: Any) -> dict[str, type[msgspec.Struct]]:
    return {struct.__struct_config__.tag: struct for struct in get_args(union)}


COMMANDS = structs_of(commands.ClientCommand)
ALERT_COMMANDS = structs_of(alert_protocol.Ping | alert_protocol.Ack)
ALERT_EVENTS = structs_of(alert_protocol.Ready | alert_protocol.Answer | alerts.Alert)


def test_the_commands_are_those_of_the_document():
    assert set(COMMANDS) == set(RECEIVED)
    assert set(ALERT_COMMANDS) == set(ALERT_RECEIVED)
    assert set(ALERT_EVENTS) == set(ALERT_SENT)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_fields_of_its_schema(name: str):
    assert_same(COMMANDS[name], RECEIVED[name])
    for example in RECEIVED[name]["examples"]:
        text = json.dumps(example["payload"]).encode()
        assert isinstance(commands.parse_command(text), COMMANDS[name])


@pytest.mark.parametrize("name", ALERT_COMMANDS)
def test_a_command_about_alerts_has_the_fields_of_its_schema(name: str):
    assert_same(ALERT_COMMANDS[name], ALERT_RECEIVED[name])


@pytest.mark.parametrize("name", ALERT_EVENTS)
def test_an_alert_has_the_fields_of_its_schema(name: str):
    assert_same(ALERT_EVENTS[name], ALERT_SENT[name])


# Entries

ROOM = room_conversation_id(new_id())
PRIVATE = private_conversation_id(ALICE, BOB)


def entry(struct: Callable[..., Entry], *, private: bool = False, **fields: Any) -> Entry:
    return struct(
        conversation_id=PRIVATE if private else ROOM,
        seq=7,
        message_index=5,
        sender_id=ALICE,
        client_id=ClientId("c-1"),
        created_at=times.now(),
        **fields,
    )


ENTRIES = [
    entry(MessagePosted, message="hello", updated_at=times.now()),
    entry(MessagePosted, private=True, message="psst", updated_at=times.now(), receiver_id=BOB),
    entry(
        MessagePosted,
        message="hello @bob",
        updated_at=times.now(),
        reply_to_seq=3,
        mentions=(BOB,),
        changed_seq=12,
        edit_seqs=(8, 9),
        reactions=(Reaction("👍", ALICE), Reaction("tea", BOB), Reaction("👍", CAROL)),
        pinned=True,
    ),
    entry(MessagePosted, message="", updated_at=times.now(), changed_seq=8, deleted=True),
    entry(MessageEdited, message_seq=3, message="hello @bob", mentions=(BOB,)),
    entry(MessageEdited, private=True, message_seq=3, message=""),
    entry(MessageDeleted, message_seq=3),
    entry(ReactionAdded, message_seq=3, emoji="👍"),
    entry(ReactionRemoved, private=True, message_seq=3, emoji="👍"),
    entry(MessagePinned, message_seq=3),
    entry(MessageUnpinned, message_seq=3),
    entry(RoomCreated, room_name="Tea", members_ids=[ALICE, BOB]),
    entry(RoomUpdated, room_name="Coffee"),
    entry(RoomUpdated, settings=RoomSettings(posting="admins")),
    entry(MemberAdded, user_id=BOB),
    entry(MemberLeft, user_id=ALICE),
    entry(MemberLeft, user_id=ALICE, new_owner_id=BOB),
    entry(MemberRemoved, user_id=BOB),
    entry(RoleChanged, user_id=BOB, role="admin"),
]


def test_every_kind_of_entry_is_tried():
    assert {type(each) for each in ENTRIES} == set(get_args(Entry))


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.__struct_config__.tag)
def test_the_event_of_an_entry_is_valid(each: Entry):
    event = json.loads(encode_entry(each))
    assert problems(SENT[event["type"]]["payload"], event) == []


def test_events_that_are_not_stored_are_valid():
    for encoded in (encode_typing(ROOM, ALICE), encode_marks(ROOM, [(ALICE, 3, 4)])):
        event = json.loads(encoded)
        assert problems(SENT[event["type"]]["payload"], event) == []


def test_a_field_that_the_document_does_not_have_is_noticed():
    event = json.loads(encode_entry(ENTRIES[2]))
    schema = SENT["message"]["payload"]
    assert problems(schema, {**event, "colour": "green"}) != []
    event["reactions"][0]["colour"] = "green"
    assert problems(schema, event) != []


# Real frames


class Walker:
    """A client that holds every frame, in both directions, against the document."""

    def __init__(self, socket: Any, taken: dict[str, Schema], told: dict[str, Schema]) -> None:
        self._socket = socket
        self._taken = {name: validator(message["payload"]) for name, message in taken.items()}
        self._told = {name: validator(message["payload"]) for name, message in told.items()}
        self.said: set[str] = set()
        self.heard: set[str] = set()

    async def say(self, type_: str, **fields: Any) -> None:
        command = {"type": type_, **fields}
        self._taken[type_].validate(command)
        self.said.add(type_)
        await self._socket.send(json.dumps(command))

    async def hear(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Return the next event of a type that has these fields, within ten seconds."""
        async with asyncio.timeout(10):
            while True:
                event = json.loads(await self._socket.recv())
                self._told[event["type"]].validate(event)
                self.heard.add(event["type"])
                if event["type"] == type_ and event.items() >= fields.items():
                    return event

    async def ask(self, type_: str, answer: str = "ack", **fields: Any) -> dict[str, Any]:
        ref = new_id()
        await self.say(type_, ref=ref, **fields)
        return await self.hear(answer, ref=ref)

    async def hear_the_end(self) -> int:
        """Listen until the socket is closed; return the code."""
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await self.hear("")
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


async def walk_through_a_message(alice: Walker, bob: Walker, late: Walker, room: str) -> None:
    first = await alice.ask("send", client_id="c-1", room_id=room, message="helo")
    again = await alice.ask("send", client_id="c-1", room_id=room, message="helo")
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    of_first = {"message_id": first["id"]}
    assert "message_index" not in await alice.ask("edit", **of_first, message="hello")
    await bob.ask("react", **of_first, emoji="👍")
    await bob.ask("pin", **of_first)
    await alice.ask("send", room_id=room, message="and you?", reply_to=first["id"])
    await alice.ask("add_member", room_id=room, user_id=CAROL)
    await late.ask("resume", "resumed", conversations={room: 0})
    await late.ask("resume", "error")
    await bob.ask("react", **of_first, emoji="👍", remove=True)
    await bob.ask("pin", **of_first, remove=True)
    await alice.ask("delete", **of_first)
    await alice.ask("edit", "error", **of_first, message="back")
    await alice.ask("edit", "error", message_id=first["id"], message="back", client_id="c-1")
    await bob.ask("mark", "marked", conversation_id=room, read=1, delivered=2)
    await alice.hear("marks")
    await bob.say("typing", conversation_id=room)
    await alice.hear("typing")
    await alice.ask("typing", "error", conversation_id=new_id())
    await alice.ask("send", receiver_id=BOB, message="psst")
    await alice.ask("react", "error", message_id=f"{PRIVATE}-000000000001", emoji="a b")


async def walk_through_a_room(alice: Walker, bob: Walker, room: str) -> None:
    await alice.ask("update_room", room_id=room, room_name="Coffee")
    await alice.ask("update_room", room_id=room, settings={"adding": "admins"})
    await alice.ask("update_room", "error", room_id=room, room_name="Coffee")
    await alice.ask("change_role", room_id=room, user_id=BOB, role="admin")
    await bob.ask("remove_member", room_id=room, user_id=CAROL)
    await bob.ask("change_role", "error", room_id=room, user_id=CAROL, role="admin")
    await alice.ask("leave_room", room_id=room)
    await alice.ask("send", "error", room_id=room, message="still here?")
    await bob.hear("member_left", new_owner_id=BOB)
    await bob.ask("ping", "pong")


async def walk_through_a_request(service, alice: Walker, bob: Walker) -> None:
    settings = chat_pb2.ContactSettings(add_to_rooms="nobody")
    request = chat_pb2.SetContactSettingsRequest(user_id=BOB, settings=settings)
    await service.stub.SetContactSettings(request, metadata=service.metadata(BOB))
    room = await service.create_room(ALICE)
    invited = await alice.ask("add_member", "ack", room_id=room, user_id=BOB)
    assert invited["invited"]
    await bob.hear("request_received", kind="room", conversation_id=room)
    answer = chat_pb2.AnswerRequestRequest(user_id=BOB, conversation_id=room)
    await service.stub.DeclineRequest(answer, metadata=service.metadata(BOB))
    await bob.hear("request_answered", accepted=False)


async def test_a_walk_through_all_commands_and_events(service, monkeypatch):
    async with AsyncExitStack() as stack:

        async def connect(user_id: UserId, room_id: str = "") -> Walker:
            socket = await stack.enter_async_context(service.connect(user_id, room_id))
            walker = Walker(socket, RECEIVED, SENT)
            await walker.hear("ready")
            return walker

        room = await service.create_room(ALICE, BOB)
        alice = await connect(ALICE)
        await alice.ask("resume", "resumed", conversations={room: 0, new_id(): 3})
        shown = await alice.ask("watch_presence", "presence", user_ids=[BOB, CAROL])
        assert [user["online"] for user in shown["users"]] == [False, False]
        bob = await connect(BOB)
        await bob.ask("resume", "resumed", conversations={room: 0})
        assert "ref" not in await alice.hear("presence")
        late = await connect(CAROL)
        await walk_through_a_message(alice, bob, late, room)
        await walk_through_a_room(alice, bob, room)
        for remove in (False, True):
            request = chat_pb2.BlockUserRequest(user_id=BOB, blocked_id=CAROL, remove=remove)
            await service.stub.BlockUser(request, metadata=service.metadata(BOB))
            await bob.hear("block", blocked=not remove)
        with monkeypatch.context() as short:
            short.setattr("chatterroom.chat.chat_socket.READY_PAGE", 1)
            many = await connect(BOB)
            await many.hear("conversations", has_more=False)
            many_resumed = await many.ask("resume", "resumed", conversations={room: 0})
            assert (list(many_resumed["conversations"]), many_resumed["has_more"]) == ([room], True)
        await walk_through_a_request(service, alice, bob)
        # Everything once more, from the store: a message as it is read later.
        returning = await connect(BOB, room)
        await returning.ask("resume", "resumed", conversations={room: 0})

        service.stop.set()
        await bob.hear("going_away")
        walkers = (alice, bob, late, many, returning)
        codes = [await walker.hear_the_end() for walker in walkers]
        assert codes == [CloseCode.SERVICE_RESTART] * len(walkers)
    assert set().union(*(walker.said for walker in walkers)) == set(RECEIVED)
    assert set().union(*(walker.heard for walker in walkers)) == set(SENT)


async def test_a_walk_in_simple_mode(service):
    told = messages("chatSimple", "send")
    room = await service.create_room(ALICE, BOB)
    async with (
        service.connect(ALICE, room, simple=True) as socket,
        service.connect(BOB) as other,
    ):
        alice, bob = Walker(socket, {}, told), Walker(other, RECEIVED, SENT)
        await alice.hear("ready")
        await bob.ask("resume", "resumed")
        text = message_of("chatSimple", "text")["examples"][0]["payload"]
        await socket.send(text)
        sent = await alice.hear("message", message=text)
        await socket.send("   ")
        await alice.hear("error", code="empty_message")
        await bob.ask("react", message_id=sent["id"], emoji="🍵")
        await alice.hear("reaction_added")
        await bob.say("typing", conversation_id=room)
        await alice.hear("typing")
        await bob.ask("mark", "marked", conversation_id=room, read=1)
        await alice.hear("marks")
        assert set(told) >= {*structs_of(Entry), "ready", "error", "typing", "marks"}


NEW_PASSWORD = "a password for this walk"


async def test_a_walk_through_alerts(users):
    await users.register()
    phone = await users.log_in(device="phone")
    await users.acting_for(phone.user_id, phone.session_id).ChangePassword(
        users_pb2.ChangePasswordRequest(
            user_id=phone.user_id,
            current_password="correct horse battery",
            new_password=NEW_PASSWORD,
            device="phone",
        )
    )
    login = await users.log_in(password=NEW_PASSWORD, device="desk")
    async with websockets.connect(
        users.alert_url(login.user_id),
        additional_headers={"Authorization": f"Bearer {login.token}"},
        proxy=None,
    ) as socket:
        desk = Walker(socket, ALERT_RECEIVED, ALERT_SENT)
        await desk.hear("ready")
        await desk.hear("login", device="phone")
        alert = await desk.hear("password_changed", device="phone")
        await desk.ask("ack", "acked", alert_id=alert["alert_id"])
        await desk.say("ack", alert_id=alert["alert_id"])
        await desk.hear("acked")
        with pytest.raises(Exception, match="wrong"):
            await users.log_in(password="a wrong password")
        await desk.hear("login_failed")
        other = await users.log_in(password=NEW_PASSWORD, device="laptop")
        await desk.hear("login", device="laptop")
        third = await users.log_in(password=NEW_PASSWORD, device="tablet")
        await desk.hear("login", device="tablet")
        tablet = users.acting_for(third.user_id, third.session_id)
        await tablet.LogoutUser(users_pb2.LogoutUserRequest(session_id=other.session_id))
        await desk.hear("session_ended", device="laptop")
        await tablet.UpdateAccount(
            users_pb2.UpdateAccountRequest(user_id=third.user_id, display_name="Ada")
        )
        await desk.hear("profile_changed")
        begun = await tablet.BeginSecondFactor(
            users_pb2.BeginSecondFactorRequest(user_id=third.user_id, password=NEW_PASSWORD)
        )
        totp = TOTP(b32decode(begun.secret), 6, SHA1(), 30)
        await tablet.ConfirmSecondFactor(
            users_pb2.ConfirmSecondFactorRequest(
                user_id=third.user_id, code=totp.generate(int(time.time()))
            )
        )
        await desk.hear("second_factor_changed")
        await desk.ask("ping", "pong")
        await socket.send('{"type":"fly","ref":7}')
        await desk.hear("error", ref=7)
        assert desk.said == set(ALERT_RECEIVED)
        assert desk.heard == set(ALERT_SENT)
