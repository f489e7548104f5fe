"""From a plot to bytes, and from bytes to what Markdown and HTML can hold; the look that all plots share."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Chosen to be told apart by people with any common form of colour blindness (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#7F7F7F", "#F0E442")
DPI = 160  # sharp on a dense screen and on paper, small enough to be carried inside a page
STYLE: Any = {  # Any: the stubs want each key as a literal
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "font.size": 9,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "figure.facecolor": "white",
    "svg.hashsalt": "releaf",  # element ids of an SVG are random without it
}


@contextmanager
def drawing(width: float = 5.6, height: float = 3.2, *, columns: int = 1) -> Iterator[tuple[Figure, list[Axes]]]:
    """Give a figure and its axes, `columns` side by side; sizes in inches. The figure is closed whatever happens."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, columns, squeeze=False)
        yield figure, list(axes[0])


def png(figure: Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def with_few_colours(image: bytes) -> bytes:
    """A PNG with at most 256 colours: a quarter of the size where thousands of thin lines cross."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(image)) as full:
        few = full.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def data_uri(image: bytes, kind: str = "png") -> str:
    """An image as a `data:` address that needs no file."""
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def markdown_image(image: bytes, title: str) -> str:
    """An image as Markdown that carries it inside."""
    return f"![{title}]({data_uri(image)})"


def contact_sheet(files: Sequence[Path], *, columns: int = 10, side: int = 96, limit: int = 60) -> bytes:
    """The first `limit` pictures as one PNG, `columns` in a row, each fitted into a square of `side` pixels."""
    from PIL import Image, ImageOps

    shown = list(files)[:limit]
    rows = max(1, -(-len(shown) // columns))
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for index, file in enumerate(shown):
        with Image.open(file) as image:
            tile = ImageOps.pad(ImageOps.exif_transpose(image).convert("RGB"), (side - 4, side - 4), color="white")
        sheet.paste(tile, (index % columns * side + 2, index // columns * side + 2))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
