from typing import Annotated

import msgspec
import pytest

from chatterroom.core.settings import SettingsError, load_settings


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
