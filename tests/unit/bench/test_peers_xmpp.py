from bench.dialects import Dialect
from bench.peers.xmpp import XMPP
from bench.texts import Texts, mark_in


def stanza_to(receiver: bytes, dialect: Dialect, number: int) -> bytes:
    """What the server makes of a message for one of its receivers."""
    said = dialect.command("room", 0, number, Texts(1).text(0, number))
    return said.replace(b" type=", b" from='room@rooms/n1' to='%s' type=" % receiver)


def test_two_receivers_hold_the_same_bytes_though_each_message_names_its_receiver():
    one, other = (
        list(XMPP.cut(stanza_to(receiver, XMPP, 3) + stanza_to(receiver, XMPP, 4)))
        for receiver in (b"aaaa@localhost", b"bbbb@localhost")
    )
    assert one == other
    assert [mark_in(frame) for frame in one] == [(0, 3), (0, 4)]


def test_frames_are_as_long_as_what_they_were_cut_from():
    whole = stanza_to(b"a@b", XMPP, 1) + b"<presence to='a'><x><item/></x></presence><iq id='1'/>"
    frames = list(XMPP.cut(whole + b"<message to='a'><body>half"))
    assert [mark_in(frame) is not None for frame in frames] == [True, False, False]
    assert sum(map(len, frames)) == len(whole)
