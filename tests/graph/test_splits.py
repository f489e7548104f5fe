from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import DataError
from releaf.graph.build import Graph, to_arrays
from releaf.graph.splits import (
    EdgeSplit,
    IntArray,
    both_directions,
    check_hidden,
    check_no_leak,
    sample_negatives,
    split_edges,
    unique_pairs,
)


def ring_with_chords(n: int) -> IntArray:
    nodes = np.arange(n)
    return np.concatenate([np.stack([nodes, (nodes + step) % n]) for step in (1, 2, 5)], axis=1)


@pytest.fixture
def split() -> EdgeSplit:
    return split_edges(ring_with_chords(40), 40, seed=0)


def as_set(pairs: IntArray) -> set[tuple[int, int]]:
    return {(min(u, v), max(u, v)) for u, v in pairs.T.tolist()}


@given(st.integers(0, 2**32 - 1), st.integers(20, 60))
def test_no_seed_and_no_size_gives_a_split_that_leaks(seed: int, n: int) -> None:
    check_no_leak(split_edges(ring_with_chords(n), n, seed=seed))


def test_the_parts_together_are_all_edges_once(split: EdgeSplit) -> None:
    assert as_set(split.positives) == as_set(ring_with_chords(40))
    assert split.positives.shape == (2, 120)


def test_shares_are_those_asked_for_and_negatives_are_one_to_one(split: EdgeSplit) -> None:
    assert [part.shape[1] for part in (split.train, split.validation, split.test)] == [102, 6, 12]
    assert split.validation_negatives.shape == split.validation.shape
    assert split.test_negatives.shape == split.test.shape


def test_an_edge_given_in_both_directions_is_one_edge_on_one_side() -> None:
    edges = ring_with_chords(40)
    doubled = np.concatenate([both_directions(edges), edges, np.array([[3], [3]])], axis=1)
    plain, again = split_edges(edges, 40, seed=5), split_edges(doubled, 40, seed=5)
    assert np.array_equal(plain.train, again.train)
    assert np.array_equal(plain.test_negatives, again.test_negatives)
    assert not as_set(again.train) & as_set(again.test)


def test_messages_are_the_training_pairs_in_both_directions(split: EdgeSplit) -> None:
    assert {tuple(pair) for pair in split.message.T.tolist()} == as_set(split.train) | {
        (v, u) for u, v in as_set(split.train)
    }


def test_equal_seeds_give_equal_splits_and_others_differ() -> None:
    one, same, other = (split_edges(ring_with_chords(40), 40, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.test, same.test)
    assert np.array_equal(one.validation_negatives, same.validation_negatives)
    assert not np.array_equal(one.test, other.test)


def test_with_kinds_every_relation_is_held_out_and_negatives_join_the_same_kinds(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    check_no_leak(split)
    joined = np.sort(arrays.kinds[split.test], axis=0)
    assert len(np.unique(joined, axis=1).T) == 4
    assert np.array_equal(np.sort(arrays.kinds[split.test_negatives], axis=0), joined)


def plant(split: EdgeSplit, **parts: IntArray) -> EdgeSplit:
    """Add pairs to parts of a split."""
    return replace(
        split, **{name: np.concatenate([getattr(split, name), pairs], axis=1) for name, pairs in parts.items()}
    )


def test_a_clean_split_passes(split: EdgeSplit) -> None:
    check_no_leak(split)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("test", "train"),
        ("validation", "train"),
        ("test", "validation"),
        ("test", "message"),
        ("validation", "message"),
        ("train", "test_negatives"),
        ("train", "validation_negatives"),
        ("test", "test_negatives"),
        ("test", "validation_negatives"),
        ("validation", "test_negatives"),
        ("test_negatives", "validation_negatives"),
        ("test_negatives", "message"),
    ],
)
def test_a_planted_pair_is_found_in_either_direction(split: EdgeSplit, source: str, target: str, reverse: bool) -> None:
    pair = getattr(split, source)[:, :1]
    with pytest.raises(DataError, match=rf"1 pairs are both in .*\({pair[0, 0]}, {pair[1, 0]}\)"):
        check_no_leak(plant(split, **{target: pair[::-1] if reverse else pair}))


def test_a_pair_twice_in_one_part_is_found(split: EdgeSplit) -> None:
    with pytest.raises(DataError, match="test holds a pair twice"):
        check_no_leak(plant(split, test=split.test[::-1, :1]))


def test_a_message_along_no_training_pair_is_found(split: EdgeSplit) -> None:
    taken = as_set(np.concatenate([split.positives, split.validation_negatives, split.test_negatives], axis=1))
    free = next((0, v) for v in range(1, 40) if (0, v) not in taken)
    with pytest.raises(DataError, match=rf"messages run along \({free[0]}, {free[1]}\)"):
        check_no_leak(plant(split, message=np.array([free]).T))


def test_a_node_that_does_not_exist_is_found(split: EdgeSplit) -> None:
    with pytest.raises(DataError, match="test_negatives names nodes outside 0–39"):
        check_no_leak(plant(split, test_negatives=np.array([[0], [40]])))


def test_negatives_are_distinct_unknown_pairs_of_the_same_kinds() -> None:
    strata = np.array([0] * 6 + [1] * 5)
    known = unique_pairs(np.array([[0, 0, 1, 2, 6], [6, 7, 8, 3, 7]]), 11)
    drawn = sample_negatives(known, strata, known=known, rng=np.random.default_rng(0))
    assert len(as_set(drawn)) == known.shape[1]
    assert not as_set(drawn) & as_set(known)
    assert np.array_equal(strata[drawn], strata[known])


