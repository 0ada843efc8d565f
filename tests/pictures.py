"""Pictures that tests upload: sound ones, and such as attackers make."""

import base64
import io
import struct
import zlib
from functools import cache

from PIL import Image

__all__ = ["ANIMATED", "BROKEN", "HUGE", "POLYGLOTS", "data_url", "picture", "png_of_size"]

HIDDEN = b"<script>alert(1)</script>"


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@cache
def picture(kind: str = "png", side: int = 8, **options) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (side, side), (200, 30, 60)).save(written, kind, **options)
    return written.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


@cache
def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG of one colour, a bit a pixel, with all its pixels."""
    row = bytes(1 + (width + 7) // 8)
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _jpeg_of_size(width: int, height: int) -> bytes:
    """Return a JPEG whose header names a size that its pixels are not of."""
    data = picture("jpeg")
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def _webp_of_size(width: int, height: int) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size + picture("webp")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _animated(kind: str, frames: int) -> bytes:
    written = io.BytesIO()
    colours = [Image.new("RGB", (2, 2), (n % 256, n // 256, 0)) for n in range(frames)]
    colours[0].save(written, kind, save_all=True, append_images=colours[1:], duration=20)
    return written.getvalue()


def _with_text() -> bytes:
    data = picture()
    return data[:33] + _chunk(b"tEXt", b"Comment\0" + HIDDEN) + data[33:]


def _with_swollen_profile() -> bytes:
    data = picture()
    swollen = b"x\0\0" + zlib.compress(bytes(20_000_000), 9)
    return data[:33] + _chunk(b"iCCP", swollen) + data[33:]


HUGE = {
    "png": ("png", png_of_size(15_000, 15_000)),
    "tall-png": ("png", png_of_size(1, 60_000)),
    "little-too-wide": ("png", png_of_size(1_025, 1)),
    "jpeg": ("jpeg", _jpeg_of_size(65_500, 65_500)),
    "webp": ("webp", _webp_of_size(16_384, 16_384)),
}
ANIMATED = {"webp": ("webp", _animated("webp", 300)), "png": ("png", _animated("png", 200))}
POLYGLOTS = {
    "html-behind": ("png", picture() + HIDDEN),
    "text-inside": ("png", _with_text()),
    "comment-inside": ("jpeg", picture("jpeg", comment=HIDDEN)),
    "exif-inside": ("jpeg", picture("jpeg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0" + HIDDEN)),
    "profile-inside": ("webp", picture("webp", icc_profile=HIDDEN)),
}
BROKEN = {
    "magic-only": ("png", b"\x89PNG\r\n\x1a\n"),
    "half-a-png": ("png", picture(side=64)[:80]),
    "half-a-jpeg": ("jpeg", picture("jpeg", 64)[:200]),
    "half-a-webp": ("webp", picture("webp", 64)[:30]),
    "another-type": ("jpeg", picture()),
    "page": ("png", HIDDEN),
    "page-behind-magic": ("png", b"\x89PNG\r\n\x1a\n" + HIDDEN),
    "rubbish-jpeg": ("jpeg", b"\xff\xd8\xff\xe0" + bytes(20)),
    "rubbish-webp": ("webp", b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20)),
    "no-pixels": ("png", png_of_size(1, 1).replace(b"IDAT", b"iDAT")),
    "swollen-profile": ("png", _with_swollen_profile()),
}
