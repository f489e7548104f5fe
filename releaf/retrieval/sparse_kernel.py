"""The inner loop of sparse search, compiled by numba. Importing this module imports numba: do so when it is needed.

bm25s adds up whole terms; here a term carries a weight, which expansion needs. Picking the best rows stays with NumPy:
its partition takes half the time of a compiled heap (50,000 rows).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def add_up(
    data: NDArray[np.float32],
    indices: NDArray[np.int32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    """Add to `scores` (N,) weighted scores of terms whose postings are data[start:end] of rows indices[start:end]."""
    for term in range(len(starts)):
        weight = weights[term]
        for place in range(starts[term], ends[term]):
            scores[indices[place]] += weight * data[place]
