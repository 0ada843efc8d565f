"""Settings from the environment, typed once, before anything starts.

A field `mongo_url` of the service `users` is read from `CHATTERROOM_USERS_MONGO_URL` and, where
that is unset, from `CHATTERROOM_MONGO_URL`: one environment can serve every process.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

__all__ = ["SettingsError", "load_settings"]

PREFIX = "CHATTERROOM"

SettingsType = TypeVar("SettingsType", bound=msgspec.Struct)


class SettingsError(Exception):
    """A setting is missing or wrong; the message names its variable, never its value."""


def load_settings(
    settings: type[SettingsType], service: str, environ: Mapping[str, str]
) -> SettingsType:
    """Read the fields of `settings` for `service` from `environ`.

    An empty variable counts as unset. Raises `SettingsError` naming the first variable that is
    missing or does not fit its type or range.
    """
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for field in settings.__struct_fields__:
        own = f"{PREFIX}_{service}_{field}".upper()
        shared = f"{PREFIX}_{field}".upper()
        names[field] = own if environ.get(own) else shared
        value = environ.get(own) or environ.get(shared)
        if value:
            found[field] = value
    try:
        return msgspec.convert(found, settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), names)) from None


def _explain(reason: str, names: dict[str, str]) -> str:
    for field, name in names.items():
        if f"missing required field `{field}`" in reason:
            return f"{name} is not set"
        if reason.endswith(f"`$.{field}`"):
            return f"{name} is wrong: {reason.removesuffix(f' - at `$.{field}`')}"
    return reason
