"""What users do with their own account, through gRPC, on a real user service."""

import asyncio
import base64
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import argon2
import grpc
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from pymongo import MongoClient
from tests.pictures import data_url, picture

from chatterroom.core.errors import ErrorCode
from chatterroom.core.ids import new_id
from chatterroom.pb import users_pb2 as pb
from chatterroom.rpc.errors import error_from

from .conftest import PASSWORD

PICTURE = data_url(picture())
NEW_PASSWORD = "a new horse entirely"


@pytest.fixture
async def alice(users):
    await users.register()
    return await users.log_in()


def acting(users, login):
    return users.acting_for(login.user_id, login.session_id)


async def account(users, login):
    request = pb.GetAccountRequest(user_id=login.user_id)
    return await acting(users, login).GetAccount(request)


async def update(users, login, **fields):
    request = pb.UpdateAccountRequest(user_id=login.user_id, **fields)
    return await acting(users, login).UpdateAccount(request)


async def change_password(users, login, current=PASSWORD, new=NEW_PASSWORD, code=""):
    request = pb.ChangePasswordRequest(
        user_id=login.user_id, current_password=current, new_password=new, code=code
    )
    return await acting(users, login).ChangePassword(request)


async def delete(users, login, password=PASSWORD, code=""):
    request = pb.DeleteAccountRequest(user_id=login.user_id, password=password, code=code)
    return await acting(users, login).DeleteAccount(request)


async def refresh(users, login):
    return await users.stub.RefreshToken(pb.RefreshTokenRequest(refresh_token=login.refresh_token))


async def profile(stub, user_id):
    return await stub.GetUserProfile(pb.GetUserProfileRequest(user_id=user_id))


async def summaries(users, **fields):
    return list((await users.stub.SearchUsers(pb.SearchUsersRequest(**fields))).users)


async def log_in(users, code="", password=PASSWORD, address="::1"):
    return await users.stub.LoginUser(
        pb.LoginUserRequest(
            email="alice@example.org", password=password, code=code, address=address
        )
    )


class App:
    """An authenticator app. It begins in the present step, and `next_code` is accepted already, so
    that no test has to wait."""

    def __init__(self, secret: str) -> None:
        self._totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
        self._begun = int(time.time())

    @property
    def first_code(self) -> str:
        return self._totp.generate(self._begun).decode()

    @property
    def next_code(self) -> str:
        return self._totp.generate(self._begun + 30).decode()


async def begin(users, login, password=PASSWORD):
    request = pb.BeginSecondFactorRequest(user_id=login.user_id, password=password)
    return await acting(users, login).BeginSecondFactor(request)


async def confirm(users, login, code):
    request = pb.ConfirmSecondFactorRequest(user_id=login.user_id, code=code)
    return await acting(users, login).ConfirmSecondFactor(request)


async def remove(users, login, code, password=PASSWORD):
    request = pb.RemoveSecondFactorRequest(user_id=login.user_id, password=password, code=code)
    return await acting(users, login).RemoveSecondFactor(request)


@asynccontextmanager
async def two_devices(users, alice):
    """Connect alice's desk, and a phone that logs in; both have heard of the other's login."""
    async with users.alert_socket(alice) as desk:
        other = await users.log_in()
        assert (await desk.event())["type"] == "login"
        async with users.alert_socket(other) as phone:
            assert (await phone.event())["type"] == "login"
            yield desk, phone, other


@pytest.fixture
async def second_factor(users, alice):
    """Alice's app and recovery codes. The first code is used up."""
    app = App((await begin(users, alice)).secret)
    answer = await confirm(users, alice, app.first_code)
    return app, list(answer.recovery_codes)


# Profile


async def test_an_account_begins_without_anything(users, alice):
    mine = await account(users, alice)
    assert (mine.username, mine.email) == ("alice", "alice@example.org")
    assert (mine.display_name, mine.avatar, mine.preferences) == ("", "", "{}")
    assert not mine.second_factor


