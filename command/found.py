"""Which pictures a person means by files, folders, quoted patterns and `-`.

Here: names and places. Whether something is a picture, only its bytes can tell.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaf.corpus.labels import SUFFIXES, is_litter

STDIN = "-"


@dataclass(frozen=True)
class Found:
    """A picture as it was named, and its place or its bytes; or, where there is none, `error` says why."""

    name: str
    image: Path | bytes = b""
    error: str = ""


def found_pictures(wanted: Sequence[str]) -> list[Found]:
    """Return every picture that the arguments mean, in order, each place once.

    A folder means all pictures below it, by their suffix in any case; hidden files and what operating systems leave
    behind are none, and links to folders are not followed, neither there nor by `**`. What gives no picture, an empty
    folder or a pattern that matches nothing, is an entry with an error; a file that is named outright is taken as a
    picture whatever its name, and whether or not it is there.
    """
    found: dict[str, Found] = {}
    for name in wanted:
        for one in _meant(name):
            # A link is a picture of its own.
            found.setdefault(os.path.abspath(one.name) if isinstance(one.image, Path) else one.name, one)  # noqa: PTH100
    return list(found.values())


def shown(name: str) -> str:
    """Return a name as UTF-8 can hold it: file names are bytes, and not all bytes are text."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _meant(name: str) -> Iterator[Found]:
    # Unlike pathlib's, these functions say False of a place that must not be looked at.
    if name == STDIN:
        yield Found(name, sys.stdin.buffer.read())
    elif not name:
        yield Found(name, error="an empty name; name a file, a folder, a quoted pattern or - for standard input")
    elif os.path.isdir(name):  # noqa: PTH112
        yield from _below(name)
    elif glob.has_magic(name) and not os.path.lexists(name):
        yield from _matching(name)
    else:
        yield Found(name, Path(name))


def _below(folder: str) -> Iterator[Found]:
    unreadable: list[OSError] = []
    pictures: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not is_litter(name)]
        pictures += [
            Path(place, file) for file in files if Path(file).suffix.lower() in SUFFIXES and not is_litter(file)
        ]
    yield from (Found(str(path), path) for path in sorted(pictures))
    for error in unreadable:
        reason = (error.strerror or str(error)).lower()
        yield Found(str(error.filename), error=f"the folder cannot be read: {reason}")
    if not pictures and not unreadable:
        yield Found(folder, error=f"the folder holds no picture ({', '.join(SUFFIXES)})")


def _matching(pattern: str) -> Iterator[Found]:
    wanted = Path(pattern)
    if wanted.name == "**":  # which pathlib takes for folders alone
        wanted /= "*"
    try:
        # pathlib's does not follow links into a loop as glob's does; it takes no pattern that starts at the root.
        places = sorted(Path(wanted.anchor).glob(str(wanted.relative_to(wanted.anchor))))
    except ValueError:
        yield Found(pattern, error="the pattern has ** beside other characters; put it between slashes")
        return
    matches = [path for path in places if os.path.isfile(path) and _asked_for(path, wanted)]  # noqa: PTH113
    yield from (Found(str(path), path) for path in matches)
    if not matches:
        yield Found(pattern, error="no file matches the pattern")


def _asked_for(path: Path, pattern: Path) -> bool:
    """Whether no part of a path is hidden but those whose dot the pattern has too, as a shell would have it."""
    dotted = [part for part in pattern.parts if is_litter(part)]
    return all(not is_litter(part) or any(fnmatch.fnmatch(part, one) for one in dotted) for part in path.parts)
