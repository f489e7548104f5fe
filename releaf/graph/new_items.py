"""What a person says of an object that the graph does not have: a text that can be used, and materials named in it."""

from __future__ import annotations

import re

from releaf.errors import InputError
from releaf.taxonomy import Taxonomy

LONGEST_TEXT = 2_000
"""Characters; an encoder reads no further anyhow, and whoever sends more means something else."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SHORT = 3  # such as PET or tin: common words unless in capitals


def described(text: str) -> str:
    """The text with single spaces. Raises `InputError` for one that is empty, too long, or holds control characters."""
    control = _CONTROL.search(text)
    if control:
        raise InputError(f"the text holds the control character {control.group()!r}; remove it")
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"the text has {len(text):,} characters; say in at most {LONGEST_TEXT:,} what the object is, "
            "such as 'an old bicycle wheel'"
        )
    found = " ".join(text.split())
    if not any(letter.isalnum() for letter in found):
        raise InputError(f"the text {found!r} says nothing; say what the object is, such as 'an old bicycle wheel'")
    return found


def named_materials(text: str, taxonomy: Taxonomy) -> list[str]:
    """Ids of the materials whose name or alias stands in a text as whole words, in the order of the taxonomy.

    Names of up to three letters count in capitals only: a pet is no PET.
    """
    found = []
    for material in taxonomy.materials:
        names = (material.id.replace("_", " "), *material.aliases)
        if any(_mentions(text, name) for name in names):
            found.append(material.id)
    return found


def _mentions(text: str, name: str) -> bool:
    if len(name) <= _SHORT:
        return re.search(rf"\b{re.escape(name.upper())}\b", text) is not None
    return re.search(rf"\b{re.escape(name)}s?\b", text, re.IGNORECASE) is not None
