"""In which order the assets of a wave are made by several lanes. Knows names and who needs whom, runs nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import cache


class Schedule:
    """Hands out assets whose inputs are made, those with the longest way below them first.

    What is below an asset that failed is never handed out. Lanes call `take` and `done` from threads of their own.
    """

    def __init__(self, parents: Mapping[str, set[str]]) -> None:
        """`parents` maps each asset to those among them that it is made from."""
        self._parents = parents
        self._waiting = set(parents)
        self._made: set[str] = set()
        self._changed = threading.Condition()
        self._ready_since: dict[str, float] = {}
        below = {name: {child for child, above in parents.items() if name in above} for name in parents}

        @cache
        def steps(name: str) -> int:
            return 1 + max((steps(child) for child in below[name]), default=0)

        self._order = sorted(parents, key=lambda name: (-steps(name), name))
        self._note_ready()

    def take(self, patience: float = 0.0) -> str | None:
        """Wait for an asset that can be made, and for `patience` seconds leave it to others; None when all is done."""
        with self._changed:
            while self._waiting:
                now = time.monotonic()
                ready = [name for name in self._order if name in self._ready_since and name in self._waiting]
                for name in ready:
                    if now - self._ready_since[name] >= patience:
                        self._waiting.remove(name)
                        self._changed.notify_all()
                        return name
                soonest = min((self._ready_since[name] for name in ready), default=None)
                self._changed.wait(None if soonest is None else soonest + patience - now)
            return None

    def done(self, name: str, *, passed: bool) -> None:
        """Note that an asset was made, or that it or a check on it failed."""
        with self._changed:
            if passed:
                self._made.add(name)
                self._note_ready()
            else:
                self._drop_below(name)
            self._changed.notify_all()

    def close(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def _note_ready(self) -> None:
        for name in self._waiting:
            if self._parents[name] <= self._made:
                self._ready_since.setdefault(name, time.monotonic())

    def _drop_below(self, name: str) -> None:
        lost = {name}
        while found := {child for child in self._waiting if self._parents[child] & lost}:
            self._waiting -= found
            lost |= found
