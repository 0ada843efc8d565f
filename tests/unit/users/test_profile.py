import base64

import msgspec
import pytest

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.profile import parse_avatar, parse_preferences

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
WEBP = b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20)


def url(data, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def refused(parse, text, field):
    with pytest.raises(ChatterRoomError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.data["field"]) == (ErrorCode.INVALID_REQUEST, field)


@pytest.mark.parametrize(("kind", "data"), [("png", PNG), ("jpeg", JPEG), ("webp", WEBP)])
def test_pictures_are_what_they_say(kind, data):
    upload = parse_avatar(url(data, kind))
    assert (upload.content_type, upload.data) == (f"image/{kind}", data)


@pytest.mark.parametrize(
    "text",
    [
        url(PNG, "jpeg"),
        url(b"<svg onload=alert(1)>", "png"),
        url(PNG, "svg+xml"),
        "https://example.org/ada.png",
        "data:text/html;base64,PGI+",
        url(PNG) + "\n",
        url(PNG)[:-1] + "!",
        "data:image/png;base64,A",
        url(PNG + bytes(30_000)),
    ],
    ids=range(9),
)
def test_other_pictures_are_refused(text):
    refused(parse_avatar, text, "avatar")


def test_preferences_are_a_json_object_of_at_most_eight_kib():
    assert parse_preferences('{ "theme": "dark", "muted": [] }') == '{"theme":"dark","muted":[]}'
    largest = msgspec.json.encode({"a": "x" * (8 * 1024 - 8)}).decode()
    assert parse_preferences(largest) == largest
    for text in (largest[:-2] + 'x"}', "[]", "null", "", "{", '{"a": NaN}', '{"a":' * 9_000):
        refused(parse_preferences, text, "preferences")
