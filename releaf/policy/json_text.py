"""JSON as a person typed it: strict reading, and the line at which a JSON pointer's value stands.

What the JSON means is not known here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from releaf.errors import InputError


class UnreadableError(InputError):
    """A text that is no strict JSON; `line` counts from 1, None where it is not known."""

    def __init__(self, message: str, line: int | None = None, content: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.content = content


class _TwinKeyError(Exception):
    """JSON allows a key twice and keeps the last one; here that is an error."""


def read_text(path: Path) -> str:
    """Read a UTF-8 file; raises `UnreadableError` for other bytes and `InputError` where there is no file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"no file at {path}; the project ships policies in data/policies") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error


def parse_json(text: str, where: str) -> object:
    """Parse strict JSON; raises `UnreadableError` naming `where`, for a key that stands twice in a mapping too."""
    try:
        value: object = json.loads(text, object_pairs_hook=_refuse_twins)
    except json.JSONDecodeError as error:
        content = text.splitlines()[error.lineno - 1] if error.lineno <= len(text.splitlines()) else ""
        message = f"{where} is not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise UnreadableError(message, error.lineno, content) from error
    except _TwinKeyError as error:
        raise UnreadableError(
            f"{where}: the key {error} stands twice in one mapping; remove one", content=str(error)
        ) from error
    return value


def _refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwinKeyError(repr(next(name for name in names if names.count(name) > 1)))
    return mapping


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) from its parts; the whole document is the empty text."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def line_of(text: str, place: str) -> int | None:
    """The line, from 1, at which the value of a JSON pointer begins; None where YAML cannot read the text."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)  # nearly all JSON is YAML, and YAML's nodes know their lines
    except yaml.YAMLError:
        return None
    if node is None:
        return None
    for part in (piece.replace("~1", "/").replace("~0", "~") for piece in place.split("/")[1:]):
        if isinstance(node, yaml.MappingNode):
            node = next(value for key, value in node.value if key.value == part)
        else:
            node = node.value[int(part)]
    return int(node.start_mark.line) + 1
