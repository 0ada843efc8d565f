"""The client library against the whole platform, and against a platform that is being killed."""

import asyncio
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatterroom.client import (
    Ack,
    ApiError,
    Client,
    MemberAdded,
    MemberLeft,
    MemberRemoved,
    Message,
    MessageDeleted,
    MessageEdited,
    Presence,
    ReactionAdded,
    RequestAnswered,
    RequestReceived,
    RoleChanged,
    RoomCreated,
    RoomUpdated,
    Session,
    SessionState,
    UserPresence,
)

from .conftest import Platform

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "client.md"
PATIENCE_S = 30


@asynccontextmanager
async def person(platform: Platform, name: str) -> AsyncIterator[Client]:
    """Somebody registered and logged in."""
    unique = secrets.token_hex(6)
    email, password = f"{name}.{unique}@example.org", secrets.token_urlsafe(12)
    async with Client(platform.url) as client:
        user_id = await client.register(f"{name}-{unique}", email, password)
        await client.login(email, password, device="test", keep_password=True)
        assert client.user_id == user_id
        yield client


async def next_of(session: Session, type_: type):
    async with asyncio.timeout(PATIENCE_S):
        while not isinstance(event := await anext(session), type_):
            pass
        return event


async def live(session: Session) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await session.wait_for(SessionState.LIVE)


