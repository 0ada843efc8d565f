"""Every endpoint about one's own account: path, method, body, answer, and the call behind it."""

import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.pb import users_pb2

ACCOUNT = users_pb2.Account(
    username="ada",
    email="ada@example.org",
    display_name="Ada L.",
    avatar="abc",
    created_at="2026-11-23T16:45:00.123Z",
    preferences='{"theme": "dark", "largest": 18446744073709551616}',
    second_factor=True,
)
ME = "/user-service/me"
DONE = users_pb2.AccountResponse(message="Done")


@pytest.fixture
def ada_is_known(world):
    answer = users_pb2.Account()
    answer.CopyFrom(ACCOUNT)
    answer.user_id = world.ada.id
    world.user_service.answers["GetAccount"] = answer
    world.user_service.answers["UpdateAccount"] = answer
    return {
        "user_id": world.ada.id,
        "username": "ada",
        "email": "ada@example.org",
        "display_name": "Ada L.",
        "avatar_url": f"/user-service/users/{world.ada.id}/avatar?v=abc",
        "created_at": "2026-11-23T16:45:00.123Z",
        "preferences": {"theme": "dark", "largest": 18446744073709551616},
        "second_factor": True,
    }


async def test_my_account(world, ada_is_known):
    answer = await world.client.get(ME, headers=world.ada.headers)
    assert (answer.status_code, answer.json()) == (200, ada_is_known)
    heard = world.user_service.only("GetAccount")
    assert heard.request.user_id == heard.caller.user_id == world.ada.id


async def test_my_account_needs_a_token(world):
    assert (await world.client.get(ME)).json()["code"] == "token_missing"


async def test_only_what_is_given_is_changed(world, ada_is_known):
    answer = await world.client.patch(
        ME, json={"display_name": "", "preferences": {"a": [1]}}, headers=world.ada.headers
    )
    assert (answer.status_code, answer.json()) == (200, ada_is_known)
    request = world.user_service.only("UpdateAccount").request
    assert (request.user_id, request.display_name) == (world.ada.id, "")
    assert request.preferences == '{"a":[1]}'
    given = {field.name for field, _ in request.ListFields()}
    assert given == {"user_id", "display_name", "preferences"}


@pytest.mark.parametrize("member", ["email", "user_id", "created_at", "second_factor"])
async def test_nothing_else_of_an_account_can_be_assigned(world, member):
    answer = await world.client.patch(ME, json={member: "x"}, headers=world.ada.headers)
    assert (answer.status_code, answer.json()["field"]) == (400, member)
    assert world.user_service.heard == []


async def test_preferences_are_an_object(world):
    for preferences in ([], "x", 1):
        body = {"preferences": preferences}
        answer = await world.client.patch(ME, json=body, headers=world.ada.headers)
        assert (answer.status_code, answer.json()["field"]) == (400, "preferences")


async def test_a_picture_is_sent_as_what_it_is_and_may_be_kept(world):
    world.user_service.answers["GetAvatar"] = users_pb2.GetAvatarResponse(
        content_type="image/png", data=b"\x89PNG", avatar="abc"
    )
    url = f"/user-service/users/{world.bob.id}/avatar?v=abc"
    answer = await world.client.get(url, headers=world.ada.headers)
    assert (answer.status_code, answer.content) == (200, b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == '"abc"'
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert world.user_service.only("GetAvatar").request.user_id == world.bob.id
    known = {**world.ada.headers, "If-None-Match": 'W/"other", "abc"'}
    answer = await world.client.get(url, headers=known)
    assert (answer.status_code, answer.content) == (304, b"")
    assert (await world.client.get(url, headers=world.ada.headers)).status_code == 200


async def test_a_missing_picture_is_a_problem(world):
    world.user_service.answers["GetAvatar"] = ChatterRoomError(ErrorCode.NOT_FOUND, "none")
    url = f"/user-service/users/{world.bob.id}/avatar"
    answer = await world.client.get(url, headers=world.ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_password_is_changed(world):
    world.user_service.answers["ChangePassword"] = DONE
    answer = await world.client.post(
        f"{ME}/password",
        json={"current_password": "old", "new_password": "new"},
        headers={**world.ada.headers, "User-Agent": "curl/8"},
    )
    assert (answer.status_code, answer.json()) == (200, {"message": "Done"})
    heard = world.user_service.only("ChangePassword")
    request = heard.request
    assert (request.current_password, request.new_password) == ("old", "new")
    assert (request.device, request.address) == ("curl/8", "127.0.0.1")
    assert (heard.caller.user_id, heard.caller.session_id) == (world.ada.id, world.ada.session_id)


async def test_the_account_is_deleted(world):
    world.user_service.answers["DeleteAccount"] = DONE
    for body, code in [({"password": "p"}, ""), ({"password": "p", "code": "c"}, "c")]:
        answer = await world.client.post(f"{ME}/deletion", json=body, headers=world.ada.headers)
        assert (answer.status_code, answer.json()) == (200, {"message": "Done"})
        request = world.user_service.heard[-1].request
        assert (request.user_id, request.password, request.code) == (world.ada.id, "p", code)


async def test_a_second_factor_is_begun_confirmed_and_removed(world):
    answers = world.user_service.answers
    answers["BeginSecondFactor"] = users_pb2.BeginSecondFactorResponse(secret="S", uri="otpauth:")
    answers["ConfirmSecondFactor"] = users_pb2.ConfirmSecondFactorResponse(recovery_codes=["a"])
    answers["RemoveSecondFactor"] = DONE

    async def post(path, **body):
        return await world.client.post(ME + path, json=body, headers=world.ada.headers)

    begun = await post("/second-factor", password="p")
    assert begun.json() == {"secret": "S", "uri": "otpauth:"}
    confirmed = await post("/second-factor/confirm", code="1")
    assert confirmed.json() == {"recovery_codes": ["a"]}
    removed = await post("/second-factor/removal", password="p", code="2")
    assert removed.json() == {"message": "Done"}
    assert world.user_service.only("BeginSecondFactor").request.password == "p"
    assert world.user_service.only("ConfirmSecondFactor").request.code == "1"
    request = world.user_service.only("RemoveSecondFactor").request
    assert (request.password, request.code) == ("p", "2")


@pytest.mark.parametrize("code", ["second_factor_required", "second_factor_wrong"])
async def test_a_login_without_the_right_code_is_unauthorized(world, code):
    world.user_service.answers["LoginUser"] = ChatterRoomError(ErrorCode(code), "no")
    body = {"email": "ada@example.org", "password": "correct horse"}
    answer = await world.client.post("/user-service/login", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
