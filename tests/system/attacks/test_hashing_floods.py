"""Row 16: whatever hashes a password is counted like a login, and logins are never crowded out."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .world import CREDENTIALS_BURST, USER_CREDENTIALS_BURST, Person, World, new_address

WRONG = "correct horse battery"
# Whatever takes a password or a code of somebody who is logged in.
CONFIRMED = {
    "/user-service/me/password": {"current_password": WRONG, "new_password": "a new pass phrase"},
    "/user-service/me/deletion": {"password": WRONG},
    "/user-service/me/second-factor": {"password": WRONG},
    "/user-service/me/second-factor/confirm": {"code": "123456"},
    "/user-service/me/second-factor/removal": {"password": WRONG, "code": "123456"},
}


def attempt(world: World, person: Person, path: str, address: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {person.token}", "X-Forwarded-For": address}
    return world.bob.http.post(path, json=CONFIRMED[path], headers=headers)


@pytest.mark.parametrize("path", CONFIRMED)
def test_row_16_secrets_that_are_given_again_are_counted_by_user(world: World, path: str):
    person = Person(world, "again")
    answers = [
        attempt(world, person, path, new_address()) for _ in range(USER_CREDENTIALS_BURST + 1)
    ]
    assert answers[-1].status_code == 429, answers[-1].text
    assert answers[-1].json()["policy"] == "credentials-per-user"
    assert int(answers[-1].headers["retry-after"]) >= 1
    # All ways count together, and everything else goes on.
    for other in CONFIRMED:
        assert attempt(world, person, other, new_address()).status_code == 429
    assert person.http.get("/user-service/me").status_code == 200


def test_row_16_many_accounts_of_one_address_are_counted_together(world: World):
    address = new_address()
    statuses = []
    accounts = [Person(world, "many") for _ in range(4)]
    for number in range(CREDENTIALS_BURST + 4):
        path = list(CONFIRMED)[number % len(CONFIRMED)]
        statuses.append(attempt(world, accounts[number % 4], path, address).status_code)
    assert statuses[-4:] == [429] * 4
    with world.client(address) as http:
        body = {"email": accounts[0].email, "password": WRONG}
        refused = http.post("/user-service/login", json=body)
    assert (refused.status_code, refused.json()["policy"]) == (429, "credentials")


def test_row_16_others_log_in_while_passwords_are_changed_all_the_time(world: World):
    accounts = [Person(world, "flooding") for _ in range(12)]
    honest = [Person(world, "honest") for _ in range(4)]

    def flood(account: Person) -> list[int]:
        path = "/user-service/me/password"
        return [
            attempt(world, account, path, new_address()).status_code
            for _ in range(USER_CREDENTIALS_BURST + 4)
        ]

    with ThreadPoolExecutor(len(accounts)) as pool:
        floods = [pool.submit(flood, account) for account in accounts]
        for person in honest:
            # Asserts that it succeeds.
            person.log_in()
        statuses = {status for flooding in floods for status in flooding.result()}
    assert 429 in statuses
    assert statuses <= {401, 429, 503, 504}
    for person in honest:
        person.log_in()
