"""Row 15: more sessions of one user than anything may be slow for."""

import secrets
from datetime import UTC, datetime, timedelta

from tests.system.conftest import wait_for

from .world import Person, World

MAX_SESSIONS = 100
OLD = 4_100


def flood(world: World, person: Person, number: int) -> list[str]:
    """Store sessions of a user that were last seen an hour ago, as logins would have left them."""
    with world.users_database() as database:
        model = database.sessions.find_one({"user_id": person.id})
        seen = datetime.now(UTC) - timedelta(hours=1)
        ids = [f"00{secrets.token_hex(12)}" for _ in range(number)]
        database.sessions.insert_many({**model, "_id": each, "last_seen_at": seen} for each in ids)
    return ids


def open_sessions(world: World, person: Person) -> int:
    with world.users_database() as database:
        return database.sessions.count_documents({"user_id": person.id})


def test_row_15_a_password_is_changed_although_thousands_of_sessions_are_open(world: World):
    eve = Person(world, "eve")
    ended = flood(world, eve, OLD)
    with world.client(eve.address) as second:
        login = second.post("/user-service/login", json=eve.credentials())
        # Of all that are open the newest stay, this one among them.
        assert login.status_code == 200
        assert open_sessions(world, eve) < OLD
        flood(world, eve, OLD)
        with eve.open("/ws/alert") as kept:
            body = {"current_password": eve.password, "new_password": "a new horse entirely"}
            changed = eve.http.post("/user-service/me/password", json=body)
            assert changed.status_code == 200, changed.text
            refused = second.post("/user-service/login", json=eve.credentials())
            assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials")
            assert kept.is_open
        token = {"Authorization": f"Bearer {login.json()['token']}"}
        stale = second.get("/user-service/me", headers=token)
        assert (stale.status_code, stale.json()["code"]) == (401, "token_invalid")
    # The password counts at once; thousands of sessions end behind the response.
    wait_for(lambda: open_sessions(world, eve) == 1, 30, "all other sessions to end")
    listed = eve.http.get("/user-service/sessions").json()
    assert [each["current"] for each in listed["sessions"]] == [True]
    with world.users_database() as database:
        assert database.sessions.count_documents({"_id": {"$in": ended}}) == 0
        assert database.ended_sessions.count_documents({"_id": {"$in": ended}}) == OLD
        alerts = database.alerts.count_documents({"user_id": eve.id})
    assert alerts <= 100
    world.confidential.add("a new horse entirely")


def test_row_15_logins_without_end_leave_a_bounded_number_of_sessions(world: World):
    eve = Person(world, "eve")
    flood(world, eve, MAX_SESSIONS - 1)
    for _ in range(3):
        assert eve.http.post("/user-service/login", json=eve.credentials()).status_code == 200
        assert open_sessions(world, eve) == MAX_SESSIONS
    # The one in use is not the one that ends.
    assert eve.http.get("/user-service/me").status_code == 200


def test_row_15_all_others_of_thousands_end_at_once_and_lists_are_bounded(world: World):
    eve = Person(world, "eve")
    flood(world, eve, OLD)
    page = eve.http.get("/user-service/sessions").json()
    assert (len(page["sessions"]), page["has_more"]) == (100, True)
    refused = eve.http.get("/user-service/sessions", params={"limit": 201})
    assert refused.status_code == 400
    ended = eve.http.delete("/user-service/sessions")
    assert (ended.status_code, ended.json()["ended"]) == (200, OLD)
    page = eve.http.get("/user-service/sessions").json()
    assert (len(page["sessions"]), page["has_more"]) == (1, False)


def test_row_15_an_account_with_thousands_of_sessions_can_be_deleted(world: World):
    eve = Person(world, "eve")
    flood(world, eve, OLD)
    deleted = eve.http.post("/user-service/me/deletion", json={"password": eve.password})
    assert deleted.status_code == 200, deleted.text
    assert open_sessions(world, eve) == 0
    refused = eve.http.post("/user-service/login", json=eve.credentials())
    assert refused.status_code == 401
