"""A session against a scripted server on real sockets."""

import asyncio
from http import HTTPStatus

import pytest

from chatterroom.client import (
    ApiError,
    ConnectionLostError,
    Gone,
    MemberAdded,
    Message,
    SessionClosedError,
    SessionState,
    Typing,
    UnacknowledgedError,
)

from .conftest import ROOM, SOMEBODY, Wire, common, next_events, soon


def seqs(events) -> list[int]:
    return [event.seq for event in events]


async def sends(session, *texts: str, **options) -> list[asyncio.Task]:
    """Start sends in order."""
    tasks = [asyncio.create_task(session.send(text, room_id=ROOM, **options)) for text in texts]
    await asyncio.sleep(0)
    return tasks


# Events


async def test_events_are_typed_and_come_in_order(server, connect):
    session = await connect()
    peer = await server.accepted()
    assert peer.token == "Bearer t0"
    assert await peer.go_live(**{ROOM: 4}) == {}
    await soon(session.wait_for(SessionState.LIVE))
    assert session.cursors == {ROOM: 4}
    await peer.tell(5)
    await peer.say("member_added", user_id=SOMEBODY, **common(6))
    await peer.say("message_sung", melody="la", **common(7))
    await peer.say("typing", conversation_id=ROOM, user_id=SOMEBODY)
    message, added, sung, typing = await next_events(session, 4)
    assert isinstance(message, Message)
    assert isinstance(added, MemberAdded)
    assert (sung.type, sung.seq, sung.fields["melody"]) == ("message_sung", 7, "la")
    assert isinstance(typing, Typing)
    assert session.cursors == {ROOM: 7}


async def test_a_session_resumes_when_it_knows_all_of_many_conversations(server, connect):
    session = await connect(cursors={ROOM: 2})
    peer = await server.accepted()
    others = [f"{'0' * 24}{number:02d}" for number in range(5)]
    pages = [[(others[0], 3), (others[1], 4)], [(others[2], 1), (ROOM, 4)], [(others[3], 9)]]
    for number, page in enumerate(pages):
        await peer.say(
            "conversations" if number else "ready",
            conversations=[{"conversation_id": id_, "seq": seq} for id_, seq in page],
            has_more=number < 2,
        )
    command = await peer.hear()
    assert command["type"] == "resume"
    assert command["conversations"] == {ROOM: 2, **dict.fromkeys(others[:4], 0)}
    await peer.say("resumed")
    await peer.tell(3, 4)
    assert seqs(await next_events(session, 2)) == [3, 4]


async def test_a_new_session_goes_on_where_the_cursors_say(server, connect):
    session = await connect(cursors={ROOM: 2})
    peer = await server.accepted()
    assert await peer.go_live(**{ROOM: 4}) == {ROOM: 2}
    await peer.tell(3, 4)
    assert seqs(await next_events(session, 2)) == [3, 4]


async def test_after_a_loss_the_session_resumes_behind_what_it_has_received(server, connect):
    states = []
    session = await connect(on_state=states.append)
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.tell(5, 6)
    assert seqs(await next_events(session, 1)) == [5]
    await peer.hang_up()
    peer = await server.accepted()
    assert await peer.go_live(**{ROOM: 8}) == {ROOM: 6}
    await peer.tell(7, 8)
    assert session.cursors == {ROOM: 5}
    assert seqs(await next_events(session, 3)) == [6, 7, 8]
    await soon(session.wait_for(SessionState.LIVE))
    connecting, live, offline = (
        SessionState.CONNECTING,
        SessionState.LIVE,
        SessionState.OFFLINE,
    )
    assert states == [connecting, live, offline, connecting, live]


