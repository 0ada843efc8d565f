"""The built files of the web client, as answers: which encoding, how long a browser keeps them.

No sockets. The files are made by `scripts/build_web.py`; nothing is read after the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from chatterroom.gateway.answers import Answer, Header

__all__ = ["WebFile", "load_web_files"]

WEB_FILES = Path(__file__).parent.parent / "web_files"

_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".json": b"application/json",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".ico": b"image/x-icon",
    ".woff2": b"font/woff2",
    ".webmanifest": b"application/manifest+json",
    ".txt": b"text/plain; charset=utf-8",
}
# Everything comes from this origin; nothing inline runs, and nothing may frame the page. `data:`
# and `blob:` are for pictures that people choose before they are uploaded.
_CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    b"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FEATURES = b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"
_PAGE_POLICY: tuple[Header, ...] = (
    (b"content-security-policy", _CONTENT_POLICY),
    (b"permissions-policy", _FEATURES),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
# The names of these files hold a hash of what is in them.
_HASHED = "assets"
_FOREVER: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_ASK_AGAIN: Header = (b"cache-control", b"no-cache")
# The better one first.
_ENCODINGS = ((b"br", ".br"), (b"gzip", ".gz"))


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file, in each encoding that the build has made."""

    plain: Answer
    encoded: Mapping[bytes, Answer]
    not_modified: Answer
    etag: bytes

    def answer(self, headers: Mapping[bytes, bytes]) -> Answer:
        """Return the answer to a request with these headers."""
        if self.etag in headers.get(b"if-none-match", b""):
            return self.not_modified
        accepted = _accepted(headers.get(b"accept-encoding", b""))
        for encoding, answer in self.encoded.items():
            if encoding in accepted:
                return answer
        return self.plain


def load_web_files(directory: Path = WEB_FILES) -> Mapping[str, WebFile]:
    """Return the files by their path in URLs (`/index.html`), read once; none where not built."""
    if not (directory / "index.html").is_file():
        return {}
    compressed = {suffix for _, suffix in _ENCODINGS}
    return {
        f"/{path.relative_to(directory).as_posix()}": _load(path, directory)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix not in compressed and path.suffix in _TYPES
    }


def _load(path: Path, directory: Path) -> WebFile:
    body = path.read_bytes()
    is_hashed = path.relative_to(directory).parts[0] == _HASHED
    etag = b'"%s"' % sha256(body).hexdigest()[:32].encode()
    headers: tuple[Header, ...] = (
        _FOREVER if is_hashed else _ASK_AGAIN,
        (b"etag", etag),
        (b"vary", b"accept-encoding"),
    )
    plain = Answer(200, body, _TYPES[path.suffix], headers, _PAGE_POLICY)
    encoded = {}
    for encoding, suffix in _ENCODINGS:
        compressed = path.with_name(path.name + suffix)
        if compressed.is_file():
            encoded[encoding] = Answer(
                200,
                compressed.read_bytes(),
                _TYPES[path.suffix],
                (*headers, (b"content-encoding", encoding)),
                _PAGE_POLICY,
            )
    not_modified = Answer(304, b"", _TYPES[path.suffix], headers, _PAGE_POLICY)
    return WebFile(plain, encoded, not_modified, etag)


def _accepted(header: bytes) -> frozenset[bytes]:
    accepted = set()
    for part in header.split(b","):
        name, _, parameters = part.strip().lower().partition(b";")
        if parameters.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}:
            accepted.add(name.strip())
    return frozenset(accepted)
