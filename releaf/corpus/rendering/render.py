"""From a taxonomy to a folder of labelled pictures and their table.

Here: which pictures are made, under which seed, name and label. Not here: how anything looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from releaf.artifacts import sha256_bytes, storage_errors
from releaf.corpus.rendering import bottles, cans, packs, rigid, sheets, soft
from releaf.corpus.rendering.canvas import Canvas
from releaf.corpus.rendering.png import encode_png
from releaf.corpus.rendering.scene import photograph
from releaf.corpus.rendering.sketch import Sketch
from releaf.corpus.rendering.textures import TEXTURES, surface
from releaf.errors import InputError
from releaf.progress import Progress, silent
from releaf.taxonomy import Item, Taxonomy

DRAWINGS: dict[str, Callable[[Sketch], None]] = {
    "plastic_bottle": bottles.plastic_bottle,
    "plastic_bag": soft.plastic_bag,
    "plastic_tub": packs.plastic_tub,
    "takeaway_tray": packs.takeaway_tray,
    "beverage_can": cans.beverage_can,
    "food_can": cans.food_can,
    "aerosol_can": cans.aerosol_can,
    "glass_bottle": bottles.glass_bottle,
    "glass_jar": bottles.glass_jar,
    "newspaper": sheets.newspaper,
    "cardboard_box": rigid.cardboard_box,
    "egg_carton": rigid.egg_carton,
    "beverage_carton": packs.beverage_carton,
    "paper_cup": packs.paper_cup,
    "snack_wrapper": soft.snack_wrapper,
    "t_shirt": sheets.t_shirt,
    "fruit_peel": soft.fruit_peel,
    "wooden_crate": rigid.wooden_crate,
    "battery": cans.battery,
    "smartphone": rigid.smartphone,
}

_SCHEMA = {
    "id": pl.String,
    "path": pl.String,
    "width": pl.Int64,
    "height": pl.Int64,
    "source": pl.String,
    "dataset": pl.String,
    "item": pl.String,
    "material": pl.String,
    "family": pl.String,
    "bin": pl.String,
    "sha256": pl.String,
}
_SMALLEST, _LARGEST = 24, 1024


def render_image(item: str, material: str, *, size: int, seed: int, number: int = 0) -> npt.NDArray[np.uint8]:
    """Return one picture of `item` made of `material`, (size, size, 3) uint8.

    The picture depends on these five values alone; `number` tells pictures of one item apart. Raises InputError for an
    item without a drawing, a material without a look, or a size outside 24 to 1024 pixels.
    """
    _check(item, material, size)
    name = int.from_bytes(hashlib.sha256(f"{item}/{material}".encode()).digest()[:8], "big")
    rng = np.random.default_rng([seed, name, number])
    canvas = Canvas(
        size,
        angle=float(rng.uniform(-35, 35)) if rng.random() < 0.8 else float(rng.uniform(0, 360)),
        scale=float(rng.uniform(0.34, 0.47)),
        centre=(float(rng.uniform(0.43, 0.57)), float(rng.uniform(0.43, 0.57))),
        stretch=float(rng.uniform(0.86, 1.14)),
    )
    light = float(rng.uniform(0.35, 1.0)) * (1 if rng.random() < 0.5 else -1)
    DRAWINGS[item](Sketch(material, canvas, surface(material, canvas, rng), rng, light))
    return photograph(canvas, rng, light)


def render_images(
    directory: Path, taxonomy: Taxonomy, *, per_item: int, size: int, seed: int, progress: Progress = silent
) -> pl.DataFrame:
    """Draw `per_item` pictures of every item into `directory` and return their table.

    Files are `<item>/<material>-<number>.png`, `size` pixels square. An item's materials take turns, so `per_item` must
    be at least the largest number of materials an item has. Columns: id, path, width, height, source and dataset (both
    "rendered"), item, material, family, bin, sha256 of the file. A picture does not change when others are added:
    raising `per_item` keeps the first ones. Raises InputError for what cannot be drawn.
    """
    most = max(len(item.materials) for item in taxonomy.items)
    if per_item < most:
        raise InputError(
            f"per_item is {per_item}: at least {most} pictures are needed to show each item in each material"
        )
    for item in taxonomy.items:
        for material in item.materials:
            _check(item.id, material, size)
    rows: list[dict[str, Any]] = []
    total = per_item * len(taxonomy.items)
    for item in taxonomy.items:
        for number in range(per_item):
            rows.append(_write(directory, taxonomy, item, number, size=size, seed=seed))
        progress(len(rows), total, item.id)
    return pl.DataFrame(rows, schema=_SCHEMA)


def _check(item: str, material: str, size: int) -> None:
    if item not in DRAWINGS or material not in TEXTURES:
        raise InputError(f"no drawing for item {item!r} in material {material!r}: add one to releaf/corpus/rendering")
    if not _SMALLEST <= size <= _LARGEST:
        raise InputError(f"rendered images are {_SMALLEST} to {_LARGEST} pixels wide, not {size}")


def _write(directory: Path, taxonomy: Taxonomy, item: Item, number: int, *, size: int, seed: int) -> dict[str, Any]:
    material = item.materials[number % len(item.materials)]
    data = encode_png(render_image(item.id, material, size=size, seed=seed, number=number))
    path = directory / item.id / f"{material}-{number:05d}.png"
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {
        "id": f"rendered/{item.id}/{material}-{number:05d}",
        "path": str(path.absolute()),
        "width": size,
        "height": size,
        "source": "rendered",
        "dataset": "rendered",
        "item": item.id,
        "material": material,
        "family": taxonomy.material(material).family,
        "bin": item.bin,
        "sha256": sha256_bytes(data),
    }
