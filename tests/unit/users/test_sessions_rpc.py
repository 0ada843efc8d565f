"""Sessions as their user sees them: listed, refreshed, ended, here and on other instances."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pymongo import MongoClient

from chatterroom.auth.ended_sessions import EndedSessions
from chatterroom.auth.secrets import load_service_secret
from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import new_id
from chatterroom.core.times import format_time, now
from chatterroom.pb import users_pb2 as pb
from chatterroom.rpc.balancer import Balancer, Instance
from chatterroom.rpc.session_watch import watch_sessions
from chatterroom.users.login import GRACE
from chatterroom.users.session_control import MAX_ALERTED


async def refresh(users, token):
    return await users.stub.RefreshToken(pb.RefreshTokenRequest(refresh_token=token))


async def sessions_of(users, login):
    stub = users.acting_for(login.user_id, login.session_id)
    return (await stub.ListSessions(pb.ListSessionsRequest(user_id=login.user_id))).sessions


async def log_out(users, login, session_id=""):
    stub = users.acting_for(login.user_id, login.session_id)
    return await stub.LogoutUser(pb.LogoutUserRequest(session_id=session_id))


async def uses_its_token(users, login):
    request = pb.GetUserProfileRequest(user_id=login.user_id)
    return await users.with_token(login.token).GetUserProfile(request)


async def closing_code(client):
    async with asyncio.timeout(10):
        await client.socket.wait_closed()
    return client.socket.close_code


def change_session(mongo_url, login, **fields):
    with MongoClient(mongo_url) as client:
        sessions = client.get_default_database().sessions
        assert sessions.update_one({"_id": login.session_id}, {"$set": fields}).matched_count


@asynccontextmanager
async def watching(users, *instances):
    """Watch as another service does; give what is known and when each end was heard of."""
    ended, heard = EndedSessions(), {}
    balancer = Balancer()
    balancer.replace(Instance(f"127.0.0.1:{each.settings.grpc_port}") for each in instances)
    task = asyncio.create_task(
        watch_sessions(
            balancer,
            load_service_secret(users.settings.secrets_path, "chat").towards("users"),
            ended,
            lambda session: heard.setdefault(session.session_id, time.monotonic()),
        )
    )
    try:
        yield ended, heard
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_sessions_are_listed_newest_first_with_device_address_and_times(users):
    await users.register("alice")
    await users.register("bob")
    await users.log_in("bob")
    old = await users.log_in("alice", device="Firefox", address="192.0.2.7")
    new = await users.log_in("alice", device="phone")
    first, second = await sessions_of(users, old)
    assert (first.session_id, second.session_id) == (new.session_id, old.session_id)
    assert (second.device, second.address) == ("Firefox", "192.0.2.7")
    assert second.created_at == second.last_seen_at
    assert (first.current, second.current) == (False, True)


async def test_nobody_lists_or_ends_the_sessions_of_another(users, code_of):
    alice, bob = await users.register("alice"), await users.register("bob")
    acting = users.acting_for(bob)
    listing = acting.ListSessions(pb.ListSessionsRequest(user_id=alice))
    assert await code_of(listing) is ErrorCode.IDENTITY_MISMATCH
    ending = acting.EndOtherSessions(pb.EndOtherSessionsRequest(user_id=alice))
    assert await code_of(ending) is ErrorCode.IDENTITY_MISMATCH


async def test_a_refresh_counts_as_having_been_seen(users, mongo_url):
    await users.register()
    login = await users.log_in()
    change_session(mongo_url, login, last_seen_at=now() - timedelta(days=3))
    await refresh(users, login.refresh_token)
    [session] = await sessions_of(users, login)
    assert session.last_seen_at > format_time(now() - timedelta(minutes=1))


async def test_services_say_which_sessions_they_have_seen_and_users_do_not(
    users, mongo_url, code_of
):
    await users.register()
    login = await users.log_in()
    change_session(mongo_url, login, last_seen_at=now() - timedelta(days=3))
    request = pb.TouchSessionsRequest(session_ids=[login.session_id, new_id()])
    as_user = users.acting_for(login.user_id)
    assert await code_of(as_user.TouchSessions(request)) is ErrorCode.NOT_ALLOWED
    too_many = pb.TouchSessionsRequest(session_ids=[""] * 1_001)
    assert await code_of(users.stub.TouchSessions(too_many)) is ErrorCode.INVALID_REQUEST
    await users.stub.TouchSessions(request)
    [session] = await sessions_of(users, login)
    assert session.last_seen_at > format_time(now() - timedelta(minutes=1))


async def test_an_ended_session_is_over_for_all_its_tokens_on_every_instance(start_users, code_of):
    one, two = await start_users(), await start_users()
    await one.register()
    login, other = await one.log_in(), await one.log_in()
    async with one.alert_socket(login) as here, two.alert_socket(login) as there:
        await log_out(one, other, login.session_id)
        async with asyncio.timeout(1):
            assert await closing_code(here) == 4401
            assert await closing_code(there) == 4401
    for users in (one, two):
        assert await code_of(uses_its_token(users, login)) is ErrorCode.TOKEN_INVALID
        assert (await uses_its_token(users, other)).username == "alice"
    assert await code_of(refresh(two, login.refresh_token)) is ErrorCode.TOKEN_INVALID
    [session] = await sessions_of(two, other)
    assert session.session_id == other.session_id


async def test_a_logout_ends_the_access_token_too(users, code_of):
    await users.register()
    login = await users.log_in()
    assert (await users.with_token(login.token).LogoutUser(pb.LogoutUserRequest())).message
    assert await code_of(uses_its_token(users, login)) is ErrorCode.TOKEN_INVALID


async def test_all_other_sessions_are_ended_at_once(users, code_of):
    await users.register()
    current, *others = [await users.log_in() for _ in range(4)]
    stub = users.acting_for(current.user_id, current.session_id)
    request = pb.EndOtherSessionsRequest(user_id=current.user_id)
    assert (await stub.EndOtherSessions(request)).ended == 3
    assert (await stub.EndOtherSessions(request)).ended == 0
    for login in others:
        assert await code_of(uses_its_token(users, login)) is ErrorCode.TOKEN_INVALID
    assert (await uses_its_token(users, current)).username == "alice"


async def test_a_restarted_instance_knows_what_ended_before(start_users, code_of, eventually):
    one = await start_users()
    await one.register()
    login = await one.log_in()
    await log_out(one, login)
    two = await start_users()

    async def refused():
        return await code_of(uses_its_token(two, login)) is ErrorCode.TOKEN_INVALID

    await eventually(refused)


async def test_ends_are_forgotten_by_an_index_when_no_token_can_be_out(users, mongo_url):
    await users.register()
    login = await users.log_in()
    await log_out(users, login)
    with MongoClient(mongo_url, tz_aware=True) as client:
        ended = client.get_default_database().ended_sessions
        assert ended.index_information()["forget_at_1"]["expireAfterSeconds"] == 0
        [found] = ended.find()
    assert found["forget_at"] > now() + timedelta(seconds=900)
    assert found["forget_at"] < now() + timedelta(seconds=900 + 300)


# The grace for lost answers


async def test_every_repeat_of_a_refresh_gets_the_same_token(users):
    await users.register()
    first = await users.log_in()
    second = await refresh(users, first.refresh_token)  # this response is lost
    repeats = [await refresh(users, first.refresh_token) for _ in range(3)]
    assert {each.refresh_token for each in repeats} == {second.refresh_token}
    third = await refresh(users, second.refresh_token)
    assert third.session_id == first.session_id
    assert (await uses_its_token(users, third)).username == "alice"


async def test_refreshes_at_the_same_time_get_the_same_token_from_any_instance(start_users):
    instances = [await start_users(), await start_users()]
    await instances[0].register()
    first = await instances[0].log_in()
    refreshed = await asyncio.gather(
        *(refresh(instances[each % 2], first.refresh_token) for each in range(20))
    )
    assert len({each.refresh_token for each in refreshed}) == 1


async def test_a_token_leads_to_the_newest_also_when_its_successor_was_exchanged(users):
    await users.register()
    first = await users.log_in()
    second = await refresh(users, first.refresh_token)
    third = await refresh(users, second.refresh_token)
    for old in (first, second):
        assert (await refresh(users, old.refresh_token)).refresh_token == third.refresh_token
    assert (await uses_its_token(users, third)).username == "alice"


@pytest.mark.parametrize(("age", "accepted"), [(timedelta(0), True), (GRACE, False)], ids=str)
async def test_the_grace_ends(users, mongo_url, code_of, age, accepted):
    await users.register()
    first = await users.log_in()
    second = await refresh(users, first.refresh_token)
    change_session(mongo_url, first, **{"exchanges.0.exchanged_at": now() - age})
    if accepted:
        assert (await refresh(users, first.refresh_token)).token
        return
    assert await code_of(refresh(users, first.refresh_token)) is ErrorCode.TOKEN_INVALID
    assert await code_of(refresh(users, second.refresh_token)) is ErrorCode.TOKEN_INVALID


async def test_repeats_do_not_lengthen_the_grace(users, mongo_url, code_of):
    await users.register()
    first = await users.log_in()
    second = await refresh(users, first.refresh_token)
    await refresh(users, first.refresh_token)
    change_session(mongo_url, first, **{"exchanges.0.exchanged_at": now() - GRACE})
    third = await refresh(users, second.refresh_token)
    assert await code_of(refresh(users, first.refresh_token)) is ErrorCode.TOKEN_INVALID
    assert await code_of(uses_its_token(users, third)) is ErrorCode.TOKEN_INVALID


async def test_what_is_kept_of_exchanges_is_bounded(users, mongo_url, monkeypatch):
    monkeypatch.setattr("chatterroom.users.session_store_mongo._MAX_EXCHANGES", 3)
    await users.register()
    tokens = [await users.log_in()]
    for _ in range(5):
        tokens.append(await refresh(users, tokens[-1].refresh_token))
    with MongoClient(mongo_url) as client:
        (stored,) = client.get_default_database().sessions.find()
    assert len(stored["exchanges"]) == 3
    for old in tokens[-4:-1]:
        assert (await refresh(users, old.refresh_token)).refresh_token == tokens[-1].refresh_token


# What other services hear


async def test_whoever_begins_to_watch_is_complete_with_all_that_has_ended(start_users, eventually):
    one = await start_users()
    await one.register()
    logins = [await one.log_in() for _ in range(3)]
    for login in logins:
        await log_out(one, login)
    two = await start_users()
    async with watching(one, two) as (ended, _):

        async def is_complete():
            return ended.is_complete

        await eventually(is_complete)
        assert all(login.session_id in ended for login in logins)


async def test_nobody_is_complete_and_no_token_is_taken_before_mongodb_was_looked_through(
    own_mongod, start_users, code_of, eventually
):
    users = await start_users(mongo_url=own_mongod.url("users"))
    await users.register()
    ended, login = await users.log_in(), await users.log_in()
    await log_out(users, ended)
    await users.stop()
    await own_mongod.process.kill()
    again = await start_users(mongo_url=own_mongod.url("users"), ready=False)
    request = pb.ListSessionsRequest(user_id=login.user_id)
    async with watching(again, again) as (known, _):

        async def is_refused():
            for each in (ended, login):
                call = again.with_token(each.token).ListSessions(request)
                assert await code_of(call) is ErrorCode.SERVICE_UNAVAILABLE
            stub = again.acting_for()
            async for message in stub.WatchEndedSessions(pb.WatchEndedSessionsRequest()):
                assert not message.up_to_date
                break
            return True

        for _ in range(5):
            await eventually(is_refused)
        assert not known.is_complete
        await own_mongod.start()
        await eventually(again.is_serving)

        async def is_complete():
            return known.is_complete

        await eventually(is_complete)
        assert ended.session_id in known
    call = again.with_token(ended.token).ListSessions(request)
    assert await code_of(call) is ErrorCode.TOKEN_INVALID
    assert (await again.with_token(login.token).ListSessions(request)).sessions


async def test_services_hear_of_an_end_within_a_second_from_any_instance(start_users, eventually):
    one, two = await start_users(), await start_users()
    await one.register()
    before, *logins = [await one.log_in() for _ in range(4)]
    await log_out(one, before)
    async with watching(one, two) as (ended, heard):

        async def knows_what_was():
            return before.session_id in ended

        await eventually(knows_what_was)
        for login in logins:
            asked_at = time.monotonic()
            await log_out(one, login)

            async def has_heard(session_id=login.session_id):
                return session_id in heard

            await eventually(has_heard)
            assert heard[login.session_id] - asked_at < 1
            assert login.session_id in ended


async def test_a_watch_goes_on_at_another_instance_and_keeps_what_it_knows(start_users, eventually):
    one, two = await start_users(), await start_users()
    await one.register()
    first, second = await one.log_in(), await one.log_in()
    async with watching(one, one, two) as (ended, _):
        await log_out(one, first)

        async def knows_the_first():
            return first.session_id in ended

        async def knows_the_second():
            return second.session_id in ended

        await eventually(knows_the_first)
        await one.stop()
        await log_out(two, second)
        await eventually(knows_the_second)
        await two.stop()
        assert first.session_id in ended


async def test_users_may_not_watch(users, code_of):
    user_id = await users.register()
    stub = users.acting_for(user_id)

    async def watch():
        async for _ in stub.WatchEndedSessions(pb.WatchEndedSessionsRequest()):
            pass

    assert await code_of(watch()) is ErrorCode.NOT_ALLOWED


async def test_a_stop_is_quick_while_services_watch(users, eventually):
    await users.register()
    login = await users.log_in()
    await log_out(users, login)
    async with watching(users, users) as (ended, _):

        async def watches():
            return login.session_id in ended

        await eventually(watches)
        async with asyncio.timeout(2):
            await users.stop()


# Many sessions of one user


def add_sessions(mongo_url, login, number, **fields):
    """Store older sessions of a user, as so many logins would have left them."""
    with MongoClient(mongo_url, tz_aware=True) as client:
        sessions = client.get_default_database().sessions
        model = sessions.find_one({"_id": login.session_id})
        seen = now() - timedelta(days=1)
        ids = [f"00{n:024}" for n in range(number)]
        sessions.insert_many(
            {
                **model,
                "_id": session_id,
                "last_seen_at": seen + timedelta(seconds=n),
                "password_set_at": None,
                **fields,
            }
            for n, session_id in enumerate(ids)
        )
    return ids


async def test_a_login_beyond_the_limit_ends_the_session_seen_least_recently(
    start_users, mongo_url, code_of
):
    users = await start_users(max_sessions_per_user=3)
    await users.register()
    first, second, third = [await users.log_in() for _ in range(3)]
    change_session(mongo_url, first, last_seen_at=now() + timedelta(seconds=5))
    async with users.alert_socket(second) as oldest, users.alert_socket(first) as other:
        fourth = await users.log_in()
        assert await closing_code(oldest) == 4401
        # Of the session that has ended there is no alert.
        assert [(await other.event())["type"] for _ in range(3)] == ["login"] * 3
        await other.hears_nothing()
    assert await code_of(uses_its_token(users, second)) is ErrorCode.TOKEN_INVALID
    kept = {session.session_id for session in await sessions_of(users, fourth)}
    assert kept == {first.session_id, third.session_id, fourth.session_id}


async def test_the_limit_holds_for_accounts_that_had_more_sessions_before(start_users, mongo_url):
    users = await start_users(max_sessions_per_user=3)
    await users.register()
    add_sessions(mongo_url, await users.log_in(), 50)
    login = await users.log_in()
    assert len(await sessions_of(users, login)) == 3


async def test_a_limit_of_zero_is_none(start_users):
    users = await start_users(max_sessions_per_user=0)
    await users.register()
    logins = [await users.log_in() for _ in range(3)]
    assert len(await sessions_of(users, logins[0])) == 3


async def test_sessions_are_listed_a_page_at_a_time(users, mongo_url, code_of):
    await users.register()
    login = await users.log_in()
    added = add_sessions(mongo_url, login, 250)
    stub = users.acting_for(login.user_id, login.session_id)

    async def page(**wanted):
        return await stub.ListSessions(pb.ListSessionsRequest(user_id=login.user_id, **wanted))

    first = await page()
    assert (len(first.sessions), first.has_more) == (100, True)
    second = await page(limit=200, before=first.sessions[-1].session_id)
    assert (len(second.sessions), second.has_more) == (151, False)
    listed = [session.session_id for session in (*first.sessions, *second.sessions)]
    assert listed == [login.session_id, *reversed(added)]
    assert await code_of(page(limit=201)) is ErrorCode.INVALID_REQUEST
    assert await code_of(page(before="x")) is ErrorCode.MALFORMED_ID


async def test_thousands_of_sessions_end_together_with_few_alerts(
    users, mongo_url, code_of, eventually
):
    await users.register()
    login, other = await users.log_in(), await users.log_in()
    add_sessions(mongo_url, login, 4_000)
    stub = users.acting_for(login.user_id, login.session_id)
    request = pb.EndOtherSessionsRequest(user_id=login.user_id)
    async with watching(users, users) as (ended, _):
        assert (await stub.EndOtherSessions(request)).ended == 4_001

        async def all_are_known():
            return len(ended) == 4_001

        await eventually(all_are_known)
    assert await code_of(uses_its_token(users, other)) is ErrorCode.TOKEN_INVALID
    with MongoClient(mongo_url) as client:
        database = client.get_default_database()
        assert database.ended_sessions.count_documents({}) == 4_001

        async def alerts_are_kept():
            return database.alerts.count_documents({"alert.type": "session_ended"}) == MAX_ALERTED

        await eventually(alerts_are_kept)
