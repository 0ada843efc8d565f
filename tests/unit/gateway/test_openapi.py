"""The OpenAPI document and the pages around it."""

import re

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from chatterroom.gateway.app import ENDPOINTS
from chatterroom.gateway.endpoints import Access
from chatterroom.gateway.openapi import make_document

DOCUMENT = make_document(ENDPOINTS)
SEED = {
    ("POST", "/user-service/register"),
    ("POST", "/user-service/login"),
    ("GET", "/user-service/users/{user_id}"),
    ("POST", "/chat-service/private/send"),
    ("POST", "/chat-service/private/{receiver_id}"),
    ("POST", "/chat-service/rooms/create"),
    ("PUT", "/chat-service/rooms/{room_id}/add"),
    ("GET", "/chat-service/rooms/{room_id}"),
    ("PUT", "/chat-service/rooms/{room_id}/leave"),
    ("GET", "/status"),
    ("GET", "/discovery/status"),
    ("GET", "/user-service/status"),
    ("GET", "/chat-service/status"),
    ("GET", "/timeout"),
}


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def test_the_document_is_valid():
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_it_holds_every_endpoint_and_nothing_else():
    documented = {(method, path) for method, path, _ in operations()}
    assert documented == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    assert len(documented) == len(ENDPOINTS)


def test_every_endpoint_of_the_seed_is_there():
    assert {(method, path) for method, path, _ in operations()} >= SEED


def test_operations_have_names_summaries_and_all_their_parameters():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for _, path, operation in operations():
        assert operation["summary"]
        in_path = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))


def test_tokens_are_asked_for_where_they_are_needed():
    needed = {(e.method, e.path) for e in ENDPOINTS if e.access is Access.TOKEN}
    asked = {(method, path) for method, path, operation in operations() if "security" in operation}
    assert asked == needed


def test_every_schema_is_used_and_every_reference_leads_somewhere():
    referred = set(re.findall(r"'#/components/schemas/(\w+)'", repr(DOCUMENT)))
    assert referred == set(DOCUMENT["components"]["schemas"])


def test_errors_are_problems_with_their_codes():
    for _, path, operation in operations():
        assert "200" in operation["responses"]
        if path in {"/healthz", "/readyz"}:
            continue
        examples = operation["responses"]["429"]["content"]["application/problem+json"]["examples"]
        assert examples["rate_limited"]["value"]["status"] == 429
    login = DOCUMENT["paths"]["/user-service/login"]["post"]["responses"]
    assert "`wrong_credentials`" in login["401"]["description"]
    assert set(login) >= {"200", "400", "401", "413", "415", "429", "500", "503", "504"}


def test_the_examples_fit_the_types():
    import msgspec

    def example(schema):
        schema = schema if "$ref" not in schema else resolve(schema["$ref"])
        if "examples" in schema:
            return schema["examples"][0]
        if "anyOf" in schema:
            return example(next(s for s in schema["anyOf"] if s.get("type") != "null"))
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            return {name: example(inner) for name, inner in schema["properties"].items()}
        if schema.get("type") == "array":
            return [example(schema["items"])]
        return {"string": "", "integer": 1, "number": 1.5, "boolean": True}[schema["type"]]

    def resolve(reference):
        return DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]

    for endpoint in ENDPOINTS:
        for struct in filter(None, (endpoint.body, endpoint.answer)):
            shown = example(resolve(struct.__name__))
            msgspec.convert(shown, struct)


async def test_the_document_is_served(world):
    answer = await world.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


async def test_the_pages_need_nothing_from_elsewhere(world):
    for path, kind in (
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/docs.js", "text/javascript"),
        ("/docs.css", "text/css"),
    ):
        answer = await world.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert "http:" not in answer.text
        assert "https:" not in answer.text
        assert "innerHTML" not in answer.text
        assert not re.search(r"<script>|<style>|\sstyle=|\son\w+=", answer.text)
