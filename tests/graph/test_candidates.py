from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from releaf.graph import candidates
from releaf.graph.build import Graph, to_arrays
from releaf.graph.candidates import Candidate, train_candidates
from releaf.graph.features import node_features
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import split_edges
from releaf.training.device import Hardware

CPU = Hardware("cpu", "fp32", 8 << 30, 2)
SETTINGS = GraphSettings(model="gat", hidden=16, output=8, heads=2, epochs=4, learning_rate=1e-2)


@pytest.fixture(scope="module")
def candidate(planted_graph: Graph) -> Candidate:
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    text = np.random.default_rng(0).normal(size=(arrays.n_nodes, 12)).astype(np.float32)
    features = node_features(text, arrays.with_edges(split.train))
    return Candidate(features, split, SETTINGS, CPU, arrays.node_ids, arrays.node_ids[:2])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many processes were asked for; nothing is trained."""
    counts: list[int] = []

    @contextmanager
    def counted(work: Any, items: Any, count: int) -> Iterator[Any]:
        counts.append(count)
        yield iter(())

    monkeypatch.setattr(candidates, "in_processes", counted)
    return counts


def test_another_process_trains_to_the_same_last_bit(candidate: Candidate) -> None:
    # Both processes take part: the other one begins with the first, this one with the second.
    both = [candidate, candidate, replace(candidate, settings=replace(SETTINGS, model="gcn"))]
    with train_candidates(both, processes=1) as finished:
        here = dict(finished)
    with train_candidates(both, processes=2) as finished:
        there = dict(finished)
    assert sorted(here) == sorted(there) == [0, 1, 2]
    for place in here:
        assert np.array_equal(here[place].z, there[place].z)
        assert (here[place].auc, here[place].attention) == (there[place].auc, there[place].attention)
    assert here[0].attention == here[1].attention
    assert {row["node"] for row in here[0].attention} == set(candidate.shown)
    assert here[2].attention == []


def test_work_of_seconds_stays_in_this_process(candidate: Candidate, asked: list[int]) -> None:
    with train_candidates([candidate, candidate]) as finished:
        assert sorted(place for place, _ in finished) == [0, 1]
    assert asked == []


@pytest.mark.parametrize(
    ("hardware", "torch_threads", "count"),
    [
        (CPU, 2, [2]),
        (replace(CPU, threads=16), 16, [3]),  # no more than trainings
        (replace(CPU, threads=1), 2, []),
        (CPU, 1, []),  # the other processor is somebody else's
        (replace(CPU, device="cuda"), 2, []),
        (replace(CPU, memory_bytes=1 << 29), 2, []),
    ],
)
def test_long_work_takes_a_process_for_each_processor_that_is_free(
    candidate: Candidate,
    asked: list[int],
    hardware: Hardware,
    torch_threads: int,
    count: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: torch_threads)
    long = replace(candidate, hardware=hardware, settings=replace(SETTINGS, epochs=1_000_000))
    train_candidates([long] * 3).__enter__()  # asking for no result trains nothing here
    assert asked == count
