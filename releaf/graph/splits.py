"""Splitting edges for link prediction so that nothing held out can be seen, and the check that proves it.

Edges are undirected pairs here: (u, v) and (v, u) are one fact, and whoever holds one holds the other.
No model is here, and no sampling of neighbourhoods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EdgeSplit:
    """Positives and negatives of each part as (2, count) pairs with the smaller node first.

    `message` (2, 2·train) holds the training pairs in both directions: what a graph layer may pass messages along,
    and what node features may be counted from. Negatives are as many as the positives of their part.
    `strata` (N) is the group (kind) of each node from which negatives were drawn alike, all 0 where none was given.
    """

    strata: IntArray
    message: IntArray
    train: IntArray
    validation: IntArray
    test: IntArray
    validation_negatives: IntArray
    test_negatives: IntArray

    @property
    def n_nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.strata)

    @property
    def positives(self) -> IntArray:
        """Every pair that is an edge, of all three parts."""
        return np.concatenate([self.train, self.validation, self.test], axis=1)


def split_edges(
    edge_index: IntArray,
    n_nodes: int,
    *,
    node_kinds: IntArray | None = None,
    validation: float = 0.05,
    test: float = 0.10,
    seed: int,
) -> EdgeSplit:
    """Split the edges (2, E) into training, validation and test, with sampled non-edges for the last two.

    Directions, doubles and self-loops are dropped first. With `node_kinds` (N) the shares hold for every pair of
    kinds, and a negative joins the same two kinds as the positive it stands against: telling an impossible edge from
    a possible one is then no merit. Raises `DataError` when there are too few edges or non-edges for that.
    """
    strata = np.zeros(n_nodes, dtype=np.int64) if node_kinds is None else np.asarray(node_kinds, dtype=np.int64)
    _check_input(edge_index, n_nodes, strata, validation, test)
    pairs = unique_pairs(edge_index, n_nodes)
    rng = np.random.default_rng(seed)
    parts: list[list[IntArray]] = [[np.empty(0, dtype=np.int64)] for _ in range(3)]
    group = _pair_group(pairs, strata)
    for value in np.unique(group):
        members = rng.permutation(np.flatnonzero(group == value))
        n_validation, n_test = round(len(members) * validation), round(len(members) * test)
        for part, chosen in zip(parts, np.split(members, [n_validation, n_validation + n_test]), strict=True):
            part.append(chosen)
    held_validation, held_test, train = (pairs[:, np.sort(np.concatenate(part))] for part in parts)
    if not (held_validation.size and held_test.size and train.size):
        raise DataError(f"{pairs.shape[1]} edges are too few to hold out {validation:.0%} and {test:.0%} of them")
    held = np.concatenate([held_validation, held_test], axis=1)
    negatives = sample_negatives(held, strata, known=pairs, rng=rng)
    if negatives.shape[1] < held.shape[1]:
        raise DataError(
            f"only {negatives.shape[1]} non-edges for {held.shape[1]} held-out edges: some kind of edge joins nearly "
            "all its nodes; hold out a smaller share"
        )
    cut = held_validation.shape[1]
    return EdgeSplit(
        strata,
        message=both_directions(train),
        train=train,
        validation=held_validation,
        test=held_test,
        validation_negatives=negatives[:, :cut],
        test_negatives=negatives[:, cut:],
    )


def _check_input(edge_index: IntArray, n_nodes: int, strata: IntArray, validation: float, test: float) -> None:
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise DataError(f"edges must have shape (2, E), not {edge_index.shape}")
    if edge_index.size and not 0 <= edge_index.min() <= edge_index.max() < n_nodes:
        raise DataError(f"edges name nodes {edge_index.min()} to {edge_index.max()}, and there are {n_nodes} nodes")
    if strata.shape != (n_nodes,):
        raise DataError(f"one kind for each of {n_nodes} nodes is needed, and there are {strata.size}")
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise DataError(f"shares validation={validation}, test={test} must be positive and leave some for training")


def unique_pairs(edge_index: IntArray, n_nodes: int) -> IntArray:
    """Edges as sorted pairs u < v, each once, without self-loops: (2, P)."""
    low, high = np.minimum(*edge_index), np.maximum(*edge_index)
    keys = np.unique((low * n_nodes + high)[low != high])
    return np.stack([keys // n_nodes, keys % n_nodes]).astype(np.int64)


def both_directions(pairs: IntArray) -> IntArray:
    """Pairs (2, P) and their reverses, as (2, 2·P)."""
    return np.concatenate([pairs, pairs[::-1]], axis=1)


def sample_negatives(like: IntArray, strata: IntArray, *, known: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw one distinct pair outside `known` for each pair of `like` (2, P), between nodes of the same two strata.

    The k-th negative answers the k-th pair while non-edges last; where a pair of strata has fewer left, the rest of
    that group goes without, and the result is shorter.

    For training, `known` must be the training pairs alone. Were the held-out pairs known too, a model would meet
    every pair as a negative except just those, and learn them by what is missing.
    """
    n_nodes = len(strata)
    known_keys = np.sort(_keys(known, n_nodes))
    group, known_group = _pair_group(like, strata), _pair_group(known, strata)
    drawn = np.full(like.shape, -1, dtype=np.int64)
    for value in _distinct(group):
        places = np.flatnonzero(group == value)
        one, other = divmod(int(value), int(strata.max()) + 1)
        space = _PairSpace.between(np.flatnonzero(strata == one), np.flatnonzero(strata == other))
        # As many draws as could be spoilt by known pairs, plus those needed: one round always suffices.
        wanted = min(space.size, len(places) + int(np.count_nonzero(known_group == value)))
        candidates = space.decode(rng.choice(space.size, wanted, replace=False))
        fresh = candidates[:, ~_among(_keys(candidates, n_nodes), known_keys)][:, : len(places)]
        drawn[:, places[: fresh.shape[1]]] = fresh
    return drawn[:, drawn[0] >= 0]


