"""A small municipal table and its column map, which tests bend to their purpose."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

MAP: dict[str, Any] = {
    "format": "json",
    "columns": {
        "title": "name",
        "body": "text",
        "keywords": "words",
        "category": "bin",
        "id": "key",
        "url": "page",
    },
    "jurisdiction": {"id": "testville-leaflet", "name": "Testville", "within": ["testville"]},
    "effective": "2024-07-01",
    "source": {"id": "leaflet", "title": "Leaflet", "publisher": "Town hall", "date": "2024"},
    "categories": {
        "Yellow": {"stream": "Yellow Bin", "bin": "recycle", "topic": "recycling", "aliases": ["Yelow"]},
        "Brown": {"stream": "Brown Bin", "bin": "compost", "topic": "composting", "note": "Emptied weekly."},
        "Grey": {"stream": "Grey Bin", "bin": "landfill", "topic": "landfill"},
        "Poison": {"stream": "Depot", "bin": "hazardous", "topic": "hazardous", "named": ["to the depot"]},
        "Ask": {"complicated": True, "topic": "policy"},
    },
    "names": {"PET bottle": {"item": "plastic bottle"}, "newsprint sheet": {"material": "paper"}},
}


def row(name: str, category: str, words: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    """One entry of the table."""
    return {"name": name, "bin": category, "words": words, "text": text, "key": None, "page": None, **more}


ROWS: list[dict[str, Any]] = [
    row("Jars", "Yellow", "jam jars, Mason jar,  jars of glass", "&lt;p&gt;Into the Yellow Bin.&lt;/p&gt;", key="17"),
    row("Peel", "Brown", "fruit peel, apple cores", "Into the Brown Bin.", key="Xy_$Z", page="https://t.example/peel"),
    row("Bottles", "Yelow", "PET bottles", "<ul><li>Rinse.</li><li>Yellow Bin</li></ul>"),
    row("Cells", "Poison", "batteries, AA batteries", "Never in the Grey Bin: take it to the depot."),
    row("Cartons", "Ask", "egg carton", "It depends."),
]


def write_map(folder: Path, **changes: Any) -> Path:
    """Write the column map with some top-level keys replaced; None drops a key."""
    changed = {key: value for key, value in {**copy.deepcopy(MAP), **changes}.items() if value is not None}
    path = folder / "map.yaml"
    path.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    return path


def write_table(folder: Path, rows: list[dict[str, Any]] | None = None) -> Path:
    """Write the table as a JSON array, one entry a line."""
    path = folder / "table.json"
    lines = ",\n".join(json.dumps(entry) for entry in (ROWS if rows is None else rows))
    path.write_text(f"[\n{lines}\n]", encoding="utf-8")
    return path
