"""Knowledge documents as they are written: the counterpart of `documents`, which reads them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import yaml

from releaf.corpus.documents import Header

_LONGEST = 60


def write_document(header: Header, body: str) -> str:
    """A Markdown file with front matter that `documents.read_documents` reads back as it was given.

    `body` must hold something else than white space.
    """
    fields: Mapping[str, Any] = header.model_dump()
    front = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000)
    return f"---\n{front}---\n\n{body.strip()}\n"


def slug(text: str, longest: int = _LONGEST) -> str:
    """The text as part of an id: ASCII letters and digits in lower case with hyphens between, whole words only.

    Empty where the text has no letter or digit that ASCII can show.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    kept = ""
    for word in words:
        longer = f"{kept}-{word}" if kept else word
        if len(longer) > longest:
            return kept or word[:longest]
        kept = longer
    return kept
