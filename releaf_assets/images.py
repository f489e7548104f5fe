"""Paths of pictures in tables: relative to the home on disk, so that it can be moved, and absolute to be opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resources.warehouse import Dataset

if TYPE_CHECKING:
    import polars as pl


def relative_paths(images: pl.DataFrame, home: Path) -> pl.DataFrame:
    """The table with `path` relative to the home."""
    return images.with_columns(path=images["path"].str.strip_prefix(f"{home}/"))


def image_table(waste_images: Dataset, home: Path) -> pl.DataFrame:
    """The table `images` with absolute paths."""
    import polars as pl

    return waste_images.read("images").with_columns(path=pl.lit(f"{home}/") + pl.col("path"))