def test_every_non_edge_of_a_nearly_full_graph_can_be_drawn() -> None:
    everything = unique_pairs(np.array(np.triu_indices(8, 1)), 8)
    known = everything[:, 3:]
    drawn = sample_negatives(known, np.zeros(8, dtype=np.int64), known=known, rng=np.random.default_rng(0))
    assert as_set(drawn) == as_set(everything[:, :3])


def test_non_edges_are_drawn_evenly() -> None:
    known = np.array([[0], [1]])
    strata = np.zeros(5, dtype=np.int64)
    counts: dict[tuple[int, int], int] = {}
    for seed in range(900):
        for pair in as_set(sample_negatives(known, strata, known=known, rng=np.random.default_rng(seed))):
            counts[pair] = counts.get(pair, 0) + 1
    assert len(counts) == 9  # of 10 pairs, one is known
    assert max(abs(count - 100) for count in counts.values()) < 40  # four standard deviations


def test_training_may_draw_held_out_pairs_as_negatives(split: EdgeSplit) -> None:
    # Otherwise a held-out edge is the pair that never comes as a negative, and can be learnt by that.
    drawn: set[tuple[int, int]] = set()
    for seed in range(40):
        drawn |= as_set(sample_negatives(split.train, split.strata, known=split.train, rng=np.random.default_rng(seed)))
    assert as_set(split.test) <= drawn
    assert not as_set(split.train) & drawn


@pytest.mark.parametrize(
    ("edges", "n", "options", "message"),
    [
        (np.zeros((3, 2), dtype=np.int64), 4, {}, r"shape \(2, E\), not \(3, 2\)"),
        (np.array([[0, 1], [1, 9]]), 4, {}, "name nodes 0 to 9, and there are 4"),
        (np.array([[0], [1]]), 4, {}, "1 edges are too few"),
        (ring_with_chords(40), 40, {"validation": 0.0}, r"shares validation=0\.0"),
        (ring_with_chords(40), 40, {"validation": 0.5, "test": 0.5}, "must be positive and leave some"),
        (ring_with_chords(40), 40, {"node_kinds": np.zeros(3, dtype=np.int64)}, "one kind for each of 40 nodes"),
        (np.array(np.triu_indices(12, 1)), 12, {}, "only 0 non-edges for 10 held-out edges"),
    ],
)
def test_what_cannot_be_split_is_refused(edges: IntArray, n: int, options: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split_edges(edges, n, seed=0, **options)  # type: ignore[arg-type]


def symmetric_facts() -> IntArray:
    """20 facts, each written both ways, as `compatible_with` and `similar_to` are."""
    one_way = np.array([(u, (u + step) % 10) for u in range(10) for step in (1, 3)], dtype=np.int64).T
    return both_directions(one_way)


def test_a_fact_written_both_ways_lies_on_one_side_and_passes_no_message_when_held_out() -> None:
    facts = symmetric_facts()
    for seed in range(20):
        split = split_edges(facts, 10, validation=0.1, test=0.2, seed=seed)
        assert split.positives.shape == (2, 20)
        passing = {tuple(pair) for pair in split.message.T.tolist()}
        for u, v in np.concatenate([split.validation, split.test], axis=1).T.tolist():
            assert (u, v) not in passing
            assert (v, u) not in passing


@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_reverse_of_a_held_out_edge_among_the_messages_is_refused_by_name(split: EdgeSplit, part: str) -> None:
    reverse = getattr(split, part)[::-1, :1]
    with pytest.raises(DataError, match=rf"both in {part} and in message"):
        check_no_leak(plant(split, message=reverse))


@pytest.mark.parametrize("part", ["train", "validation", "test", "validation_negatives", "test_negatives"])
def test_a_pair_in_both_directions_within_any_part_is_refused_by_name(split: EdgeSplit, part: str) -> None:
    with pytest.raises(DataError, match=f"{part} holds a pair twice, perhaps once in each direction"):
        check_no_leak(plant(split, **{part: getattr(split, part)[::-1, :1]}))


def test_a_predicted_pair_that_passes_a_message_in_its_own_step_is_refused_in_either_direction() -> None:
    positives, messages = np.array([[0], [1]]), both_directions(np.array([[2, 4], [3, 5]]))
    check_hidden(positives, messages, 6)
    for leak in (positives, positives[::-1]):
        with pytest.raises(DataError, match=r"in the pairs to predict and in the messages of their own step.*\(0, 1\)"):
            check_hidden(positives, np.concatenate([messages, leak], axis=1), 6)


def test_a_split_blind_to_kinds_and_one_that_knows_them_are_both_free_of_leaks(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    blind = split_edges(arrays.edge_index, arrays.n_nodes, seed=0)
    aware = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    check_no_leak(blind)
    check_no_leak(aware)

    def impossible(pairs: IntArray) -> int:
        kinds = np.sort(arrays.kinds[pairs], axis=0)
        possible = {tuple(pair) for pair in np.sort(arrays.kinds[arrays.edge_index], axis=0).T.tolist()}
        return sum(tuple(pair) not in possible for pair in kinds.T.tolist())

    assert impossible(aware.test_negatives) == 0
    assert impossible(blind.test_negatives) > 0
