"""Row 24: names that pass for those of others."""

import secrets

import pytest

from .world import Person, World, new_address

ME = "/user-service/me"
REGISTER = "/user-service/register"


def register(world: World, username: str):
    body = {
        "username": username,
        "password": secrets.token_urlsafe(12),
        "email": f"{secrets.token_hex(6)}@example.org",
    }
    world.confidential.add(body["password"])
    return world.client(new_address()).post(REGISTER, json=body)


@pytest.fixture(scope="module")
def pascal(world: World) -> Person:
    """Somebody whose name has many look-alikes."""
    return Person(world, "oxpascal")


def like(person: Person, **changed: str) -> str:
    """Return a username with letters replaced by others."""
    return person.username.translate(str.maketrans(changed))


@pytest.mark.parametrize(
    "name",
    ["ꓮꓡꓲꓚꓰ", "𐐰𐐱𐐲𐐳", "ɑlice", "аlice", "αlice", "ᎪᏞᏆᏟᎬ", "alice\u0441", "a\u0338lice", "ab١2"],
    ids=ascii,
)
def test_row_24_usernames_of_other_scripts_letters_are_refused(world: World, name: str):
    refused = register(world, f"{name}{secrets.token_hex(4)}")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["field"] == "username"


@pytest.mark.parametrize("changed", [{"l": "I"}, {"l": "1"}, {"o": "0"}, {"o": "O"}])
def test_row_24_usernames_that_look_like_anothers_are_taken(
    world: World, pascal: Person, mallory: Person, changed: dict[str, str]
):
    name = like(pascal, **changed)
    assert name != pascal.username
    refused = register(world, name)
    assert (refused.status_code, refused.json()["code"]) == (409, "username_taken")
    renamed = mallory.http.patch(ME, json={"username": name})
    assert (renamed.status_code, renamed.json()["code"]) == (409, "username_taken")


def test_row_24_a_whole_name_of_another_script_is_taken(world: World):
    unique = "".join(secrets.choice("aceopx") for _ in range(16))
    assert register(world, unique).status_code == 200
    cyrillic = unique.translate(str.maketrans("aceopx", "асеорх"))
    assert register(world, cyrillic).status_code == 409
    dotted = f"i{unique}"
    assert register(world, dotted).status_code == 200
    assert register(world, f"ı{unique}").status_code == 409


@pytest.mark.parametrize(
    "name",
    [
        "deleted user",
        "Deleted User",
        "DELETED\u3000USER",
        "deIeted user",
        "Dеleted usеr",
        "@deleted.user",
    ],
    ids=ascii,
)
def test_row_24_nobody_is_called_a_deleted_user(world: World, mallory: Person, name: str):
    refused = mallory.http.patch(ME, json={"display_name": name})
    assert (refused.status_code, refused.json()["field"]) == (400, "display_name")
    assert register(world, name.replace(" ", "_")).status_code == 400


def test_row_24_a_display_name_passes_for_nobodys_username(pascal: Person, mallory: Person):
    names = (
        pascal.username,
        pascal.username.upper(),
        f"@{pascal.username}",
        f"  {pascal.username} ",
        like(pascal, l="I"),
        like(pascal, a="а"),
        f"{pascal.username[:3]}\u200d{pascal.username[3:]}",
    )
    for name in names:
        refused = mallory.http.patch(ME, json={"display_name": name})
        assert (refused.status_code, refused.json()["field"]) == (400, "display_name"), name
    assert mallory.http.get(ME).json()["display_name"] == ""
    own = pascal.http.patch(ME, json={"display_name": pascal.username})
    assert own.status_code == 200


def test_row_24_people_of_all_scripts_have_names(world: World):
    syllables = "कखगघचछजझटठडढतथदधनपफबभम"
    name = "".join(secrets.choice(syllables) for _ in range(10))
    assert register(world, f"प्रिया{name}").status_code == 200
    person = Person(world, "ana")
    for shown in ("👩\u200d💻 Ana", "می\u200cخواهم", "安\u3000娜"):
        assert person.http.patch(ME, json={"display_name": shown}).status_code == 200
