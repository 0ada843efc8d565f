"""docs/asyncapi.yaml as tests use it, and the services that they hold against it."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from jsonschema import Draft202012Validator

TESTS = Path(__file__).resolve().parents[1]
DOCS = TESTS.parent / "docs"

Schema = dict[str, Any]


def load(place: str) -> ModuleType:
    """Return a module of another folder of tests."""
    spec = importlib.util.spec_from_file_location(place.replace("/", "_"), TESTS / f"{place}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chat = load("unit/chat/conftest")
service = chat.service
secrets_dir = chat.secrets_dir
no_ended_sessions = chat.no_ended_sessions

_users = load("unit/users/conftest")
start_users = _users.start_users
users = _users.users

# YAML has keys that are no strings, and a document may hold one object in several places.
DOCUMENT: Schema = json.loads(json.dumps(yaml.safe_load((DOCS / "asyncapi.yaml").read_text())))


def resolved(node: Schema) -> Schema:
    """Return what a node refers to, or the node."""
    while "$ref" in node:
        place: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        node = place
    return node


def message_of(channel: str, key: str) -> Schema:
    return resolved(DOCUMENT["channels"][channel]["messages"][key])


def messages(channel: str, action: str) -> dict[str, Schema]:
    """Return the messages of a channel by their type: what the server receives, or sends."""
    found: dict[str, Schema] = {}
    for operation in DOCUMENT["operations"].values():
        ways = [(operation["action"], operation)]
        if "reply" in operation:
            ways.append(("send", operation["reply"]))
        for way, part in ways:
            if way == action and part["channel"]["$ref"] == f"#/channels/{channel}":
                for reference in part["messages"]:
                    message = resolved(resolved(reference))
                    found[message["name"]] = message
    return found


def validator(schema: Schema) -> Draft202012Validator:
    """Return a validator that knows no fields beside those of the document."""
    closed = {**_closed(schema), "components": {"schemas": _components()}}
    Draft202012Validator.check_schema(closed)
    return Draft202012Validator(closed)


def problems(schema: Schema, value: Any) -> list[str]:
    """Return what is wrong with a value."""
    return [error.message for error in validator(schema).iter_errors(value)]


def _components() -> Schema:
    # What entries share is a part of other schemas, which are closed as a whole.
    schemas = DOCUMENT["components"]["schemas"]
    return {name: _closed(schema, whole=name != "Entry") for name, schema in schemas.items()}


def _closed(schema: Any, *, whole: bool = True) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        name: (
            [_closed(part, whole=False) for part in value]
            if name == "allOf"
            else {field: _closed(inner) for field, inner in value.items()}
            if name == "properties"
            else value
            if name in {"const", "enum", "default", "examples"}
            else _closed(value)
        )
        for name, value in schema.items()
    }
    if whole and ("properties" in schema or "allOf" in schema):
        closed["unevaluatedProperties"] = False
    return closed
