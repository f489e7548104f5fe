from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from releaf.artifacts import sha256_bytes
from releaf.corpus import pictures
from releaf.corpus.pictures import PictureError, open_picture
from releaf.corpus.splits import perceptual_hash

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def encoded(form: str, mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is this large, and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"nothing")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def opened(folder: Path, data: bytes):
    path = folder / "picture"
    path.write_bytes(data)
    return open_picture(path)


@pytest.mark.parametrize(
    ("form", "mode", "suffix"),
    [
        ("JPEG", "RGB", ".jpg"),
        ("JPEG", "CMYK", ".jpg"),
        ("JPEG", "L", ".jpg"),
        ("PNG", "RGBA", ".png"),
        ("PNG", "P", ".png"),
        ("PNG", "1", ".png"),
        ("WEBP", "RGB", ".webp"),
        ("BMP", "RGB", ".bmp"),
        ("GIF", "P", ".gif"),
        ("TIFF", "RGB", ".tif"),
    ],
)
def test_a_picture_is_measured_whatever_its_format_and_its_name(tmp_path, form, mode, suffix):
    data = encoded(form, mode)
    picture = opened(tmp_path, data)
    assert (picture.width, picture.height, picture.suffix) == (40, 30, suffix)
    assert picture.data == data
    assert picture.sha256 == sha256_bytes(data)
    assert picture.perceptual_hash == perceptual_hash(Image.open(io.BytesIO(data)))


def test_sixteen_bits_a_pixel_are_a_picture(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257).save(buffer, "PNG")
    assert opened(tmp_path, buffer.getvalue()).width == 40


def test_the_size_is_the_one_a_viewer_shows(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = opened(tmp_path, encoded("JPEG", exif=exif))
    assert (picture.width, picture.height) == (30, 40)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"just text, and a good deal of it", "not a picture in a known format (JPEG, PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture in a known format"),
        (encoded("JPEG")[:-300], "damaged picture"),
        (encoded("PNG")[:-200], "damaged picture"),
        (encoded("WEBP")[:-100], "damaged picture"),
        (png_of(9000, 9000), "9000x9000 pixels are more than 50 megapixels"),
        (png_of(12_000, 9000), "more than 50 megapixels"),
        (png_of(60_000, 60_000), "more than 50 megapixels"),
        (encoded("GIF", "P", save_all=True, append_images=[Image.new("P", (40, 30))]), "has 2 frames"),
    ],
    ids=["empty", "text", "program", "jpeg", "png", "webp", "large", "larger", "largest", "animated"],
)
def test_what_is_no_picture_is_refused_with_the_reason(tmp_path, data, reason):
    with pytest.raises(PictureError) as caught:
        opened(tmp_path, data)
    assert reason in str(caught.value)


def test_a_jpeg_with_a_second_view_behind_it_is_one_picture(tmp_path):
    data = encoded("MPO", save_all=True, append_images=[Image.fromarray(PIXELS)])
    assert opened(tmp_path, data).suffix == ".jpg"


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    with pytest.raises(PictureError, match="at most 100 are read"):
        opened(tmp_path, encoded("PNG"))


def test_a_file_that_may_not_be_read_and_a_link_to_itself_are_refused(tmp_path, monkeypatch):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(PictureError, match="cannot be read: Too many levels of symbolic links"):
        open_picture(tmp_path / "loop")
    (tmp_path / "private").write_bytes(encoded("PNG"))

    def refusing(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refusing)
    with pytest.raises(PictureError, match="cannot be read: Permission denied"):
        open_picture(tmp_path / "private")


def test_an_animation_that_breaks_off_between_its_frames_is_damaged(tmp_path):
    data = encoded("GIF", "P", save_all=True, append_images=[Image.new("P", (40, 30), 5)])
    with pytest.raises(PictureError, match="damaged picture"):
        opened(tmp_path, data[: data.rindex(b"\x21\xf9") + 3])


def test_a_pipe_does_not_hang_and_a_dangling_link_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PictureError, match="not a regular file"):
        open_picture(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PictureError, match="cannot be read: No such file"):
        open_picture(tmp_path / "link")


def test_damaged_bytes_are_refused_and_never_anything_else(tmp_path):
    rng = np.random.default_rng(1)
    moving = encoded("GIF", "P", save_all=True, append_images=[Image.new("P", (40, 30), 5)])
    sources = [*(encoded(form) for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")), moving]
    for number in range(300):
        data = bytearray(sources[number % len(sources)])
        if number % 3 == 0:
            del data[rng.integers(1, len(data)) :]
        for at in rng.integers(0, min(len(data), 200), 3):
            data[at] = rng.integers(0, 256)
        with contextlib.suppress(PictureError):
            assert opened(tmp_path, bytes(data)).width > 0
