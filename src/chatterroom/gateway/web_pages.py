"""Where no endpoint is: the web client's files, and its page for the paths that are its own."""

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.gateway.answers import Answer
from chatterroom.gateway.web_files import WebFile

__all__ = ["WebPages"]

_READING = frozenset({"GET", "HEAD"})
_INDEX = "/index.html"


class WebPages:
    """Answers what the router does not know.

    Paths of the client, such as `/r/<room>`, get its page where HTML is accepted. What begins like
    an endpoint does not: whoever mistypes one learns that there is nothing. Without built files
    `/` says how to build them.
    """

    def __init__(
        self, files: Mapping[str, WebFile], not_built: Answer, endpoint_paths: frozenset[str]
    ) -> None:
        self._files = files
        self._not_built = not_built
        self._reserved = frozenset(path.split("/")[1] for path in endpoint_paths) - {""} | {"ws"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises NOT_FOUND where there is nothing."""
        answer = self._answer(scope)
        if answer is None:
            raise ChatterRoomError(ErrorCode.NOT_FOUND, "There is nothing at this path.")
        await answer.send(send)

    def _answer(self, scope: Scope) -> Answer | None:
        if scope["method"] not in _READING:
            return None
        path: str = scope["path"]
        headers = dict(scope["headers"])
        file = self._files.get(path)
        if file is not None:
            return file.answer(headers)
        if path == "/" and not self._files:
            return self._not_built
        if not self._files or not self._is_page(path, headers):
            return None
        return self._files[_INDEX].answer(headers)

    def _is_page(self, path: str, headers: Mapping[bytes, bytes]) -> bool:
        if path == "/":
            return True
        first, *rest = path.removeprefix("/").split("/")
        is_file = "." in (rest or [first])[-1]
        accepts_html = b"text/html" in headers.get(b"accept", b"")
        return accepts_html and not is_file and first not in self._reserved
