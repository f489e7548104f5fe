"""Text files that know their lines: UTF-8 with clear complaints, and YAML whose values can be pointed at.

What a row must look like is each dataset's own business; what happens to bad rows is in `validation`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from releaf.corpus.validation import LineError, Quarantine, describe
from releaf.errors import InputError

# The binding to libyaml is six times as fast; some builds of PyYAML come without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What PyYAML raises for values that do not fit their tag, beside its own errors: `2024-13-45` looks like a date: a
# ValueError; `!!bool maybe` is a KeyError, `!!int ""` an IndexError, `!!timestamp soon` an AttributeError.
_UNREADABLE = (yaml.YAMLError, ValueError, KeyError, IndexError, AttributeError)
_DEEPEST = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, eq=False)
class Entry:
    """One parsed value and where it stands: `value` is plain Python, `text` what it was read from.

    `node` is the parsed YAML, which knows where nested values stand; None for JSON.
    """

    value: Any
    file: str
    line: int
    text: str
    node: yaml.Node | None = None

    def line_of(self, *path: str | int) -> int:
        """The line of a nested value, such as `line_of("properties", 2)`; of the deepest part that exists."""
        if self.node is None:
            return self.line
        node, offset = self.node, self.line - self.node.start_mark.line
        for step in path:
            child = _child(node, step)
            if child is None:
                break
            node = child
        return int(node.start_mark.line) + offset


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child: yaml.Node = node.value[step]
        return child
    return None


RowType = TypeVar("RowType", bound=BaseModel)


def check_row(schema: type[RowType], entry: Entry) -> RowType:
    """The entry as a row of `schema`; raises `LineError` with every problem, at the line of the first one."""
    if not isinstance(entry.value, dict):
        raise LineError(entry.file, entry.line, f"expected keys and values, found {type(entry.value).__name__}")
    try:
        return schema.model_validate(entry.value)
    except ValidationError as error:
        reason, path = describe(error)
        raise LineError(entry.file, entry.line_of(*path), reason) from error


def read_text(path: Path, file: str) -> str:
    """The text of a UTF-8 file with Unix line ends and no byte-order mark.

    Raises `InputError` where there is no such file, and `LineError` where it is not readable, is not UTF-8, or holds
    control characters.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"no file at {path}") from error
    except OSError as error:
        raise LineError(file, None, f"cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LineError(file, line, f"not UTF-8 text (byte 0x{data[error.start]:02x}); save it as UTF-8") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise LineError(file, line, f"control character {control.group()!r}; remove it")
    return text


def parse_yaml(text: str, file: str, first_line: int = 1) -> Entry | None:
    """The one YAML value of a text, or None where there is none; `first_line` is the line that the text starts on.

    Raises `LineError` for a syntax error, a key given twice in one mapping, and values that YAML cannot build.
    """
    _refuse_depth(text, file, first_line)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_repeated_keys(node, file, first_line)
        value = loader.construct_document(node)
    except _UNREADABLE as error:
        raise LineError(file, _error_line(error, text) + first_line - 1, f"not valid YAML: {_flat(error)}") from error
    finally:
        loader.dispose()
    return Entry(value, file, node.start_mark.line + first_line, text, node)


def _refuse_depth(text: str, file: str, first_line: int) -> None:
    """Refuse nesting at which libyaml, which builds values recursively, overflows the stack and ends the process."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                line = event.start_mark.line if event.start_mark else 0
                raise LineError(file, line + first_line, f"nested more than {_DEEPEST} levels deep")
    except yaml.YAMLError as error:
        raise LineError(file, _error_line(error, text) + first_line - 1, f"not valid YAML: {_flat(error)}") from error


def _error_line(error: Exception, text: str) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return min(int(mark.line), text.count("\n")) + 1
    return text.count("\n", 0, getattr(error, "position", 0) or 0) + 1


def _flat(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).replace("\n", " ")


def _refuse_repeated_keys(root: yaml.Node, file: str, first_line: int) -> None:
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias may point back to where it stands
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    raise LineError(file, key.start_mark.line + first_line, f"key {key.value!r} is given twice")
                keys.add(str(key.value))
                waiting.append(value)


def read_yaml_list(path: Path, file: str, quarantine: Quarantine) -> list[Entry]:
    """The entries of a YAML list, in order.

    Where the file as a whole is no YAML, each `- ` entry at the margin is read by itself, so that one unclosed quote
    costs one entry; what cannot be read goes to `quarantine`. Raises `InputError` where there is no such file.
    """
    try:
        text = read_text(path, file)
    except LineError as error:
        quarantine.add_error(error)
        return []
    try:
        whole = parse_yaml(text, file)
    except LineError as error:
        return _salvage(text, file, quarantine, error)
    if whole is None:
        return []
    if not isinstance(whole.value, list):
        quarantine.add(file, whole.line, f"expected a list of entries, found {type(whole.value).__name__}", text)
        return []
    return _entries(whole)


def _entries(whole: Entry) -> list[Entry]:
    if whole.node is None or not whole.value:
        return []
    nodes: list[yaml.Node] = whole.node.value
    lines, first_line = whole.text.split("\n"), whole.line - whole.node.start_mark.line
    starts = [node.start_mark.line for node in nodes]
    ends = [*(max(after, start + 1) for start, after in pairwise(starts)), len(lines)]
    return [
        Entry(value, whole.file, start + first_line, "\n".join(lines[start:end]).strip(), node)
        for value, node, start, end in zip(whole.value, nodes, starts, ends, strict=True)
    ]


def _salvage(text: str, file: str, quarantine: Quarantine, error: LineError) -> list[Entry]:
    starts = [match.start() for match in re.finditer(r"^-(?=[ \n])", text, flags=re.MULTILINE)]
    before = len(quarantine)
    entries: list[Entry] = []
    ends = [*starts[1:], len(text)] if starts else []
    line = text.count("\n", 0, starts[0]) + 1 if starts else 1
    for start, end in zip(starts, ends, strict=True):
        piece, first_line = text[start:end], line
        line += piece.count("\n")
        try:
            parsed = parse_yaml(piece, file, first_line)
        except LineError as problem:
            quarantine.add_error(problem, piece.strip())
            continue
        entries.extend(_entries(parsed) if parsed else [])
    if len(quarantine) == before:  # what is wrong stands outside the entries
        quarantine.add_error(error, text)
    return entries


def display_name(path: Path) -> str:
    """How tables name a file: its folder and its name, which says where to look on any machine."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name
