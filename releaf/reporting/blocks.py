"""The pieces a report's section is built from, and how numbers are written in them. No piece knows any subject."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from releaf.reporting.pictures import DPI, data_uri

HIGHER = "higher is better"
LOWER = "lower is better"
_NOTHING = "–"
_CSS_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, and below it what the unit is and which direction is better."""

    name: str
    note: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A value as text, a remark in small print (an interval), and a tone: "", "best", "good", "bad" or "open"."""

    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; `note` says what all values have in common."""

    kind: ClassVar[str] = "table"
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A PNG with its title, and a note on how to read it."""

    title: str
    image: bytes
    note: str = ""

    @property
    def uri(self) -> str:
        """The picture as a `data:` address."""
        return data_uri(self.image)

    @property
    def width(self) -> int:
        """The width at which the plot's inches are inches, in CSS pixels (from the PNG header, bytes 16–20)."""
        pixels = int.from_bytes(self.image[16:20], "big")
        return round(pixels / DPI * _CSS_PIXELS_PER_INCH)


@dataclass(frozen=True)
class Pictures:
    """Pictures that belong beside each other."""

    kind: ClassVar[str] = "pictures"
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Gallery:
    """Small pictures with captions."""

    kind: ClassVar[str] = "gallery"
    title: str
    tiles: Sequence[tuple[str, str]]
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Listing:
    """Text to be shown as it is, line by line."""

    kind: ClassVar[str] = "listing"
    title: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading inside a section, with a badge where the kind of data must not be overlooked ("synthetic")."""

    kind: ClassVar[str] = "heading"
    text: str
    badge: str = ""


Block = Table | Pictures | Gallery | Text | Listing | Heading


@dataclass(frozen=True)
class Section:
    """A part of the page: `id` is its address within the page, `lead` what it is about in a sentence or two."""

    id: str
    title: str
    lead: str
    blocks: Sequence[Block]


def figure(value: float | None, digits: int = 3) -> str:
    """A number with a fixed number of decimals; a dash for what is missing or not a number."""
    if value is None or math.isnan(value):
        return _NOTHING
    return f"{value:,.{digits}f}"


def count(value: float | None) -> str:
    """A whole number with thousands separated; a dash for what is missing."""
    return figure(value, 0)


def value_text(value: object) -> str:
    """Any plain value as a person would write it: whole numbers whole, others with four significant digits."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: _NOTHING}[value]
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if isinstance(value, float):
        return _NOTHING if math.isnan(value) else f"{value:.4g}"
    return str(value)


def interval(low: float, high: float, digits: int = 3) -> str:
    """Two bounds as "0.812 to 0.871"; a negative bound makes both carry their signs."""
    sign = "+" if low < 0 or high < 0 else ""
    return f"{low:{sign}.{digits}f} to {high:{sign}.{digits}f}"


def words(name: str) -> str:
    """An id as words: `plastic_bottle` is "plastic bottle"."""
    return name.replace("_", " ")


def wilson(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share of `n` independent trials (Wilson 1927); (0, 1) for none."""
    if n <= 0 or math.isnan(share):
        return 0.0, 1.0
    z = 1.959964
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)