@dataclass(frozen=True, eq=False)
class _PairSpace:
    """All unordered pairs between two groups of nodes (or within one), numbered from 0."""

    one: IntArray
    other: IntArray
    within: bool

    @classmethod
    def between(cls, one: IntArray, other: IntArray) -> _PairSpace:
        return cls(one, other, bool(one.size == other.size and np.all(one == other)))

    @property
    def size(self) -> int:
        return len(self.one) * (len(self.one) - 1) // 2 if self.within else len(self.one) * len(self.other)

    def decode(self, numbers: IntArray) -> IntArray:
        """Sorted pairs (2, count) of node numbers for pair numbers."""
        if self.within:
            # Number = high·(high − 1)/2 + low with low < high; the root is corrected for rounding.
            high = ((1 + np.sqrt(1 + 8 * numbers.astype(np.float64))) // 2).astype(np.int64)
            high -= high * (high - 1) // 2 > numbers
            high += high * (high + 1) // 2 <= numbers
            pairs = np.stack([self.one[numbers - high * (high - 1) // 2], self.one[high]])
        else:
            pairs = np.stack([self.one[numbers // len(self.other)], self.other[numbers % len(self.other)]])
        return np.sort(pairs, axis=0)


def _keys(pairs: IntArray, n_nodes: int) -> IntArray:
    return np.asarray(np.minimum(*pairs) * n_nodes + np.maximum(*pairs), dtype=np.int64)


def _distinct(values: IntArray) -> IntArray:
    """The distinct values in order; a fifth of the time that `np.unique` takes for the hundreds of a training step."""
    ordered = np.sort(values)
    new = np.append(True, ordered[1:] != ordered[:-1])
    return np.asarray(ordered[new[: len(ordered)]])


def _among(keys: IntArray, ordered: IntArray) -> npt.NDArray[np.bool_]:
    """Which keys are among ordered ones; `np.isin` would sort those anew each time."""
    if not ordered.size:
        return np.zeros(len(keys), dtype=bool)
    return np.asarray(ordered[np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)] == keys)


def _pair_group(pairs: IntArray, strata: IntArray) -> IntArray:
    """One number per pair of strata, the same in both directions."""
    one, other = strata[pairs[0]], strata[pairs[1]]
    return np.asarray(np.minimum(one, other) * (int(strata.max()) + 1) + np.maximum(one, other), dtype=np.int64)


def check_no_leak(split: EdgeSplit) -> None:
    """Prove that no held-out edge can be seen from training; raises `DataError` naming the leak and a pair of it.

    Checked in both directions: parts share no pair, messages run along training pairs only, and no negative is an
    edge of any part or a negative of another part.
    """
    n = split.n_nodes
    parts = {name: getattr(split, name) for name in _PARTS}
    for name, pairs in {**parts, "message": split.message}.items():
        if pairs.size and not 0 <= pairs.min() <= pairs.max() < n:
            raise DataError(f"{name} names nodes outside 0–{n - 1}")
    for name, pairs in parts.items():
        keys = _keys(pairs, n)
        if len(np.unique(keys)) < len(keys):
            raise DataError(f"{name} holds a pair twice, perhaps once in each direction")
    names = list(parts)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            _refuse_overlap(name, parts[name], other, parts[other], n)
    for name in names[1:]:
        _refuse_overlap(name, parts[name], "message", split.message, n)
    unseen = np.setdiff1d(_keys(split.message, n), _keys(split.train, n))
    if unseen.size:
        raise DataError(f"messages run along {_show(unseen[0], n)}, which is no training pair")


def check_hidden(positives: IntArray, messages: IntArray, n_nodes: int) -> None:
    """Prove that no pair which a training step predicts passes a message in that step, in either direction.

    Raises `DataError` naming such a pair: the model would learn to read the answer off its own neighbourhood.
    """
    _refuse_overlap("the pairs to predict", positives, "the messages of their own step", messages, n_nodes)


_PARTS = ("train", "validation", "test", "validation_negatives", "test_negatives")


def _refuse_overlap(name: str, pairs: IntArray, other: str, others: IntArray, n_nodes: int) -> None:
    keys = _keys(pairs, n_nodes)
    both = keys[_among(keys, np.sort(_keys(others, n_nodes)))]
    if both.size:
        shared = np.unique(both)
        raise DataError(
            f"{shared.size} pairs are both in {name} and in {other}, for example {_show(shared[0], n_nodes)}; "
            "figures on this split would be too good"
        )


def _show(key: np.int64, n_nodes: int) -> str:
    return f"({key // n_nodes}, {key % n_nodes})"