async def test_a_profile_changes_and_what_is_not_given_stays(users, alice):
    changed = await update(
        users, alice, username="Alicia", display_name="A. L.", preferences='{"theme": "dark"}'
    )
    changed = await update(users, alice, avatar=PICTURE)
    assert (changed.username, changed.display_name) == ("Alicia", "A. L.")
    assert changed.preferences == '{"theme":"dark"}'
    shown = await profile(users.stub, alice.user_id)
    assert (shown.username, shown.display_name, shown.avatar) == (
        "Alicia",
        "A. L.",
        changed.avatar,
    )
    [found] = await summaries(users, query="ALI")
    assert (found.username, found.display_name, found.avatar) == ("Alicia", "A. L.", changed.avatar)
    assert await summaries(users, usernames=["alice"]) == []
    removed = await update(users, alice, avatar="", display_name="")
    assert (removed.avatar, removed.display_name) == ("", "")
    assert (removed.username, removed.preferences) == ("Alicia", '{"theme":"dark"}')


async def test_a_picture_is_shown_to_every_user(users, alice, code_of):
    request = pb.GetAvatarRequest(user_id=alice.user_id)
    assert await code_of(users.stub.GetAvatar(request)) is ErrorCode.NOT_FOUND
    changed = await update(users, alice, avatar=PICTURE)
    bob = users.acting_for(await users.register("bob"))
    shown = await bob.GetAvatar(request)
    assert (shown.content_type, shown.avatar) == ("image/png", changed.avatar)
    assert shown.data.startswith(b"\x89PNG")


async def test_a_taken_username_changes_nothing(users, alice, code_of):
    await users.register("bob")
    refused = update(users, alice, username="BOB", display_name="Bob himself")
    assert await code_of(refused) is ErrorCode.USERNAME_TAKEN
    mine = await account(users, alice)
    assert (mine.username, mine.display_name) == ("alice", "")


async def test_a_username_may_change_its_case(users, alice):
    assert (await update(users, alice, username="ALICE")).username == "ALICE"


@pytest.mark.parametrize(
    "fields",
    [{"username": "a b"}, {"display_name": "\u202e"}, {"avatar": "x"}, {"preferences": "[]"}],
)
async def test_bad_changes_are_refused(users, alice, code_of, fields):
    assert await code_of(update(users, alice, **fields)) is ErrorCode.INVALID_REQUEST


async def test_nobody_reaches_the_account_of_another(users, alice, code_of):
    mallory = users.acting_for(await users.register("mallory"))
    theirs = {"user_id": alice.user_id}
    for call in (
        mallory.GetAccount(pb.GetAccountRequest(**theirs)),
        mallory.UpdateAccount(pb.UpdateAccountRequest(**theirs, display_name="x")),
        mallory.ChangePassword(pb.ChangePasswordRequest(**theirs)),
        mallory.DeleteAccount(pb.DeleteAccountRequest(**theirs, password=PASSWORD)),
        mallory.BeginSecondFactor(pb.BeginSecondFactorRequest(**theirs, password=PASSWORD)),
        mallory.ConfirmSecondFactor(pb.ConfirmSecondFactorRequest(**theirs)),
        mallory.RemoveSecondFactor(pb.RemoveSecondFactorRequest(**theirs)),
    ):
        assert await code_of(call) is ErrorCode.IDENTITY_MISMATCH


async def test_a_setting_hides_emails_from_other_users(start_users):
    users = await start_users(emails_visible=False)
    alice, bob = await users.register("alice"), await users.register("bob")
    assert (await profile(users.acting_for(bob), alice)).email == ""
    assert (await profile(users.acting_for(alice), alice)).email == "alice@example.org"
    assert (await profile(users.stub, alice)).email == "alice@example.org"


# Password


