"""Pictures of things that are no waste, to fit and to report how well unknown things are recognized.

Two kinds, in equal numbers. Crops of photographs that installed packages carry:

    part     photograph         carried by     who made it, licence
    choose   china.jpg          scikit-learn   danielbuechele on Flickr, CC BY 2.0
    report   flower.jpg         scikit-learn   vultilion on Flickr, CC BY 2.0
    report   grace_hopper.jpg   matplotlib     James S. Davis for the U.S. Navy, public domain

and synthetic pictures, drawn here. The parts share neither a photograph nor a family of drawings, so that what is
chosen on one part is reported on things of another sort. Three photographs are few: crops of one are not independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from releaf.errors import DataError, InputError

Part = Literal["choose", "report"]
Colour = tuple[int, int, int]
Draw = Callable[[np.random.Generator], Image.Image]

PHOTOGRAPH_CROP = "photograph crop"
SYNTHETIC = "synthetic"
PARTS: tuple[Part, ...] = ("choose", "report")

_SIDE = 256  # of a synthetic picture before it is scaled
_WORDS = ("the", "of", "and", "to", "in", "is", "was", "for", "on", "minutes", "agenda", "street", "budget", "page")


@dataclass(frozen=True)
class Photograph:
    """A photograph inside an installed package: the package, the file in it, its maker and licence."""

    part: Part
    package: str
    file: str
    maker: str
    licence: str

    @property
    def path(self) -> Path:
        """Where it is installed; raises DataError when it is not. The package is not imported."""
        spec = find_spec(self.package)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        for folder in folders:
            if (Path(folder) / self.file).is_file():
                return Path(folder) / self.file
        raise DataError(f"the installed package {self.package!r} has no {self.file}; install it from its wheel")


PHOTOGRAPHS = (
    Photograph("choose", "sklearn", "datasets/images/china.jpg", "danielbuechele (Flickr)", "CC BY 2.0"),
    Photograph("report", "sklearn", "datasets/images/flower.jpg", "vultilion (Flickr)", "CC BY 2.0"),
    Photograph(
        "report",
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "James S. Davis, U.S. Navy",
        "public domain",
    ),
)


def other_pictures(size: int, seed: int, count: int, part: Part) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Return `count` pictures (count, size, size, 3) uint8 RGB of one part, and the kind of each.

    Kinds are PHOTOGRAPH_CROP and SYNTHETIC, in turn. Picture i depends on size, seed, part and i alone. Raises
    InputError for a size below 8, a count below 1 or an unknown part, DataError where a photograph is not installed.
    """
    if size < 8 or count < 1:
        raise InputError(f"size {size} must be at least 8 pixels and count {count} at least 1")
    if part not in PARTS:
        raise InputError(f"part {part!r} must be one of {', '.join(PARTS)}")
    sources = [_opened(photograph.path) for photograph in PHOTOGRAPHS if photograph.part == part]
    families = tuple(SYNTHETIC_FAMILIES[part].values())
    pixels = np.empty((count, size, size, 3), dtype=np.uint8)
    for i in range(count):
        rng = np.random.default_rng([seed, PARTS.index(part), i])
        turn = i // 2
        picture = _crop(sources[turn % len(sources)], rng) if i % 2 == 0 else families[turn % len(families)](rng)
        # As pictures are scaled for the network, so that sharpness does not give these away.
        pixels[i] = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0))
    return pixels, tuple(PHOTOGRAPH_CROP if i % 2 == 0 else SYNTHETIC for i in range(count))


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _crop(photograph: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a box of 25 to 95 % of the shorter side, its sides at 3:4 to 4:3, mirrored half of the time."""
    side = min(photograph.size) * rng.uniform(0.25, 0.95)
    width, height = max(8, round(side)), max(8, round(side * rng.uniform(0.75, 1.0)))
    if rng.random() < 0.5:
        width, height = height, width
    left = int(rng.integers(photograph.width - width + 1))
    top = int(rng.integers(photograph.height - height + 1))
    box = photograph.crop((left, top, left + width, top + height))
    return box.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else box


def _colour(rng: np.random.Generator, low: int = 0, high: int = 255) -> Colour:
    red, green, blue = rng.integers(low, high + 1, size=3).tolist()
    return red, green, blue


def _sheet(colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (_SIDE, _SIDE), colour)
    return image, ImageDraw.Draw(image)


def _gradient(rng: np.random.Generator) -> Image.Image:
    """Two colours, one running into the other along a straight line."""
    corners = np.array([_colour(rng), _colour(rng)], dtype=np.float64)
    step = np.linspace(0.0, 1.0, _SIDE)
    tilt = rng.uniform(0.0, 1.0)
    share = (tilt * step[None, :] + (1 - tilt) * step[:, None])[:, :, None]
    return Image.fromarray((corners[0] * (1 - share) + corners[1] * share).astype(np.uint8))


def _noise(rng: np.random.Generator) -> Image.Image:
    """Random colours on a grid of 2 to 128 cells a side, drawn smoothly or as blocks."""
    cells = 2 ** int(rng.integers(1, 8))
    grid = rng.integers(0, 256, size=(cells, cells, 3), dtype=np.uint8)
    how = Image.Resampling.BICUBIC if rng.random() < 0.5 else Image.Resampling.NEAREST
    return Image.fromarray(grid).resize((_SIDE, _SIDE), how)


def _checkerboard(rng: np.random.Generator) -> Image.Image:
    """Fields of two colours, 2 to 12 a side."""
    fields = int(rng.integers(2, 13))
    odd = (np.arange(fields)[:, None] + np.arange(fields)[None, :]) % 2
    board = np.array([_colour(rng), _colour(rng)], dtype=np.uint8)[odd]
    return Image.fromarray(board).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)


def _text_page(rng: np.random.Generator) -> Image.Image:
    """Lines of words in one size, dark on light."""
    image, draw = _sheet(_colour(rng, 215))
    points, ink = int(rng.integers(9, 25)), _colour(rng, 0, 80)
    font = ImageFont.load_default(size=points)
    margin = int(rng.integers(5, 40))
    for y in range(margin, _SIDE - margin, points + int(rng.integers(2, 10))):
        words = " ".join(_WORDS[k] for k in rng.integers(len(_WORDS), size=24))
        draw.text((margin, y), words[: int(rng.integers(10, 60))], fill=ink, font=font)
    return image


def _shapes(rng: np.random.Generator) -> Image.Image:
    """Ellipses, boxes and triangles in plain colours, each anywhere."""
    image, draw = _sheet(_colour(rng))
    for _ in range(int(rng.integers(2, 9))):
        x, y = rng.integers(-40, _SIDE, size=2).tolist()
        width, height = rng.integers(20, 160, size=2).tolist()
        kind, colour = int(rng.integers(3)), _colour(rng)
        if kind == 0:
            draw.ellipse((x, y, x + width, y + height), fill=colour)
        elif kind == 1:
            draw.rectangle((x, y, x + width, y + height), fill=colour)
        else:
            draw.polygon([(x, y + height), (x + width, y + height), (x + width // 2, y)], fill=colour)
    return image


def _chart(rng: np.random.Generator) -> Image.Image:
    """A chart with axes: bars, a line over a grid, or a pie."""
    image, draw = _sheet(_colour(rng, 230))
    kind, values = int(rng.integers(3)), rng.uniform(0.1, 1.0, size=int(rng.integers(4, 11)))
    if kind == 2:
        ends = 360 * np.cumsum(values) / values.sum()
        for start, end in zip([0.0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            draw.pieslice((40, 40, 216, 216), start, end, fill=_colour(rng), outline=(255, 255, 255))
        return image
    width, tops = 190 / len(values), [220 - 180 * value for value in values.tolist()]
    for y in range(40, 220, 36):
        draw.line((35, y, 235, y), fill=(200, 200, 200))
    colour = _colour(rng, 0, 200)
    if kind == 0:
        for k, top in enumerate(tops):
            draw.rectangle((40 + k * width, top, 36 + (k + 1) * width, 220), fill=colour)
    else:
        draw.line([(40 + (k + 0.5) * width, top) for k, top in enumerate(tops)], fill=colour, width=4, joint="curve")
    draw.line((35, 30, 35, 220, 240, 220), fill=(30, 30, 30), width=3)
    return image


def _face(rng: np.random.Generator) -> Image.Image:
    """A face of ellipses and an arc: hair, head, eyes and mouth."""
    image, draw = _sheet(_colour(rng, 80))
    x, y = rng.integers(90, 167, size=2).tolist()
    rx, ry = int(rng.integers(45, 85)), int(rng.integers(60, 95))
    tone = float(rng.uniform(0.3, 1.0))
    draw.ellipse((x - rx - 12, y - ry - 22, x + rx + 12, y + ry // 2), fill=_colour(rng, 0, 120))
    draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=(int(245 * tone), int(205 * tone), int(175 * tone)))
    for side in (-1, 1):
        eye = x + side * rx * 0.4
        draw.ellipse((eye - 10, y - 26, eye + 10, y - 12), fill=(250, 250, 250))
        draw.ellipse((eye - 5, y - 24, eye + 5, y - 14), fill=_colour(rng, 0, 110))
    draw.line((x, y - 8, x - 6, y + 16, x + 4, y + 18), fill=(90, 60, 50), width=3)
    draw.arc((x - rx * 0.45, y + 10, x + rx * 0.45, y + ry * 0.7), 15, 165, fill=(150, 40, 50), width=6)
    return image


def _landscape(rng: np.random.Generator) -> Image.Image:
    """Sky that brightens downwards, a sun, and ridges, each nearer one darker and lower."""
    sky = np.linspace(_colour(rng, 60, 200), _colour(rng, 180, 255), _SIDE)[:, None, :].repeat(_SIDE, axis=1)
    image = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    x, y, radius = int(rng.integers(_SIDE)), int(rng.integers(20, 110)), int(rng.integers(8, 30))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 240, int(rng.integers(130, 230))))
    base, ridges = np.array(_colour(rng, 70, 190)), int(rng.integers(2, 6))
    for k in range(ridges):
        rough = np.cumsum(rng.uniform(-9, 9, size=33))
        heights = 110 + 120 * (k + 1) / (ridges + 1) + rough - rough.mean()
        line = list(zip(np.linspace(0, _SIDE, 33).tolist(), heights.tolist(), strict=True))
        red, green, blue = (base * (1 - 0.8 * k / ridges)).astype(int).tolist()
        draw.polygon([(0, _SIDE), *line, (_SIDE, _SIDE)], fill=(red, green, blue))
    return image


SYNTHETIC_FAMILIES: dict[Part, dict[str, Draw]] = {
    "choose": {"gradient": _gradient, "text page": _text_page, "checkerboard": _checkerboard, "shapes": _shapes},
    "report": {"noise": _noise, "chart": _chart, "face": _face, "landscape": _landscape},
}
"""What is drawn for each part: no family is in both."""
