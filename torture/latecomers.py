"""Who connects when all is over, and is told everything from the beginning over a socket."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from torture.people import Person
from torture.records import Recorder, Session
from torture.sessions import BareFollower

__all__ = ["tell_everything"]

_POLL_S = 0.1


async def tell_everything(
    url: str,
    people: Sequence[Person],
    heads: Mapping[str, int],
    recorder: Callable[[str], Recorder],
    timeout_s: float,
) -> None:
    """Have every conversation told once, to one who takes part, in records of its own.

    Who is not told up to the head within `timeout_s` is left as one who goes on to follow, and
    is the last: one is enough to fail a run.
    """
    untold = set(heads)
    for person in people:
        mine = {target.conversation for target in (*person.rooms, *person.friends)} & untold
        untold -= mine
        if mine:
            records = recorder(f"late-{person.name}")
            follower = BareFollower(url, person, records, only=mine)
            following = asyncio.create_task(follower.run())
            try:
                async with asyncio.timeout(timeout_s):
                    while any(follower.cursors.get(each, 0) < heads[each] for each in mine):  # noqa: ASYNC110
                        await asyncio.sleep(_POLL_S)
                records.write(Session, event="stop", user=person.user_id)
            except TimeoutError:
                return
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