async def test_a_changed_password_ends_all_other_sessions(users, alice, code_of):
    async with two_devices(users, alice) as (desk, phone, other):
        assert (await change_password(users, alice)).message == "Password changed successfully"
        await phone.socket.wait_closed()
        assert phone.socket.close_code == 4401
        await desk.hears_nothing()
    assert await code_of(refresh(users, other)) is ErrorCode.TOKEN_INVALID
    assert (await refresh(users, alice)).token
    assert await code_of(log_in(users)) is ErrorCode.WRONG_CREDENTIALS
    assert (await log_in(users, password=NEW_PASSWORD)).token


async def test_no_login_with_the_old_password_outlives_a_change(users, alice, mongo_url):
    async def try_to_log_in() -> None:
        try:
            await log_in(users)
        except grpc.aio.AioRpcError as failure:
            error = error_from(failure)
            assert error is not None
            assert error.code in {ErrorCode.WRONG_CREDENTIALS, ErrorCode.OVERLOADED}

    logins = [asyncio.create_task(try_to_log_in()) for _ in range(5)]
    await change_password(users, alice)
    await asyncio.gather(*logins)
    with MongoClient(mongo_url) as client:
        sessions = client.get_default_database().sessions.find()
        assert [session["_id"] for session in sessions] == [alice.session_id]


async def test_a_change_that_was_cut_short_is_finished_by_any_instance(
    users, alice, mongo_url, eventually, code_of
):
    before = await log_in(users)
    await change_password(users, alice)
    after = await log_in(users, password=NEW_PASSWORD)
    with MongoClient(mongo_url) as client:
        database = client.get_default_database()
        # As a process leaves it that ends right behind the change of the password.
        stale = {**database.sessions.find_one({"_id": after.session_id}), "password_set_at": None}
        stale_ids = [f"00{n:024}" for n in range(2_500)]
        database.sessions.insert_many({**stale, "_id": each} for each in stale_ids)
        left = {"but": alice.session_id, "due_at": datetime.now(UTC)}
        database.users.update_one({"_id": alice.user_id}, {"$set": {"sessions_to_end": left}})

        async def nothing_is_left():
            return database.users.find_one({"sessions_to_end": {"$exists": True}}) is None

        await eventually(nothing_is_left)
        kept = {each["_id"] for each in database.sessions.find({}, {"_id": True})}
    assert kept == {alice.session_id, after.session_id}
    assert await code_of(refresh(users, before)) is ErrorCode.TOKEN_INVALID


async def test_a_service_that_names_no_session_ends_all_of_them(users, alice, code_of):
    request = pb.ChangePasswordRequest(
        user_id=alice.user_id, current_password=PASSWORD, new_password=NEW_PASSWORD
    )
    await users.stub.ChangePassword(request)
    assert await code_of(refresh(users, alice)) is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("current", ["wrong password", "short", "", "x" * 2000])
async def test_the_password_is_not_changed_without_the_old_one(users, alice, code_of, current):
    refused = change_password(users, alice, current=current)
    assert await code_of(refused) is ErrorCode.WRONG_CREDENTIALS
    assert (await log_in(users)).token


@pytest.mark.parametrize("new", ["short", "password123", "ALICE@example.org", "x" * 1025])
async def test_the_new_password_follows_the_rules(users, alice, code_of, new):
    assert await code_of(change_password(users, alice, new=new)) is ErrorCode.WEAK_PASSWORD


async def test_a_stolen_token_does_not_help_to_guess_the_password(start_users, code_of):
    users = await start_users(wrong_passwords=2)
    await users.register()
    alice = await users.log_in()
    for _ in range(2):
        refused = change_password(users, alice, current="wrong password")
        assert await code_of(refused) is ErrorCode.WRONG_CREDENTIALS
    assert await code_of(change_password(users, alice)) is ErrorCode.RATE_LIMITED
    assert await code_of(delete(users, alice)) is ErrorCode.RATE_LIMITED
    assert (await log_in(users)).token


async def test_registrations_with_common_passwords_are_refused(users, code_of):
    for password in ("password1", "Alice-B.-Toklas", "12345678"):
        refused = users.register("alice-b.-toklas", password=password)
        assert await code_of(refused) is ErrorCode.WEAK_PASSWORD


