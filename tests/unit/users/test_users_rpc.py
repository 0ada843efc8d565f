import asyncio
import time
from datetime import timedelta

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pymongo import MongoClient

from chatterroom.auth.token_keys import VerificationKeys
from chatterroom.auth.tokens import TokenVerifier
from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import new_id
from chatterroom.pb import users_pb2 as pb


async def refresh(users, token):
    return await users.stub.RefreshToken(pb.RefreshTokenRequest(refresh_token=token))


async def profile(stub, user_id):
    return await stub.GetUserProfile(pb.GetUserProfileRequest(user_id=user_id))


async def search(users, **fields):
    answer = await users.stub.SearchUsers(pb.SearchUsersRequest(**fields))
    return [user.username for user in answer.users]


async def test_register_answers_with_the_seeds_message_and_the_id(users):
    answer = await users.stub.RegisterUser(
        pb.RegisterUserRequest(username="alice", password="soup at noon", email="a@example.org")
    )
    assert answer.message == "User registered successfully"
    assert (await profile(users.stub, answer.user_id)).username == "alice"


async def test_names_and_emails_are_unique_without_case(users, code_of):
    await users.register("alice")
    taken = users.register("ALICE", email="other@example.org")
    assert await code_of(taken) is ErrorCode.USERNAME_TAKEN
    taken = users.register("bob", email="Alice@Example.org")
    assert await code_of(taken) is ErrorCode.EMAIL_TAKEN


async def test_of_many_concurrent_registrations_one_succeeds(users):
    outcomes = await asyncio.gather(
        *(users.register("alice") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert await search(users, query="a") == ["alice"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"username": ""}, ErrorCode.INVALID_REQUEST),
        ({"username": "a b"}, ErrorCode.INVALID_REQUEST),
        ({"password": "1234567"}, ErrorCode.WEAK_PASSWORD),
        ({"password": "x" * 1025}, ErrorCode.WEAK_PASSWORD),
        ({"email": "nowhere"}, ErrorCode.INVALID_REQUEST),
    ],
)
async def test_bad_registrations_say_what_is_wrong(users, code_of, fields, code):
    good = {"username": "alice", "password": "soup at noon", "email": "a@example.org"}
    request = pb.RegisterUserRequest(**{**good, **fields})
    assert await code_of(users.stub.RegisterUser(request)) is code


async def test_a_login_gives_tokens_of_a_stored_session(users, mongo_url, secrets_dir):
    user_id = await users.register()
    login = await users.log_in()
    assert login.user_id == user_id
    assert login.expires_in_s == 900
    verifier = TokenVerifier(VerificationKeys.load(secrets_dir))
    verifier.ended.complete()
    token = verifier.verify(login.token)
    assert (token.user_id, token.session_id) == (user_id, login.session_id)
    with MongoClient(mongo_url) as client:
        stored = client.get_default_database().sessions.find_one({"_id": login.session_id})
        account = client.get_default_database().users.find_one({"_id": user_id})
    assert (stored["user_id"], stored["device"], stored["address"]) == (user_id, "phone", "::1")
    assert not set(login.refresh_token.split(".")[1:]) & set(map(str, stored.values()))
    assert account["password_hash"].startswith("$argon2id$")


async def test_expired_sessions_are_removed_by_an_index(users, mongo_url):
    del users
    with MongoClient(mongo_url) as client:
        indexes = client.get_default_database().sessions.index_information()
    assert indexes["expires_at_1"]["expireAfterSeconds"] == 0


async def test_a_login_finds_the_email_in_any_case(users):
    await users.register()
    request = pb.LoginUserRequest(email="ALICE@example.ORG", password="correct horse battery")
    assert (await users.stub.LoginUser(request)).token


async def test_unknown_email_and_wrong_password_get_the_same_answer(users):
    await users.register()
    details = set()
    for email, password in [
        ("alice@example.org", "wrong password"),
        ("nobody@example.org", "wrong password"),
        ("alice@example.org", "short"),
        ("alice@example.org", "x" * 2000),
        ("not an email", "wrong password"),
        ("a" * 100_000, "wrong password"),
    ]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await users.stub.LoginUser(pb.LoginUserRequest(email=email, password=password))
        details.add((caught.value.code(), caught.value.details()))
    assert details == {(grpc.StatusCode.UNAUTHENTICATED, "The email or password is wrong.")}


async def test_a_login_without_email_or_password_is_malformed(users, code_of):
    for request in (
        pb.LoginUserRequest(email="a@b.co"),
        pb.LoginUserRequest(password="soup at noon"),
    ):
        assert await code_of(users.stub.LoginUser(request)) is ErrorCode.INVALID_REQUEST


async def test_a_refresh_token_that_comes_again_after_the_grace_ends_its_session(
    users, code_of, monkeypatch
):
    monkeypatch.setattr("chatterroom.users.login.GRACE", timedelta(0))
    await users.register()
    first = await users.log_in()
    second = await refresh(users, first.refresh_token)
    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    third = await refresh(users, second.refresh_token)
    assert await code_of(refresh(users, first.refresh_token)) is ErrorCode.TOKEN_INVALID
    # The third token was good, but the session is over.
    assert await code_of(refresh(users, third.refresh_token)) is ErrorCode.TOKEN_INVALID


async def test_a_guess_at_a_session_does_not_end_it(users, code_of):
    await users.register()
    login = await users.log_in()
    guess = f"{login.session_id}.{'a' * 22}.{'b' * 43}"
    assert await code_of(refresh(users, guess)) is ErrorCode.TOKEN_INVALID
    assert (await refresh(users, login.refresh_token)).token


