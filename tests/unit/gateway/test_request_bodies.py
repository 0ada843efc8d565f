"""What bodies may not hold, whatever the endpoint."""

import pytest

from chatterroom.gateway.app import ENDPOINTS

WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None]


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=lambda e: f"{e.method} {e.path}")
def test_every_body_refuses_members_that_it_does_not_know(endpoint):
    assert endpoint.body.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("member", ["role", "seq", "id", "created_at", "$where"])
async def test_nobody_assigns_what_is_not_theirs(world, member):
    body = {"username": "ada", "password": "correct horse", "email": "ada@example.org"}
    answer = await world.client.post("/user-service/register", json={**body, member: "owner"})
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_request", member)
    assert world.user_service.heard == []


async def test_unknown_members_within_members_are_named_by_their_place(world):
    answer = await world.client.patch(
        "/chat-service/rooms/01kax40c6p8r2t4v7x9z1b3d5g",
        json={"settings": {"adding": "admins", "owner": "me"}},
        headers=world.ada.headers,
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "settings.owner")
