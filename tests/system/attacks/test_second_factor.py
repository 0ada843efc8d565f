"""Row 23: a stolen access token of an account with a second factor."""

import time
from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from .world import Person, World

ME = "/user-service/me"
NEW = "a new horse entirely"
# What a deployment takes unless configured otherwise (`wrong_passwords`).
WRONG_CODES = 10


class Protected(Person):
    """Somebody with a second factor. The first code is used up, `codes` are for recovery."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "vera")
        secret = self.begin()
        self.app = TOTP(b32decode(secret), 6, SHA1(), 30)
        self.used = self.app.generate(time.time()).decode()
        answer = self.http.post(f"{ME}/second-factor/confirm", json={"code": self.used})
        assert answer.status_code == 200, answer.text
        self.codes: list[str] = answer.json()["recovery_codes"]
        world.confidential |= {secret, *self.codes}

    def begin(self) -> str:
        answer = self.http.post(f"{ME}/second-factor", json={"password": self.password})
        assert answer.status_code == 200, answer.text
        return answer.json()["secret"]

    def changes(self, code: str | None) -> dict[str, tuple[str, str, dict[str, str]]]:
        """Return every sensitive change, with the right password and this code."""
        more = {} if code is None else {"code": code}
        passwords = {"current_password": self.password, "new_password": NEW}
        password = {"password": self.password}
        return {
            "password": ("POST", f"{ME}/password", passwords | more),
            "username": ("PATCH", ME, {"username": f"{self.username}-x"} | more),
            "deletion": ("POST", f"{ME}/deletion", password | more),
            "removal": ("POST", f"{ME}/second-factor/removal", password | {"code": code or ""}),
        }

    def try_to(self, what: str, code: str | None) -> tuple[int, str]:
        method, path, body = self.changes(code)[what]
        answer = self.http.request(method, path, json=body)
        return answer.status_code, answer.json().get("code", "")


CHANGES = ("password", "username", "removal", "deletion")


@pytest.fixture(scope="module")
def vera(world: World) -> Protected:
    return Protected(world)


@pytest.mark.parametrize("change", CHANGES)
def test_row_23_every_sensitive_change_asks_for_a_code(vera: Protected, change: str):
    assert vera.try_to(change, None) == (401, "second_factor_required")
    assert vera.try_to(change, "") == (401, "second_factor_required")
    # The one that turned the second factor on, within its window.
    assert vera.try_to(change, vera.used) == (401, "second_factor_wrong")
    assert vera.http.get(ME).json()["username"] == vera.username


def test_row_23_a_code_works_once_among_all_changes(world: World):
    vera = Protected(world)
    code = vera.codes[0]

    def rename(number: int) -> int:
        # Each to a name of its own: to have the name already is no change, and needs no code.
        body = {"username": f"{vera.username}-{number}", "code": code}
        return vera.http.patch(ME, json=body).status_code

    with ThreadPoolExecutor(4) as threads:
        first = list(threads.map(rename, range(4)))
    assert first.count(200) == 1
    assert vera.try_to("password", code) == (401, "second_factor_wrong")
    login = vera.http.post("/user-service/login", json=vera.credentials() | {"code": code})
    assert (login.status_code, login.json()["code"]) == (401, "second_factor_wrong")


def test_row_23_wrong_codes_count_together_and_at_once(world: World):
    vera = Protected(world)
    tries = [CHANGES[n % len(CHANGES)] for n in range(WRONG_CODES * 2)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda change: vera.try_to(change, "000000"), tries))
    codes = [code for _, code in answers if code != "overloaded"]
    assert codes.count("second_factor_wrong") <= WRONG_CODES
    # Whoever was not served then is refused now.
    while codes.count("second_factor_wrong") < WRONG_CODES and len(codes) < 10 * WRONG_CODES:
        codes.append(vera.try_to("username", "000000")[1])
    assert codes.count("second_factor_wrong") == WRONG_CODES
    for change in CHANGES:
        assert vera.try_to(change, vera.codes[0]) == (429, "rate_limited")
    # Who holds the token keeps the owner from nothing else.
    login = vera.http.post("/user-service/login", json=vera.credentials() | {"code": vera.codes[1]})
    assert login.status_code == 200, login.text


def test_row_23_wrong_codes_count_where_a_second_factor_is_turned_on(world: World):
    eve = Person(world, "eve")
    begun = eve.http.post(f"{ME}/second-factor", json={"password": eve.password})
    secret = begun.json()["secret"]
    world.confidential.add(secret)
    path = f"{ME}/second-factor/confirm"
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda _: eve.http.post(path, json={"code": "000000"}).status_code,
                range(WRONG_CODES + 5),
            )
        )
    assert (answers.count(401), answers.count(429)) == (WRONG_CODES, 5)
    right = TOTP(b32decode(secret), 6, SHA1(), 30).generate(time.time()).decode()
    assert eve.http.post(path, json={"code": right}).status_code == 429
    assert eve.http.get(ME).json()["second_factor"] is False
