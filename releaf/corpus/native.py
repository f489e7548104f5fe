"""The project's own annotation format: `images` and `annotations` with class indices, one JSON file per split.

    {"categories": {"item": ["plastic_bottle", …], …},                        optional; the taxonomy's order otherwise
     "images": [{"id": 0, "file_name": "a.jpg", "width": 512, "height": 384}],
     "annotations": [{"image_id": 0, "item_type": 3, "material_type": null, "family_type": 0, "bin_type": null}]}

`null`, -1 and an absent key say that a kind is unlabelled. COCO files are read by `coco`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from releaf.corpus.labels import KINDS, Kind, Labelled, Names, find_name, known_names, leads_outside
from releaf.corpus.reading import read_text
from releaf.corpus.validation import LineError, Quarantine
from releaf.errors import InputError, UnknownNameError
from releaf.taxonomy import Taxonomy

UNLABELLED = (None, -1)


class NativeImage(NamedTuple):
    """An entry of `images` as it stands in the file, and what its annotations say it shows."""

    image: dict[str, Any]
    names: Names


def read_native_folder(source: Path, taxonomy: Taxonomy, quarantine: Quarantine) -> list[Labelled]:
    """The pictures that the annotation files (`*.json`) in `source` list, relative to it.

    Raises `InputError` where there is no such file or one has another form.
    """
    files = sorted(path for path in source.glob("*.json") if not path.name.startswith("."))
    if not files:
        raise InputError(f"no annotation file (*.json) in {source}; expected the native format with images beside it")
    pictures: list[Labelled] = []
    for path in files:
        for image, names in read_native(load_native(path), taxonomy, path.name, quarantine):
            file = image["file_name"]
            if leads_outside(file):
                quarantine.add(path.name, None, f"file name {file!r} leads out of the dataset")
            else:
                folder = str(image.get("source_folder", path.stem))
                pictures.append(Labelled(source / file, str(image.get("source_file", file)), folder, names))
    return pictures


def load_native(path: Path) -> dict[str, Any]:
    """Parse an annotation file; raises `InputError` naming it where it is not an object with the two lists."""
    try:
        raw = json.loads(read_text(path, str(path)))
    except json.JSONDecodeError as error:
        raise LineError(str(path), error.lineno, f"not valid JSON: {error.msg}") from error
    if not isinstance(raw, dict) or not all(isinstance(raw.get(key), list) for key in ("images", "annotations")):
        raise InputError(f"{path}: expected an object with the lists images and annotations")
    stated = raw.get("categories", {})
    if not isinstance(stated, dict) or not all(_is_names(names) for names in stated.values()):
        raise InputError(f"{path}: expected lists of names under categories, by kind ({', '.join(KINDS)})")
    return raw


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def read_native(raw: Mapping[str, Any], taxonomy: Taxonomy, file: str, quarantine: Quarantine) -> list[NativeImage]:
    """The images of a parsed file with their names; those that cannot be read are set aside under `file`.

    Set aside: entries without `id` or `file_name`, class indices out of range, names that the taxonomy no longer has,
    annotations that contradict each other, and a material outside the family that stands beside it.
    """
    stated = raw.get("categories", {})
    classes = {kind: stated.get(kind) or known_names(taxonomy, kind) for kind in KINDS}
    find = cache(partial(find_name, taxonomy))
    families = {material.id: find("family", material.family) for material in taxonomy.materials}
    annotations: dict[Any, list[dict[str, Any]]] = {}
    for annotation in raw["annotations"]:
        if isinstance(annotation, dict) and isinstance(annotation.get("image_id"), (int, str)):
            annotations.setdefault(annotation["image_id"], []).append(annotation)
        else:
            quarantine.add(file, None, "annotation without image_id", json.dumps(annotation))
    images: list[NativeImage] = []
    for image in raw["images"]:
        try:
            if not isinstance(image, dict) or not isinstance(image.get("id"), (int, str)):
                raise LineError(file, None, "image without id")
            if not isinstance(image.get("file_name"), str) or not image["file_name"]:
                raise LineError(file, None, "image without file_name")
            names = _merge([_names(row, classes, find, file) for row in annotations.pop(image["id"], [])], file)
            family = families.get(names.get("material", ""))
            if family and names.get("family", family) != family:
                raise LineError(file, None, f"material {names['material']} is {family}, and not {names['family']}")
        except LineError as error:
            quarantine.add_error(error, json.dumps(image, ensure_ascii=False))
            continue
        images.append(NativeImage(image, names))
    for image_id in annotations:
        quarantine.add(file, None, f"annotation of image {image_id!r}, which is not listed")
    return images


def _names(
    row: Mapping[str, Any], classes: Mapping[Kind, Sequence[str]], find: Callable[[Kind, str], str], file: str
) -> Names:
    names: Names = {}
    for kind in KINDS:
        index = row.get(f"{kind}_type")
        if index in UNLABELLED:
            continue
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(classes[kind]):
            raise LineError(file, None, f"{kind}_type {index!r} is no class index from 0 to {len(classes[kind]) - 1}")
        try:
            names[kind] = find(kind, classes[kind][index])
        except UnknownNameError as error:
            raise LineError(file, None, str(error)) from error
    return names


def _merge(all_names: Sequence[Names], file: str) -> Names:
    merged: Names = {}
    for names in all_names:
        for kind, name in names.items():
            if merged.setdefault(kind, name) != name:
                raise LineError(file, None, f"annotated as {kind} {merged[kind]} and as {name}")
    return merged


def native_dict(rows: Sequence[NativeImage], taxonomy: Taxonomy) -> dict[str, Any]:
    """The parsed form of rows whose images carry an `id`; the inverse of `read_native`."""
    ids = {kind: list(known_names(taxonomy, kind)) for kind in KINDS}
    return {
        "categories": ids,
        "images": [row.image for row in rows],
        "annotations": [
            {"image_id": row.image["id"]}
            | {f"{kind}_type": ids[kind].index(row.names[kind]) if kind in row.names else None for kind in KINDS}
            for row in rows
        ],
    }
