"""Whatever is handed to the classifier, it answers or says in words why not, and answers the pictures beside it."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from releaf.taxonomy import Taxonomy
from releaf.vision.inference import Classifier, Prediction, Refusal
from releaf.vision.predictor import Predictor
from tests.vision.colours import ITEMS, colour_predictor

RED, BLUE = (250, 10, 10), (10, 10, 250)
ORIENTATION = 0x0112


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def plain(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, colour)


def scene() -> Image.Image:
    """A picture that looks different each way up."""
    pixels = np.full((36, 52, 3), 220, dtype=np.uint8)
    pixels[4:20, 6:40] = (40, 90, 220)
    pixels[22:30, 30:50] = (200, 40, 40)
    pixels[::3, ::5] //= 2
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def classifier(predictor: Predictor) -> Classifier:
    """Both models."""
    return Classifier(predictor)


@pytest.fixture(scope="module")
def by_colour(taxonomy: Taxonomy) -> Classifier:
    return Classifier(colour_predictor(taxonomy))


def answer(classifier: Classifier, image: Path | bytes) -> Prediction:
    (found,) = classifier.classify([image], 20)
    assert isinstance(found, Prediction), found
    return replace(found, name="", milliseconds=0.0)


def reason(classifier: Classifier, image: Path | bytes) -> str:
    (found,) = classifier.classify([image])
    assert isinstance(found, Refusal), found
    return found.reason


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_picture_stored_sideways_gets_the_answer_of_the_upright_one(
    classifier: Classifier, form: str, orientation: int
):
    # What the camera stored is the upright picture turned the other way.
    stored = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    turned = scene()
    for step in stored[orientation]:
        turned = turned.transpose(step)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    upright = answer(classifier, encoded(scene(), "PNG"))
    assert answer(classifier, encoded(turned, form, exif=exif, **options)) == upright
    assert answer(classifier, encoded(turned, form, **options)) != upright


def test_a_large_photograph_stored_sideways_gets_nearly_the_answer_of_the_upright_one(classifier: Classifier):
    upright = scene().resize((1300, 900), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    sideways = encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    one, other = answer(classifier, sideways), answer(classifier, encoded(upright, "JPEG", quality=95))
    assert [score.id for score in one.item[:3]] == [score.id for score in other.item[:3]]
    assert one.item[0].probability == pytest.approx(other.item[0].probability, abs=0.02)


def sixteen_bit(form: str) -> bytes:
    return encoded(Image.fromarray(np.full((30, 40), 40_000, dtype=np.uint16)), form)


@pytest.mark.parametrize(
    "image",
    [
        encoded(plain().convert("CMYK"), "JPEG", quality=95),
        encoded(plain().convert("CMYK"), "TIFF"),
        encoded(plain().quantize(4), "PNG"),
        encoded(plain().quantize(4), "PNG", transparency=3),
        encoded(plain().convert("RGBA"), "PNG"),
        encoded(plain(), "GIF", save_all=True, append_images=[plain(BLUE)]),
        encoded(plain(), "WEBP", save_all=True, append_images=[plain(BLUE)], lossless=True),
        encoded(plain(), "TIFF", save_all=True, append_images=[plain(BLUE)]),
        encoded(plain(), "MPO", save_all=True, append_images=[plain(BLUE)], quality=95),
        encoded(plain(), "AVIF", quality=95),
        encoded(plain(), "BMP"),
        encoded(plain(size=(1, 1)), "PNG"),
        encoded(plain(size=(1, 3000)), "PNG"),
        encoded(plain(size=(60_000, 1)), "PNG"),
    ],
    ids=[
        "cmyk-jpeg",
        "cmyk-tiff",
        "palette",
        "palette-with-transparency",
        "rgba",
        "animated-gif",
        "animated-webp",
        "many-page-tiff",
        "two-view-jpeg",
        "avif",
        "bmp",
        "1x1",
        "1x3000",
        "60000x1",
    ],
)
def test_every_form_of_a_red_picture_is_answered_as_red(by_colour: Classifier, classifier: Classifier, image: bytes):
    found = answer(by_colour, image)
    assert (found.item[0].id, found.known) == (ITEMS["red"], True)
    assert sum(score.probability for score in answer(classifier, image).item) == pytest.approx(1)


@pytest.mark.parametrize("image", [sixteen_bit("PNG"), sixteen_bit("TIFF")], ids=["png", "tiff"])
def test_sixteen_bits_are_answered_as_the_eight_bits_they_round_to(classifier: Classifier, image: bytes):
    eight = encoded(Image.new("L", (40, 30), round(40_000 / 257)), "PNG")
    assert answer(classifier, image) == answer(classifier, eight)


def test_a_transparent_picture_is_answered_as_on_white(by_colour: Classifier):
    clear = Image.new("RGBA", (40, 30), (250, 10, 10, 0))
    assert not answer(by_colour, encoded(clear, "PNG")).known
    assert answer(by_colour, encoded(clear, "PNG")) == answer(by_colour, encoded(plain((255, 255, 255)), "PNG"))


def looping(folder: Path) -> Path:
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    return folder / "loop.jpg"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.jpg")
    return folder / "pipe.jpg"


def holding(data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "bad.jpg").write_bytes(data)
        return folder / "bad.jpg"

    return write


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (holding(encoded(scene(), "JPEG")[:-200]), "is damaged and cannot be decoded: image file is truncated"),
        (holding(encoded(scene(), "JPEG")[:20]), "is not a picture in a known format (JPEG, PNG, "),
        (holding(b""), "is empty"),
        (holding(b"a text file called .jpg"), "is not a picture in a known format (JPEG, PNG, "),
        (holding(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "is not a picture in a known format"),
        (looping, "cannot be read: too many levels of symbolic links"),
        (pipe, "is not a regular file"),
        (lambda folder: folder, "cannot be read: is a directory"),
        (lambda folder: folder / "absent.jpg", "cannot be read: no such file or directory"),
        (lambda folder: folder / "absent\0.jpg", "cannot be read: "),
        (lambda folder: folder / ("a" * 300), "cannot be read: file name too long"),
    ],
    ids=["cut", "header", "empty", "text", "program", "loop", "pipe", "folder", "absent", "zero", "long"],
)
def test_what_is_no_picture_is_refused_in_words_and_leaves_the_others_alone(
    by_colour: Classifier, tmp_path: Path, make: Callable[[Path], Path], expected: str
):
    path = make(tmp_path)
    first, refusal, last = by_colour.classify([encoded(plain(), "PNG"), path, encoded(plain(BLUE), "PNG")])
    assert isinstance(refusal, Refusal)
    assert refusal.name == str(path)
    assert refusal.reason.startswith(f"{path} {expected}")
    assert isinstance(first, Prediction)
    assert isinstance(last, Prediction)
    assert [first.item[0].id, last.item[0].id] == [ITEMS["red"], ITEMS["blue"]]


def test_a_picture_of_400_megapixels_is_refused_and_never_decoded(
    by_colour: Classifier, monkeypatch: pytest.MonkeyPatch
):
    data = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", 20_000, 20_000)  # width and height in the header, which has a checksum
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    expected = "the image is too large to decode; at most 64,000,000 pixels are accepted: scale it down"
    assert reason(by_colour, bytes(data)) == expected


def test_a_file_that_may_not_be_read_is_refused(by_colour: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = holding(encoded(plain(), "PNG"))(tmp_path)

    def refusing(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refusing)
    assert reason(by_colour, path) == f"{path} cannot be read: permission denied"


def sources() -> list[bytes]:
    pixels = np.random.default_rng(3).integers(0, 256, size=(24, 32, 3), dtype=np.uint8)
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[ORIENTATION] = 6
    grey = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
    return [
        encoded(image, "JPEG", exif=exif),
        encoded(image, "JPEG", progressive=True),
        encoded(image, "PNG", exif=exif),
        encoded(image.quantize(8), "PNG", transparency=0),
        encoded(grey, "PNG"),
        encoded(image.quantize(8), "GIF", save_all=True, append_images=[image.rotate(90).quantize(8)]),
        encoded(image, "WEBP", exif=exif),
        encoded(image, "WEBP", lossless=True, save_all=True, append_images=[image.rotate(180)]),
        encoded(image, "TIFF"),
        encoded(image, "TIFF", compression="tiff_lzw"),
        encoded(image, "AVIF"),
        encoded(image, "BMP"),
    ]


def spoilt(data: bytes, rng: np.random.Generator) -> bytes:
    """A file that breaks off, or has some of its bytes changed: a third of them in the header alone."""
    kind = rng.integers(3)
    if kind == 0:
        return data[: rng.integers(1, len(data))]
    changed = bytearray(data)
    for place in rng.integers(0, len(data) if kind == 1 else 120, size=rng.integers(1, 8)):
        changed[place] = rng.integers(256)
    return bytes(changed)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_damaged_files_get_an_answer_or_a_refusal_and_never_anything_else(classifier: Classifier):
    rng, whole = np.random.default_rng(4), sources()
    files = [spoilt(whole[number % len(whole)], rng) for number in range(300)]
    answers = classifier.classify(files)
    refusals = [found for found in answers if isinstance(found, Refusal)]
    predictions = [found for found in answers if isinstance(found, Prediction)]
    assert len(refusals) + len(predictions) == 300
    assert min(len(refusals), len(predictions)) > 30  # both ways out were taken
    assert all(found.reason.startswith("the image is ") or "pixels" in found.reason for found in refusals)
    assert all(np.isfinite([score.probability for score in found.item]).all() for found in predictions)
