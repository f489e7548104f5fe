"""Records of a JSON array or of JSON lines, each with the line it starts on.

YAML is read by `reading`. One broken record costs that record: an array is read on from the next line that opens one.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from pathlib import Path

from releaf.corpus.reading import Entry, read_text
from releaf.corpus.validation import LineError, Quarantine

_BETWEEN = re.compile(r"[\s,]*")
_OPENING = re.compile(r"^[ \t]*\{", re.MULTILINE)


def read_json_list(path: Path, file: str, quarantine: Quarantine) -> list[Entry]:
    """The records of a file, in order; what cannot be parsed goes to `quarantine`.

    Raises `InputError` where there is no such file.
    """
    try:
        text = read_text(path, file)
    except LineError as error:
        quarantine.add_error(error)
        return []
    if text.lstrip().startswith("["):
        return _array(text, file, quarantine)
    whole = _object(text)
    if whole is not None:
        keys = ", ".join(map(repr, list(whole)[:5]))
        quarantine.add(file, 1, f"expected a list of records, found one object with {keys}", text)
        return []
    return _lines(text, file, quarantine)


def _object(text: str) -> dict[str, object] | None:
    """The object that the text is as a whole, where it takes more than one line."""
    if "\n" not in text.strip():
        return None
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _lines(text: str, file: str, quarantine: Quarantine) -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entries.append(Entry(json.loads(line), file, number, line))
        except json.JSONDecodeError as error:
            quarantine.add(file, number, f"not valid JSON: {error.msg}", line)
        except RecursionError:
            quarantine.add(file, number, "nested too deeply", line)
    return entries


def _array(text: str, file: str, quarantine: Quarantine) -> list[Entry]:
    ends = [match.start() for match in re.finditer("\n", text)]
    decoder = json.JSONDecoder()
    entries: list[Entry] = []
    at = text.index("[") + 1
    while True:
        at = _skip(text, at)
        if text.startswith("]", at):
            return entries
        line = bisect_right(ends, at - 1) + 1
        if at == len(text):
            quarantine.add(file, line, "the list is not closed: the file ends too early")
            return entries
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            following = _OPENING.search(text, max(error.pos, at + 1))
            stop = following.start() if following else len(text)
            quarantine.add(file, bisect_right(ends, error.pos - 1) + 1, f"not valid JSON: {error.msg}", text[at:stop])
            if following is None:
                return entries
            at = stop
            continue
        except RecursionError:
            quarantine.add(file, line, "nested too deeply; the rest of the file is not read", text[at:])
            return entries
        entries.append(Entry(value, file, line, text[at:end]))
        at = end


def _skip(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at
