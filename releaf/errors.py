"""Every error ReleAF raises on purpose. Each message shows the bad value and the way out.

    ReleafError
    ├── InputError              something a person gave is wrong: a path, a format, a value
    │   ├── UnknownNameError    a name that the taxonomy, graph or settings do not know
    │   └── TooLongError        a text that does not fit a model's context
    ├── DataError               a dataset is unusable as a whole
    ├── GateError               a quality gate stands in the way of a release
    ├── ArtifactError           bytes on disk do not match their manifest
    ├── TrainingError           a run that cannot go on or be resumed
    ├── ModelSourceError        a checkpoint source that cannot be opened
    ├── HardwareError           a device or precision this machine cannot give
    └── StorageError            the disk is full or not writable

Nothing else belongs here; an error of a library is caught only where it can be turned into one of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ReleafError(Exception):
    """Base of every error that ReleAF raises on purpose."""


class InputError(ReleafError):
    """Something a person gave is wrong."""


class UnknownNameError(InputError):
    """A name that is not among the known ones; the message lists the closest of them."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        names = sorted(set(known))
        close = get_close_matches(name.lower().replace(" ", "_"), names, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(names[:30])}"
        place = f" in {where}" if where else ""
        super().__init__(f"unknown {kind} {name!r}{place}; {hint}")
        self.kind = kind
        self.name = name


class TooLongError(InputError):
    """A text that does not fit a model's context; where there are many of them it is left out and counted."""


class DataError(ReleafError):
    """A dataset is unusable as a whole."""


class GateError(ReleafError):
    """A quality gate stands in the way of a release."""


class ArtifactError(ReleafError):
    """Bytes on disk do not match their manifest."""


class TrainingError(ReleafError):
    """A training run that cannot go on or be resumed."""


class ModelSourceError(ReleafError):
    """A checkpoint source that cannot be opened."""


class HardwareError(ReleafError):
    """A device or precision that this machine cannot give."""


class StorageError(ReleafError):
    """The disk is full or not writable."""
