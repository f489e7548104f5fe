"""From a file to the pixels a model sees: one path for training and serving.

Here: decoding every odd kind of picture, resizing, normalizing. Random changes for training are in `augmentation`.
"""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from releaf.errors import InputError
from releaf.picture_damage import PICTURE_DAMAGE

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 2  # raise it when the same file would give other pixels
MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, as timm's and torchvision's weights expect
STD = (0.229, 0.224, 0.225)
MAX_PIXELS = 64_000_000
MAX_BYTES = 512 * 2**20  # MAX_PIXELS of 16-bit RGBA as they are
DETAIL = 288  # longest side, in pixels, at which local descriptors are taken

# Formats that Pillow decodes by itself; others, such as EPS, would start programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")

_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def preprocess(image: Path | bytes, size: int, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Return a picture as (size, size, 3) uint8 RGB, the whole of it; see `open_picture` and `square`."""
    return square(open_picture(image, size, max_pixels=max_pixels), size)


def open_picture(image: Path | bytes, size: int, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return a picture, decoded once, as RGB and large enough for `square(size)` and for `bounded(DETAIL)`.

    Turned upright by its EXIF orientation; transparency becomes white; 16-bit, palette and CMYK become 8-bit RGB; an
    animation gives its first frame. Raises InputError, saying what is wrong, for a missing, empty or damaged file, one
    that is no picture, and one of more than `max_pixels` pixels, which is not decoded.
    """
    name = "the image" if isinstance(image, bytes) else str(image)
    data = _read(image, name)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise InputError(
                    f"{name} has {width} x {height} pixels; at most {max_pixels:,} are accepted: scale it down"
                )
            side = 2 * max(size, DETAIL)
            picture.draft("RGB", (side, side))  # lets a JPEG decode at a fraction of its size
            picture.load()
            return _rgb(_upright(picture))
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is not a picture in a known format ({', '.join(FORMATS)})") from error
    except _BOMB as error:
        raise InputError(
            f"{name} is too large to decode; at most {max_pixels:,} pixels are accepted: scale it down"
        ) from error
    except PICTURE_DAMAGE as error:
        raise InputError(f"{name} is damaged and cannot be decoded: {error}") from error


def square(picture: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """Return an RGB picture as (size, size, 3) uint8, its sides scaled independently: what the network sees."""
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)


def bounded(picture: Image.Image, side: int = DETAIL) -> npt.NDArray[np.uint8]:
    """Return an RGB picture as (H, W, 3) uint8 in its own proportions, the longer side at most `side`, never enlarged.

    What the local descriptors are taken from.
    """
    scale = side / max(picture.size)
    if scale < 1:
        width, height = (max(1, round(length * scale)) for length in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(picture, dtype=np.uint8)


def normalize(pixels: Tensor) -> Tensor:
    """Map (B, 3, H, W) values in [0, 255] to zero mean and unit variance by ImageNet's channel statistics."""
    values = pixels.float()
    mean = values.new_tensor(MEAN)[None, :, None, None] * 255
    std = values.new_tensor(STD)[None, :, None, None] * 255
    return (values - mean) / std


def to_tensor(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """Return (B, H, W, 3) uint8 pixels as a (B, 3, H, W) uint8 tensor that shares no memory with them."""
    import torch

    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2)


def _read(image: Path | bytes, name: str) -> bytes:
    try:
        data = image if isinstance(image, bytes) else _file(image, name)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"{name} cannot be read: {reason}") from error
    if not data:
        raise InputError(f"{name} is empty")
    return data


def _file(path: Path, name: str) -> bytes:
    status = path.stat()
    # Reading a pipe or a device might never end; a folder says so itself.
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name} is not a regular file")
    if status.st_size > MAX_BYTES:
        raise InputError(f"{name} has {status.st_size:,} bytes; at most {MAX_BYTES:,} are accepted: scale it down")
    return path.read_bytes()


def _upright(picture: Image.Image) -> Image.Image:
    """Return a picture turned as its EXIF says; with damaged EXIF as it stands, for its pixels are whole."""
    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except PICTURE_DAMAGE:
        return picture
    # Pillow's own function writes EXIF anew as well, which fails on odd fields that have nothing to do with this one.
    turned = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if turned is None else picture.transpose(turned)


def _rgb(picture: Image.Image) -> Image.Image:
    """Return any mode as RGB on white."""
    if picture.mode.startswith(("I", "F")):
        return _eight_bit(picture).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture.convert("RGB")


def _eight_bit(picture: Image.Image) -> Image.Image:
    # Pillow's own conversion clips at 255. 16-bit grey fills 0 to 65535; 32-bit modes hold 8- or 16-bit values or,
    # as floats, 0 to 1.
    values = np.asarray(picture, dtype=np.float64)
    top = float(values.max(initial=0.0, where=np.isfinite(values)))
    scale = (
        255.0 if top <= 1.0 and picture.mode == "F" else 1.0 if top <= 255.0 and picture.mode in "IF" else 255 / 65535
    )
    whole = np.nan_to_num(values, nan=0.0, posinf=top, neginf=0.0)
    return Image.fromarray(np.clip(np.rint(whole * scale), 0, 255).astype(np.uint8))
