"""Accounts from the outside, on a whole platform: what others see when one changes or goes."""

import asyncio
import secrets
import time
from base64 import b32decode

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from tests.pictures import data_url, picture

from chatterroom.client import ApiError, Client

PNG = data_url(picture())


class Person:
    """A client and what it logs in with."""

    def __init__(self, platform, name: str) -> None:
        unique = secrets.token_hex(6)
        self.client = Client(platform.url)
        self.username = f"{name}-{unique}"
        self.email = f"{name}.{unique}@example.org"
        self.password = secrets.token_urlsafe(12)

    async def __aenter__(self) -> "Person":
        await self.client.register(self.username, self.email, self.password)
        await self.log_in()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def log_in(self, code: str | None = None) -> None:
        await self.client.login(self.email, self.password, code=code)


async def code_of(call) -> str:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value.code


async def wait_until(condition) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_a_deleted_user_leaves_rooms_and_messages_behind(platform):
    async with Person(platform, "ada") as ada, Person(platform, "bob") as bob:
        gone = ada.client.user_id
        room = await ada.client.create_room("Tea", [bob.client.user_id])
        await ada.client.send("to the room", room_id=room.room_id)
        await ada.client.send("to Bob", receiver_id=bob.client.user_id)
        assert await code_of(ada.client.delete_account("wrong password")) == "wrong_credentials"
        await ada.client.delete_account(ada.password)

        async def alone() -> bool:
            members = (await bob.client.room(room.room_id)).members
            return [member.user_id for member in members] == [bob.client.user_id]

        await wait_until(alone)
        for place in ({"room_id": room.room_id}, {"receiver_id": gone}):
            [message] = (await bob.client.history(**place)).messages
            assert message.sender_id == gone
        profile = await bob.client.profile(gone)
        assert (profile.username, profile.email, profile.deleted) == ("deleted user", "", True)
        [summary] = await bob.client.users([gone])
        assert (summary.username, summary.deleted) == ("deleted user", True)
        assert await bob.client.search_users(ada.username) == []
        assert await code_of(bob.client.add_member(room.room_id, gone)) == "user_not_found"

        async def unreachable() -> bool:
            # The other instances hear of it within half a second.
            try:
                await bob.client.send("too late", receiver_id=gone)
            except ApiError as error:
                return error.code == "user_not_found"
            return False

        await wait_until(unreachable)
        assert await code_of(ada.log_in()) == "wrong_credentials"


async def test_a_new_name_and_picture_reach_everybody(platform):
    async with Person(platform, "ada") as ada, Person(platform, "bob") as bob:
        room = await ada.client.create_room("Tea", [bob.client.user_id])
        name = f"countess-{secrets.token_hex(6)}"
        before = await bob.client.send(f"@{ada.username} and @{name}", room_id=room.room_id)
        account = await ada.client.update_account(username=name, display_name="Ada", avatar=PNG)
        assert (await ada.client.account()) == account
        [found] = await bob.client.search_users(name)
        assert (found.display_name, found.avatar_url) == ("Ada", account.avatar_url)

        async def mentioned() -> bool:
            sent = await bob.client.send(f"@{name}", room_id=room.room_id)
            page = await bob.client.history(room_id=room.room_id, after=sent.seq - 1)
            return list(page.messages[0].mentions) == [ada.client.user_id]

        assert before.seq
        await wait_until(mentioned)


async def test_a_second_factor_from_beginning_to_end(platform):
    async with Person(platform, "ada") as ada:
        begun = await ada.client.begin_second_factor(ada.password)
        totp = TOTP(b32decode(begun.secret), 6, SHA1(), 30)
        at = int(time.time())
        codes = await ada.client.confirm_second_factor(totp.generate(at).decode())
        assert await code_of(ada.log_in()) == "second_factor_required"
        assert await code_of(ada.log_in("no code")) == "second_factor_wrong"
        await ada.log_in(totp.generate(at + 30).decode())
        await ada.log_in(codes[3])
        await ada.client.remove_second_factor(ada.password, codes[4])
        await ada.log_in()


async def test_a_new_password_ends_the_other_sessions(platform):
    async with Person(platform, "ada") as ada:
        here = ada.client.tokens
        await ada.log_in()
        new = secrets.token_urlsafe(12)
        await ada.client.change_password(ada.password, new)
        assert await code_of(ada.log_in()) == "wrong_credentials"
        ada.password = new
        await ada.log_in()
        async with Client(platform.url, tokens=here) as other:
            assert await code_of(other._credentials.renewed(here.token)) == "token_invalid"
