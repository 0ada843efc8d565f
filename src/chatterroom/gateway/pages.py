"""Fixed answers: the OpenAPI document, the page that shows it, and what stands in for a client."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from chatterroom.gateway.answers import Answer, Header
from chatterroom.gateway.endpoints import Endpoint
from chatterroom.gateway.openapi import encode_document

__all__ = ["load_pages", "not_built_page"]

_FILES = Path(__file__).parent / "static"
# Scripts and styles come from files of this origin only, and nothing may frame the page.
_PAGE_POLICY: tuple[Header, ...] = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"cache-control", b"no-cache"),
)
_PAGES = {
    "/docs": ("docs.html", b"text/html; charset=utf-8"),
    "/docs.js": ("docs.js", b"text/javascript; charset=utf-8"),
    "/docs.css": ("docs.css", b"text/css; charset=utf-8"),
}


def load_pages(endpoints: Iterable[Endpoint]) -> Mapping[str, Answer]:
    """Return the page of each path, read once."""
    pages = {path: _page(name, content_type) for path, (name, content_type) in _PAGES.items()}
    pages["/openapi.json"] = Answer(200, encode_document(endpoints))
    return pages


def not_built_page() -> Answer:
    """Return the page at `/` of a gateway without the web client: how to build it."""
    return _page("landing.html", b"text/html; charset=utf-8")


def _page(name: str, content_type: bytes) -> Answer:
    return Answer(200, (_FILES / name).read_bytes(), content_type, policy=_PAGE_POLICY)
