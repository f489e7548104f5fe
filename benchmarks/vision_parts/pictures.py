"""The pictures that are measured with: rendered ones with labels, and JPEG files as cameras write them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

TABLE = "pictures.parquet"
SEED = 0


def render(folder: Path, per_item: int) -> pl.DataFrame:
    """Render as many pictures of every item as the local profile would, only fewer, and keep their table beside them.

    Files are `images/<item>/<material>-<number>.png`, so the folder is one that timm reads as well.
    """
    from releaf.corpus.rendering import render_images
    from releaf.taxonomy import load_taxonomy
    from resources.settings import load_settings

    settings = load_settings()
    taxonomy = load_taxonomy(settings.data_dir / "taxonomy.yaml")
    table = render_images(folder / "images", taxonomy, per_item=per_item, size=settings.rendering.size, seed=SEED)
    table.write_parquet(folder / TABLE)
    return table


def photograph(width: int, height: int, *, grain: float = 0.0) -> bytes:
    """Return a JPEG of random smooth content at quality 90; `grain` is the deviation of noise a pixel, of 255.

    Without grain there is hardly anything to decode in most blocks; a camera's picture has grain of 2 to 5.
    """
    rng = np.random.default_rng([SEED, width, height])
    coarse = rng.integers(0, 256, size=(9, 12, 3), dtype=np.uint8)
    fine = rng.integers(0, 256, size=(36, 48, 3), dtype=np.uint8)
    parts = [Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC) for part in (coarse, fine)]
    picture = Image.blend(parts[0], parts[1], 0.4)
    if grain:
        noise = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(grain)
        picture = Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
