"""Names of nodes under any spelling: folded to keys, looked up among those that are known, and made into new ids.

Which facts may join which nodes is in `releaf.relations`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache

from releaf.errors import InputError
from releaf.taxonomy import Taxonomy

LONGEST_ID = 80
_APART = re.compile(r"[\s_\-‐-―/.,;:'’\"()]+")
_NO_ID = re.compile(r"[^a-z0-9]+")
_KEPT_ENDINGS = ("ss", "us", "is")  # glass, cactus, chassis
# Beyond these many unknown names close matches cost more than they help.
_SUGGESTIONS = 2_000


@lru_cache(maxsize=65_536)
def name_key(name: str) -> str:
    """Fold case, accents, width, hyphens, underscores and plurals: `Café-Lamps` and `cafe_lamp` have one key."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return " ".join(_singular(word) for word in _APART.split(plain) if word)


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(_KEPT_ENDINGS) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else word[:-1]


def new_id(name: str) -> str:
    """The id of a node that has no other name: ASCII letters, digits and underscores.

    Raises `InputError` for a name that has none of these or is longer than `LONGEST_ID`.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = _NO_ID.sub("_", plain).strip("_")
    if not found:
        raise InputError(f"{name!r} has no letter from a to z and no digit to make an id of")
    if len(found) > LONGEST_ID:
        raise InputError(f"{name[:40] + '…'!r} has {len(found)} characters; a name has at most {LONGEST_ID}")
    return found


class KnownNames:
    """The nodes of each kind by the keys of their names; the first of two that share a key keeps it."""

    def __init__(self, names: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        """`names` maps each kind to its ids and the names of each."""
        self._ids: dict[str, dict[str, str]] = {kind: {} for kind in names}
        self._suggested = 0
        for kind, entries in names.items():
            for identity, others in entries.items():
                self.add(kind, identity, others)

    @classmethod
    def of(cls, taxonomy: Taxonomy, properties: Iterable[str], projects: Mapping[str, str]) -> KnownNames:
        """Names of the taxonomy with aliases, ids of properties, and ids of projects with their titles."""
        return cls(
            {
                "item": {entry.id: entry.aliases for entry in taxonomy.items},
                "material": {entry.id: entry.aliases for entry in taxonomy.materials},
                "property": dict.fromkeys(properties, ()),
                "project": {name: (title,) for name, title in projects.items()},
            }
        )

    def add(self, kind: str, identity: str, names: Iterable[str] = ()) -> None:
        """Know one more node."""
        for name in (identity, *names):
            self._ids[kind].setdefault(name_key(name), identity)

    def find(self, kind: str, name: str) -> str | None:
        """The id of a node by any spelling of its name, or None."""
        return self._ids[kind].get(name_key(name))

    def close(self, kind: str, name: str) -> list[str]:
        """Up to three ids whose names are spelled much like `name`; none once very many were asked for."""
        self._suggested += 1
        if self._suggested > _SUGGESTIONS:
            return []
        keys = self._ids[kind]
        return list(dict.fromkeys(keys[key] for key in get_close_matches(name_key(name[:80]), keys, n=3, cutoff=0.7)))
