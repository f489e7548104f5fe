"""From a file to the pixels a model sees: one path for training and serving.

Here: decoding every odd kind of picture, resizing, normalizing. Random changes for training are in `augmentation`.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from releaf.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1  # raise it when the same file would give other pixels
MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, as timm's and torchvision's weights expect
STD = (0.229, 0.224, 0.225)
MAX_PIXELS = 64_000_000

# What Pillow's decoders raise on damaged bytes.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, struct.error, zlib.error)


def preprocess(image: Path | bytes, size: int, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Return a picture as (size, size, 3) uint8 RGB, the whole of it, its sides scaled independently.

    Turned upright by its EXIF orientation; transparency becomes white; 16-bit, palette and CMYK become 8-bit RGB; an
    animation gives its first frame. Raises InputError, saying what is wrong, for a missing, empty or damaged file, one
    that is no picture, and one of more than `max_pixels` pixels, which is not decoded.
    """
    name = "the image" if isinstance(image, bytes) else str(image)
    with _open(image, name) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise InputError(
                f"{name} has {width} x {height} pixels; at most {max_pixels:,} are accepted: scale it down"
            )
        try:
            picture.draft("RGB", (2 * size, 2 * size))  # lets a JPEG decode at a fraction of its size
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            resized = _rgb(upright).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
        except _DAMAGE as error:
            raise InputError(f"{name} is damaged and cannot be decoded: {error}") from error
    return np.asarray(resized, dtype=np.uint8)


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


def _open(image: Path | bytes, name: str) -> Image.Image:
    try:
        data = image if isinstance(image, bytes) else image.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{name} cannot be read: {reason}") from error
    if not data:
        raise InputError(f"{name} is empty")
    try:
        return Image.open(io.BytesIO(data))
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is not a picture in a known format (JPEG, PNG, WebP, GIF, TIFF, BMP ...)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name} is too large to decode: {error}") from error
    except _DAMAGE as error:
        raise InputError(f"{name} is damaged and cannot be decoded: {error}") from error


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
    top = float(values.max(initial=0.0))
    scale = (
        255.0 if top <= 1.0 and picture.mode == "F" else 1.0 if top <= 255.0 and picture.mode in "IF" else 255 / 65535
    )
    return Image.fromarray(np.clip(np.rint(values * scale), 0, 255).astype(np.uint8))
