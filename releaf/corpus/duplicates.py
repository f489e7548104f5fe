"""Texts that say nearly the same, found without comparing every pair, and the groups that pairs form.

Near-duplicate pictures are found by their hashes in `splits`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

_SHINGLE = 3
_BANDS, _ROWS = 32, 4
_PERMUTATIONS = _BANDS * _ROWS
_SLACK = 0.15
"""How far the estimate of 128 minima may lie below the threshold before a pair is dropped unseen: 3.7 deviations."""
_WORD = re.compile(r"\w+")


def shingles(text: str) -> frozenset[int]:
    """Hashes of all runs of three words, case and punctuation aside; of the whole text where it is shorter."""
    words = _WORD.findall(text.casefold())
    count = max(len(words) - _SHINGLE + 1, 1)
    return frozenset(zlib.crc32(" ".join(words[at : at + _SHINGLE]).encode()) for at in range(count))


def text_groups(texts: Sequence[str], threshold: float = 0.7) -> list[int]:
    """For each text the index of the first one that a chain of near duplicates joins it to.

    Two texts are near duplicates where the Jaccard index of their shingles is at least `threshold`. Candidates come
    from MinHash in 32 bands of 4 rows (Broder 1997; Leskovec et al., Mining of Massive Datasets, ch. 3) and each is
    then compared exactly: no pair is wrong, and at 0.7 one in four thousand is missed. Whether a pair is found depends
    on the pair alone.
    """
    distinct: dict[frozenset[int], list[int]] = {}
    for index, text in enumerate(texts):
        distinct.setdefault(shingles(text), []).append(index)
    sets, members = list(distinct), list(distinct.values())
    pairs = [(same[0], other) for same in members for other in same[1:]]
    for left, right in _candidates(sets, threshold):
        if _jaccard(sets[left], sets[right]) >= threshold:
            pairs.append((members[left][0], members[right][0]))
    return groups(len(texts), pairs)


def groups(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` things the smallest index that a chain of pairs joins it to."""
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return [root(index) for index in range(count)]


def _jaccard(left: frozenset[int], right: frozenset[int]) -> float:
    common = len(left & right)
    return common / (len(left) + len(right) - common)


def _candidates(sets: Sequence[frozenset[int]], threshold: float) -> Iterator[tuple[int, int]]:
    if len(sets) < 2:
        return
    signatures = _signatures(sets)
    seen: set[int] = set()
    for band in range(_BANDS):
        rows = np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])
        _, bucket = np.unique(rows, axis=0, return_inverse=True)
        order = np.argsort(bucket, kind="stable")
        edges = np.flatnonzero(np.diff(bucket[order])) + 1
        for together in np.split(order, edges):
            seen.update(_alike(together, signatures, threshold))
    yield from sorted(divmod(pair, len(sets)) for pair in seen)


def _alike(together: npt.NDArray[np.intp], signatures: npt.NDArray[np.uint32], threshold: float) -> Iterator[int]:
    for position, left in enumerate(together[:-1]):
        others = together[position + 1 :]
        estimate = (signatures[others] == signatures[left]).mean(axis=1)
        for right in others[estimate >= threshold - _SLACK]:
            yield int(min(left, right)) * len(signatures) + int(max(left, right))


def _signatures(sets: Sequence[frozenset[int]]) -> npt.NDArray[np.uint32]:
    """The smallest hash of each set under each permutation, (sets, permutations)."""
    values = np.array([value for one in sets for value in one], dtype=np.uint64)
    starts = np.cumsum([0, *(len(one) for one in sets[:-1])])
    rng = np.random.default_rng(0)
    # Multiply-add-shift (Dietzfelbinger 1996): universal on 32 bits, and the overflow of 64 bits is the modulus.
    factors = rng.integers(0, 2**64, _PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, 2**64, _PERMUTATIONS, dtype=np.uint64)
    signatures = np.empty((len(sets), _PERMUTATIONS), dtype=np.uint32)
    for column, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
        hashed = (values * factor + offset) >> np.uint64(32)
        signatures[:, column] = np.minimum.reduceat(hashed, starts)
    return signatures