async def send_until_refused(client: Client, receiver_id: str) -> None:
    """Send until it is refused: other instances hear of a block within a second."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await client.send("why?", receiver_id=receiver_id)


async def test_every_call(platform: Platform):
    async with person(platform, "alice") as alice, person(platform, "bob") as bob:
        profile = await alice.profile()
        assert profile.user_id == alice.user_id
        assert (await bob.profile(alice.user_id)).username == profile.username
        assert [user.user_id for user in await bob.search_users(profile.username)] == [
            alice.user_id
        ]
        assert [user.username for user in await bob.users([alice.user_id])] == [profile.username]

        room = await alice.create_room("Tea", client_id="tea")
        assert (await alice.create_room("Tea", client_id="tea")).room_id == room.room_id
        assert (await alice.add_member(room.room_id, bob.user_id)).seq == 2
        assert {member.user_id for member in (await bob.room(room.room_id)).members} == {
            alice.user_id,
            bob.user_id,
        }
        sent = await alice.send("hello", room_id=room.room_id, client_id="hello")
        again = await alice.send("hello", room_id=room.room_id, client_id="hello")
        assert (again.id, sent.duplicate, again.duplicate) == (sent.id, False, True)
        for number in range(3):
            await bob.send(f"{number}", room_id=room.room_id)
        page = await bob.history(room_id=room.room_id, limit=2)
        assert ([message.message for message in page.messages], page.has_more) == (["1", "2"], True)
        page = await bob.history(room_id=room.room_id, before=page.messages[0].seq, limit=5)
        assert [message.message for message in page.messages] == ["hello", "0"]
        everything = [message async for message in alice.messages(room_id=room.room_id)]
        assert [message.message for message in everything] == ["hello", "0", "1", "2"]

        await alice.send("3", room_id=room.room_id)

        private = await alice.send("psst", receiver_id=bob.user_id)
        (psst,) = [message async for message in bob.messages(receiver_id=alice.user_id)]
        assert (psst.id, psst.receiver_id) == (private.id, bob.user_id)
        conversations = [conversation async for conversation in bob.conversations()]
        assert [conversation.kind for conversation in conversations] == ["private", "room"]
        last_message = conversations[1].last_message
        assert last_message is not None
        assert last_message.message == "3"
        assert (await bob.mark_read(room.room_id, 4)).unread == 1

        await bob.leave_room(room.room_id)
        with pytest.raises(ApiError) as refused:
            await bob.history(room_id=room.room_id)
        assert (refused.value.code, refused.value.status) == ("room_not_found", 404)


async def test_every_call_about_what_becomes_of_messages_rooms_and_people(platform: Platform):
    async with person(platform, "alice") as alice, person(platform, "bob") as bob:
        room_id = (await alice.create_room("Tea", [bob.user_id])).room_id
        sent = await alice.send("helo", room_id=room_id)
        assert (await alice.edit(sent.id, "hello", client_id="e")).duplicate is False
        assert (await alice.edit(sent.id, "hello", client_id="e")).duplicate is True
        await bob.react(sent.id, "👍🏽", client_id="r")
        assert (await bob.react(sent.id, "👍🏽", client_id="r")).duplicate is True
        await bob.react(sent.id, "🎉")
        await bob.react(sent.id, "🎉", remove=True)
        await bob.pin(sent.id)
        (pinned,) = await alice.pins(room_id)
        assert (pinned.message, pinned.edited, pinned.pinned) == ("hello", True, True)
        assert [(each.emoji, each.user_ids) for each in pinned.reactions] == [
            ("👍🏽", [bob.user_id])
        ]
        await bob.pin(sent.id, remove=True)
        await alice.delete(sent.id)
        (gone,) = (await bob.history(room_id=room_id)).messages
        assert (gone.deleted, gone.message, await alice.pins(room_id)) == (True, "", [])

        await alice.update_room(room_id, room_name="Coffee", settings={"posting": "admins"})
        await alice.change_role(room_id, bob.user_id, "admin")
        room = await bob.room(room_id)
        assert (room.room_name, room.settings["posting"]) == ("Coffee", "admins")
        assert {member.user_id: member.role for member in room.members} == {
            alice.user_id: "owner",
            bob.user_id: "admin",
        }
        await alice.send("again", room_id=room_id)
        assert (await bob.mark_delivered(room_id, 2)).read_index == 0
        marks = {mark.user_id: mark for mark in await alice.marks(room_id)}
        assert marks[bob.user_id].delivered_index == 2
        await bob.tell_typing(room_id)
        assert [each.online for each in await alice.presence([bob.user_id])] == [False]
        await alice.remove_member(room_id, bob.user_id)

        await alice.block(bob.user_id)
        assert await alice.blocked() == [bob.user_id]
        with pytest.raises(ApiError, match="blocked"):
            await send_until_refused(bob, alice.user_id)
        await alice.unblock(bob.user_id)
        assert await alice.blocked() == []


async def test_every_command_of_a_session(platform: Platform):
    async with person(platform, "alice") as alice, person(platform, "bob") as bob:
        room_id = (await alice.create_room("Tea", [bob.user_id])).room_id
        async with alice.session() as hers, bob.session() as his:
            await live(hers)
            await live(his)
            sent = await hers.send("helo", room_id=room_id)
            await hers.edit(sent.id, "hello")
            assert (await next_of(his, MessageEdited)).message == "hello"
            await his.react(sent.id, "👍")
            assert (await next_of(hers, ReactionAdded)).emoji == "👍"
            await his.pin(sent.id)
            await hers.delete(sent.id)
            assert (await next_of(his, MessageDeleted)).message_id == sent.id
            await hers.update_room(room_id, room_name="Coffee")
            assert (await next_of(his, RoomUpdated)).room_name == "Coffee"
            await hers.change_role(room_id, bob.user_id, "admin")
            assert (await next_of(his, RoleChanged)).role == "admin"
            assert (await his.mark(room_id, read=1)).read_index == 1
            present = await hers.watch_presence([bob.user_id])
            if not present[0].online:  # that he is connected is written down with others, soon
                present = (await next_of(hers, Presence)).users
            assert present == [UserPresence(bob.user_id, online=True)]
            await his.leave_room(room_id)
            await hers.add_member(room_id, bob.user_id)
            await next_of(his, MemberAdded)
            await hers.remove_member(room_id, bob.user_id)
            await next_of(his, MemberRemoved)
            await his.close()
            # They share no conversation any more.
            presence = await next_of(hers, Presence)
            assert presence.users == [UserPresence(bob.user_id, online=False)]


async def test_who_must_be_asked_is_asked_and_answers(platform: Platform):
    async with person(platform, "alice") as alice, person(platform, "bob") as bob:
        await bob.change_contact_settings(message_first="nobody", add_to_rooms="shared")
        settings = await bob.contact_settings()
        assert (settings.message_first, settings.add_to_rooms) == ("nobody", "shared")
        async with bob.session() as his, alice.session() as hers:
            await live(his)
            await live(hers)
            sent = await hers.send("Hello Bob", receiver_id=bob.user_id)
            received = await next_of(his, RequestReceived)
            assert (received.kind, received.user_id) == ("message", alice.user_id)
            created = await alice.create_room("Tea", [bob.user_id])
            assert created.invited_ids == [bob.user_id]
            assert (await next_of(his, RequestReceived)).room_name == "Tea"
            assert (await alice.add_member(created.room_id, bob.user_id)).invited
            assert (await hers.add_member(created.room_id, bob.user_id)).invited
            waiting = [each async for each in bob.requests()]
            assert [(each.kind, each.preview) for each in waiting] == [
                ("room", ""),
                ("message", "Hello Bob"),
            ]
            await bob.decline_request(created.room_id)
            answered = await next_of(his, RequestAnswered)
            assert (answered.conversation_id, answered.accepted) == (created.room_id, False)
            await bob.accept_request(sent.conversation_id)
            assert (await next_of(his, Message)).message == "Hello Bob"
            assert [each async for each in bob.requests()] == []
            # They share a conversation now.
            assert not (await alice.create_room("Coffee", [bob.user_id])).invited_ids


async def test_a_refused_token_is_renewed_and_a_logout_ends_the_session(platform: Platform):
    async with person(platform, "alice") as alice:
        tokens = alice.tokens
        assert tokens is not None
        await alice._credentials.renewed(tokens.token)
        renewed = alice.tokens
        assert renewed is not None
        assert renewed.refresh_token != tokens.refresh_token
    async with Client(platform.url, tokens=renewed) as alice:
        await asyncio.gather(*[alice.profile() for _ in range(5)])
        await alice.logout()
        assert alice.tokens is None
    async with Client(platform.url, tokens=renewed) as alice:
        with pytest.raises(ApiError) as refused:
            await alice._credentials.renewed(renewed.token)
        assert refused.value.status == 401


async def until_refused(client: Client) -> None:
    """Ask until it is refused: the gateway hears of an end within a second."""
    async with asyncio.timeout(10):
        while True:
            await client.profile()


async def test_sessions_are_listed_and_ended_from_another_device(platform: Platform):
    unique = secrets.token_hex(6)
    email, password = f"alice.{unique}@example.org", secrets.token_urlsafe(12)
    async with Client(platform.url) as desk, Client(platform.url) as phone:
        await desk.register(f"alice-{unique}", email, password)
        await desk.login(email, password, device="desk")
        await phone.login(email, password, device="phone")
        tokens = phone.tokens
        assert tokens is not None
        newest, oldest = await desk.sessions()
        assert (newest.session_id, newest.device) == (tokens.session_id, "phone")
        assert (newest.current, oldest.current) == (False, True)
        await desk.end_session(newest.session_id)
        with pytest.raises(ApiError) as refused:
            await until_refused(phone)
        assert refused.value.status == 401
        await phone.login(email, password)
        assert await desk.end_other_sessions() == 1
        assert [session.current for session in await desk.sessions()] == [True]


async def test_two_people_chat_and_rooms_appear_and_disappear(platform: Platform):
    async with (
        person(platform, "alice") as alice,
        person(platform, "bob") as bob,
        alice.session() as hers,
        bob.session() as his,
    ):
        await live(hers)
        await live(his)
        sent = await hers.send("psst", receiver_id=bob.user_id)
        for session in (hers, his):
            message = await next_of(session, Message)
            assert (message.id, message.message) == (sent.id, "psst")

        tea = (await alice.create_room("Tea", [bob.user_id])).room_id
        for session in (hers, his):
            created = await next_of(session, RoomCreated)
            assert (created.seq, created.room_id, created.room_name) == (1, tea, "Tea")

        lunch = (await alice.create_room("Lunch")).room_id
        await hers.send("before Bob's time", room_id=lunch)
        await alice.add_member(lunch, bob.user_id)
        added = await next_of(his, MemberAdded)
        assert (added.user_id, added.seq) == (bob.user_id, 3)
        await bob.leave_room(lunch)
        assert (await next_of(his, MemberLeft)).seq == 4
        await hers.send("behind Bob's back", room_id=lunch)
        await alice.add_member(lunch, bob.user_id)
        again = await next_of(his, MemberAdded)
        assert (again.user_id, again.seq) == (bob.user_id, 6)
        await his.send("here again", room_id=lunch)
        assert (await next_of(his, Message)).seq == 7


async def test_a_session_goes_on_where_an_earlier_one_stopped(platform: Platform):
    async with person(platform, "alice") as alice, person(platform, "bob") as bob:
        tea = (await alice.create_room("Tea", [bob.user_id])).room_id
        async with bob.session() as session:
            await live(session)
            await alice.send("one", room_id=tea)
            assert (await next_of(session, Message)).message == "one"
            cursors = session.cursors
        await alice.send("two", room_id=tea)
        lunch = (await alice.create_room("Lunch")).room_id
        await alice.send("before Bob's time", room_id=lunch)
        await alice.add_member(lunch, bob.user_id)
        async with bob.session(cursors=cursors) as session:
            events = [await asyncio.wait_for(anext(session), PATIENCE_S) for _ in range(2)]
            assert {(event.conversation_id, event.seq) for event in events} == {
                (tea, 3),
                (lunch, 3),
            }


async def test_every_send_is_stored_once_while_the_chat_service_is_killed(own_platform: Platform):
    own_platform.start()
    number = 200
    async with person(own_platform, "alice") as alice, person(own_platform, "bob") as bob:
        room_id = (await alice.create_room("Tea", [bob.user_id])).room_id
        async with (
            alice.session(cursors={room_id: 1}, longest_delay_s=1) as hers,
            bob.session(cursors={room_id: 1}, longest_delay_s=1) as his,
            asyncio.timeout(120),
        ):
            await live(hers)
            await live(his)
            acknowledged = asyncio.Semaphore(0)

            async def send(session: Session, text: str) -> Ack:
                ack = await session.send(text, room_id=room_id)
                acknowledged.release()
                return ack

            sends = {
                name: [asyncio.create_task(send(each, f"{name} {n}")) for n in range(number)]
                for name, each in (("alice", hers), ("bob", his))
            }
            for _ in range(50):
                await acknowledged.acquire()
            assert not all(send.done() for tasks in sends.values() for send in tasks)
            for process in own_platform.processes("chat"):
                process.kill()
            acks = {name: await asyncio.gather(*tasks) for name, tasks in sends.items()}
            views = [
                [event async for event in _so_many(session, 2 * number)] for session in (hers, his)
            ]

        for view in views:
            assert [event.seq for event in view] == list(range(2, 2 * number + 2))
        assert views[0] == views[1]
        stored = [message async for message in alice.messages(room_id=room_id)]
        assert stored == views[0]
        for name, each in acks.items():
            texts = [message.message for message in stored if message.message.startswith(name)]
            assert texts == [f"{name} {n}" for n in range(number)]
            assert [ack.seq for ack in each] == [
                message.seq for message in stored if message.message.startswith(name)
            ]


async def _so_many(session: Session, number: int) -> AsyncIterator[Message]:
    for _ in range(number):
        event = await anext(session)
        assert isinstance(event, Message)
        yield event


def test_the_guides_example_works_as_pasted(platform: Platform, tmp_path: Path):
    example, *_ = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(example.replace("http://127.0.0.1:8080", platform.url))
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["on disk as number 2", "Bob reads: Soup today?"]