async def test_a_login_makes_an_old_hash_stronger(users, alice, mongo_url):
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with MongoClient(mongo_url) as client:
        accounts = client.get_default_database().users
        accounts.update_one({"_id": alice.user_id}, {"$set": {"password_hash": weak}})
        assert (await log_in(users)).token
        stored = accounts.find_one({"_id": alice.user_id})["password_hash"]
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await log_in(users)).token


async def test_a_password_is_the_same_however_it_is_typed(users, mongo_url):
    composed, typed = "café-crème-7", "cafe\u0301-cre\u0300me-7"
    await users.register("alice", password=typed)
    for password in (composed, typed):
        assert (await log_in(users, password=password)).token
    # As an earlier version kept it.
    old = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(typed)
    with MongoClient(mongo_url) as client:
        client.get_default_database().users.update_one({}, {"$set": {"password_hash": old}})
    assert (await log_in(users, password=typed)).token
    assert (await log_in(users, password=composed)).token


async def test_guessing_stops_but_does_not_lock_the_owner_out(start_users, code_of):
    users = await start_users(wrong_passwords=3)
    other_instance = await start_users(wrong_passwords=3)
    await users.register()
    await log_in(users, address="192.0.2.1")
    for n in range(3):
        guess = log_in(users, password="wrong password", address=f"203.0.113.{n}")
        assert await code_of(guess) is ErrorCode.WRONG_CREDENTIALS
    for each in (users, other_instance):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await log_in(each, address="203.0.113.77")
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await log_in(each, address="192.0.2.1")).token


async def test_unknown_accounts_are_limited_like_known_ones(start_users, code_of):
    users = await start_users(wrong_passwords=2)
    await users.register()
    for name in ("alice", "nobody"):
        codes = [
            await code_of(users.log_in(name, password="wrong password", address="203.0.113.1"))
            for _ in range(3)
        ]
        assert codes == [ErrorCode.WRONG_CREDENTIALS] * 2 + [ErrorCode.RATE_LIMITED]


# Second factor


async def test_a_login_asks_for_a_code_once_one_was_confirmed(users, alice, code_of):
    begun = await begin(users, alice)
    assert begun.uri.startswith("otpauth://totp/ChatterRoom:alice%40example.org?")
    assert (await log_in(users)).token
    app = App(begun.secret)
    answer = await confirm(users, alice, app.first_code)
    assert len(answer.recovery_codes) == 10
    assert (await account(users, alice)).second_factor
    assert await code_of(log_in(users)) is ErrorCode.SECOND_FACTOR_REQUIRED
    assert (await log_in(users, app.next_code)).token


async def test_a_code_works_once(users, alice, second_factor, code_of):
    app, _ = second_factor
    code = app.next_code
    assert (await log_in(users, code)).token
    assert await code_of(log_in(users, code)) is ErrorCode.SECOND_FACTOR_WRONG


async def test_the_code_that_confirmed_the_secret_is_used_up(users, alice, second_factor, code_of):
    app, _ = second_factor
    assert await code_of(log_in(users, app.first_code)) is ErrorCode.SECOND_FACTOR_WRONG


async def test_a_recovery_code_works_once(users, alice, second_factor, code_of, mongo_url):
    _, codes = second_factor
    assert (await log_in(users, codes[0].upper())).token
    assert await code_of(log_in(users, codes[0])) is ErrorCode.SECOND_FACTOR_WRONG
    assert (await log_in(users, codes[1])).token
    with MongoClient(mongo_url) as client:
        stored = repr(client.get_default_database().users.find_one({"_id": alice.user_id}))
    assert not any(code in stored for code in codes)


async def test_a_wrong_password_says_nothing_of_the_second_factor(users, second_factor, code_of):
    app, _ = second_factor
    for code in ("", "000000", app.next_code):
        wrong = log_in(users, code, password="wrong password")
        assert await code_of(wrong) is ErrorCode.WRONG_CREDENTIALS


