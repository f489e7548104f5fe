"""How long work tells its caller how far it is. What is done with that (a bar, a log line) lives elsewhere."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the units done so far, the units in all, and what is being done."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Report that `done` of `total` units are finished."""


def silent(done: int, total: int, note: str = "") -> None:
    """Report nothing: the default of every `progress` parameter."""
