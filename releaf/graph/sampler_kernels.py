"""The inner loops of `sampler`, compiled by numba without Python's lock. Arrays in, arrays out; checked by the caller.

Random numbers are splitmix64 (Steele et al. 2014) of a key and a place, so that they depend on nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ONE = np.uint64(1)
_ROUNDS = 4


@njit(nogil=True, cache=True, inline="always")
def _mixed(value: Any) -> Any:
    value = value + _GOLDEN
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@njit(nogil=True, cache=True, inline="always")
def _below(random: Any, limit: Any) -> Any:
    """A number from 0 up to `limit` − 1 from 32 random bits; no number is favoured by more than limit / 2³²."""
    return np.int64(((random >> _S32) * np.uint64(limit)) >> _S32)


@njit(nogil=True, cache=True)
def _draw(degree: Any, count: Any, key: Any, chosen: Any) -> Any:
    """Write `count` distinct numbers below `degree`, rising, into `chosen`: Floyd's algorithm, kept sorted."""
    state = key
    for filled in range(count):
        last = degree - count + filled
        state = _mixed(state)
        number = _below(state, last + 1)
        place = filled
        while place > 0 and chosen[place - 1] > number:
            place -= 1
        if place > 0 and chosen[place - 1] == number:
            chosen[filled] = last  # larger than all before it
        else:
            for index in range(filled, place, -1):
                chosen[index] = chosen[index - 1]
            chosen[place] = number


