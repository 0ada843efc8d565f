"""Alerts for those who were not there."""

import asyncio
from datetime import timedelta

import pytest
from pymongo import MongoClient

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import new_id
from chatterroom.pb import users_pb2 as pb
from chatterroom.users import alert_store_mongo


async def fail_to_log_in(users, code_of):
    assert await code_of(users.log_in(password="wrong password")) is ErrorCode.WRONG_CREDENTIALS


@pytest.fixture
def kept(mongo_url, eventually):
    """Wait until so many alerts are stored."""

    async def wait(count):
        with MongoClient(mongo_url) as client:
            alerts = client.get_default_database().alerts

            async def there():
                return alerts.count_documents({}) == count

            await eventually(there)

    return wait


async def test_who_was_away_is_told_at_the_next_connection_in_order(users, code_of, kept):
    await users.register()
    login = await users.log_in()
    phone = await users.log_in(device="tablet")
    await fail_to_log_in(users, code_of)
    await kept(3)
    async with users.alert_socket(login) as socket:
        # Not of its own login.
        first, second = await socket.event(), await socket.event()
        assert (first["type"], first["session_id"]) == ("login", phone.session_id)
        assert second["type"] == "login_failed"
        await socket.hears_nothing()


async def test_alerts_come_again_until_they_are_acked_and_then_no_more(users, code_of, kept):
    await users.register()
    login = await users.log_in()
    for _ in range(3):
        await fail_to_log_in(users, code_of)
    await kept(4)
    async with users.alert_socket(login) as socket:
        alerts = [await socket.event() for _ in range(3)]
    async with users.alert_socket(login) as socket:
        assert [await socket.event() for _ in range(3)] == alerts
        ack = {"type": "ack", "alert_id": alerts[1]["alert_id"]}
        assert await socket.ask(ack) == {"type": "acked", "alert_id": alerts[1]["alert_id"]}
    async with users.alert_socket(login) as socket:
        assert await socket.event() == alerts[2]
        await socket.hears_nothing()


async def test_every_session_has_a_place_of_its_own(users, code_of, kept):
    await users.register()
    one, two = await users.log_in(), await users.log_in()
    await fail_to_log_in(users, code_of)
    await kept(3)
    async with users.alert_socket(one) as socket:
        alerts = [await socket.event() for _ in range(2)]
        await socket.ask({"type": "ack", "alert_id": alerts[-1]["alert_id"]})
        await socket.hears_nothing()
    async with users.alert_socket(two) as socket:
        heard = [await socket.event() for _ in range(2)]
        assert [alert["type"] for alert in heard] == ["login", "login_failed"]
    # A new device begins behind what one of the devices has seen.
    async with users.alert_socket(await users.log_in()) as socket:
        await socket.hears_nothing()


async def test_a_new_login_is_told_what_no_device_has_seen(users, code_of, kept):
    await users.register()
    await fail_to_log_in(users, code_of)
    await kept(1)
    async with users.alert_socket(await users.log_in()) as socket:
        assert (await socket.event())["type"] == "login_failed"
        await socket.hears_nothing()


async def test_a_made_up_or_foreign_ack_hides_nothing(users, code_of, kept):
    await users.register("alice")
    await users.register("bob")
    alice, bob = await users.log_in("alice"), await users.log_in("bob")
    await fail_to_log_in(users, code_of)
    await kept(3)
    async with users.alert_socket(alice) as socket:
        alert = await socket.event()
        for alert_id in ("zzz", "", new_id(), "7" * 26):
            answer = await socket.ask({"type": "ack", "alert_id": alert_id})
            assert answer["type"] == "acked"
    async with users.alert_socket(bob) as socket:
        await socket.ask({"type": "ack", "alert_id": alert["alert_id"]})
    async with users.alert_socket(alice) as socket:
        assert await socket.event() == alert


async def test_the_newest_hundred_are_kept_and_removed_by_an_index_in_time(
    users, code_of, kept, mongo_url, monkeypatch, eventually
):
    monkeypatch.setattr(alert_store_mongo, "MAX_KEPT", 3)
    await users.register()
    login = await users.log_in()
    await fail_to_log_in(users, code_of)
    await kept(2)
    for _ in range(3):
        await fail_to_log_in(users, code_of)
    with MongoClient(mongo_url) as client:
        alerts = client.get_default_database().alerts
        oldest = alerts.find_one({"alert.type": "login_failed"}, sort=[("_id", 1)])["_id"]

        async def trimmed():
            return alerts.count_documents({"_id": {"$lte": oldest}}) == 0

        await eventually(trimmed)
    async with users.alert_socket(login) as socket:
        heard = [await socket.event() for _ in range(3)]
        assert {alert["type"] for alert in heard} == {"login_failed"}
        await socket.hears_nothing()
    with MongoClient(mongo_url) as client:
        indexes = client.get_default_database().alerts.index_information()
    assert indexes["forget_at_1"]["expireAfterSeconds"] == 0


async def test_an_ended_session_is_told_to_the_others_also_later(users, kept):
    await users.register()
    victim, thief = await users.log_in(device="desk"), await users.log_in(device="thief")
    await kept(2)
    async with users.alert_socket(thief) as socket:
        await socket.event()
        acting = users.acting_for(thief.user_id, thief.session_id)
        await acting.LogoutUser(pb.LogoutUserRequest(session_id=victim.session_id))
        await kept(3)
        await socket.hears_nothing()
    again = await users.log_in(device="desk")
    async with users.alert_socket(again) as socket:
        heard = [await socket.event() for _ in range(3)]
    alert = heard[-1]
    assert alert["type"] == "session_ended"
    assert (alert["device"], alert["session_id"]) == ("desk", victim.session_id)
    assert (alert["reason"], alert["by_session_id"]) == ("ended_by_user", thief.session_id)


async def test_a_stolen_refresh_token_is_told(users, code_of, monkeypatch):
    monkeypatch.setattr("chatterroom.users.login.GRACE", timedelta(0))
    await users.register()
    login, other = await users.log_in(device="phone"), await users.log_in()

    async def refresh(token):
        return await users.stub.RefreshToken(pb.RefreshTokenRequest(refresh_token=token))

    second = await refresh(login.refresh_token)
    await refresh(second.refresh_token)
    async with users.alert_socket(other) as socket:
        assert (await socket.event())["type"] == "login"
        assert await code_of(refresh(login.refresh_token)) is ErrorCode.TOKEN_INVALID
        alert = await socket.event()
        assert (alert["type"], alert["reason"]) == ("session_ended", "refresh_token_reused")
        assert (alert["session_id"], alert["by_session_id"]) == (login.session_id, None)


async def test_what_happens_while_one_connects_comes_once(users, code_of, kept):
    await users.register()
    login = await users.log_in()
    await fail_to_log_in(users, code_of)
    await kept(2)

    async def connect():
        async with users.alert_socket(login) as socket:
            heard = [(await socket.event())["alert_id"] for _ in range(3)]
            await socket.hears_nothing()
            return heard

    heard, *_ = await asyncio.gather(
        connect(), fail_to_log_in(users, code_of), fail_to_log_in(users, code_of)
    )
    assert len(set(heard)) == 3
