"""Every endpoint of the user service: path, method, body, answer, and the call behind it."""

from chatterroom.pb import users_pb2

REGISTER = {"username": "ada", "password": "correct horse", "email": "ada@example.org"}
TOKENS = users_pb2.LoginUserResponse(
    token="t", refresh_token="r", user_id="u", session_id="s", expires_in_s=900
)
TOKENS_JSON = {
    "token": "t",
    "refresh_token": "r",
    "user_id": "u",
    "session_id": "s",
    "expires_in": 900,
}


async def test_register_creates_an_account(world):
    world.user_service.answers["RegisterUser"] = users_pb2.RegisterUserResponse(
        message="User registered successfully", user_id=world.ada.id
    )
    answer = await world.client.post("/user-service/register", json=REGISTER)
    assert answer.status_code == 200
    assert answer.json() == {"message": "User registered successfully", "user_id": world.ada.id}
    request = world.user_service.only("RegisterUser").request
    assert (request.username, request.password, request.email) == tuple(REGISTER.values())


async def test_login_gives_tokens_and_tells_the_service_where_it_comes_from(world):
    world.user_service.answers["LoginUser"] = TOKENS
    answer = await world.client.post(
        "/user-service/login",
        json={"email": "ada@example.org", "password": "correct horse", "code": "492039"},
        headers={"User-Agent": "curl/8"},
    )
    assert answer.status_code == 200
    assert answer.json() == TOKENS_JSON
    request = world.user_service.only("LoginUser").request
    assert (request.email, request.password) == ("ada@example.org", "correct horse")
    assert request.code == "492039"
    assert (request.device, request.address) == ("curl/8", "127.0.0.1")


async def test_refresh_gives_new_tokens(world):
    world.user_service.answers["RefreshToken"] = TOKENS
    answer = await world.client.post("/user-service/refresh", json={"refresh_token": "old"})
    assert answer.status_code == 200
    assert answer.json() == TOKENS_JSON
    assert world.user_service.only("RefreshToken").request.refresh_token == "old"


async def test_logout_ends_the_session_of_the_token(world):
    world.user_service.answers["LogoutUser"] = users_pb2.LogoutUserResponse(message="Bye")
    answer = await world.client.post("/user-service/logout", headers=world.ada.headers)
    assert answer.json() == {"message": "Bye"}
    heard = world.user_service.only("LogoutUser")
    assert heard.request.session_id == world.ada.session_id
    assert heard.caller.user_id == world.ada.id


async def test_profile(world):
    world.user_service.answers["GetUserProfile"] = users_pb2.GetUserProfileResponse(
        username="bob",
        email="",
        user_id=world.bob.id,
        created_at="2026-11-23T16:45:00.123Z",
        display_name="Bob himself",
        avatar="abc",
    )
    answer = await world.client.get(
        f"/user-service/users/{world.bob.id}", headers=world.ada.headers
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "username": "bob",
        "email": "",
        "user_id": world.bob.id,
        "created_at": "2026-11-23T16:45:00.123Z",
        "display_name": "Bob himself",
        "avatar_url": f"/user-service/users/{world.bob.id}/avatar?v=abc",
        "deleted": False,
    }
    heard = world.user_service.only("GetUserProfile")
    assert heard.request.user_id == world.bob.id
    assert heard.caller.user_id == world.ada.id
    assert heard.caller.session_id == world.ada.session_id


async def test_users_are_found_by_beginning_by_ids_and_by_whole_names(world):
    world.user_service.answers["SearchUsers"] = users_pb2.SearchUsersResponse(
        users=[users_pb2.UserSummary(user_id=world.bob.id, username="bob", deleted=True)]
    )
    answer = await world.client.get(
        "/user-service/users", params={"query": "bo", "limit": 5}, headers=world.ada.headers
    )
    bob = {"user_id": world.bob.id, "username": "bob", "deleted": True}
    assert answer.json() == {"users": [{**bob, "display_name": "", "avatar_url": ""}]}
    await world.client.get(
        "/user-service/users",
        params={"ids": f"{world.ada.id},{world.bob.id}"},
        headers=world.ada.headers,
    )
    await world.client.get(
        "/user-service/users",
        params={"usernames": "ada, Bob,,é"},
        headers=world.ada.headers,
    )
    by_name, by_ids, by_names = (heard.request for heard in world.user_service.heard)
    assert (by_name.query, by_name.limit, list(by_name.ids)) == ("bo", 5, [])
    assert list(by_ids.ids) == [world.ada.id, world.bob.id]
    assert list(by_names.usernames) == ["ada", "Bob", "é"]
