"""Work for the user service: hashes of passwords, and tokens that are worth nothing any more."""

import secrets

from siege.front import Attack, Front

__all__ = ["ENDED_TOKENS", "HASHING_FLOODS"]

_USERS = 4


async def _hashing(front: Front) -> None:
    users = [await front.account() for _ in range(_USERS)]
    address = front.new_address()

    async def guess() -> None:
        password = secrets.token_urlsafe(9)
        match front.chance.randrange(3):
            case 0:
                user = front.chance.choice(users)
                body = {"current_password": password, "new_password": secrets.token_urlsafe(12)}
                path = "/user-service/me/password"
                await front.call("POST", path, body, user=user, address=address)
            case 1:
                email = front.chance.choice([*(user.email for user in users), "x@example.org"])
                body = {"email": email, "password": password}
                await front.call("POST", "/user-service/login", body)
            case _:
                name = secrets.token_hex(6)
                body = {"username": name, "email": f"{name}@example.org", "password": password}
                await front.call("POST", "/user-service/register", body, address=address)

    async for _ in front.each_phase():
        await front.repeat(guess, at_once=12, pause_s=0.2)


async def _ended_tokens(front: Front) -> None:
    user = await front.ended_account()
    paths = ("/user-service/me", "/chat-service/conversations", "/user-service/sessions")

    async def knock() -> None:
        await front.call("GET", front.chance.choice(paths), user=user)

    async def knock_by_socket() -> None:
        async with front.socket(user) as socket:
            if socket is not None:
                front.tally.note("socket open")

    async for _ in front.each_phase():
        await front.together(
            [
                front.repeat(knock, at_once=4, pause_s=0.1),
                front.repeat(knock_by_socket, at_once=2, pause_s=0.5),
            ]
        )


HASHING_FLOODS = Attack(
    "guesses passwords at login and change, and registers",
    _hashing,
    met_by="rate_limited credentials",
)
ENDED_TOKENS = Attack(
    "knocks with the token of a session that has ended",
    _ended_tokens,
    met_by="401",
    may_succeed=False,
)
