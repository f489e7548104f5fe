"""Photographs brought in from outside: verified copies with native annotations, and the table of all of them.

An import is a folder with `annotations.json` and `images/`, whose files are named by their sha256. What a picture shows
is read by `labels`, `coco` and `native`; whether it decodes is in `pictures`; how imports become rows in `image_table`.
Rendered images are made in `rendering`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import polars as pl
from filelock import FileLock, Timeout

from releaf.artifacts import staged_directory, storage_errors, sweep, write_json
from releaf.corpus.coco import CocoLabels, read_coco
from releaf.corpus.image_table import ANNOTATIONS, DATASET, IMAGE_SCHEMA, read_tables
from releaf.corpus.labels import KINDS, Kind, Labelled, read_folders
from releaf.corpus.native import NativeImage, load_native, native_dict, read_native_folder
from releaf.corpus.pictures import PictureError, open_picture
from releaf.corpus.splits import assign_splits, drop_contradictions
from releaf.corpus.validation import Quarantine, Validated
from releaf.errors import DataError, InputError
from releaf.progress import Progress, silent
from releaf.taxonomy import Taxonomy

Labels: TypeAlias = Kind | Literal["native"] | CocoLabels
"""What the pictures of a source are labelled by: the kind that its folders name, its native annotations, or COCO."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def import_images(
    source: Path,
    destination: Path,
    taxonomy: Taxonomy,
    labels: Labels,
    *,
    name: str | None = None,
    progress: Progress = silent,
) -> Validated:
    """Copy the pictures of a dataset to `destination/<name>/` with native annotations, and return their table.

    `labels` says what they are labelled by: a kind ("family", "material", "item" or "bin") when `source` holds one
    folder per class, "native" when it holds annotation files, or `CocoLabels`. `name` defaults to the folder's name.
    Every file is decoded; those that do not are quarantined with the reason, and the reasons are kept with the import.
    The import appears as a whole or not at all, replaces an earlier one of that name, and the same data again changes
    nothing. Raises `InputError` for a missing or empty source, folders or categories that name nothing, and an import
    of that name that is still running; `DataError` when no file can be used; `StorageError` when the disk is full.
    """
    if not source.is_dir():
        raise InputError(f"no folder at {source}")
    if destination.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{destination} lies inside {source}; import to a place outside of it")
    dataset = _dataset_name(source, name)
    rejected = Quarantine(DATASET)
    found = _find(source, taxonomy, labels, rejected)
    if not found and not rejected:
        raise InputError(f"no pictures below {source}")
    with storage_errors(destination):
        destination.mkdir(parents=True, exist_ok=True)
    lock = FileLock(destination / f".{dataset}.lock")
    try:
        with storage_errors(destination), lock.acquire(timeout=0), staged_directory(destination) as staging:
            sweep(destination)
            rows = _copy(found, staging, rejected, progress)
            if not rows:
                raise DataError(f"none of the {len(rejected)} files below {source} can be used; {_reasons(rejected)}")
            kind = labels if isinstance(labels, str) else "coco"
            content = {"dataset": dataset, "labels": kind, **native_dict(rows, taxonomy), "rejected": _kept(rejected)}
            write_json(staging / ANNOTATIONS, content)
            _publish(staging, destination / dataset)
    except Timeout as error:
        raise InputError(f"another import of {dataset!r} to {destination} is running; wait for it to end") from error
    return read_tables([destination / dataset], taxonomy)


def read_imports(directory: Path, taxonomy: Taxonomy) -> Validated:
    """The table `images` of everything imported into `directory`, empty where nothing was; no picture is decoded.

    Labels that follow from the taxonomy are filled in. Quarantined: what each import set aside, labels that the
    taxonomy no longer has, copies that are gone, pictures that an earlier row has with the same labels, and pictures
    under different labels. Near duplicates form groups, and the split is 70 % train, 15 % validation, 15 % test within
    each label and dataset. Raises `InputError` for an annotation file that is no longer readable.
    """
    folders = sorted(path.parent for path in directory.glob(f"*/{ANNOTATIONS}") if not path.parent.name.startswith("."))
    return read_tables(folders, taxonomy)


