"""The WebSockets of the seed, through the gateway's relay."""

import asyncio
import json

import pytest
import websockets

from .conftest import User, receive, resume


async def test_a_room_over_the_relay_with_nothing_but_text(alice: User, bob: User):
    room = alice.create_room(bob)
    async with (
        alice.connect(room_id=room, simple=True) as hers,
        bob.connect(room_id=room, simple=True) as his,
    ):
        await receive(hers, "ready")
        await receive(his, "ready")
        await hers.send("hello")
        for socket in (hers, his):
            event = await receive(socket, "message")
            assert (event["message"], event["room_id"], event["seq"]) == ("hello", room, 2)


async def test_everybody_sees_one_order_whichever_instance_they_are_on(
    alice: User, bob: User, carol: User
):
    room = alice.create_room(bob, carol)
    async with alice.connect() as a, bob.connect() as b, carol.connect(room_id=room) as c:
        for socket in (a, b, c):
            await resume(socket)
        for number in range(40):
            for socket, name in ((a, "a"), (b, "b"), (c, "c")):
                command = {"type": "send", "room_id": room, "message": f"{name}{number}"}
                await socket.send(json.dumps(command))
        views = []
        for socket in (a, b, c):
            events = [await receive(socket, "message") for _ in range(120)]
            assert [event["seq"] for event in events] == list(range(2, 122))
            views.append([event["message"] for event in events])
        assert views[0] == views[1] == views[2]


async def test_messages_sent_over_http_reach_sockets(alice: User, bob: User):
    async with bob.connect() as socket:
        await resume(socket)
        body = {"sender_id": alice.id, "receiver_id": bob.id, "message": "over HTTP"}
        sent = await asyncio.to_thread(alice.http.post, "/chat-service/private/send", json=body)
        event = await receive(socket, "message")
        assert (event["id"], event["message"]) == (sent.json()["id"], "over HTTP")


async def test_a_login_and_a_failed_one_reach_the_other_device(alice: User):
    async with alice.connect("/ws/alert", simple=True) as socket:
        await receive(socket, "ready")
        body = {"email": alice.email, "password": "not the password"}
        failed = await asyncio.to_thread(alice.http.post, "/user-service/login", json=body)
        assert failed.status_code == 401
        alert = await receive(socket, "login_failed")
        await asyncio.to_thread(alice.log_in)
        alert = await receive(socket, "login")
        assert alert["address"] == "127.0.0.1"
        assert alert["device"]
        await socket.send(json.dumps({"type": "ack", "alert_id": alert["alert_id"]}))
        assert (await receive(socket, "acked"))["alert_id"] == alert["alert_id"]
        await socket.send(json.dumps({"type": "ping", "ref": "1"}))
        assert (await receive(socket, "pong"))["ref"] == "1"


@pytest.mark.parametrize("path", ["/ws/chat", "/ws/alert"])
async def test_no_socket_without_a_token_or_with_somebody_elses(alice: User, bob: User, path: str):
    url = f"ws://127.0.0.1:{alice.platform.port}{path}?userId="
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(url + alice.id, proxy=None)
    assert refused.value.response.status_code == 401
    headers = {"Authorization": f"Bearer {alice.token}"}
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(url + bob.id, additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 403


async def test_a_room_one_is_not_in_closes_as_not_found(alice: User, bob: User):
    room = alice.create_room()
    async with bob.connect(room_id=room) as socket:
        assert (await receive(socket, "error"))["code"] == "room_not_found"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4404
