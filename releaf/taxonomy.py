"""The names everything else refers to: items, materials, families, bins.

Loads and validates `taxonomy.yaml`. What is known *about* these things (facts, policies, documents) lives elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from releaf.errors import InputError, UnknownNameError


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


Entry = TypeVar("Entry", bound=_Named)


@dataclass(frozen=True)
class Bin:
    """One of the four places an object can go."""

    id: str
    description: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """A group of materials that coarse labels name, such as `plastic`."""

    id: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """What an object is made of; belongs to one family."""

    id: str
    family: str
    description: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """A kind of object, the materials it occurs in, and the bin it goes to where no policy says otherwise."""

    id: str
    materials: tuple[str, ...]
    bin: str
    description: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taxonomy:
    """All names, in class-index order: position in each tuple is the class index."""

    items: tuple[Item, ...]
    materials: tuple[Material, ...]
    families: tuple[Family, ...]
    bins: tuple[Bin, ...]

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Item ids in class order."""
        return tuple(entry.id for entry in self.items)

    @cached_property
    def material_ids(self) -> tuple[str, ...]:
        """Material ids in class order."""
        return tuple(entry.id for entry in self.materials)

    @cached_property
    def family_ids(self) -> tuple[str, ...]:
        """Family ids in class order."""
        return tuple(entry.id for entry in self.families)

    @cached_property
    def bin_ids(self) -> tuple[str, ...]:
        """Bin ids in class order."""
        return tuple(entry.id for entry in self.bins)

    @cached_property
    def family_of_material(self) -> tuple[int, ...]:
        """The family's index for each material index."""
        return tuple(self.family_ids.index(material.family) for material in self.materials)

    def item(self, name: str) -> Item:
        """Find an item by id or alias; raises `UnknownNameError`."""
        return _find("item", name, self.items)

    def material(self, name: str) -> Material:
        """Find a material by id or alias; raises `UnknownNameError`."""
        return _find("material", name, self.materials)

    def family(self, name: str) -> Family:
        """Find a family by id or alias; raises `UnknownNameError`."""
        return _find("family", name, self.families)

    def bin(self, name: str) -> Bin:
        """Find a bin by id or alias; raises `UnknownNameError`."""
        return _find("bin", name, self.bins)


def load_taxonomy(path: Path) -> Taxonomy:
    """Read and validate a taxonomy file.

    Raises `InputError` naming the file when it is missing, is no YAML, or contradicts itself.
    """
    import yaml

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"no taxonomy at {path}; set RELEAF_DATA_DIR to the folder that holds taxonomy.yaml"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not readable YAML: {error}") from error
    if not isinstance(raw, Mapping):
        raise InputError(f"{path} must hold a mapping with bins, families, materials and items")
    taxonomy = Taxonomy(
        items=tuple(_build(Item, row, path) for row in _rows(raw, "items", path)),
        materials=tuple(_build(Material, row, path) for row in _rows(raw, "materials", path)),
        families=tuple(_build(Family, row, path) for row in _rows(raw, "families", path)),
        bins=tuple(_build(Bin, row, path) for row in _rows(raw, "bins", path)),
    )
    _check(taxonomy, path)
    return taxonomy


def _rows(raw: Mapping[str, Any], key: str, path: Path) -> Sequence[Mapping[str, Any]]:
    rows = raw.get(key)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"{path}: {key!r} must be a non-empty list of mappings, found {rows!r:.80}")
    return rows


def _build(kind: type[Entry], row: Mapping[str, Any], path: Path) -> Entry:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{path}: entry {row.get('id', row)!r} does not fit {kind.__name__}: {error}") from error


def _check(taxonomy: Taxonomy, path: Path) -> None:
    groups: dict[str, Sequence[_Named]] = {
        "item": taxonomy.items,
        "material": taxonomy.materials,
        "family": taxonomy.families,
        "bin": taxonomy.bins,
    }
    for kind, entries in groups.items():
        seen: dict[str, str] = {}
        for entry in entries:
            for name in {normalize(entry.id), *map(normalize, entry.aliases)}:
                if seen.setdefault(name, entry.id) != entry.id or (
                    name == normalize(entry.id) and _count(entries, name) > 1
                ):
                    raise InputError(f"{path}: {kind} name {name!r} stands for two entries; rename one")
    for material in taxonomy.materials:
        _find("family", material.family, taxonomy.families, f"{path}, material {material.id}")
    for item in taxonomy.items:
        _find("bin", item.bin, taxonomy.bins, f"{path}, item {item.id}")
        for name in item.materials:
            _find("material", name, taxonomy.materials, f"{path}, item {item.id}")


def _count(entries: Sequence[_Named], name: str) -> int:
    return sum(normalize(entry.id) == name for entry in entries)


def normalize(name: str) -> str:
    """Fold case, spaces, hyphens and underscores, so that `PET bottle` and `pet_bottle` are one name."""
    return re.sub(r"[\s_\-]+", " ", name.strip().lower())


def _find(kind: str, name: str, entries: Sequence[Entry], where: str = "") -> Entry:
    wanted = normalize(name)
    for entry in entries:
        if wanted == normalize(entry.id) or any(wanted == normalize(alias) for alias in entry.aliases):
            return entry
    raise UnknownNameError(kind, name, [entry.id for entry in entries], where)