async def test_a_duplicate_is_dropped(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.tell(5, 5, 4, 6)
    assert seqs(await next_events(session, 2)) == [5, 6]


async def test_after_a_hole_nothing_is_given_out_of_order_and_the_session_resumes(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.tell(5, 7)
    peer = await server.accepted()
    assert await peer.go_live(**{ROOM: 7}) == {ROOM: 5}
    await peer.tell(6, 7)
    assert seqs(await next_events(session, 3)) == [5, 6, 7]


async def test_a_session_whose_resume_is_refused_connects_again(server, connect):
    session = await connect(cursors={ROOM: 4})
    peer = await server.accepted()
    assert await peer.open(**{ROOM: 6}) == {ROOM: 4}
    await peer.say("error", ref="resume", code="storage_unavailable", detail="not now")
    peer = await server.accepted()
    assert await peer.go_live(**{ROOM: 6}) == {ROOM: 4}
    await peer.tell(5, 6)
    assert seqs(await next_events(session, 2)) == [5, 6]


async def test_nonsense_from_the_server_makes_the_session_resume(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.socket.send("nonsense")
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.tell(5)
    assert seqs(await next_events(session, 1)) == [5]


async def test_a_room_that_has_gone_while_offline_is_told(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await soon(session.wait_for(SessionState.LIVE))
    await peer.hang_up()
    peer = await server.accepted()
    await peer.go_live()
    assert await next_events(session, 1) == [Gone(ROOM)]


async def test_a_slow_reader_holds_the_server_back_and_misses_nothing(server, connect):
    session = await connect(max_waiting_events=4)
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    total = 600
    telling = asyncio.create_task(peer.tell(*range(1, total + 1), text="x" * 50_000))
    done, _ = await asyncio.wait([telling], timeout=1.0)
    assert not done
    assert len(session._events) == 4
    assert seqs(await next_events(session, total)) == list(range(1, total + 1))
    await soon(telling)


async def test_a_slow_reader_still_gets_acknowledgements_and_misses_nothing(server, connect):
    session = await connect(max_waiting_events=4)
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    (send,) = await sends(session, "hi")
    command = await peer.hear()
    await peer.tell(*range(1, 21))
    await peer.acknowledge(command, 21)
    assert (await soon(send)).seq == 21
    assert len(session._events) == 4
    assert seqs(await next_events(session, 4)) == [1, 2, 3, 4]
    peer = await server.accepted()
    assert await peer.open(**{ROOM: 21}) == {ROOM: 4}
    telling = asyncio.create_task(peer.tell(*range(5, 22)))
    assert seqs(await next_events(session, 17)) == list(range(5, 22))
    await telling


# Sends


async def test_sends_are_pipelined_and_acknowledged(server, connect):
    session = await connect()
    peer = await server.accepted()
    first, second = await sends(session, "one", "two")
    await peer.go_live(**{ROOM: 0})
    commands = [await peer.hear(), await peer.hear()]
    assert [command["message"] for command in commands] == ["one", "two"]
    await peer.acknowledge(commands[1], 2)
    await peer.acknowledge(commands[0], 1)
    ack = await soon(first)
    assert (ack.seq, ack.client_id, ack.duplicate) == (1, commands[0]["client_id"], False)
    assert (await soon(second)).seq == 2


async def test_what_is_not_acknowledged_is_sent_again_in_order_with_the_same_client_ids(
    server, connect
):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    tasks = await sends(session, "one", "two", "three")
    before = [await peer.hear() for _ in range(3)]
    await peer.acknowledge(before[1], 2)
    await soon(tasks[1])
    await peer.hang_up()
    tasks += await sends(session, "four")
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    again = [await peer.hear() for _ in range(3)]
    assert [command["message"] for command in again] == ["one", "three", "four"]
    assert [command["client_id"] for command in again[:2]] == [
        before[0]["client_id"],
        before[2]["client_id"],
    ]
    for seq, command in zip((1, 3, 4), again, strict=True):
        await peer.acknowledge(command, seq)
    assert [(await soon(task)).seq for task in tasks] == [1, 2, 3, 4]
    ping = asyncio.create_task(session.command("ping"))
    assert (await peer.hear())["type"] == "ping"  # so nothing was sent a third time
    ping.cancel()


async def test_a_refusal_is_raised_and_a_passing_one_tried_again(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    refused, postponed = await sends(session, "", "later")
    command = await peer.hear()
    await peer.say("error", ref=command["ref"], code="empty_message", detail="It is empty.")
    with pytest.raises(ApiError, match="empty_message"):
        await soon(refused)
    command = await peer.hear()
    await peer.say("error", ref=command["ref"], code="storage_unavailable", detail="Not now.")
    again = await peer.hear()
    assert again == command
    await peer.acknowledge(again, 1)
    assert (await soon(postponed)).seq == 1


async def test_a_send_without_an_answer_says_so_in_time(server, connect):
    session = await connect()
    (silent,) = await sends(session, "hello?", client_id="mine", timeout_s=0.2)
    with pytest.raises(UnacknowledgedError) as raised:
        await soon(silent)
    assert raised.value.client_id == "mine"
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    (refused,) = await sends(session, "hello?", timeout_s=0.3)
    command = await peer.hear()
    assert command["client_id"] != "mine"
    await peer.say("error", ref=command["ref"], code="overloaded", detail="", retry_after_s=5)
    with pytest.raises(ApiError, match="overloaded"):
        await soon(refused)


async def test_only_so_many_sends_are_under_way(server, connect):
    session = await connect(max_unacknowledged=2)
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    tasks = await sends(session, "1", "2", "3")
    first = await peer.hear()
    await peer.hear()
    assert len(session._outbox) == 2
    await peer.acknowledge(first, 1)
    assert (await peer.hear())["message"] == "3"
    for task in tasks:
        task.cancel()


async def test_sends_stay_below_what_a_socket_allows(server, connect):
    session = await connect(messages_per_s=20, message_burst=3)
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 0})
    loop = asyncio.get_running_loop()
    tasks = await sends(session, *"123456")
    began = loop.time()
    for _ in tasks:
        await peer.hear()
    assert loop.time() - began >= 3.5 / 20
    for task in tasks:
        task.cancel()


async def test_any_command_gets_its_answer(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live()
    asking = asyncio.create_task(session.command("watch_presence", user_ids=[SOMEBODY]))
    command = await peer.hear()
    assert command["user_ids"] == [SOMEBODY]
    await peer.say("presence", ref=command["ref"], online=[SOMEBODY])
    reply = await soon(asking)
    assert (reply.type, reply.fields["online"]) == ("presence", [SOMEBODY])


async def test_a_command_whose_fate_is_unknown_is_repeated_only_if_told_so(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live()
    once = asyncio.create_task(session.command("toggle"))
    often = asyncio.create_task(session.command("edit", message_id="m-1", repeatable=True))
    await peer.hear()
    await peer.hear()
    await peer.hang_up()
    with pytest.raises(ConnectionLostError):
        await soon(once)
    peer = await server.accepted()
    await peer.go_live()
    command = await peer.hear()
    assert command["type"] == "edit"
    await peer.say("ack", ref=command["ref"])
    assert (await soon(often)).type == "ack"


async def test_a_command_that_the_server_would_hang_up_on_is_not_sent(connect):
    session = await connect()
    with pytest.raises(ApiError, match="message_too_long"):
        await session.send("x" * 70_000, room_id=ROOM)


# Connections


async def test_an_expired_token_is_renewed(server, connect, http):
    await connect()
    peer = await server.accepted()
    await peer.go_live()
    await peer.hang_up(4401)
    peer = await server.accepted()
    assert peer.token == "Bearer t1"
    server.refusals.append((HTTPStatus.UNAUTHORIZED, {"code": "token_expired"}))
    await peer.hang_up(1012)
    assert (await server.accepted()).token == "Bearer t2"


async def test_a_login_that_has_ended_ends_the_session(server, connect, http):
    session = await connect()
    (send,) = await sends(session, "hi")
    peer = await server.accepted()
    await peer.go_live()
    http.failure = ApiError("token_invalid", "log in again", 401)
    await peer.hang_up(4401)
    with pytest.raises(ApiError, match="token_invalid"):
        await soon(anext(session))
    with pytest.raises(ApiError, match="token_invalid"):
        await soon(send)
    assert session.state is SessionState.CLOSED


async def test_a_renewal_that_fails_for_now_is_tried_again(server, connect, http):
    await connect()
    peer = await server.accepted()
    http.failure = ConnectionLostError("down")
    await peer.hang_up(4401)
    while http.renewals == 0:
        await asyncio.sleep(0)
    http.failure = None
    peer = await server.accepted()
    if peer.token == "Bearer t0":  # it still works: the server decides
        await peer.hang_up(4401)
        peer = await server.accepted()
    assert peer.token == f"Bearer t{http.renewals}"


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013, 4301])
async def test_codes_below_4400_mean_come_back(server, connect, code):
    await connect()
    peer = await server.accepted()
    await peer.hang_up(code)
    await server.accepted()


@pytest.mark.parametrize("code", [4403, 4404, 4499])
async def test_other_codes_end_the_session_after_what_was_received(server, connect, code):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.tell(5)
    await peer.hang_up(code)
    with pytest.raises(SessionClosedError) as ended:
        await soon(session.wait_for(SessionState.OFFLINE))
    assert ended.value.code == code
    assert seqs(await next_events(session, 1)) == [5]
    with pytest.raises(SessionClosedError):
        await soon(anext(session))
    with pytest.raises(SessionClosedError):
        await session.send("hi", room_id=ROOM)


async def test_a_server_that_stops_is_left_in_time(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await peer.say("going_away", within_s=0.1)
    await peer.tell(5)
    peer = await server.accepted()
    assert await peer.go_live(**{ROOM: 6}) == {ROOM: 5}
    await peer.tell(6)
    assert seqs(await next_events(session, 2)) == [5, 6]


async def test_a_handshake_that_is_refused_for_now_is_tried_again(server, connect):
    server.refusals += [
        (HTTPStatus.SERVICE_UNAVAILABLE, {"code": "service_unavailable"}),
        (HTTPStatus.TOO_MANY_REQUESTS, {"code": "rate_limited"}),
        (HTTPStatus.BAD_GATEWAY, {}),
    ]
    await connect()
    await server.accepted()


async def test_a_handshake_that_is_refused_for_good_ends_the_session(server, connect):
    server.refusals.append((HTTPStatus.FORBIDDEN, {"code": "identity_mismatch"}))
    session = await connect()
    with pytest.raises(SessionClosedError, match="identity_mismatch") as ended:
        await soon(anext(session))
    assert ended.value.code == 403


async def test_a_peer_that_falls_silent_is_left(server, connect):
    async with Wire(server.port) as wire:
        session = await connect(wire.port, ping_after_s=0.1, pong_within_s=0.1)
        peer = await server.accepted()
        await peer.go_live(**{ROOM: 4})
        await soon(session.wait_for(SessionState.LIVE))
        wire.fall_silent()
        await soon(session.wait_for(SessionState.OFFLINE))
        wire.speak_again()
        peer = await server.accepted()
        assert await peer.go_live(**{ROOM: 5}) == {ROOM: 4}
        await peer.tell(5)
        assert seqs(await next_events(session, 1)) == [5]


async def test_a_peer_that_answers_pings_is_kept_however_silent(server, connect):
    session = await connect(ping_after_s=0.01, pong_within_s=5)
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    await soon(session.wait_for(SessionState.LIVE))
    heard_at = session._heard_at
    while session._heard_at < heard_at + 0.1:  # some pings later
        await asyncio.sleep(0.01)
    await peer.tell(5)
    assert seqs(await next_events(session, 1)) == [5]


async def test_closing_ends_the_iteration_and_what_waits(server, connect):
    session = await connect()
    peer = await server.accepted()
    await peer.go_live(**{ROOM: 4})
    (send,) = await sends(session, "hi")
    await peer.hear()
    await soon(session.close())
    assert [event async for event in session] == []
    with pytest.raises(SessionClosedError):
        await send
    assert session.state is SessionState.CLOSED
    assert session.cursors == {ROOM: 4}
