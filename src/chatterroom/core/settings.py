"""Settings from the environment, typed once, before anything starts.

A field `mongo_url` of the service `users` is read from `CHATTERROOM_USERS_MONGO_URL` and, where
that is unset, from `CHATTERROOM_MONGO_URL`: one environment can serve every process. A variable
with `_FILE` behind its name may name a file that holds the value instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

__all__ = ["SettingsError", "load_settings", "with_password"]

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
        names[field] = shared
        for name in (own, shared):
            value = _value(name, environ)
            if value:
                found[field], names[field] = value, name
                break
    try:
        return msgspec.convert(found, settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), names)) from None


def with_password(url: str, password: str) -> str:
    """Return `url` with a password for its user, or with its own where `password` is empty."""
    if not password:
        return url
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, _, place = authority.rpartition("@")
    name = user.partition(":")[0]
    return f"{scheme}://{name}:{quote(password, safe='')}@{place}{slash}{path}"


def _value(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "")
    path = environ.get(f"{name}_FILE", "")
    if value or not path:
        return value
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"{name}_FILE: {path}: {reason}") from None


def _explain(reason: str, names: dict[str, str]) -> str:
    for field, name in names.items():
        if f"missing required field `{field}`" in reason:
            return f"{name} is not set"
        if reason.endswith(f"`$.{field}`"):
            return f"{name} is wrong: {reason.removesuffix(f' - at `$.{field}`')}"
    return reason
