"""Calls about who may reach one, and what waits for one's answer."""

from collections.abc import AsyncIterator

from chatterroom.client import answers
from chatterroom.client.answers import ContactSettings, WaitingRequest
from chatterroom.client.calls import LARGEST_PAGE, Calls
from chatterroom.client.paths import segment

__all__ = ["RequestCalls"]

_SETTINGS = "/chat-service/contact-settings"


class RequestCalls(Calls):
    """Contact settings, message requests and invitations to rooms."""

    async def contact_settings(self) -> ContactSettings:
        """Return who may add one to rooms, and write to one first."""
        return await self._call("GET", _SETTINGS, ContactSettings)

    async def change_contact_settings(
        self, *, add_to_rooms: str | None = None, message_first: str | None = None
    ) -> ContactSettings:
        """Change what is given to "everyone", "shared" or "nobody"; return all of it."""
        body = answers.ChangeContactSettings(add_to_rooms, message_first)
        return await self._call("PUT", _SETTINGS, ContactSettings, body=body)

    async def requests(self) -> AsyncIterator[WaitingRequest]:
        """Go through the requests that wait for one's answer, newest first, page by page."""
        cursor = ""
        while True:
            page = await self._call(
                "GET",
                "/chat-service/requests",
                answers.WaitingRequestPage,
                params={"cursor": cursor or None, "limit": LARGEST_PAGE},
            )
            for request in page.requests:
                yield request
            cursor = page.next_cursor
            if not cursor:
                return

    async def accept_request(self, conversation_id: str) -> None:
        """Take part in a private chat, or become a member of a room one was invited to."""
        path = f"/chat-service/requests/{segment(conversation_id)}/accept"
        await self._call("PUT", path, answers.Done)

    async def decline_request(self, conversation_id: str) -> None:
        """Decline a request for good. The one who sent it is not notified."""
        path = f"/chat-service/requests/{segment(conversation_id)}/decline"
        await self._call("PUT", path, answers.Done)
