"""The OpenAPI 3.1 document, made from the table of endpoints and the types they use."""

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from chatterroom import __version__
from chatterroom.core.errors import ErrorCode
from chatterroom.gateway.endpoints import Access, Endpoint
from chatterroom.gateway.errors import Problem, status_of

__all__ = ["encode_document", "make_document"]

Json = dict[str, Any]

_DESCRIPTION = """Realtime chat: private chats and rooms.

Log in, then send the token as `Authorization: Bearer`. The `sender_id`, `creator_id` and, where
one leaves a room, `user_id` of a body must be the user that the token was issued to.

Failures are problem details (RFC 9457): match on `code`. What may be tried again later carries
`Retry-After`. Requests are limited per address and per user; `RateLimit-Policy` and `RateLimit`
say how much is left.

Live messages come over WebSocket: `/ws/chat?userId=&roomId=` and `/ws/alert?userId=`.
"""
_TAGS = {
    "user-service": "Accounts, logins and profiles.",
    "chat-service": "Private chats, rooms and conversations.",
    "status": "The state of the platform.",
}
_IN_PATH = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{name}"


def encode_document(endpoints: Iterable[Endpoint]) -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(make_document(endpoints))


def make_document(endpoints: Iterable[Endpoint]) -> Json:
    """Return the document of these endpoints."""
    rows = list(endpoints)
    components = _Components(rows)
    paths: defaultdict[str, Json] = defaultdict(dict)
    for endpoint in rows:
        paths[endpoint.path][endpoint.method.lower()] = _operation(endpoint, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ChatterRoom", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": dict(paths),
        "components": {
            "schemas": components.schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `token` of `POST /user-service/login`.",
                }
            },
        },
    }


class _Components:
    """Schemas of all the types, and references to them."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        types: dict[type[msgspec.Struct], None] = {Problem: None}
        for endpoint in endpoints:
            types[endpoint.query] = None
            if endpoint.answer is not None:
                types[endpoint.answer] = None
            types.update(dict.fromkeys(endpoint.other_answers.values()))
            if endpoint.body is not None:
                types[endpoint.body] = None
        _, self.schemas = msgspec.json.schema_components(types, ref_template=_REF)
        self._queries = {
            endpoint.query: self.schemas[endpoint.query.__name__] for endpoint in endpoints
        }
        for query in self._queries:
            self.schemas.pop(query.__name__, None)

    def reference(self, struct: type[msgspec.Struct]) -> Json:
        return {"$ref": _REF.format(name=struct.__name__)}

    def query_parameters(self, struct: type[msgspec.Struct]) -> list[Json]:
        properties: Json = self._queries[struct].get("properties", {})
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": _described(schema),
                "schema": _without_null(schema),
            }
            for name, schema in properties.items()
        ]


def _operation(endpoint: Endpoint, components: _Components) -> Json:
    summary = inspect.getdoc(endpoint.handler) or ""
    name = getattr(endpoint.handler, "__name__", "")
    operation: Json = {
        "operationId": name,
        "summary": summary,
        "tags": [_tag(endpoint)],
        "responses": _responses(endpoint, components),
    }
    parameters = _parameters(endpoint, components)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": components.reference(endpoint.body)}},
        }
    if endpoint.access is Access.TOKEN:
        operation["security"] = [{"token": []}]
    return operation


def _tag(endpoint: Endpoint) -> str:
    first = endpoint.path.split("/")[1]
    return first if endpoint.service is not None else "status"


def _parameters(endpoint: Endpoint, components: _Components) -> list[Json]:
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(endpoint.path)
    ]
    parameters += components.query_parameters(endpoint.query)
    if endpoint.repeatable:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Used as `client_id` if the body has none.",
                "schema": {"type": "string", "maxLength": 64},
            }
        )
    return parameters


def _responses(endpoint: Endpoint, components: _Components) -> Json:
    by_status: defaultdict[int, list[ErrorCode]] = defaultdict(list)
    for code in _errors(endpoint):
        by_status[status_of(code).value].append(code)
    responses: Json = {
        "200": {
            "description": (endpoint.answer and endpoint.answer.__doc__) or "The result.",
            "headers": _limit_headers(endpoint),
            "content": _content(endpoint, components),
        }
    }
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = {
            "description": ", ".join(f"`{code.value}`" for code in codes),
            "content": {
                "application/problem+json": {
                    "schema": components.reference(Problem),
                    "examples": {code.value: {"value": _example_problem(code)} for code in codes},
                }
            },
        }
    for status, struct in endpoint.other_answers.items():
        response = responses.setdefault(str(status), {"description": "", "content": {}})
        said = struct.__doc__ or ""
        response["description"] = " ".join(filter(None, (said, response["description"])))
        response["content"]["application/json"] = {"schema": components.reference(struct)}
    return responses


def _content(endpoint: Endpoint, components: _Components) -> Json:
    if endpoint.answer is not None:
        return {"application/json": {"schema": components.reference(endpoint.answer)}}
    # OpenAPI 3.1: bytes have no schema.
    return {media_type: {} for media_type in endpoint.media_types}


def _errors(endpoint: Endpoint) -> list[ErrorCode]:
    errors = [ErrorCode.INTERNAL]
    if endpoint.body is not None:
        errors += [
            ErrorCode.INVALID_REQUEST,
            ErrorCode.MALFORMED_JSON,
            ErrorCode.BODY_TOO_LARGE,
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ]
    elif endpoint.query.__struct_fields__:
        errors.append(ErrorCode.INVALID_REQUEST)
    if endpoint.repeatable:
        errors.append(ErrorCode.MALFORMED_ID)
    if endpoint.access is Access.TOKEN:
        errors += [ErrorCode.TOKEN_MISSING, ErrorCode.TOKEN_INVALID, ErrorCode.TOKEN_EXPIRED]
    if endpoint.access is not Access.FREE:
        errors += [ErrorCode.RATE_LIMITED, ErrorCode.OVERLOADED]
    if endpoint.service is not None:
        errors += [ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.REQUEST_TIMED_OUT]
        errors.append(ErrorCode.STORAGE_UNAVAILABLE)
    return list(dict.fromkeys([*endpoint.errors, *errors]))


def _limit_headers(endpoint: Endpoint) -> Json:
    if endpoint.access is Access.FREE:
        return {}
    return {
        "RateLimit-Policy": {"schema": {"type": "string"}, "example": '"address";q=2000;w=5'},
        "RateLimit": {"schema": {"type": "string"}, "example": '"address";r=1999;t=1'},
    }


def _example_problem(code: ErrorCode) -> Json:
    status = status_of(code)
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": "A sentence for people.",
        "code": code.value,
    }


def _described(schema: Json) -> str:
    inner: Json = next((s for s in schema.get("anyOf", []) if "description" in s), {})
    return str(schema.get("description") or inner.get("description", ""))


def _without_null(schema: Json) -> Json:
    """A query parameter is absent rather than null."""
    kept = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return kept[0] if kept else {k: v for k, v in schema.items() if k != "default"}
