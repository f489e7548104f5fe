"""The table `images`: rows from the annotations of imports, without repeats and contradictions, in groups and splits.

No picture is opened here: sizes and hashes were taken by the import (see `images`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from releaf.corpus.labels import KINDS, Kind, Names, implied
from releaf.corpus.native import load_native, read_native
from releaf.corpus.splits import assign_splits, drop_contradictions, group_images
from releaf.corpus.validation import Quarantine, Schema, Validated
from releaf.taxonomy import Taxonomy

IMAGE_SCHEMA: Schema = {
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
    "perceptual_hash": pl.String,
    "group": pl.String,
    "split": pl.String,
}
ANNOTATIONS = "annotations.json"
DATASET = "images"
_OWN_KEYS = ("source_file", "width", "height", "sha256", "perceptual_hash")


def read_tables(folders: Iterable[Path], taxonomy: Taxonomy) -> Validated:
    """The table of the imports in `folders`, checked, grouped and split; `images.read_imports` says how."""
    quarantine = Quarantine(DATASET)
    rows: list[dict[str, Any]] = []
    for folder in folders:
        rows.extend(_rows(folder, taxonomy, quarantine))
    read = len(rows) + len(quarantine)
    images = pl.DataFrame(_without_repeats(rows, quarantine), schema=IMAGE_SCHEMA)
    checked = drop_contradictions(images)
    grouped = group_images(checked.frame, [int(value, 16) for value in checked.frame["perceptual_hash"]])
    stratum = pl.concat_str(["dataset", pl.coalesce(*KINDS, pl.lit("unlabelled"))], separator="/")
    split = assign_splits(grouped.with_columns(stratum.alias("stratum")), by="stratum", group="group")
    return Validated(split.select(IMAGE_SCHEMA.keys()), pl.concat([quarantine.frame(), checked.quarantine]), read)


def _rows(folder: Path, taxonomy: Taxonomy, quarantine: Quarantine) -> Iterable[dict[str, Any]]:
    raw = load_native(folder / ANNOTATIONS)
    for row in raw.get("rejected", []):
        quarantine.add(f"{folder.name}/{row['file']}", None, row["reason"], row.get("content", ""))
    known: dict[tuple[tuple[Kind, str], ...], Names] = {}
    there = {path.name for path in (folder / "images").iterdir()} if (folder / "images").is_dir() else set()
    for image, names in read_native(raw, taxonomy, f"{folder.name}/{ANNOTATIONS}", quarantine):
        missing = [key for key in _OWN_KEYS if key not in image]
        if missing:
            quarantine.add(f"{folder.name}/{ANNOTATIONS}", None, f"{image['file_name']} has no {', '.join(missing)}")
            continue
        name = f"{folder.name}/{image['source_file']}"
        file = folder.absolute() / image["file_name"]
        if file.name not in there:
            quarantine.add(name, None, f"its copy {image['file_name']} is gone; import the dataset again")
            continue
        key = tuple(names.items())
        if key not in known:
            known[key] = implied(names, taxonomy)
        yield {
            "id": name,
            "path": str(file),
            "width": image["width"],
            "height": image["height"],
            "source": "photograph",
            "dataset": folder.name,
            **{kind: known[key].get(kind) for kind in KINDS},
            "sha256": image["sha256"],
            "perceptual_hash": image["perceptual_hash"],
            "group": None,
            "split": None,
        }


def _without_repeats(rows: Sequence[dict[str, Any]], quarantine: Quarantine) -> list[dict[str, Any]]:
    first: dict[str, str] = {}
    kept: list[dict[str, Any]] = []
    for row in rows:
        content = json.dumps([row["sha256"], *(row[kind] for kind in KINDS)])
        if content in first:
            quarantine.add(row["id"], None, f"the same picture with the same labels as {first[content]}")
        else:
            first[content] = row["id"]
            kept.append(row)
    return kept
