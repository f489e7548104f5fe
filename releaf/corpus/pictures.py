"""One picture file: is it a picture at all, how large, which bytes, what does it look like.

What a picture shows is in `labels`; the copies of a whole dataset are in `images`.
"""

from __future__ import annotations

import io
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from releaf.artifacts import sha256_bytes
from releaf.corpus.splits import perceptual_hash
from releaf.errors import InputError
from releaf.picture_damage import PICTURE_DAMAGE

MAX_PIXELS = 50_000_000
"""A picture with more is refused before it is decoded; the largest phone cameras that are in use make 50 megapixels."""
MAX_BYTES = 100 * 2**20

# Formats that Pillow decodes by itself; others, such as EPS, would start programs.
_SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "GIF": ".gif",
    "TIFF": ".tif",
    "AVIF": ".avif",
}
_STILL = ("JPEG", "MPO", "BMP")
"""MPO is a JPEG with a second view behind it, as some phones and cameras write it: the first view is the picture."""
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


class PictureError(InputError):
    """A file that cannot be used as a picture."""


@dataclass(frozen=True)
class Picture:
    """A file that decodes: its bytes, its size in pixels as a viewer shows it, and its two hashes."""

    data: bytes
    suffix: str
    width: int
    height: int
    sha256: str
    perceptual_hash: int


def open_picture(path: Path) -> Picture:
    """Read a picture and decode all of it; the bytes that were checked are the ones returned.

    Raises `PictureError` saying why for what is no regular file, cannot be read, is empty, is larger than `MAX_BYTES`
    or `MAX_PIXELS` (before anything is decoded), is no picture, has several frames, or breaks off.
    """
    data = _read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged EXIF and the like: the pixels decide
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=list(_SUFFIXES)) as image:
                _refuse(image)
                image.load()
                sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
                width, height = image.size[::-1] if sideways else image.size
                suffix = _SUFFIXES.get(image.format or "", ".jpg")
                return Picture(data, suffix, width, height, sha256_bytes(data), perceptual_hash(image))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise PictureError(f"more than {MAX_PIXELS // 10**6} megapixels: {error}") from error
        except UnidentifiedImageError as error:
            raise PictureError(f"not a picture in a known format ({', '.join(_SUFFIXES)})") from error
        except PICTURE_DAMAGE as error:
            raise PictureError(f"damaged picture: {error}") from error


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait forever
            raise PictureError("not a regular file")
        if status.st_size == 0:
            raise PictureError("the file is empty")
        if status.st_size > MAX_BYTES:
            raise PictureError(f"the file has {status.st_size} bytes, at most {MAX_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error


def _refuse(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise PictureError(f"{image.width}x{image.height} pixels are more than {MAX_PIXELS // 10**6} megapixels")
    frames = 1 if image.format in _STILL else getattr(image, "n_frames", 1)
    if frames > 1:
        raise PictureError(f"has {frames} frames; a picture has one")