async def test_wrong_codes_are_limited_like_wrong_passwords(start_users, code_of):
    users = await start_users(wrong_passwords=2)
    await users.register()
    alice = await users.log_in(address="192.0.2.1")
    app = App((await begin(users, alice)).secret)
    await confirm(users, alice, app.first_code)
    for _ in range(2):
        guess = log_in(users, "not one", address="203.0.113.1")
        assert await code_of(guess) is ErrorCode.SECOND_FACTOR_WRONG
    refused = log_in(users, app.next_code, address="203.0.113.1")
    assert await code_of(refused) is ErrorCode.RATE_LIMITED
    assert (await log_in(users, app.next_code, address="192.0.2.1")).token


async def test_a_second_factor_needs_the_password_and_a_right_code(users, alice, code_of):
    refused = begin(users, alice, password="wrong password")
    assert await code_of(refused) is ErrorCode.WRONG_CREDENTIALS
    assert await code_of(confirm(users, alice, "123456")) is ErrorCode.NOT_FOUND
    await begin(users, alice)
    assert await code_of(confirm(users, alice, "not it")) is ErrorCode.SECOND_FACTOR_WRONG
    assert not (await account(users, alice)).second_factor


async def test_a_second_factor_is_removed_with_password_and_code(
    users, alice, second_factor, code_of
):
    app, _ = second_factor
    assert await code_of(begin(users, alice)) is ErrorCode.UNCHANGED
    assert await code_of(remove(users, alice, "")) is ErrorCode.SECOND_FACTOR_REQUIRED
    assert await code_of(remove(users, alice, "not it")) is ErrorCode.SECOND_FACTOR_WRONG
    assert (await remove(users, alice, app.next_code)).message
    assert (await log_in(users)).token
    assert await code_of(remove(users, alice, "")) is ErrorCode.NOT_FOUND


async def test_a_password_is_changed_with_a_code_that_works_once(
    users, alice, second_factor, code_of
):
    app, codes = second_factor
    assert await code_of(change_password(users, alice)) is ErrorCode.SECOND_FACTOR_REQUIRED
    for wrong in ("not it", app.first_code):
        refused = change_password(users, alice, code=wrong)
        assert await code_of(refused) is ErrorCode.SECOND_FACTOR_WRONG
    # A password that would be refused uses up no code.
    weak = change_password(users, alice, new="password123", code=app.next_code)
    assert await code_of(weak) is ErrorCode.WEAK_PASSWORD
    assert (await log_in(users, codes[0])).token
    assert (await change_password(users, alice, code=app.next_code)).message
    again = change_password(users, alice, NEW_PASSWORD, PASSWORD, code=app.next_code)
    assert await code_of(again) is ErrorCode.SECOND_FACTOR_WRONG
    assert (await change_password(users, alice, NEW_PASSWORD, PASSWORD, code=codes[1])).message


async def test_a_username_is_changed_with_a_code_and_the_rest_without(
    users, alice, second_factor, code_of
):
    app, _ = second_factor
    refused = update(users, alice, username="alicia")
    assert await code_of(refused) is ErrorCode.SECOND_FACTOR_REQUIRED
    refused = update(users, alice, username="alicia", code="not it")
    assert await code_of(refused) is ErrorCode.SECOND_FACTOR_WRONG
    changed = await update(users, alice, username="alice", display_name="Ada", preferences="{}")
    assert (changed.username, changed.display_name) == ("alice", "Ada")
    changed = await update(users, alice, username="alicia", code=app.next_code)
    assert changed.username == "alicia"


async def test_wrong_codes_count_together_wherever_they_are_given(start_users, code_of):
    users = await start_users(wrong_passwords=4)
    await users.register()
    alice = await users.log_in()
    app = App((await begin(users, alice)).secret)
    for _ in range(2):
        assert await code_of(confirm(users, alice, "000000")) is ErrorCode.SECOND_FACTOR_WRONG
    await confirm(users, alice, app.first_code)
    refused = change_password(users, alice, code="000000")
    assert await code_of(refused) is ErrorCode.SECOND_FACTOR_WRONG
    assert await code_of(delete(users, alice, code="000000")) is ErrorCode.SECOND_FACTOR_WRONG
    for refused in (
        update(users, alice, username="alicia", code=app.next_code),
        change_password(users, alice, code=app.next_code),
        remove(users, alice, app.next_code),
    ):
        assert await code_of(refused) is ErrorCode.RATE_LIMITED


