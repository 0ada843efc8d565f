from typing import Annotated

import msgspec
import pytest

from chatterroom.core.settings import SettingsError, load_settings, with_password


class Example(msgspec.Struct, frozen=True, kw_only=True):
    mongo_url: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    lease_s: float = 6.0


def load(**environ):
    return load_settings(Example, "users", environ)


def test_a_setting_of_the_service_wins_over_the_shared_one():
    settings = load(CHATTERROOM_MONGO_URL="shared", CHATTERROOM_USERS_MONGO_URL="own")
    assert settings.mongo_url == "own"
    assert load(CHATTERROOM_MONGO_URL="shared").mongo_url == "shared"


def test_values_are_typed_and_an_empty_one_counts_as_unset():
    settings = load(
        CHATTERROOM_MONGO_URL="x", CHATTERROOM_USERS_PORT="80", CHATTERROOM_USERS_LEASE_S=""
    )
    assert (settings.port, settings.lease_s) == (80, 6.0)


def test_what_belongs_to_others_is_ignored():
    settings = load(CHATTERROOM_MONGO_URL="x", CHATTERROOM_CHAT_PORT="80", PORT="1")
    assert settings.port == 0


def test_a_missing_setting_is_named():
    with pytest.raises(SettingsError, match="MONGO_URL is not set"):
        load()


@pytest.mark.parametrize("value", ["eighty", "65536", "-1", "8.5"])
def test_a_wrong_setting_is_named_without_its_value(value):
    with pytest.raises(SettingsError, match="CHATTERROOM_USERS_PORT is wrong") as caught:
        load(CHATTERROOM_MONGO_URL="x", CHATTERROOM_USERS_PORT=value)
    assert "eighty" not in str(caught.value)


def test_a_value_may_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text("from a file\n")
    path = str(tmp_path / "url")
    assert load(CHATTERROOM_USERS_MONGO_URL_FILE=path).mongo_url == "from a file"
    assert load(CHATTERROOM_MONGO_URL_FILE=path).mongo_url == "from a file"
    own = load(CHATTERROOM_USERS_MONGO_URL="own", CHATTERROOM_USERS_MONGO_URL_FILE=path)
    assert own.mongo_url == "own"


def test_a_missing_file_is_named_with_its_variable(tmp_path):
    with pytest.raises(SettingsError, match=r"^CHATTERROOM_MONGO_URL_FILE: .*nowhere: No such"):
        load(CHATTERROOM_MONGO_URL_FILE=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("url", "complete"),
    [
        ("redis://host:6379/0", "redis://:p%2F%40w@host:6379/0"),
        ("mongodb://me@a:1,b:2/db?x=y", "mongodb://me:p%2F%40w@a:1,b:2/db?x=y"),
        ("mongodb://me:old@a/db", "mongodb://me:p%2F%40w@a/db"),
        ("redis://host", "redis://:p%2F%40w@host"),
    ],
)
def test_a_password_is_put_into_a_url(url, complete):
    assert with_password(url, "p/@w") == complete
    assert with_password(url, "") == url
