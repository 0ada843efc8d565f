"""What becomes of pictures before anybody sees them."""

import asyncio
import io
import os

import pytest
from PIL import Image
from tests.pictures import ANIMATED, BROKEN, HIDDEN, HUGE, POLYGLOTS, picture, png_of_size

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.pictures import MAX_BYTES, MAX_SIDE, Pictures, still_picture
from chatterroom.users.profile import Upload


def still(kind, data):
    avatar = still_picture(Upload(f"image/{kind}", data))
    shown = Image.open(io.BytesIO(avatar.data))
    shown.load()
    assert avatar.content_type == f"image/{kind}" == Image.MIME[shown.format]
    return avatar, shown


def cases(pictures):
    return pytest.mark.parametrize(("kind", "data"), pictures.values(), ids=pictures.keys())


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_stays_what_it_is(kind):
    avatar, shown = still(kind, picture(kind, 64))
    assert shown.size == (64, 64)
    assert shown.convert("RGB").getpixel((30, 30))[0] > 150
    assert avatar.avatar_id == still(kind, picture(kind, 64))[0].avatar_id
    assert avatar.avatar_id != still(kind, picture(kind, 63))[0].avatar_id


@cases(HUGE)
def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(monkeypatch, kind, data):
    assert len(data) < 30_000
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(ChatterRoomError) as caught:
        still_picture(Upload(f"image/{kind}", data))
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_the_largest_size_is_allowed():
    assert still("png", png_of_size(MAX_SIDE, MAX_SIDE))[1].size == (MAX_SIDE, MAX_SIDE)


@cases(ANIMATED)
def test_of_an_animation_the_first_frame_is_kept(kind, data):
    _, shown = still(kind, data)
    assert getattr(shown, "n_frames", 1) == 1


@cases(POLYGLOTS)
def test_nothing_else_is_left_in_a_picture(kind, data):
    assert HIDDEN in data
    avatar, shown = still(kind, data)
    assert b"script" not in avatar.data
    assert not shown.getexif()
    assert "icc_profile" not in shown.info


@cases(BROKEN)
def test_what_is_no_whole_picture_is_refused(kind, data):
    with pytest.raises(ChatterRoomError) as caught:
        still_picture(Upload(f"image/{kind}", data))
    assert caught.value.data["field"] == "avatar"


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_what_needs_more_bytes_than_allowed_becomes_smaller(kind):
    written = io.BytesIO()
    noise = os.urandom(MAX_SIDE * MAX_SIDE * 4)
    Image.frombytes("RGBA", (MAX_SIDE, MAX_SIDE), noise).save(written, kind)
    avatar, shown = still(kind, written.getvalue())
    assert len(avatar.data) <= MAX_BYTES
    assert 256 <= shown.width <= MAX_SIDE


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_understood(mode):
    written = io.BytesIO()
    Image.new(mode, (3, 3)).save(written, "png")
    assert still("png", written.getvalue())[1].size == (3, 3)


def test_a_picture_is_shown_upright():
    written = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(written, "jpeg", exif=exif)
    assert still("jpeg", written.getvalue())[1].size == (10, 20)


async def test_few_pictures_are_decoded_at_a_time(monkeypatch):
    under_way, most = 0, 0

    def decode(upload):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        result = still_picture(upload)
        under_way -= 1
        return result

    monkeypatch.setattr("chatterroom.users.pictures.still_picture", decode)
    async with Pictures() as pictures:
        upload = Upload("image/png", picture(side=200))
        found = await asyncio.gather(*(pictures.still(upload) for _ in range(12)))
    assert len(found) == 12
    assert most <= 2
