"""Text taken apart: paragraphs and sentences, as slices of it. What is made of them lives with the subjects."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

_ABBREVIATIONS = frozenset(
    [
        *("e.g.", "i.e.", "cf.", "vs.", "approx.", "ca.", "al.", "viz.", "resp.", "incl.", "excl."),
        *("dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "mt.", "jr.", "sr."),
        *("inc.", "ltd.", "co.", "corp.", "dept.", "u.s.", "u.k.", "e.u."),
    ]
)
_BEFORE_NUMBERS = frozenset(
    [
        *("no.", "nos.", "fig.", "figs.", "eq.", "sec.", "ch.", "vol.", "p.", "pp."),
        *("max.", "min.", "temp.", "avg.", "tel.", "est."),
    ]
)
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_BREAK = re.compile(r"\n")
_HEADING = re.compile(r"[ \t]*#{1,6}\s")
_LIST_MARKER = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
_STOP = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)")
_OPENING = "\"'“‘([*_"
_LOOK = 40
"""Characters around a full stop that decide whether it ends a sentence."""


class Span(NamedTuple):
    """A slice of a document's text: characters from `start` up to `end`, and the words in it."""

    start: int
    end: int
    words: int


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in order, each without white space around it; headings and list entries stand alone."""
    return [text[span.start : span.end] for block in blocks(text) for span in sentences(text, *block)]


def blocks(text: str) -> list[tuple[int, int]]:
    """Where the parts start and end that chunks never cross: paragraphs, with what a heading or a colon introduces."""
    paragraphs: list[tuple[int, int]] = []
    start = 0
    for match in [*_BLANK.finditer(text), None]:
        end = match.start() if match else len(text)
        trimmed = _trim(text, start, end)
        if trimmed:
            paragraphs.append(trimmed)
        start = match.end() if match else end
    joined: list[tuple[int, int]] = []
    for paragraph in paragraphs:
        if joined and _belongs(text[slice(*joined[-1])], text[slice(*paragraph)]):
            joined[-1] = (joined[-1][0], paragraph[1])
        else:
            joined.append(paragraph)
    return joined


def _belongs(before: str, after: str) -> bool:
    last = before.rsplit("\n", 1)[-1]
    introduces = bool(_HEADING.match(last)) or before.endswith(":")
    return introduces or bool(_LIST_MARKER.match(last) and _LIST_MARKER.match(after))


def sentences(text: str, start: int, end: int) -> list[Span]:
    """The sentences of a paragraph, as spans of `text`; headings and list entries end where their line ends."""
    bounds = {start, end}
    bounds.update(match.end() for match in _STOP.finditer(text, start, end) if _ends_sentence(text, match, start, end))
    line = start
    for match in _BREAK.finditer(text, start, end):
        if _HEADING.match(text, line, match.start()) or _LIST_MARKER.match(text, match.end(), end):
            bounds.add(match.start())
        line = match.end()
    ordered = sorted(bounds)
    trimmed = [_trim(text, left, right) for left, right in pairwise(ordered)]
    return [Span(*bound, len(text[slice(*bound)].split())) for bound in trimmed if bound]


def _ends_sentence(text: str, match: re.Match[str], start: int, end: int) -> bool:
    following = text[match.end() : min(end, match.end() + _LOOK)].lstrip().lstrip(_OPENING)[:1]
    before = text[max(start, match.end() - _LOOK) : match.end()]
    token = before.rsplit(None, 1)[-1]
    ahead = before[: len(before) - len(token)]
    word = token.lstrip(_OPENING).lower()
    if word in _ABBREVIATIONS or (word in _BEFORE_NUMBERS and following.isdigit()):
        return False
    if re.fullmatch(r"[A-Z]\.", token) and not ahead.rstrip().endswith("°"):  # an initial, as in `J. Smith`
        return False
    # `1.` at the start of a line numbers a list.
    if re.fullmatch(r"\d{1,3}\.", token) and (not ahead.strip() or ahead.rstrip(" \t").endswith("\n")):
        return False
    return bool(following) and not following.islower()


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    if not piece.strip():
        return None
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
