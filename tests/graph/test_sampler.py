from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.graph.sampler import (
    ALL,
    Neighbours,
    Strata,
    sample_neighbourhood,
    sample_non_edges,
    sample_pairs,
)
from releaf.graph.splits import unique_pairs

# 0 joined to 1, 2, 3, 4; 1 to 2; 5 to 4; node 6 alone.
PAIRS = np.array([[0, 0, 0, 0, 1, 4], [1, 2, 3, 4, 2, 5]])
GRAPH = Neighbours.of(PAIRS, 7)


def random_graph(n_nodes: int = 300, n_pairs: int = 900, seed: int = 0) -> Neighbours:
    return Neighbours.of(np.random.default_rng(seed).integers(0, n_nodes, (2, n_pairs)), n_nodes)


def messages_of(graph: Neighbours, seeds: list[int], fanouts: list[int], **options: object) -> set[tuple[int, int]]:
    """Messages that were drawn, as pairs (source, target) of the whole graph's numbers."""
    drawn = sample_neighbourhood(graph, np.array(seeds), fanouts, **options)  # type: ignore[arg-type]
    targets = np.repeat(np.arange(len(drawn.pointers) - 1), np.diff(drawn.pointers))
    return set(zip(drawn.nodes[drawn.sources].tolist(), drawn.nodes[targets].tolist(), strict=True))


def test_rows_hold_each_neighbour_once_in_order_whatever_the_direction_and_doubles() -> None:
    given = np.concatenate([PAIRS[::-1], PAIRS[:, ::-1], [[3], [3]]], axis=1)
    for graph in (GRAPH, Neighbours.of(given, 7)):
        assert graph.indptr.tolist() == [0, 4, 6, 8, 9, 11, 12, 12]
        assert graph.indices.tolist() == [1, 2, 3, 4, 0, 2, 0, 1, 0, 0, 5, 4]
    assert (GRAPH.n_nodes, GRAPH.n_pairs) == (7, 6)


def test_all_neighbours_of_two_hops_by_hand() -> None:
    drawn = sample_neighbourhood(GRAPH, np.array([5, 6, 5]), [ALL, ALL])
    assert drawn.nodes.tolist() == [5, 6, 4, 0]  # the seeds once each, then hop by hop
    assert drawn.sizes.tolist() == [2, 3, 4]
    assert drawn.places.tolist() == [0, 1, 0]
    assert drawn.pointers.tolist() == [0, 1, 1, 3]
    assert drawn.sources.tolist() == [2, 3, 0]  # 4 → 5; 0 and 5 → 4
    assert drawn.degree.tolist() == [1, 0, 2, 4]


def test_a_fanout_is_never_exceeded_and_what_is_drawn_are_distinct_neighbours() -> None:
    graph = random_graph()
    drawn = sample_neighbourhood(graph, np.arange(50), [3, 2], key=4)
    counts = np.diff(drawn.pointers)
    n_seeds = drawn.sizes[0]
    assert counts[:n_seeds].tolist() == np.minimum(drawn.degree[:n_seeds], 3).tolist()
    assert counts[n_seeds:].tolist() == np.minimum(drawn.degree[n_seeds : drawn.sizes[1]], 2).tolist()
    for target, (start, stop) in enumerate(zip(drawn.pointers, drawn.pointers[1:], strict=False)):
        node = drawn.nodes[target]
        sources = drawn.nodes[drawn.sources[start:stop]]
        assert set(sources) <= set(graph.indices[graph.indptr[node] : graph.indptr[node + 1]])
        assert np.all(np.diff(sources) > 0)  # rising, so distinct
    assert len(set(drawn.nodes.tolist())) == len(drawn.nodes)


@pytest.mark.parametrize("hidden", [None, np.array([[0], [2]])])
def test_every_subset_of_neighbours_is_drawn_equally_often(hidden: np.ndarray | None) -> None:
    star = Neighbours.of(np.array([[0] * 6, range(1, 7)]), 7)
    visible = [1, 3, 4, 5, 6] if hidden is not None else [1, 2, 3, 4, 5, 6]
    subsets = list(combinations(visible, 3))
    draws = 400 * len(subsets)
    seeds = np.array([0, 2])  # ends of hidden pairs are seeds
    found: Counter[tuple[int, ...]] = Counter()
    for key in range(draws):
        drawn = sample_neighbourhood(star, seeds, [3], hidden=hidden, key=key)
        found[tuple(drawn.nodes[drawn.sources[: drawn.pointers[1]]].tolist())] += 1
    assert set(found) == set(subsets)
    chi_square = sum((count - 400) ** 2 / 400 for count in found.values())
    assert chi_square < len(subsets) + 4 * np.sqrt(2 * len(subsets))


def test_equal_keys_draw_the_same_and_others_something_else() -> None:
    graph = random_graph()
    one, same, other = (messages_of(graph, [1, 2, 3], [2, 2], key=key) for key in (7, 7, 8))
    assert one == same
    assert one != other


