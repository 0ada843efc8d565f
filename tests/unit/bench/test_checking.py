"""A run is void as soon as one delivery is lost, doubled, swapped or changed."""

import pytest
from bench.checking import Reader, RoomsReader, Stream, VoidRunError, require_contiguous
from bench.frames import cut_http, cut_nats, cut_websocket
from bench.texts import TEXT_BYTES, Texts, mark_in

from chatterroom.sockets.frames import text_frame

ROOM = "4rg3t0baz5krtrsme1kv33ybx4"
OTHER_ROOM = "5rehc17dn8nh00wwahf6s1bn0j"
TEXTS = Texts(1)
PING = b"\x89\x00"


def message(number: int, *, seq: int | None = None, sender: int = 0, room: str = ROOM) -> bytes:
    seq = number + 2 if seq is None else seq
    event = f'{{"type":"message","conversation_id":"{room}","seq":{seq},"message":"%s"}}'
    return text_frame((event % TEXTS.text(sender, number)).encode())


def reader_of(stream: Stream) -> Reader:
    return Reader(stream, cut_websocket, lambda frame: None)


def feed(reader: Reader | RoomsReader, *frames: bytes) -> int:
    return reader.feed(memoryview(b"".join(frames)))


@pytest.fixture
def stream() -> Stream:
    return Stream(has_seqs=True)


def test_every_reader_of_a_whole_stream_holds_everything(stream):
    readers = [reader_of(stream) for _ in range(3)]
    frames = [message(number) for number in range(5)]
    assert [feed(reader, *frames) for reader in readers] == [5, 5, 5]
    assert stream.marks == [(0, number) for number in range(5)]
    assert len(stream.completed) == 5


def test_it_does_not_matter_where_the_network_cuts(stream):
    whole = b"".join(message(number) for number in range(4))
    readers = [reader_of(stream) for _ in range(3)]
    for size, reader in zip((1, 7, 301), readers, strict=True):
        held = sum(feed(reader, whole[at : at + size]) for at in range(0, len(whole), size))
        assert held == 4


def test_what_is_no_message_is_passed_by(stream):
    heard: list[bytes] = []
    first, second = Reader(stream, cut_websocket, heard.append), reader_of(stream)
    assert feed(first, message(0), PING, message(1)) == 2
    assert feed(second, PING, message(0)) + feed(second, message(1), PING) == 2
    assert heard == [PING]


def test_a_message_counts_as_received_when_its_last_reader_has_it(stream):
    early, late = reader_of(stream), reader_of(stream)
    feed(early, message(0), message(1))
    assert stream.completed == []
    feed(late, message(0))
    assert len(stream.completed) == 1
    feed(late, message(1))
    assert len(stream.completed) == 2


@pytest.mark.parametrize(
    "numbers", [(0, 2), (1,), (0, 0), (0, 1, 1), (1, 0)], ids=str
)  # fmt: skip
def test_a_loss_a_repeat_or_a_swap_is_void_for_the_first_reader(stream, numbers):
    with pytest.raises(VoidRunError):
        feed(reader_of(stream), *(message(number) for number in numbers))


@pytest.mark.parametrize("numbers", [(0, 2), (1, 0, 2), (0, 0, 1), (0, 1, 1)], ids=str)
def test_a_loss_a_repeat_or_a_swap_is_void_for_every_other_reader(stream, numbers):
    feed(reader_of(stream), *(message(number) for number in range(3)))
    with pytest.raises(VoidRunError):
        feed(reader_of(stream), *(message(number) for number in numbers))


def test_a_repeat_at_the_end_is_void(stream):
    reader = reader_of(stream)
    feed(reader, message(0))
    with pytest.raises(VoidRunError):
        feed(reader, message(0))


def test_a_hole_in_the_seqs_is_void(stream):
    with pytest.raises(VoidRunError, match="seq 9 came after 2"):
        feed(reader_of(stream), message(0), message(1, seq=9))


def test_one_changed_byte_is_void(stream):
    feed(reader_of(stream), message(0), message(1))
    changed = message(1).replace(b'"message":"<', b'"message"; <')
    assert changed != message(1)
    with pytest.raises(VoidRunError):
        feed(reader_of(stream), message(0), changed)


def test_readers_of_several_rooms_are_checked_in_each():
    streams = {room.encode(): Stream(has_seqs=True) for room in (ROOM, OTHER_ROOM)}
    readers = [RoomsReader(streams, cut_websocket, lambda frame: None) for _ in range(2)]
    here, there = message(0), message(0, room=OTHER_ROOM)
    assert feed(readers[0], here, there) == 2
    # Between rooms there is no order.
    assert feed(readers[1], there, here) == 2
    with pytest.raises(VoidRunError):
        feed(readers[1], there)


def test_a_room_that_one_is_not_in_is_void():
    reader = RoomsReader({ROOM.encode(): Stream(has_seqs=True)}, cut_websocket, lambda frame: None)
    with pytest.raises(VoidRunError):
        feed(reader, message(0, room=OTHER_ROOM))


def test_a_reader_that_begins_again_goes_on_after_what_it_holds(stream):
    reader = reader_of(stream)
    feed(reader, message(0), message(1)[:40])
    reader.begin_again()
    assert feed(reader, message(1)) == 1


def test_acknowledged_seqs_must_be_different_and_leave_no_hole():
    require_contiguous([3, 1, 2], "chat")
    for seqs in ([1, 2, 4], [1, 1, 2]):
        with pytest.raises(VoidRunError):
            require_contiguous(seqs, "chat")


def test_texts_have_one_length_and_say_whose_they_are():
    text = TEXTS.text(12, 3456)
    assert len(text) == TEXT_BYTES
    assert mark_in(b'{"message":"' + text.encode()) == (12, 3456)
    assert mark_in(b"no mark") is None


def test_nats_messages_and_http_answers_are_cut_whole():
    line = b"MSG room 1 5\r\na\r\nbc\r\n"
    assert list(cut_nats(b"PING\r\n" + line + line[:-1])) == [b"PING\r\n", line]
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    assert list(cut_http(answer + answer[:-1])) == [answer]