def assemble_images(rendered: pl.DataFrame, imported: Validated) -> Validated:
    """Rendered pictures, to which `group` and `split` are added, and imported ones in one table.

    Rendered pictures are drawn independently of each other, so only those of the same bytes form a group; they are
    split like photographs, within each item.
    """
    checked = drop_contradictions(rendered)
    grouped = checked.frame.with_columns(
        pl.col("sha256").str.head(16).alias("group"), pl.lit(None, pl.String).alias("perceptual_hash")
    )
    drawn = assign_splits(grouped, by="item", group="group").select(IMAGE_SCHEMA.keys())
    return Validated(
        pl.concat([drawn, imported.frame]),
        pl.concat([checked.quarantine, imported.quarantine]),
        checked.read + imported.read,
    )


def _dataset_name(source: Path, name: str | None) -> str:
    if name is None:
        name = re.sub(r"[^a-z0-9_-]+", "-", source.resolve().name.lower()).strip("-_") or DATASET
    if not _NAME.fullmatch(name):
        raise InputError(f"dataset name {name!r}: use up to 64 lower-case letters, digits, hyphens and underscores")
    return name


def _find(source: Path, taxonomy: Taxonomy, labels: Labels, rejected: Quarantine) -> list[Labelled]:
    if isinstance(labels, CocoLabels):
        return read_coco(source, taxonomy, labels, rejected)
    if labels == "native":
        return read_native_folder(source, taxonomy, rejected)
    if labels in KINDS:
        return read_folders(source, taxonomy, labels, rejected)
    raise InputError(f"labels {labels!r}: choose one of {', '.join(KINDS)}, native, or COCO annotations with a map")


def _copy(found: Sequence[Labelled], staging: Path, rejected: Quarantine, progress: Progress) -> list[NativeImage]:
    folder = staging / "images"
    folder.mkdir()
    rows: list[NativeImage] = []
    for done, labelled in enumerate(found, start=1):
        try:
            picture = open_picture(labelled.path)
        except PictureError as error:
            rejected.add(labelled.file, None, str(error), labelled.folder)
        else:
            file = folder / f"{picture.sha256}{picture.suffix}"
            file.write_bytes(picture.data)
            image = {
                "id": len(rows),
                "file_name": f"images/{file.name}",
                "width": picture.width,
                "height": picture.height,
                "source_file": labelled.file,
                "source_folder": labelled.folder,
                "sha256": picture.sha256,
                "perceptual_hash": f"{picture.perceptual_hash:016x}",
            }
            rows.append(NativeImage(image, labelled.names))
        progress(done, len(found), labelled.file)
    return rows


def _reasons(rejected: Quarantine) -> str:
    return "; ".join(f"{row['file']}: {row['reason']}" for row in rejected.rows[:3])


def _kept(rejected: Quarantine) -> list[dict[str, Any]]:
    return [{key: row[key] for key in ("file", "reason", "content")} for row in rejected.rows]


def _publish(staging: Path, target: Path) -> None:
    """Make a staged import the one at `target`: at every moment a reader finds the old one or the new one whole."""
    try:
        os.rename(staging, target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
    else:
        return
    for file in sorted((staging / "images").iterdir()):
        (target / "images").mkdir(exist_ok=True)
        os.replace(file, target / "images" / file.name)  # named by its hash: the same file where one stands
    os.replace(staging / ANNOTATIONS, target / ANNOTATIONS)
    current = {Path(image["file_name"]).name for image in load_native(target / ANNOTATIONS)["images"]}
    for file in (target / "images").iterdir():
        if file.name not in current:
            file.unlink()
