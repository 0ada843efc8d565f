"""Who shares a conversation with whom, however many conversations somebody has."""

from dataclasses import replace

import pytest

from chatterroom.core.ids import UserId, new_id

from .conftest import ALICE, BOB, CAROL, Instance, create_room, post, post_private


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatterroom.chat.acquaintance_mongo.LOOKED_THROUGH", 3)
    monkeypatch.setattr("chatterroom.chat.acquaintance_mongo._CONVERSATIONS_AT_ONCE", 2)


async def test_people_share_a_room_or_a_private_chat(instance: Instance):
    stranger = UserId(new_id())
    await instance.log.append(create_room(BOB))
    await instance.log.append(post_private("hello", receiver=CAROL))
    assert await instance.store.acquainted(ALICE, [BOB, CAROL, stranger]) == {BOB, CAROL}
    assert await instance.store.acquainted(BOB, [ALICE, CAROL]) == {ALICE}
    assert await instance.store.acquainted(stranger, [ALICE]) == set()


async def test_a_message_that_waits_to_be_accepted_acquaints_nobody(instance: Instance):
    await instance.log.append(replace(post_private("hello", receiver=BOB), request=True))
    assert await instance.store.acquainted(ALICE, [BOB]) == set()
    assert await instance.store.acquainted(BOB, [ALICE]) == set()


@pytest.mark.usefixtures("few")
async def test_beyond_the_newest_conversations_private_chats_are_still_found(instance: Instance):
    old = create_room(BOB)
    await instance.log.append(old)
    await instance.log.append(post_private("hello", receiver=CAROL))
    for _ in range(3):
        await instance.log.append(create_room())
    assert await instance.store.acquainted(ALICE, [BOB, CAROL]) == {CAROL}
    assert await instance.store.acquainted(BOB, [ALICE]) == {ALICE}, "it is new to the other"
    await instance.log.append(post(old.conversation_id, "back again"))
    # As `Activity` does in the background.
    moment = instance.committed[-1].created_at
    await instance.store.activity.raise_all({old.conversation_id: moment})
    assert await instance.store.acquainted(ALICE, [BOB, CAROL]) == {BOB, CAROL}
