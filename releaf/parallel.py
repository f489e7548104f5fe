"""Work that libraries do outside the interpreter lock, spread over all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from releaf.progress import Progress

S = TypeVar("S")
T = TypeVar("T")

_EVERY = 100  # items between two notes of progress


def single_threaded_products() -> AbstractContextManager[object]:
    """Within it a matrix product takes one thread: small ones gain nothing from more, whose threads spin and wait."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    # Looking through the process's libraries takes milliseconds.
    return ThreadpoolController()


def each(work: Callable[[S], T], items: Sequence[S], progress: Progress, note: str) -> list[T]:
    """Return `work` of every item, in order; the first exception ends it. For work that releases the lock.

    Matrix products inside it take one thread each: with as many as there are cores in every worker, describing pictures
    took five times as long.
    """
    done: list[T] = []
    with single_threaded_products(), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for result in pool.map(work, items):
            done.append(result)
            if len(done) % _EVERY == 0 or len(done) == len(items):
                progress(len(done), len(items), note)
    return done
