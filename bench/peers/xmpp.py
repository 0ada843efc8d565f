"""Prosody: a chat room of XMPP (XEP-0045), its stream cut and opened as the others' are."""

import re
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from bench.checking import VoidRunError
from bench.dialects import Dialect, Opening
from bench.peers.installing import ROOT, InstallError

__all__ = ["XMPP", "commands", "opening", "prepare", "version"]

_HOST = b"localhost"
_ROOM = b"room@rooms.localhost"
_STANZA_END = re.compile(
    rb"</(?:message|presence|iq|failure|stream:features|stream:error)>"
    rb"|<(?:message|presence|iq|success)\b[^>]*/>"
)
_STREAM = (
    b"<stream:stream to='%s' version='1.0' xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>" % _HOST
)
_CONFIGURATION = """
daemonize = false
run_as_root = true
pidfile = "{directory}/prosody.pid"
data_path = "{directory}"
log = {{ error = "*console" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
modules_enabled = {{ "saslauth" }}
modules_disabled = {{ "s2s", "tls", "offline" }}
c2s_require_encryption = false
storage = "memory"
VirtualHost "localhost"
  authentication = "anonymous"
Component "rooms.localhost" "muc"
  muc_room_default_history_length = 0
  muc_room_default_presence_broadcast = {{
    visitor = false, participant = false, moderator = false,
  }}
  muc_room_locking = false
"""

_nicknames = count()


def prepare() -> None:
    """Look for it: a package of the system, not to be installed for a benchmark alone.

    Raises `InstallError`.
    """
    _program()


def version() -> str:
    """Return which it is, as its package tells."""
    file = Path("/usr/lib/prosody/prosody.version")
    return file.read_text().strip() if file.exists() else "unknown"


def commands(port: int) -> list[list[str]]:
    """Return the server: anonymous accounts, one room, nothing stored, no encryption."""
    directory = ROOT / "prosody"
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "prosody.cfg.lua"
    configuration.write_text(_CONFIGURATION.format(directory=directory, port=port))
    return [[_program(), "--config", str(configuration), "-F"]]


def opening() -> Opening:
    """Open the stream, become somebody, enter the room under a name of one's own."""
    enter = (
        b"<presence to='%s/n%d'><x xmlns='http://jabber.org/protocol/muc'>"
        b"<history maxstanzas='0'/></x></presence>" % (_ROOM, next(_nicknames))
    )
    steps = (
        (
            b"</stream:features>",
            b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>",
        ),
        (b"<success", _STREAM),
        (
            b"</stream:features>",
            b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
        ),
        (b"id='bind'", enter),
        # "This is you": the last of what a newcomer hears of who is there.
        (b"code='110'", b""),
    )
    return Opening(_STREAM, steps, is_upgrade=False)


def _program() -> str:
    found = shutil.which("prosody")
    if found is None:
        raise InstallError("Debian has it as a system package only (apt-get install prosody)")
    return found


def _cut(received: bytes) -> Iterator[bytes]:
    """Give each stanza, a message as its text alone, padded to the stanza's length.

    The rest of a message names its receiver, so that no two receive the same bytes.
    """
    at = 0
    for end in _STANZA_END.finditer(received):
        stanza = received[at : end.end()]
        at = end.end()
        if stanza.startswith(b"<message"):
            _, _, body = stanza.partition(b"<body>")
            text = body.partition(b"</body>")[0].replace(b"&lt;", b"<").replace(b"&gt;", b">")
            yield text.ljust(len(stanza))
        else:
            yield stanza


def _answer(stanza: bytes) -> bytes:
    if b"stream:error" in stanza or b"type='error'" in stanza:
        raise VoidRunError(f"the server refused: {stanza.decode(errors='replace')}")
    return b""


def _say(room: str, sender: int, number: int, text: str) -> bytes:
    del room, sender, number
    escaped = text.replace("<", "&lt;").replace(">", "&gt;").encode()
    return b"<message to='%s' type='groupchat'><body>%s</body></message>" % (_ROOM, escaped)


XMPP = Dialect("XMPP", _cut, _answer, _say)
