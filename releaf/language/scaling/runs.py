"""What a scaling law is fitted to: trained models as points of parameters, tokens and loss.

Reading and checking points only. Training them is `grid`'s business, fitting them `laws`'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from releaf.errors import DataError

Array = NDArray[np.float64]
FEWEST = 4
"""A law with an offset has at least three constants; one point more shows whether it holds."""


@dataclass(frozen=True)
class Run:
    """One trained model: non-embedding `parameters` N, `tokens` D read once, held-out `loss` in nats a token."""

    parameters: int
    tokens: int
    loss: float

    @property
    def compute(self) -> float:
        """Floating-point operations of training, C = 6·N·D (Kaplan et al. 2020, section 2.1)."""
        return 6.0 * self.parameters * self.tokens


def columns(runs: Sequence[Run]) -> tuple[Array, Array, Array]:
    """Parameters, tokens and losses (n,), checked.

    Raises `DataError` for fewer than four runs, a loss that is no positive number, and runs that vary in nothing.
    """
    table = np.array([[run.parameters, run.tokens, run.loss] for run in runs], dtype=float).reshape(-1, 3)
    check(table, "run")
    for name, values in (("parameters", table[:, 0]), ("tokens", table[:, 1])):
        if len(np.unique(values)) < 2:
            raise DataError(f"all {len(runs)} runs have {values[0]:g} {name}; a law needs runs that differ in them")
    return table[:, 0], table[:, 1], table[:, 2]


def check(table: Array, what: str) -> None:
    """Raise `DataError` unless there are enough rows of positive numbers, and losses (last column) that differ."""
    if len(table) < FEWEST:
        raise DataError(f"{len(table)} points cannot show a law: at least {FEWEST} are needed; train more of the grid")
    for index, row in enumerate(table):
        if not all(math.isfinite(value) and value > 0 for value in row):
            raise DataError(
                f"{what} {index} has {row.tolist()}, and every figure must be a positive number; leave it out"
            )
    if np.ptp(table[:, -1]) <= 1e-9 * table[0, -1]:
        raise DataError(f"all {len(table)} losses are {table[0, -1]:.4g}; nothing falls, so there is no law to fit")
