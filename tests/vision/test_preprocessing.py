from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from releaf.errors import InputError
from releaf.vision import preprocessing
from releaf.vision.preprocessing import MEAN, STD, normalize, preprocess, to_tensor

SIZE = 16


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves() -> Image.Image:
    """64 x 32: left half red, right half blue."""
    pixels = np.zeros((32, 64, 3), dtype=np.uint8)
    pixels[:, :32, 0] = 255
    pixels[:, 32:, 2] = 255
    return Image.fromarray(pixels)


def is_red(pixel: np.ndarray) -> bool:
    return bool(pixel[0] > 200 and pixel[2] < 60)


def is_blue(pixel: np.ndarray) -> bool:
    return bool(pixel[2] > 200 and pixel[0] < 60)


def test_the_whole_picture_is_kept_in_a_square():
    pixels = preprocess(encoded(halves(), "PNG"), SIZE)
    assert pixels.shape == (SIZE, SIZE, 3)
    assert pixels.dtype == np.uint8
    assert is_red(pixels[8, 1])
    assert is_blue(pixels[8, 14])


def test_a_path_and_the_bytes_of_its_file_give_the_same_pixels(tmp_path: Path):
    data = encoded(halves(), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    np.testing.assert_array_equal(preprocess(tmp_path / "a.png", SIZE), preprocess(data, SIZE))


@pytest.mark.parametrize(("orientation", "top", "bottom"), [(6, is_red, is_blue), (8, is_blue, is_red)])
def test_exif_orientation_turns_the_picture_upright(orientation: int, top: object, bottom: object):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = preprocess(encoded(halves(), "JPEG", exif=exif.tobytes(), quality=95), SIZE)
    assert callable(top)
    assert callable(bottom)
    assert top(pixels[1, 8])
    assert bottom(pixels[14, 8])


def test_cmyk_becomes_rgb():
    pixels = preprocess(encoded(halves().convert("CMYK"), "JPEG", quality=95), SIZE)
    assert is_red(pixels[8, 1])
    assert is_blue(pixels[8, 14])


def test_sixteen_bit_grey_keeps_its_brightness():
    grey = Image.fromarray(np.full((20, 20), 32_896, dtype=np.uint16))  # 128 · 257
    assert np.unique(preprocess(encoded(grey, "PNG"), SIZE)).tolist() == [128]


def test_floating_point_grey_from_zero_to_one_keeps_its_brightness():
    grey = Image.fromarray(np.full((20, 20), 0.5, dtype=np.float32))
    assert np.unique(preprocess(encoded(grey, "TIFF"), SIZE)).tolist() == [128]


def test_a_palette_becomes_rgb():
    pixels = preprocess(encoded(halves().quantize(4), "PNG"), SIZE)
    assert is_red(pixels[8, 1])
    assert is_blue(pixels[8, 14])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white(mode: str):
    if mode == "P":
        image = Image.new("P", (20, 20), 0)
        image.putpalette([255, 0, 0, 0, 0, 0])
        data = encoded(image, "PNG", transparency=0)
    else:
        data = encoded(Image.new(mode, (20, 20), 0), "PNG")
    assert np.unique(preprocess(data, SIZE)).tolist() == [255]


def test_an_animation_gives_its_first_frame():
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    pixels = preprocess(encoded(red, "GIF", save_all=True, append_images=[blue]), SIZE)
    assert is_red(pixels[8, 8])


def test_values_that_are_no_numbers_are_black_and_change_no_other_pixel():
    values = np.full((SIZE, SIZE), 0.5, dtype=np.float32)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, -np.inf, np.inf
    pixels = preprocess(encoded(Image.fromarray(values), "TIFF"), SIZE)
    assert pixels[0, :4, 0].tolist() == [0, 0, 128, 128]
    assert np.unique(pixels[1:]).tolist() == [128]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_leaves_the_picture_as_it_stands():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = bytearray(encoded(halves(), "JPEG", exif=exif, quality=95))
    place = data.index(b"Exif\0\0") + 6
    for damaged in (b"XXXXXXXX", b"II*\0\xff\xff\xff\xff"):
        data[place : place + 8] = damaged
        pixels = preprocess(bytes(data), SIZE)
        assert is_red(pixels[8, 1])
        assert is_blue(pixels[8, 14])


def test_exif_that_pillow_cannot_write_anew_still_turns_the_picture(monkeypatch: pytest.MonkeyPatch):
    def failing(self: Image.Exif, offset: int = 8) -> bytes:
        raise struct.error("argument out of range")

    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(halves(), "JPEG", exif=exif, quality=95)
    monkeypatch.setattr(Image.Exif, "tobytes", failing)
    assert is_red(preprocess(data, SIZE)[1, 8])


@pytest.mark.parametrize("orientation", [0, 1, 9, 99])
def test_an_orientation_that_means_nothing_leaves_the_picture_as_it_stands(orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert is_red(preprocess(encoded(halves(), "PNG", exif=exif), SIZE)[8, 1])


def test_one_bit_black_and_white_is_read():
    assert np.unique(preprocess(encoded(Image.new("1", (20, 20), 1), "PNG"), SIZE)).tolist() == [255]


def test_a_large_jpeg_gives_nearly_the_pixels_of_its_png():
    ramp = np.linspace(0, 255, 1024).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(ramp[None, :, None], (768, 1024, 3)).copy())
    jpeg, png = (preprocess(encoded(image, kind), 64).astype(int) for kind in ("JPEG", "PNG"))
    assert np.abs(jpeg - png).max() <= 4


def test_an_empty_file_is_refused(tmp_path: Path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(InputError, match=r"empty\.jpg is empty"):
        preprocess(tmp_path / "empty.jpg", SIZE)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read: no such file"):
        preprocess(tmp_path / "nothing.jpg", SIZE)
    with pytest.raises(InputError, match="cannot be read: is a directory"):
        preprocess(tmp_path, SIZE)


def test_text_is_refused_as_no_picture():
    with pytest.raises(InputError, match=r"the image is not a picture in a known format \(JPEG, PNG, WEBP, GIF, "):
        preprocess(b"hello, I am text", SIZE)


def test_a_format_that_would_start_a_program_is_no_known_format(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("subprocess.check_call", None)
    with pytest.raises(InputError, match="is not a picture in a known format"):
        preprocess(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", SIZE)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(InputError, match=r"pipe\.jpg is not a regular file"):
        preprocess(tmp_path / "pipe.jpg", SIZE)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.png").write_bytes(bytes(2000))
    monkeypatch.setattr(preprocessing, "MAX_BYTES", 1000)
    monkeypatch.setattr(Path, "read_bytes", None)
    with pytest.raises(InputError, match="has 2,000 bytes; at most 1,000 are accepted"):
        preprocess(tmp_path / "a.png", SIZE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_truncated_file_is_refused_as_damaged(kind: str):
    rng = np.random.default_rng(0)
    data = encoded(Image.fromarray(rng.integers(0, 256, size=(64, 64, 3), dtype=np.uint8)), kind)
    with pytest.raises(InputError, match=r"is damaged|is not a picture"):
        preprocess(data[: len(data) // 2], SIZE)


def test_flipped_bytes_never_raise_anything_but_an_input_error():
    rng = np.random.default_rng(1)
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        data = encoded(halves(), kind)
        for _ in range(25):
            broken = bytearray(data)
            for place in rng.integers(0, len(data), size=4):
                broken[place] ^= int(rng.integers(1, 256))
            try:
                assert preprocess(bytes(broken), SIZE).shape == (SIZE, SIZE, 3)
            except InputError as error:
                assert "the image" in str(error)  # noqa: PT017  # some damage is harmless, so nothing must raise


def test_too_many_pixels_are_refused_before_they_are_decoded():
    data = encoded(Image.new("1", (3000, 2000)), "PNG")
    with pytest.raises(InputError, match="3000 x 2000 pixels; at most 5,000,000"):
        preprocess(data, SIZE, max_pixels=5_000_000)


def test_a_decompression_bomb_is_refused():
    data = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", 20_000, 20_000)  # width and height in the header, which has a checksum
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(InputError, match="too large to decode"):
        preprocess(bytes(data), SIZE)


def test_normalizing_gives_imagenets_mean_zero_and_deviation_one():
    pixels = torch.tensor(MEAN)[None, :, None, None] * 255
    torch.testing.assert_close(normalize(pixels), torch.zeros(1, 3, 1, 1))
    brighter = pixels + torch.tensor(STD)[None, :, None, None] * 255
    torch.testing.assert_close(normalize(brighter), torch.ones(1, 3, 1, 1))


def test_bytes_and_floats_normalize_alike():
    pixels = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    torch.testing.assert_close(normalize(pixels), normalize(pixels.float()))


def test_a_tensor_has_channels_first_and_its_own_memory():
    pixels = np.zeros((1, 2, 4, 3), dtype=np.uint8)
    tensor = to_tensor(pixels)
    tensor += 1
    assert tensor.shape == (1, 3, 2, 4)
    assert pixels.max() == 0
