"""What a picture shows, in the taxonomy's names, and the layout in which a picture's folder says it.

Annotation files are read by `coco` and `native`. Whether a picture decodes is in `pictures`, copying it in `images`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NoReturn, TypeAlias, get_args

from releaf.corpus.validation import Quarantine
from releaf.errors import InputError, UnknownNameError
from releaf.taxonomy import Taxonomy

Kind = Literal["item", "material", "family", "bin"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Names: TypeAlias = dict[Kind, str]
"""Taxonomy ids by kind; a kind that is absent is unlabelled."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")
"""How the names of picture files end, in lower case."""
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class LabelledFolder:
    """What a class-per-folder tree holds.

    files: every file with the id of its class. stray: pictures that stand in no class folder. empty: class folders
    without a file, by name.
    """

    files: list[tuple[Path, str]]
    stray: list[Path]
    empty: list[str]


@dataclass(frozen=True)
class Labelled:
    """A picture file, how its dataset names it, the folder or categories it stands under, and what it shows."""

    path: Path
    file: str
    folder: str
    names: Names


def find_name(taxonomy: Taxonomy, kind: Kind, name: str) -> str:
    """The id behind an id or alias; raises `UnknownNameError`."""
    if kind == "item":
        return taxonomy.item(name).id
    if kind == "material":
        return taxonomy.material(name).id
    return taxonomy.family(name).id if kind == "family" else taxonomy.bin(name).id


def known_names(taxonomy: Taxonomy, kind: Kind) -> tuple[str, ...]:
    """The ids of one kind, in class order."""
    ids: Mapping[Kind, tuple[str, ...]] = {
        "item": taxonomy.item_ids,
        "material": taxonomy.material_ids,
        "family": taxonomy.family_ids,
        "bin": taxonomy.bin_ids,
    }
    return ids[kind]


def implied(names: Names, taxonomy: Taxonomy) -> Names:
    """The names and what the taxonomy says follows from them, where it leaves no choice.

    An item has its bin, its material where there is one, and its family where all its materials share one; a material
    has its family. A name that is given is never replaced.
    """
    result = dict(names)
    if "item" in names:
        item = taxonomy.item(names["item"])
        result.setdefault("bin", item.bin)
        if len(item.materials) == 1:
            result.setdefault("material", taxonomy.material(item.materials[0]).id)
        families = {taxonomy.family(taxonomy.material(name).family).id for name in item.materials}
        if len(families) == 1 and "material" not in names:
            result.setdefault("family", families.pop())
    if "material" in result:
        result.setdefault("family", taxonomy.family(taxonomy.material(result["material"]).family).id)
    return result


def read_folders(source: Path, taxonomy: Taxonomy, kind: Kind, quarantine: Quarantine) -> list[Labelled]:
    """Every file below the folders of `source`, each of which is named after one `kind`; hidden files are left out.

    Links are followed, each folder once. Pictures beside the folders are set aside. Raises `InputError` listing the
    folders that name nothing, and the known names, and for a folder that cannot be read.
    """
    names, stray = _classes(source, taxonomy, kind)
    for path in stray:
        quarantine.add(path.name, None, "stands in no class folder")
    return [
        Labelled(path, path.relative_to(source).as_posix(), folder, {kind: name})
        for folder, name in names.items()
        for path in _files(source / folder)
    ]


def labelled_files(source: Path, taxonomy: Taxonomy, kind: str) -> LabelledFolder:
    """Every file of a class-per-folder tree with the id of its class, and what gives no labelled file.

    Raises `InputError` for a missing or empty folder, an unknown kind, folders that name nothing, and a folder that
    cannot be read.
    """
    if kind not in KINDS:
        raise InputError(f"labels of kind {kind!r}: choose one of {', '.join(KINDS)}")
    if not source.is_dir():
        raise InputError(f"{source} is no folder; give one that holds a folder for each class")
    names, stray = _classes(source, taxonomy, kind)
    files = {folder: list(_files(source / folder)) for folder in names}
    if not any(files.values()):
        raise InputError(
            f"{source} holds no pictures; expected folders named after classes, such as {_example(taxonomy, kind)}/, "
            "with files in them"
        )
    return LabelledFolder(
        [(path, names[folder]) for folder, paths in files.items() for path in paths],
        stray,
        [folder for folder, paths in files.items() if not paths],
    )


def _example(taxonomy: Taxonomy, kind: Kind) -> str:
    return known_names(taxonomy, kind)[0]


def _classes(source: Path, taxonomy: Taxonomy, kind: Kind) -> tuple[dict[str, str], list[Path]]:
    """The id that each folder in `source` names, by the folder's name, and the pictures beside the folders."""
    names: dict[str, str] = {}
    unknown: list[str] = []
    stray: list[Path] = []
    for path in _entries(source):
        if not path.is_dir():
            stray += [path] if path.suffix.lower() in SUFFIXES else []
            continue
        try:
            names[path.name] = find_name(taxonomy, kind, path.name)
        except UnknownNameError:
            unknown.append(path.name)
    if unknown:
        raise InputError(
            f"{source} has folders that name no {kind}: {', '.join(map(repr, unknown))}; "
            f"known: {', '.join(known_names(taxonomy, kind))} and their aliases. "
            "Rename them, add an alias to the taxonomy, or choose other labels"
        )
    return names, stray


def _entries(source: Path) -> list[Path]:
    try:
        return sorted(path for path in source.iterdir() if not is_litter(path.name))
    except OSError as error:
        _refuse(error)


def _files(folder: Path) -> Iterator[Path]:
    # A link that leads above the class's own folder would bring in the other classes under this one's name.
    seen = {_identity(above) for above in (folder.parent, *folder.resolve().parents)}
    for place, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        identity = _identity(Path(place))
        if identity in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = sorted(name for name in folders if not is_litter(name))
        yield from (Path(place) / name for name in sorted(files) if not is_litter(name))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _refuse(error: OSError) -> NoReturn:
    raise InputError(f"folder {error.filename} cannot be read: {(error.strerror or str(error)).lower()}") from error


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden or left by an operating system, such as `.DS_Store`: never a picture."""
    return name.startswith(".") or name in _LITTER


def agreed(all_names: Sequence[Names]) -> Names:
    """The names that all of them carry, one kind at a time; a kind that one of them leaves out is left out."""
    values = {kind: {names.get(kind) for names in all_names} for kind in KINDS}
    return {kind: name for kind in KINDS if len(values[kind]) == 1 and (name := next(iter(values[kind]))) is not None}


def leads_outside(file: str) -> bool:
    """Whether a relative file name would leave the folder it is relative to."""
    path = PurePosixPath(file)
    return path.is_absolute() or ".." in path.parts
