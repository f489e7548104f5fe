"""Sheets of pictures with words beneath them: mistakes, and what decided an answer. Plots are in `vision_plots`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.reporting.blocks import words
from releaf.reporting.sections.vision_sources import title_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

# Pixels of the sheet; a page shows it at 0.6 of them, see `Picture.width`.
_WIDTH, _GAP, _LETTER, _TITLE = 1160, 16, 18, 22
_INK, _SOFT, _WRONG, _FRAME = "#17211c", "#55625b", "#a32218", "#d9e0dc"


@dataclass(frozen=True, eq=False)
class Explained:
    """A picture, the same with its saliency laid over it, and what was said of it with which probability (0 to 1)."""

    source: str
    picture: Image
    overlay: Image
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class _Tile:
    pictures: Sequence[Image]
    lines: Sequence[tuple[str, str]]


def mistakes_sheet(mistakes: Sequence[Mapping[str, Any]], source: str, home: Path, *, columns: int = 6) -> bytes:
    """The surest mistakes of one source as PNG, `columns` in a row: beneath each its truth, and what was said instead.

    mistakes: as `VisionEvaluation.to_json` lists them; their paths are absolute or relative to `home`.
    """
    from PIL import Image, ImageOps

    tiles = []
    for mistake in mistakes:
        with Image.open(home / mistake["path"]) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        lines = [
            (words(mistake["truth"]), _INK),
            (f"→ {words(mistake['predicted'])}", _WRONG),
            (f"{_percent(mistake['truth_probability'])} → {_percent(mistake['probability'])}", _SOFT),
        ]
        tiles.append(_Tile([picture], lines))
    return _sheet({f"Surest mistakes, {title_of(source)}: what it is, → what was said": tiles}, columns)


def explanation_sheet(examples: Sequence[Explained], *, columns: int = 3) -> bytes:
    """Pictures beside their saliency as PNG, `columns` pairs in a row, each source under a title of its own."""
    groups: dict[str, list[_Tile]] = {}
    for example in examples:
        right = example.truth == example.predicted
        said = f"said: {words(example.predicted)} {_percent(example.probability)}"
        lines = [(f"true: {words(example.truth)}", _INK), (said, _SOFT if right else _WRONG)]
        tile = _Tile([example.picture.convert("RGB"), example.overlay.convert("RGB")], lines)
        groups.setdefault(title_of(example.source).capitalize(), []).append(tile)
    return _sheet(groups, columns)


def _sheet(groups: Mapping[str, Sequence[_Tile]], columns: int) -> bytes:
    from PIL import Image, ImageDraw

    plain, bold = _font("DejaVuSans.ttf", _LETTER), _font("DejaVuSans-Bold.ttf", _TITLE)
    cell = (_WIDTH + _GAP) // columns - _GAP
    heights = {title: _TITLE * 2 + -(-len(tiles) // columns) * _height(tiles, cell) for title, tiles in groups.items()}
    sheet = Image.new("RGB", (_WIDTH, max(1, sum(heights.values()))), "white")
    draw, top = ImageDraw.Draw(sheet), 0
    for title, tiles in groups.items():
        draw.text((0, top + 2), title, _INK, bold)
        for place, tile in enumerate(tiles):
            left = place % columns * (cell + _GAP)
            at = top + _TITLE * 2 + place // columns * _height(tiles, cell)
            side = _side(tile, cell)
            for number, picture in enumerate(tile.pictures):
                x = left + number * (side + 4)
                sheet.paste(_fitted(picture, side), (x, at))
                draw.rectangle((x, at, x + side - 1, at + side - 1), outline=_FRAME)
            for line, (text, colour) in enumerate(tile.lines):
                draw.text((left, at + side + 6 + line * (_LETTER + 6)), _cut(text, plain, cell), colour, plain)
        top += heights[title]
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _side(tile: _Tile, cell: int) -> int:
    return (cell - 4 * (len(tile.pictures) - 1)) // len(tile.pictures)


def _height(tiles: Sequence[_Tile], cell: int) -> int:
    return max(_side(tile, cell) + 6 + len(tile.lines) * (_LETTER + 6) for tile in tiles) + _GAP


def _fitted(picture: Image, side: int) -> Image:
    """The picture inside a white square, small ones enlarged without smoothing their few pixels away."""
    from PIL import ImageOps
    from PIL.Image import Resampling

    small = max(picture.size) * 2 <= side
    return ImageOps.pad(picture, (side, side), Resampling.NEAREST if small else Resampling.LANCZOS, color="white")


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %"


def _cut(text: str, font: FreeTypeFont, width: int) -> str:
    """The text, shortened by an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _font(file: str, size: int) -> FreeTypeFont:
    """A font that a plotting library carries: the same on every machine."""
    import matplotlib as mpl
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / file), size)
