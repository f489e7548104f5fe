"""The lines of a text file of any encoding, one at a time: a broken line is told of and the next one is read.

UTF-8 (with or without a byte-order mark), UTF-16 (with a mark, or plain to see), and Latin-1 for single lines that are
no UTF-8 but spell letters. Files whose encoding is agreed on are read by `reading`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from releaf.errors import InputError

LONGEST = 65_536
"""Bytes of a line; a longer one is passed over without being held in memory."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Letters of Latin-1, less Â and Ã, which begin a letter of UTF-8 that was cut in two.
_LATIN_1 = re.compile(rb"[\x00-\x7f\xc0\xc1\xc4-\xd6\xd8-\xf6\xf8-\xfe]*")
_PROBED = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end: `number` from 1, and `text`, or why it cannot be read.

    A `problem` begins with what many may share, and a colon.
    """

    number: int
    text: str
    problem: str = ""
    latin_1: bool = False


def read_lines(path: Path) -> Iterator[Line]:
    """Each line of a file, in order. Raises `InputError` where there is no such file or it cannot be opened."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        start = file.read(_PROBED)
        encoding, mark = _encoding(start)
        file.seek(mark)
        yield from _wide(file, encoding) if encoding else _narrow(file)


def _encoding(start: bytes) -> tuple[str, int]:
    """The kind of UTF-16, or an empty text for all else; and the length of the byte-order mark."""
    if start.startswith(codecs.BOM_UTF8):
        return "", 3
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if start.startswith(mark):
            return name, 2
    # Every second byte of western text in UTF-16 is zero, and nothing else looks like that.
    half = max(1, len(start) // 2)
    for name, zeros in (("utf-16-le", start[1::2].count(0)), ("utf-16-be", start[0::2].count(0))):
        if zeros > 0.6 * half:
            return name, 0
    return "", 0


def _narrow(file: BinaryIO) -> Iterator[Line]:
    number = 0
    while raw := file.readline(LONGEST):
        number += 1
        if len(raw) == LONGEST and not raw.endswith(b"\n"):
            _skip_line(file)
            yield Line(number, raw[:200].decode("ascii", "replace"), f"too long: more than {LONGEST:,} bytes")
            continue
        raw = raw.rstrip(b"\r\n")
        try:
            yield _checked(number, raw.decode())
        except UnicodeDecodeError as error:
            if _LATIN_1.fullmatch(raw):
                line = _checked(number, raw.decode("latin-1"))
                yield Line(number, line.text, line.problem, latin_1=True)
            else:
                problem = (
                    f"encoding: neither UTF-8 nor Latin-1 (byte 0x{raw[error.start]:02x} at column {error.start + 1})"
                )
                yield Line(number, raw.decode("ascii", "replace"), problem)


def _skip_line(file: BinaryIO) -> None:
    while (more := file.readline(LONGEST)) and not more.endswith(b"\n"):
        pass


def _wide(file: BinaryIO, encoding: str) -> Iterator[Line]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    number, rest = 0, ""
    while True:
        block = file.read(LONGEST)
        *lines, rest = (rest + decoder.decode(block, final=not block)).split("\n")
        for line in lines:
            number += 1
            yield _checked(number, line.rstrip("\r"))
        if not block:
            break
        if len(rest) > LONGEST:  # what follows of an endless line is cut off, and told of as one line
            rest = rest[:LONGEST] + "\x00"
    if rest:
        yield _checked(number + 1, rest.rstrip("\r"))


def _checked(number: int, text: str) -> Line:
    if len(text) > LONGEST:
        return Line(number, text[:200], f"too long: more than {LONGEST:,} characters")
    if "\ufffd" in text:
        return Line(number, text, "encoding: a character could not be decoded")
    control = _CONTROL.search(text)
    return Line(number, text, f"control character: {control.group()!r}" if control else "")
