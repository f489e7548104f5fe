"""Batches made ahead of the step that needs them, on a core that the step leaves free. Knows nothing of any model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def ahead(items: Iterable[T], count: int = 2) -> Iterator[T]:
    """Yield the items in their order, up to `count` of them made before they are asked for.

    One thread makes them all, so what they are does not depend on when they are used. What making one raises is raised
    where it would have been used. Closing the iterator, which leaving a loop does, ends the thread. Threads that torch
    meets for the first time meanwhile compute alone as well; `one_core_left` undoes that.
    """
    made = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead", initializer=_compute_alone) as pool:
        waiting: deque[Future[T]] = deque(pool.submit(next, made, _END) for _ in range(count))
        try:
            while (item := waiting.popleft().result()) is not _END:
                waiting.append(pool.submit(next, made, _END))
                yield item
        finally:
            for future in waiting:
                future.cancel()


def _compute_alone() -> None:
    """Let torch compute in this thread with no others: they would be taken from the step."""
    import torch

    torch.set_num_threads(1)


@contextmanager
def one_core_left() -> Iterator[None]:
    """Within it torch computes on all of its threads but one, at least one, on a CPU; the last is for making batches.

    On two cores a bf16 step of a small network takes no less time with two threads than with one; and where anything
    else runs on them it takes thirty times as long, because oneDNN's threads spin while they wait for one that the
    system has put aside.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before - 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)