async def test_codes_at_a_confirmation_cannot_be_tried_without_end(start_users, code_of):
    users = await start_users(wrong_passwords=3)
    await users.register()
    alice = await users.log_in()
    app = App((await begin(users, alice)).secret)
    guesses = [confirm(users, alice, "000000") for _ in range(10)]
    codes = await asyncio.gather(*map(code_of, guesses))
    assert codes.count(ErrorCode.SECOND_FACTOR_WRONG) == 3
    assert codes.count(ErrorCode.RATE_LIMITED) == 7
    assert await code_of(confirm(users, alice, app.first_code)) is ErrorCode.RATE_LIMITED
    assert not (await account(users, alice)).second_factor


async def test_devices_of_other_sessions_hear_of_changes(users, alice):
    async with two_devices(users, alice) as (desk, phone, _):
        await update(users, alice, display_name="Ada")
        assert await phone.event() == {"type": "profile_changed"}
        assert await desk.event() == {"type": "profile_changed"}
        app = App((await begin(users, alice)).secret)
        await confirm(users, alice, app.first_code)
        told = await phone.event()
        assert (told["type"], told["enabled"]) == ("second_factor_changed", True)
        await desk.hears_nothing()


# Deletion


async def test_a_deleted_account_leaves_a_tombstone_and_nothing_personal(
    users, alice, code_of, mongo_url, eventually
):
    await update(users, alice, avatar=PICTURE, display_name="Ada")
    assert await code_of(log_in(users, password="wrong password")) is ErrorCode.WRONG_CREDENTIALS
    assert (await delete(users, alice)).message == "Account deleted successfully"
    assert await code_of(refresh(users, alice)) is ErrorCode.TOKEN_INVALID
    assert await code_of(log_in(users)) is ErrorCode.WRONG_CREDENTIALS
    assert await code_of(account(users, alice)) is ErrorCode.USER_NOT_FOUND
    gone = await profile(users.stub, alice.user_id)
    assert (gone.username, gone.email, gone.deleted) == ("deleted user", "", True)
    [shown] = await summaries(users, ids=[alice.user_id, new_id()])
    assert (shown.username, shown.deleted) == ("deleted user", True)
    assert await summaries(users, query="a") == []
    assert await summaries(users, query="deleted") == []
    assert await summaries(users, usernames=["alice"]) == []
    with MongoClient(mongo_url) as client:
        database = client.get_default_database()

        async def nothing_personal_is_left():
            left = repr([list(database[name].find()) for name in database.list_collection_names()])
            return "alice" not in left.lower() and "::1" not in left

        # Alerts are stored a moment after they were told.
        await eventually(nothing_personal_is_left)
        assert database.login_places.count_documents({}) == 0
    assert await users.register() != alice.user_id


async def test_a_deletion_closes_all_sockets(users, alice):
    async with users.alert_socket(alice) as desk:
        await delete(users, alice)
        await desk.socket.wait_closed()
        assert desk.socket.close_code == 4401


async def test_a_deletion_needs_the_password_and_the_second_factor(
    users, alice, second_factor, code_of
):
    app, _ = second_factor
    refused = delete(users, alice, password="wrong password")
    assert await code_of(refused) is ErrorCode.WRONG_CREDENTIALS
    assert await code_of(delete(users, alice)) is ErrorCode.SECOND_FACTOR_REQUIRED
    assert await code_of(delete(users, alice, code="no")) is ErrorCode.SECOND_FACTOR_WRONG
    assert (await account(users, alice)).username == "alice"
    assert (await delete(users, alice, code=app.next_code)).message
