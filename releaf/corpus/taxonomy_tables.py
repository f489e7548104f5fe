"""The taxonomy as tables for the warehouse: one a kind, in class order."""

from __future__ import annotations

import polars as pl

from releaf.taxonomy import Taxonomy


def taxonomy_tables(taxonomy: Taxonomy) -> dict[str, pl.DataFrame]:
    """Tables `items`, `materials`, `families` and `bins`; `index` is the class index."""
    return {
        "items": pl.DataFrame(
            [
                {
                    "index": index,
                    "id": item.id,
                    "materials": list(item.materials),
                    "bin": item.bin,
                    "aliases": list(item.aliases),
                    "description": item.description,
                }
                for index, item in enumerate(taxonomy.items)
            ]
        ),
        "materials": pl.DataFrame(
            [
                {
                    "index": index,
                    "id": material.id,
                    "family": material.family,
                    "aliases": list(material.aliases),
                    "description": material.description,
                }
                for index, material in enumerate(taxonomy.materials)
            ]
        ),
        "families": pl.DataFrame(
            [{"index": i, "id": f.id, "aliases": list(f.aliases)} for i, f in enumerate(taxonomy.families)],
            schema={"index": pl.Int64, "id": pl.String, "aliases": pl.List(pl.String)},
        ),
        "bins": pl.DataFrame(
            [{"index": i, "id": b.id, "description": b.description} for i, b in enumerate(taxonomy.bins)]
        ),
    }
