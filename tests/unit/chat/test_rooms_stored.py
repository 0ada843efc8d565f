"""What is stored of a room is what its entries add up to, and no more is read than is needed."""

import random
from contextlib import suppress

import pytest

from chatterroom.chat.conversation import (
    AddMember,
    ChangeRole,
    Command,
    Conversation,
    LeaveRoom,
    RemoveMember,
    UpdateRoom,
    apply,
)
from chatterroom.chat.store_mongo import ChatStore
from chatterroom.core.errors import ChatterRoomError
from chatterroom.core.ids import ClientId, ConversationId, UserId, new_id

from .conftest import ALICE, BOB, CAROL, Instance, create_room, post


def anything(dice: random.Random, room: ConversationId, people: list[UserId]) -> Command:
    """Return a command of anybody about anybody, which may break any rule."""
    who, whom, client = dice.choice(people), dice.choice(people), ClientId(new_id())
    return dice.choice(
        (
            AddMember(room, who, client, whom),
            AddMember(room, who, client, whom),
            LeaveRoom(room, who, client),
            RemoveMember(room, who, client, whom),
            ChangeRole(room, who, client, whom, dice.choice(("member", "admin", "owner"))),
            UpdateRoom(room, who, client, dice.choice(("Tea", "Coffee", "Water"))),
            UpdateRoom(room, who, client, None, {"posting": dice.choice(("members", "admins"))}),
            post(room, sender=who),
        )
    )


@pytest.mark.parametrize("seed", range(3))
async def test_a_room_is_stored_as_its_entries_add_up(
    instance: Instance, other: Instance, seed: int
):
    dice = random.Random(seed)
    people = [ALICE, BOB, CAROL, *(UserId(new_id()) for _ in range(5))]
    created = await instance.log.append(create_room(BOB, CAROL))
    room = created.entry.conversation_id
    known = await instance.store.load(room)
    for _ in range(80):
        log = dice.choice((instance, other)).log
        with suppress(ChatterRoomError):
            await log.append(anything(dice, room, people))
    entries, _ = await instance.store.entries_after(room, 0, 1_000)
    state = Conversation(room)
    for entry in entries:
        state = apply(state, entry)
    assert await instance.store.load(room) == state
    assert await instance.store.load(room, known) == state
    details = await instance.store.lists.room(room)
    assert details is not None
    assert (details.member_count, details.seq) == (len(state.members), state.seq)
    listed = await instance.store.lists.members(room, 100)
    roles = {each.membership.user_id: each.role for each in listed}
    assert roles == {user: member.role for user, member in state.members.items()}


async def test_refusals_do_not_read_the_members_again(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
):
    created = await instance.log.append(create_room(BOB))
    room = created.entry.conversation_id
    loads = []
    real = ChatStore.load

    async def load(
        store: ChatStore, conversation_id: ConversationId, known: Conversation | None = None
    ) -> Conversation:
        loaded = await real(store, conversation_id, known)
        loads.append(known is not None and loaded.members is known.members)
        return loaded

    monkeypatch.setattr(ChatStore, "load", load)
    log = instance.log
    for _ in range(5):
        with pytest.raises(ChatterRoomError):
            await log.append(AddMember(room, ALICE, ClientId(new_id()), BOB))
        await log.append(post(room))
    assert loads == [True] * 5
