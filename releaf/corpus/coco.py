"""COCO annotation files, read as labels of whole pictures through a map from their categories to the taxonomy.

Boxes and outlines are not used. The project's own annotation format is read by `native`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from releaf.corpus.labels import KINDS, Labelled, Names, agreed, find_name, implied, known_names, leads_outside
from releaf.corpus.reading import read_text
from releaf.corpus.validation import LineError, Quarantine, describe
from releaf.errors import InputError, UnknownNameError
from releaf.taxonomy import Taxonomy


@dataclass(frozen=True)
class CocoLabels:
    """COCO: `annotations` is the instances file, `category_map` says what each category is called in the taxonomy.

    The map is a CSV file with a header (`category` and any of `item`, `material`, `family`, `bin`), or without one and
    two columns, or a JSON object from category to a name or to an object of kinds. A bare name is looked up as item,
    then material, family and bin. A category mapped to nothing is overlooked.
    """

    annotations: Path
    category_map: Path


class _Image(BaseModel):
    id: int | str
    file_name: str


class _Annotation(BaseModel):
    image_id: int | str
    category_id: int | str


class _Category(BaseModel):
    id: int | str
    name: str


class _Coco(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read_coco(source: Path, taxonomy: Taxonomy, labels: CocoLabels, quarantine: Quarantine) -> list[Labelled]:
    """The pictures of a COCO file, with the labels that all their annotations agree on, one kind at a time.

    Set aside: pictures without a mapped annotation, and those whose annotations agree on nothing. Raises `InputError`
    for a file of another form and for categories that the map leaves out.
    """
    coco = _load(labels.annotations)
    categories = {category.id: category.name for category in coco.categories}
    targets = read_category_map(labels.category_map, taxonomy)
    missing = sorted(set(categories.values()) - set(targets))
    if missing:
        raise InputError(f"{labels.category_map} leaves out {', '.join(missing)}; map each, to nothing to overlook it")
    meant = {category: implied(names, taxonomy) for category, names in targets.items() if names}
    shown: dict[int | str, set[str]] = {}
    for annotation in coco.annotations:
        category = categories.get(annotation.category_id)
        if category in meant:
            shown.setdefault(annotation.image_id, set()).add(category)
    pictures: list[Labelled] = []
    for image in coco.images:
        found = sorted(shown.get(image.id, ()))
        names = agreed([meant[category] for category in found])
        if leads_outside(image.file_name):
            quarantine.add(image.file_name, None, "the file name leads out of the dataset")
        elif names:
            pictures.append(Labelled(source / image.file_name, image.file_name, ", ".join(found), names))
        else:
            reason = f"shows {', '.join(found)}, which agree on nothing" if found else "no mapped annotation"
            quarantine.add(image.file_name, None, reason)
    return pictures


def _load(path: Path) -> _Coco:
    try:
        return _Coco.model_validate_json(read_text(path, str(path)))
    except ValidationError as error:
        raise InputError(f"{path} is no COCO instances file: {describe(error)[0]:.300}") from error


def read_category_map(path: Path, taxonomy: Taxonomy) -> dict[str, Names]:
    """What each category of a COCO file is called in the taxonomy (see `CocoLabels`).

    Raises `InputError` naming the file, and the line of a CSV, for another form or an unknown name.
    """
    if path.suffix == ".json":
        return {category: _names(target, taxonomy, str(path), None) for category, target in _json_map(path).items()}
    rows = [
        (number, [cell.strip() for cell in row])
        for number, row in enumerate(csv.reader(read_text(path, str(path)).split("\n")), start=1)
        if any(cell.strip() for cell in row)
    ]
    if rows and rows[0][1][0] == "category":
        header = rows[0][1][1:]
        return {
            row[0]: _names(dict(zip(header, row[1:], strict=False)), taxonomy, str(path), number)
            for number, row in rows[1:]
        }
    for number, row in rows:
        if len(row) != 2:
            raise LineError(str(path), number, f"expected a category and a name, found {len(row)} columns")
    return {row[0]: _names(row[1], taxonomy, str(path), number) for number, row in rows}


def _json_map(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(read_text(path, str(path)))
    except json.JSONDecodeError as error:
        raise LineError(str(path), error.lineno, f"not valid JSON: {error.msg}") from error
    if not isinstance(raw, dict):
        raise InputError(f"{path}: expected an object from category to name, found {type(raw).__name__}")
    return raw


def _names(target: Any, taxonomy: Taxonomy, file: str, line: int | None) -> Names:
    try:
        if isinstance(target, dict):
            unknown = set(target) - set(KINDS)
            if unknown:
                raise LineError(
                    file, line, f"expected the kinds {', '.join(KINDS)}, found {', '.join(sorted(unknown))}"
                )
            return {kind: find_name(taxonomy, kind, target[kind]) for kind in KINDS if target.get(kind)}
        return _most_specific(str(target or ""), taxonomy)
    except UnknownNameError as error:
        raise LineError(file, line, str(error)) from error


def _most_specific(name: str, taxonomy: Taxonomy) -> Names:
    if not name:
        return {}
    for kind in KINDS:
        try:
            return {kind: find_name(taxonomy, kind, name)}
        except UnknownNameError:
            continue
    known = [known for kind in KINDS for known in known_names(taxonomy, kind)]
    raise UnknownNameError("name", name, known)
