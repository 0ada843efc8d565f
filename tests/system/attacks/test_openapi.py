"""What the OpenAPI document promises, held against requests that Schemathesis makes up from it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.checks import CHECKS, load_all_checks

from chatterroom.gateway.app import ENDPOINTS
from chatterroom.gateway.endpoints import Access

from .world import Person, World, new_address

EXAMPLES = 6
SEED = 20261123
# `GET /timeout` promises a 504, and says so.
OPERATIONS = [e for e in ENDPOINTS if e.path != "/timeout"]
load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)


@pytest.fixture(scope="module")
def schema(world: World) -> schemathesis.schemas.BaseSchema:
    return openapi.from_url(f"{world.platform.url}/openapi.json")


@pytest.fixture(scope="module")
def somebody(world: World) -> Person:
    """Whoever may be logged out by what is tried."""
    return Person(world, "fuzzer")


def attempts(schema, somebody: Person, endpoint, mode: GenerationMode, check) -> None:
    """Call an operation with what is made up for it; `check` looks at case and response."""
    operation = schema[endpoint.path][endpoint.method]

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def attempt(case) -> None:
        check(case)

    attempt()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("endpoint", OPERATIONS, ids=lambda e: f"{e.method} {e.path}")
def test_every_answer_is_one_that_the_document_promises(
    world: World, schema, somebody: Person, endpoint, mode: GenerationMode
):
    def check(case) -> None:
        if case.path.endswith(("/logout", "/deletion")):
            case.headers["Authorization"] = "Bearer nobody"
        else:
            case.headers["Authorization"] = f"Bearer {somebody.token}"
        case.headers["X-Forwarded-For"] = new_address()
        response = case.call()
        world.answers.append(response.content)
        case.validate_response(response, checks=CHECKED)

    try:
        attempts(schema, somebody, endpoint, mode, check)
    except Unsatisfiable:
        pytest.skip("nothing about this operation can be made wrong")


@pytest.mark.parametrize(
    "endpoint",
    [e for e in OPERATIONS if e.access is Access.TOKEN],
    ids=lambda e: f"{e.method} {e.path}",
)
def test_nobody_is_served_without_a_token(schema, somebody: Person, endpoint):
    def check(case) -> None:
        case.headers["X-Forwarded-For"] = somebody.address
        assert case.call().status_code == 401

    attempts(schema, somebody, endpoint, GenerationMode.POSITIVE, check)
