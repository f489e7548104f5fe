"""Several examples in one row, each as if it stood alone: positions restart, and no token sees another example.

Which examples make a batch is the task's business; here they are only laid out. What a batch is stands in `batches`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from releaf.errors import InputError
from releaf.language.batches import Batch, Row
from releaf.metrics.text import IGNORED


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of `lengths` in rows of at most `capacity` tokens, as few and as even as the longest-first rule finds.

    Longest processing time first (Graham 1969): each length goes to the shortest row; a row more is opened until all
    fit. Equal lengths keep their order, so the same lengths give the same rows. Raises `InputError` for a length above
    the capacity.
    """
    if not lengths:
        return []
    longest = max(lengths)
    if longest > capacity:
        raise InputError(
            f"an example of {longest} tokens does not fit a row of {capacity}; leave it out or widen the row"
        )
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    count = math.ceil(sum(lengths) / capacity)
    while True:
        rows: list[list[int]] = [[] for _ in range(count)]
        filled = [0] * count
        for index in order:
            shortest = min(range(count), key=filled.__getitem__)
            rows[shortest].append(index)
            filled[shortest] += lengths[index]
        if max(filled) <= capacity:
            return rows
        count += 1


def pack_rows(rows: Sequence[Row], *, capacity: int, pad: int) -> Batch:
    """One batch of packed rows, padded on the right to the longest.

    The restart of `positions` is what transformers makes the block-diagonal causal mask of. An example's first token is
    nobody's to predict: before it stands the end of another example.
    """
    import torch

    packed = pack([len(ids) for ids, _ in rows], capacity)
    longest = max(sum(len(rows[index][0]) for index in row) for row in packed)
    columns: tuple[list[list[int]], ...] = ([], [], [], [])
    for row in packed:
        ids = [token for index in row for token in rows[index][0]]
        labels = [label for index in row for label in (IGNORED, *rows[index][1][1:])]
        positions = [position for index in row for position in range(len(rows[index][0]))]
        spare = longest - len(ids)
        filled = (ids, [1] * len(ids), labels, positions)
        for column, values, filler in zip(columns, filled, (pad, 0, IGNORED, 0), strict=True):
            column.append(values + [filler] * spare)
    ids_, mask, labels_, positions_ = map(torch.tensor, columns)
    return Batch(ids_, mask, labels_, positions_, examples=len(rows))
