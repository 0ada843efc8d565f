import jwt
from structlog.testing import capture_logs

from chatterroom.auth.token_keys import rotate_keys
from chatterroom.pb import users_pb2 as pb
from chatterroom.users import key_rotation


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


async def test_a_running_service_takes_up_a_new_key_and_nobody_is_logged_out(
    start_users, secrets_dir, monkeypatch, eventually
):
    monkeypatch.setattr(key_rotation, "_EVERY_S", 0.05)
    one, two = await start_users(), await start_users()
    user_id = await one.register()
    before = await one.log_in()
    kid = rotate_keys(secrets_dir)
    assert kid_of(before.token) != kid

    async def signs_with_the_new_key():
        return kid_of((await one.log_in()).token) == kid

    await eventually(signs_with_the_new_key)
    after = await one.log_in()
    request = pb.GetUserProfileRequest(user_id=user_id)
    for users in (one, two):
        for token in (before.token, after.token):
            assert (await users.with_token(token).GetUserProfile(request)).user_id == user_id
    renewed = await two.stub.RefreshToken(
        pb.RefreshTokenRequest(refresh_token=before.refresh_token)
    )
    assert renewed.token


async def test_an_unreadable_key_leaves_the_old_one_in_use(
    start_users, secrets_dir, monkeypatch, eventually
):
    monkeypatch.setattr(key_rotation, "_EVERY_S", 0.05)
    users = await start_users()
    await users.register()
    before = kid_of((await users.log_in()).token)
    path = secrets_dir / "token-signing-key.pem"
    content = path.read_bytes()
    with capture_logs() as logs:
        path.write_bytes(b"rubbish")

        async def noticed():
            return any(entry["event"] == "signing_key_unreadable" for entry in logs)

        await eventually(noticed)
    assert kid_of((await users.log_in()).token) == before
    path.write_bytes(content)
    kid = rotate_keys(secrets_dir)

    async def signs_with_the_new_key():
        return kid_of((await users.log_in()).token) == kid

    await eventually(signs_with_the_new_key)