@njit(nogil=True, cache=True)
def _row_position(indices: Any, low: Any, high: Any, wanted: Any) -> Any:
    """Place of `wanted` in the rising indices[low:high], or where it would stand."""
    while low < high:
        middle = (low + high) // 2
        if indices[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _skipped(indptr: Any, indices: Any, node: Any, keys: Any, skipped: Any) -> Any:
    """Write the positions in a row that hidden keys name into `skipped`, rising; their number."""
    n_nodes = len(indptr) - 1
    low, high = indptr[node], indptr[node + 1]
    count = 0
    place = _row_position(keys, 0, len(keys), node * n_nodes)
    while place < len(keys) and keys[place] < (node + 1) * n_nodes:
        other = keys[place] - node * n_nodes
        found = _row_position(indices, low, high, other)
        if found < high and indices[found] == other:
            skipped[count] = found - low
            count += 1
        place += 1
    return count


@njit(nogil=True, cache=True)
def _slot(table: Any, node: Any, nodes: Any) -> Any:
    """The place of a node in an open-addressed table of new numbers (−1: free)."""
    mask = np.int64(len(table) - 1)
    slot = np.int64(_mixed(np.uint64(node)) & np.uint64(mask))
    while table[slot] >= 0 and nodes[table[slot]] != node:
        slot = (slot + 1) & mask
    return slot


@njit(nogil=True, cache=True)
def _grown(array: Any, size: Any) -> Any:
    larger = np.empty(size, dtype=array.dtype)
    larger[: len(array)] = array
    return larger


@njit(nogil=True, cache=True)
def _number(node: Any, table: Any, nodes: Any, count: Any) -> Any:
    """New number of a node, given now if it has none: (number, table, nodes, count)."""
    slot = _slot(table, node, nodes)
    if table[slot] >= 0:
        return table[slot], table, nodes, count
    if count == len(nodes):
        nodes = _grown(nodes, 2 * count)
        table = np.full(2 * len(nodes), -1, dtype=np.int32)
        for index in range(count):
            table[_slot(table, nodes[index], nodes)] = index
        slot = _slot(table, node, nodes)
    nodes[count] = node
    table[slot] = count
    return count, table, nodes, count + 1


@njit(nogil=True, cache=True)
def _positions(degree: Any, fanout: Any, key: Any, chosen: Any) -> Any:
    """`chosen`, large enough, with rising positions of up to `fanout` of `degree` neighbours, and how many."""
    taken = min(degree, fanout)
    if taken > len(chosen):
        chosen = np.empty(2 * taken, dtype=np.int64)
    if taken == degree:
        for index in range(taken):
            chosen[index] = index
    else:
        _draw(degree, taken, key, chosen)
    return chosen, taken


@njit(nogil=True, cache=True)
def _degrees(indptr: Any, indices: Any, nodes: Any, n_seeds: Any, keys: Any, skipped: Any) -> Any:
    """Neighbours of each node less those that hidden keys name; the first `n_seeds` nodes alone have such."""
    degrees = np.empty(len(nodes), dtype=np.int64)
    for index in range(len(nodes)):
        node = nodes[index]
        left_out = _skipped(indptr, indices, node, keys, skipped) if index < n_seeds else 0
        degrees[index] = indptr[node + 1] - indptr[node] - left_out
    return degrees


@njit(nogil=True, cache=True)
def _numbered(seeds: Any) -> Any:
    """Seeds numbered in their order: (number of each, table, nodes, count)."""
    room = 1024
    while room < 4 * len(seeds):
        room *= 2
    nodes = np.empty(room, dtype=np.int64)
    table = np.full(2 * room, -1, dtype=np.int32)
    count = np.int64(0)
    places = np.empty(len(seeds), dtype=np.int64)
    for index in range(len(seeds)):
        places[index], table, nodes, count = _number(seeds[index], table, nodes, count)
    return places, table, nodes, count


@njit(nogil=True, cache=True)
def neighbourhood(indptr: Any, indices: Any, seeds: Any, fanouts: Any, keys: Any, key: Any) -> Any:
    """The fields of a `Neighbourhood`, in their order."""
    places, table, nodes, count = _numbered(seeds)
    sizes = np.empty(len(fanouts) + 1, dtype=np.int64)
    sizes[0] = count
    pointers, sources = np.zeros(1024, dtype=np.int64), np.empty(4096, dtype=np.int64)
    skipped, chosen = np.empty(len(keys), dtype=np.int64), np.empty(64, dtype=np.int64)
    first, messages = np.int64(0), np.int64(0)
    for hop in range(len(fanouts)):
        for target in range(first, sizes[hop]):
            node, low = nodes[target], indptr[nodes[target]]
            left_out = _skipped(indptr, indices, node, keys, skipped) if target < sizes[0] else 0
            degree = indptr[node + 1] - low - left_out
            chosen, taken = _positions(degree, fanouts[hop], _mixed(key ^ _mixed(np.uint64(node))), chosen)
            if messages + taken > len(sources):
                sources = _grown(sources, 2 * (messages + taken))
            passed = np.int64(0)
            for index in range(taken):
                # Positions count what may be seen alone: step over each hidden one at or below.
                while passed < left_out and skipped[passed] <= chosen[index] + passed:
                    passed += 1
                other = np.int64(indices[low + chosen[index] + passed])
                sources[messages], table, nodes, count = _number(other, table, nodes, count)
                messages += 1
            if target + 2 > len(pointers):
                pointers = _grown(pointers, 2 * (target + 2))
            pointers[target + 1] = messages
        first = sizes[hop]
        sizes[hop + 1] = count
    degrees = _degrees(indptr, indices, nodes[:count], sizes[0], keys, skipped)
    ended = pointers[: sizes[len(fanouts) - 1] + 1]
    return nodes[:count].copy(), sizes, ended.copy(), sources[:messages].copy(), degrees, places


@njit(nogil=True, cache=True)
def _permuted(number: Any, size: Any, half: Any, key: Any) -> Any:
    """Where a keyed permutation of 0 … `size` − 1 puts `number`; `half` is half the bits of a domain that holds it."""
    mask = (_ONE << half) - _ONE
    value = np.uint64(number)
    while True:
        left, right = value >> half, value & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (_mixed(right ^ _mixed(key + np.uint64(turn))) & mask)
        value = (left << half) | right
        if value < np.uint64(size):
            return np.int64(value)


@njit(nogil=True, cache=True)
def shuffled_pairs(indptr: Any, indices: Any, start: Any, count: Any, key: Any) -> Any:
    """Up to `count` pairs (2, count) whose smaller end is the row, from permuted entry `start` on; and what follows."""
    size = len(indices)
    half = np.uint64(1)
    while (_ONE << (half + half)) < np.uint64(size):
        half += _ONE
    pairs = np.empty((2, count), dtype=np.int64)
    filled = np.int64(0)
    while filled < count and start < size:
        entry = _permuted(start, size, half, key)
        start += 1
        row = _row_position(indptr, 0, len(indptr), entry + 1) - 1
        if row < indices[entry]:
            pairs[0, filled] = row
            pairs[1, filled] = indices[entry]
            filled += 1
    return pairs[:, :filled].copy(), start


@njit(nogil=True, cache=True)
def non_edges(
    indptr: Any, indices: Any, like: Any, strata: Any, stratum_ptr: Any, by_stratum: Any, attempts: Any, key: Any
) -> Any:
    """One pair that is no edge for each of `like`, smaller end first, where one was found."""
    count = like.shape[1]
    drawn = np.empty((2, count), dtype=np.int64)
    ends = np.empty(2, dtype=np.int64)
    filled = 0
    for index in range(count):
        state = _mixed(key ^ _mixed(np.uint64(index)))
        for _ in range(attempts):
            for end in range(2):
                stratum = strata[like[end, index]] if len(strata) else 0
                first = stratum_ptr[stratum]
                state = _mixed(state)
                place = first + _below(state, stratum_ptr[stratum + 1] - first)
                ends[end] = by_stratum[place] if len(by_stratum) else place
            one, other = min(ends[0], ends[1]), max(ends[0], ends[1])
            found = _row_position(indices, indptr[one], indptr[one + 1], other)
            if one != other and not (found < indptr[one + 1] and indices[found] == other):
                drawn[0, filled] = one
                drawn[1, filled] = other
                filled += 1
                break
    return drawn[:, :filled].copy()
