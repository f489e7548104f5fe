"""A PNG writer whose bytes depend on the pixels alone.

Compressors differ between zlib builds, so the same picture would have another content hash on another machine.
This writer stores the pixels uncompressed (deflate "stored" blocks). Reading is left to Pillow.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STORED_BLOCK = 65_535  # the largest stored deflate block, RFC 1951 section 3.2.4


def encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return `pixels` as an RGB PNG file.

    `pixels` is (height, width, 3) uint8. Format: PNG specification (ISO/IEC 15948), RFC 1950 and RFC 1951.
    """
    height, width, channels = pixels.shape
    if channels != 3:
        raise ValueError(f"encode_png needs (height, width, 3) pixels, not {pixels.shape}")
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # column 0 is the filter type: 0, none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, colour type 2 = RGB
    return b"".join(
        [_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", _store(rows.tobytes())), _chunk(b"IEND", b"")]
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _store(data: bytes) -> bytes:
    parts = [b"\x78\x01"]  # zlib header: deflate, 32 KiB window, no preset dictionary
    for start in range(0, len(data), _STORED_BLOCK):
        block = data[start : start + _STORED_BLOCK]
        last = start + _STORED_BLOCK >= len(data)
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    parts.append(struct.pack(">I", zlib.adler32(data)))
    return b"".join(parts)