def test_what_is_drawn_for_a_node_does_not_depend_on_the_other_seeds() -> None:
    graph = random_graph()
    alone = messages_of(graph, [5], [2], key=3)
    assert alone <= messages_of(graph, [9, 5, 11], [2], key=3)


def test_hidden_pairs_carry_no_message_in_either_direction_in_any_hop() -> None:
    graph = random_graph(60, 400)
    pairs = np.stack([np.repeat(np.arange(60), np.diff(graph.indptr)), graph.indices]).astype(np.int64)
    hidden = np.random.default_rng(1).permutation(pairs[:, pairs[0] < pairs[1]].T)[:40].T
    hidden[:, ::2] = hidden[::-1, ::2]  # given in any direction
    secret = {pair for u, v in hidden.T.tolist() for pair in ((u, v), (v, u))}
    for fanouts in ([ALL, ALL, ALL], [3, 3, 3]):
        drawn = messages_of(graph, hidden.ravel().tolist(), fanouts, hidden=hidden)
        assert not drawn & secret
    assert drawn
    everything = messages_of(graph, hidden.ravel().tolist(), [ALL], hidden=hidden)
    ends = set(hidden.ravel().tolist())
    assert everything == {(u, v) for v, u in pairs.T.tolist() if v in ends} - secret


def test_degrees_leave_hidden_pairs_out() -> None:
    drawn = sample_neighbourhood(GRAPH, np.array([0, 1]), [ALL], hidden=np.array([[0], [1]]))
    assert drawn.degree.tolist() == [3, 1, 2, 1, 2]  # of 0, 1, then 2, 3, 4


@pytest.mark.parametrize("count", [1, 7, 10_000])
def test_a_pass_over_the_pairs_gives_each_once_in_batches_of_any_size(count: int) -> None:
    graph = random_graph()
    parts, start = [], 0
    while (drawn := sample_pairs(graph, start, count, key=9))[0].shape[1]:
        parts.append(drawn[0])
        start = drawn[1]
    pairs = np.concatenate(parts, axis=1)
    assert all(part.shape[1] == count for part in parts[:-1])
    assert pairs.shape[1] == graph.n_pairs
    both = np.stack([np.repeat(np.arange(300), np.diff(graph.indptr)), graph.indices])
    assert np.array_equal(unique_pairs(pairs, 300), unique_pairs(both.astype(np.int64), 300))


def test_the_order_of_pairs_is_shuffled_by_the_key() -> None:
    graph = random_graph()
    one, other = (sample_pairs(graph, 0, graph.n_pairs, key=key)[0] for key in (1, 2))
    place = {tuple(pair): index for index, pair in enumerate(one.T.tolist())}
    order = np.array([place[tuple(pair)] for pair in other.T.tolist()])
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.15
    assert abs(np.corrcoef(one[0][1:], one[0][:-1])[0, 1]) < 0.15


def test_non_edges_are_neither_edges_nor_loops_and_join_the_same_strata() -> None:
    graph = random_graph(40, 300)
    strata = np.arange(40) % 3
    pairs, _ = sample_pairs(graph, 0, graph.n_pairs, key=0)
    found = sample_non_edges(graph, pairs, Strata.by(strata), key=1)
    assert found.shape == pairs.shape
    edges = set(map(tuple, pairs.T.tolist()))
    assert all(u < v and (u, v) not in edges for u, v in found.T.tolist())
    assert np.array_equal(np.sort(strata[found], axis=0), np.sort(strata[pairs], axis=0))


def test_non_edges_are_uniform() -> None:
    pairs = np.zeros((2, 60_000), dtype=np.int64)
    found = sample_non_edges(GRAPH, pairs, Strata.one(7), key=1)
    expected = [pair for pair in combinations(range(7), 2) if pair not in set(map(tuple, PAIRS.T.tolist()))]
    counts = Counter(map(tuple, found.T.tolist()))
    assert sorted(counts) == expected  # 15 of them, 4,000 each
    assert max(abs(count - 4000) for count in counts.values()) < 300


def test_where_all_are_joined_there_are_no_non_edges() -> None:
    full = Neighbours.of(np.array(list(combinations(range(5), 2))).T, 5)
    assert sample_non_edges(full, np.array([[0, 1], [1, 2]]), Strata.one(5), key=0).shape == (2, 0)


def test_rows_may_be_mapped_from_a_file(tmp_path: object) -> None:
    graph = random_graph()
    for name in ("indptr", "indices"):
        np.save(f"{tmp_path}/{name}.npy", getattr(graph, name))
    mapped = Neighbours(*(np.load(f"{tmp_path}/{name}.npy", mmap_mode="r") for name in ("indptr", "indices")))
    assert messages_of(mapped, [1, 2], [3, 3]) == messages_of(graph, [1, 2], [3, 3])


def test_fanouts_below_one_and_broken_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"fanouts \[3, 0\] must be one whole number above 0 a hop"):
        sample_neighbourhood(GRAPH, np.array([0]), [3, 0])
    with pytest.raises(DataError, match=r"row pointers end at \[4\], and there are 2 neighbours"):
        Neighbours(np.array([0, 4]), np.array([1, 2]))
