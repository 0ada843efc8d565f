"""Usernames that look alike, on a real user service, and accounts of before."""

import pytest
from pymongo import MongoClient

from chatterroom.core.errors import ErrorCode
from chatterroom.pb import users_pb2 as pb
from chatterroom.users.look_alikes_mongo import BATCH
from chatterroom.users.names import TABLES_VERSION


async def update(users, user_id, **fields):
    request = pb.UpdateAccountRequest(user_id=user_id, **fields)
    return await users.acting_for(user_id).UpdateAccount(request)


@pytest.mark.parametrize("name", ["paypaI", "раураl", "PAYPAL", "paypa1"], ids=ascii)
async def test_nobody_gets_a_username_that_looks_like_anothers(users, code_of, name):
    await users.register("paypal")
    other = await users.register("other")
    expected = ErrorCode.INVALID_REQUEST if name == "раураl" else ErrorCode.USERNAME_TAKEN
    registering = users.register(name, email="third@example.org")
    assert await code_of(registering) is expected
    assert await code_of(update(users, other, username=name)) is expected
    assert (await update(users, other, username="Other")).username == "Other"


async def test_a_username_that_was_given_up_frees_those_that_look_like_it(users):
    alice = await users.register("paypal")
    await update(users, alice, username="alice")
    assert await users.register("paypaI", email="other@example.org")


async def test_a_display_name_may_look_like_ones_own_username_and_like_no_others(users, code_of):
    alice, bob = await users.register("alice"), await users.register("bob")
    assert (await update(users, alice, display_name="Alice")).display_name == "Alice"
    for name in ("alice", "ALICE", "@alice", "аlice", "al\u200cice", "aIice"):
        refused = update(users, bob, display_name=name)
        assert await code_of(refused) is ErrorCode.INVALID_REQUEST
    assert (await update(users, bob, display_name="Alice B.")).display_name == "Alice B."


async def test_accounts_of_before_get_skeletons_and_those_that_collide_are_kept(
    start_users, mongo_url, eventually, code_of
):
    users = await start_users()
    await users.register("paypal")
    second = await users.register("other")
    third = await users.register("somebody")
    await users.stop()
    with MongoClient(mongo_url) as client:
        accounts = client.get_default_database().users
        # Allowed before, as were others of two scripts.
        old_name = {"username": "раураl", "username_key": "раураl"}
        accounts.update_one({"_id": second}, {"$set": old_name})
        model = accounts.find_one({"_id": third})
        accounts.insert_many(
            {**model, "_id": f"00{n:024}", "username_key": f"u-{n}", "email_key": f"u-{n}"}
            | {"username": f"before-{n}", "skeletons": [f"u-{n}"]}
            for n in range(BATCH * 2)
        )
        accounts.update_many({}, {"$unset": {"skeletons": True, "skeletons_of": True}})
        again = await start_users()

        async def all_are_done():
            return accounts.count_documents({"skeletons_of": {"$ne": TABLES_VERSION}}) == 0

        await eventually(all_are_done)
        assert accounts.count_documents({"skeletons": {"$exists": False}}) == 1
    # Who has such a name keeps it, logs in and changes the rest.
    login = await again.log_in("other")
    assert (await update(again, login.user_id, username="раураl")).username == "раураl"
    assert (await update(again, login.user_id, display_name="O.")).display_name == "O."
    taken = again.register("paypa1", email="x@example.org")
    assert await code_of(taken) is ErrorCode.USERNAME_TAKEN
