"""Pictures as others see them: decoded, and encoded anew, so that nothing else is left in them."""

import asyncio
import io
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Self

from PIL import Image, ImageOps

from chatterroom.core.errors import ChatterRoomError, ErrorCode
from chatterroom.users.profile import Avatar, Upload

__all__ = ["MAX_BYTES", "MAX_SIDE", "Pictures", "still_picture"]

MAX_SIDE = 1_024
# A picture that is encoded anew may need more bytes than before.
MAX_BYTES = 512 * 1024
# What is tried until the bytes suffice; the smallest always fits.
_SIDES = (MAX_SIDE, 512, 256)
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_OPTIONS: Mapping[str, Mapping[str, int]] = {
    "image/png": {},
    "image/jpeg": {"quality": 88},
    # Other methods are slower and little smaller.
    "image/webp": {"quality": 85, "method": 2},
}
_CONCURRENCY = 2
_WAIT_S = 2.0
_RETRY_AFTER_S = 1.0

# Pillow warns of a picture that is too large, and raises only for one that is twice as large.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class Pictures:
    """Decodes pictures off the loop, two at a time.

    A caller that would wait longer than two seconds for a turn gets OVERLOADED.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="pictures")
        self._turns = asyncio.Semaphore(_CONCURRENCY)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def still(self, upload: Upload) -> Avatar:
        """Return the still picture of an upload. Raises what `still_picture` does, OVERLOADED."""
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise ChatterRoomError(
                ErrorCode.OVERLOADED,
                "Too many pictures are being processed. Try again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
            ) from None
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, still_picture, upload)
        finally:
            self._turns.release()


def still_picture(upload: Upload) -> Avatar:
    """Return an upload's first frame, upright, without metadata, in at most `MAX_BYTES`.

    Raises INVALID_REQUEST if the bytes are no whole picture of the type they claim to be, or one of
    more than `MAX_SIDE` pixels a side, which is found before any pixel is decoded.
    """
    try:
        with Image.open(io.BytesIO(upload.data), formats=[_FORMATS[upload.content_type]]) as found:
            if max(found.size) > MAX_SIDE:
                raise _refused(f"avatar must have at most {MAX_SIDE:,} pixels a side.")
            frame = _upright(found)
    except ChatterRoomError:
        raise
    except Exception:  # noqa: BLE001 -- Pillow raises whatever a damaged file makes it stumble over
        raise _refused("avatar is not a valid PNG, JPEG or WebP picture.") from None
    data = _encoded(frame, upload.content_type)
    return Avatar(upload.content_type, data, sha256(data).hexdigest()[:32])


def _upright(found: Image.Image) -> Image.Image:
    found.load()
    turned = ImageOps.exif_transpose(found)
    frame = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    # Comments, profiles and the like would be written again.
    frame.info = {}
    return frame


def _encoded(frame: Image.Image, content_type: str) -> bytes:
    data = b""
    for side in _SIDES:
        frame.thumbnail((side, side))
        written = io.BytesIO()
        frame.save(written, _FORMATS[content_type], **_OPTIONS[content_type])
        data = written.getvalue()
        if len(data) <= MAX_BYTES:
            break
    return data


def _refused(message: str) -> ChatterRoomError:
    return ChatterRoomError(ErrorCode.INVALID_REQUEST, message, field="avatar")
