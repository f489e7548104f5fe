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
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DEEP = "nested too deeply"


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
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _lines(text: str, file: str, quarantine: Quarantine) -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            _keep(Entry(json.loads(line), file, number, line), entries, quarantine)
        except ValueError as error:
            quarantine.add(file, number, f"not valid JSON: {_told(error)}", line)
        except RecursionError:
            quarantine.add(file, number, _DEEP, line)
    return entries


def _keep(entry: Entry, entries: list[Entry], quarantine: Quarantine) -> None:
    """Take an entry up, unless half of a surrogate pair stands in it: such text cannot be written in any encoding."""
    if _SURROGATE.search(entry.text):
        try:
            json.dumps(entry.value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            quarantine.add(entry.file, entry.line, "half of a surrogate pair (\\ud800 to \\udfff); no text", entry.text)
            return
        except RecursionError:
            quarantine.add(entry.file, entry.line, _DEEP, entry.text)
            return
    entries.append(entry)


def _told(error: ValueError) -> str:
    # Python refuses integers of more than 4,300 digits with a plain ValueError.
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error).partition(";")[0]


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
        except ValueError as error:
            place = error.pos if isinstance(error, json.JSONDecodeError) else at
            following = _OPENING.search(text, max(place, at + 1))
            stop = following.start() if following else len(text)
            quarantine.add(file, bisect_right(ends, place - 1) + 1, f"not valid JSON: {_told(error)}", text[at:stop])
            if following is None:
                return entries
            at = stop
            continue
        except RecursionError:
            quarantine.add(file, line, f"{_DEEP}; the rest of the file is not read", text[at:])
            return entries
        _keep(Entry(value, file, line, text[at:end]), entries, quarantine)
        at = end


def _skip(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at