async def test_an_expired_session_cannot_be_refreshed(start_users, code_of, eventually):
    users = await start_users(refresh_token_lifetime_s=1)
    await users.register()
    login = await users.log_in()
    expired_at = time.monotonic() + 1.1

    async def expired():
        return time.monotonic() > expired_at

    await eventually(expired)
    assert await code_of(refresh(users, login.refresh_token)) is ErrorCode.TOKEN_INVALID


async def test_logout_ends_the_callers_session_and_no_other(users, code_of):
    await users.register()
    one, other = await users.log_in(), await users.log_in()
    acting = users.acting_for(one.user_id, one.session_id)
    assert (await acting.LogoutUser(pb.LogoutUserRequest())).message
    assert (await acting.LogoutUser(pb.LogoutUserRequest(session_id=one.session_id))).message
    assert await code_of(refresh(users, one.refresh_token)) is ErrorCode.TOKEN_INVALID
    assert (await refresh(users, other.refresh_token)).token


async def test_nobody_ends_the_session_of_another(users, code_of):
    await users.register("alice")
    await users.register("mallory")
    alice, mallory = await users.log_in("alice"), await users.log_in("mallory")
    acting = users.with_token(mallory.token)
    request = pb.LogoutUserRequest(session_id=alice.session_id)
    assert await code_of(acting.LogoutUser(request)) is ErrorCode.NOT_FOUND
    assert (await refresh(users, alice.refresh_token)).token


async def test_a_profile_shows_name_email_id_and_time(users):
    user_id = await users.register()
    found = await profile(users.stub, user_id)
    assert (found.username, found.email) == ("alice", "alice@example.org")
    assert found.user_id == user_id
    assert found.created_at.endswith("Z")


async def test_other_users_see_the_same_profile(users):
    alice, bob = await users.register("alice"), await users.register("bob")
    assert (await profile(users.acting_for(alice), alice)).email == "alice@example.org"
    assert (await profile(users.acting_for(bob), alice)).email == "alice@example.org"


async def test_unknown_and_malformed_user_ids_are_told_apart(users, code_of):
    assert await code_of(profile(users.stub, new_id())) is ErrorCode.USER_NOT_FOUND
    for malformed in ("", "x", "../..", "\0" * 26, new_id() + "0"):
        assert await code_of(profile(users.stub, malformed)) is ErrorCode.MALFORMED_ID


async def test_search_finds_usernames_by_their_beginning_without_case(users):
    for name in ("Anna", "anton", "Antonia", "Berta"):
        await users.register(name)
    assert await search(users, query="AN") == ["Anna", "anton", "Antonia"]
    assert await search(users, query="ant", limit=1) == ["anton"]
    assert await search(users, query="nna") == []


async def test_search_takes_patterns_literally_and_at_once(users):
    await users.register("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    started = time.monotonic()
    for query in (".*", "^a", "(a+)+$", "a\\", "$where", "a\0", "{}", "\U0010ffff"):
        assert await search(users, query=query) == []
    assert time.monotonic() - started < 5


async def test_search_by_ids_keeps_their_order_and_leaves_out_unknown_ones(users):
    one, two = await users.register("one"), await users.register("two")
    assert await search(users, ids=[two, new_id(), one, two]) == ["two", "one"]


async def test_search_by_whole_usernames_keeps_their_order_and_leaves_out_unknown_ones(users):
    for name in ("Anna", "anna-lena", "Берта"):
        await users.register(name, email=f"{len(name)}@example.org")
    asked = ["БЕРТА", "ann", "nobody", "ANNA", "Anna", "\uff41nna-lena", "a" * 5000, ".*", ""]
    assert await search(users, usernames=asked) == ["Берта", "Anna", "anna-lena"]
    assert await search(users, usernames=["nobody"], query="a") == []


async def test_whole_usernames_are_looked_up_in_the_unique_index(users, mongo_url):
    await users.register()
    with MongoClient(mongo_url) as client:
        explained = (
            client.get_default_database()
            .users.find({"username_key": {"$in": ["alice", "bob"]}}, {"username": True})
            .explain()
        )
    assert explained["executionStats"]["totalDocsExamined"] == 1


async def test_search_has_limits(users, code_of):
    for fields in (
        {},
        {"query": "a" * 65},
        {"query": "a", "limit": 101},
        {"query": "a", "limit": -1},
        {"ids": [new_id() for _ in range(101)]},
        {"usernames": [f"name{n}" for n in range(101)]},
    ):
        assert await code_of(search(users, **fields)) is ErrorCode.INVALID_REQUEST
    assert await code_of(search(users, ids=["nonsense"])) is ErrorCode.MALFORMED_ID


async def test_timeout_outlasts_the_deadline_of_the_caller(users):
    started = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.stub.Timeout(Empty(), timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.25 < time.monotonic() - started < 5


async def test_timeout_without_a_deadline_ends_by_itself(start_users, code_of):
    users = await start_users(timeout_simulation_s=0.1)
    assert await code_of(users.stub.Timeout(Empty())) is ErrorCode.REQUEST_TIMED_OUT


async def test_an_access_token_opens_the_service_directly(users, code_of):
    user_id = await users.register()
    login = await users.log_in()
    assert (await profile(users.with_token(login.token), user_id)).email
    assert await code_of(profile(users.with_token("x.y.z"), user_id)) is ErrorCode.TOKEN_INVALID
