"""Rows 16, 42, 43 and 51: what people write of themselves, what pages may do, what logs hold."""

import re
import unicodedata

import pytest

from .world import Person, World, new_address

NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "<svg onload=alert(1)>",
    "\u202e\u2066evil",
    "{{constructor.constructor('alert(1)')()}}",
    "</textarea><iframe srcdoc='<script>1</script>'>",
]
PAGES = ["/", "/docs", "/docs.js", "/docs.css"]
DATA = [
    "/status",
    "/discovery/status",
    "/openapi.json",
    "/healthz",
    "/nowhere",
    "/.well-known/jwks.json",
    "/chat-service/conversations",
    "/user-service/users?query=a",
]


def policy(answer) -> dict[str, list[str]]:
    directives = answer.headers["content-security-policy"].split(";")
    return {words[0]: words[1:] for words in map(str.split, directives)}


def test_row_16_a_profile_keeps_the_email_to_itself_where_the_platform_says_so(
    world: World, mallory: Person
):
    for path in (
        f"/user-service/users/{world.alice.id}",
        f"/user-service/users?ids={world.alice.id}",
    ):
        answer = mallory.http.get(path)
        assert answer.status_code == 200, answer.text
        assert world.alice.username in answer.text
        assert world.alice.email not in answer.text
    assert world.alice.email in world.alice.http.get("/user-service/me").text


@pytest.mark.parametrize("text", NASTY)
def test_row_42_what_is_written_comes_back_as_data(world: World, mallory: Person, text: str):
    assert mallory.write(world.shared_room, text).status_code == 200
    answer = world.alice.http.get(f"/chat-service/rooms/{world.shared_room}")
    assert answer.json()["messages"][-1]["message"] == text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert policy(answer)["default-src"] == ["'none'"]


def test_row_42_a_room_may_have_any_name_that_can_be_seen(world: World, mallory: Person):
    for text in NASTY[:4]:
        body = {"room_name": text, "creator_id": mallory.id, "members_ids": []}
        room = mallory.http.post("/chat-service/rooms/create", json=body).json()["room_id"]
        shown = mallory.http.get(f"/chat-service/rooms/{room}/members")
        assert shown.json()["room_name"] == text
        body = {"username": text[:32], "email": "xss@example.org", "password": "correct horse"}
        with world.client(new_address()) as http:
            assert http.post("/user-service/register", json=body).status_code == 400


@pytest.mark.parametrize("path", PAGES)
def test_row_42_pages_run_nothing_that_is_not_a_file_of_ours(world: World, path: str):
    with world.client(new_address()) as http:
        answer = http.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    allowed = policy(answer)
    assert allowed["default-src"] == allowed["base-uri"] == allowed["frame-ancestors"] == ["'none'"]
    for directive, sources in allowed.items():
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"} & set(sources)
        assert directive in {"img-src"} or not {"data:", "blob:"} & set(sources)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if "html" in answer.headers["content-type"]:
        scripts = re.findall(r"<script\b([^>]*)>([^<]*)", answer.text)
        assert all("src=" in attributes and not inline.strip() for attributes, inline in scripts)
        assert not re.search(r"\son\w+\s*=|\sstyle\s*=|<style|javascript:", answer.text)


@pytest.mark.parametrize("path", DATA)
def test_row_42_data_is_neither_run_nor_framed_nor_guessed_at_nor_kept(world: World, path: str):
    answer = world.alice.http.get(path)
    allowed = policy(answer)
    assert allowed["default-src"] == allowed["frame-ancestors"] == ["'none'"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cache-control"] == "no-store" or path.startswith("/.well-known")


def test_row_42_no_other_site_may_read_answers(world: World):
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = world.alice.http.options("/chat-service/private/send", headers=headers)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_row_43_a_name_in_another_form_is_the_same_name(world: World):
    person = Person(world, "zoe")
    wide = "".join(
        chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in person.username
    )
    assert unicodedata.normalize("NFKC", wide) == person.username
    for username in (person.username.upper(), wide):
        body = {"username": username, "email": "zoe2@example.org", "password": "correct horse"}
        with world.client(new_address()) as http:
            answer = http.post("/user-service/register", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    body = {"username": "zoe-other", "email": person.email.upper(), "password": "correct horse"}
    with world.client(new_address()) as http:
        assert http.post("/user-service/register", json=body).json()["code"] == "email_taken"


def test_row_51_no_secret_is_in_a_log_or_a_command_line(world: World, mallory: Person):
    body = {"email": mallory.email, "password": "not " + mallory.password}
    mallory.http.post("/user-service/login", json=body)
    with world.client(new_address()) as http:
        http.get("/chat-service/conversations", params={"token": mallory.token})
    assert len(world.keys) >= 9
    assert len(world.confidential) >= 9
    world.check_logs()


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u2060\ufe0f",
        "\u3164",
        "\u2800",
        "\u00a0\u3000",
        "\u202e\u202c",
        "\u200d",
        "\u0301",
        "\u00ad\n",
    ],
    ids=ascii,
)
def test_a_message_that_nobody_can_see_is_empty(world: World, mallory: Person, text: str):
    room = mallory.create_room()
    refused = mallory.write(room, text)
    assert (refused.status_code, refused.json()["code"]) == (400, "empty_message")
    sent = mallory.write(room, "seen").json()
    edited = mallory.http.put(f"/chat-service/messages/{sent['id']}", json={"message": text})
    assert (edited.status_code, edited.json()["code"]) == (400, "empty_message")
    assert mallory.texts(room) == ["seen"]
