from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from graph_parts import epoch, papers, scale
from graph_parts.made import MEAN_DEGREE, WIDTH, MadeGraph, write_graph
from retrieval_parts.measure import BenchmarkError

from releaf.graph.citation_files import read_npz
from releaf.graph.splits import split_edges, unique_pairs

PAIRS = 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("graph")
    write_graph(made, PAIRS)
    return made


def test_a_made_graph_has_the_size_asked_for_and_holds_its_validation_pairs_out(folder: Path) -> None:
    made = MadeGraph.open(folder)
    assert made.rows.n_pairs == PAIRS
    assert made.features.shape == (2 * PAIRS // MEAN_DEGREE, WIDTH)
    assert isinstance(made.features, np.memmap)
    n_nodes = made.rows.n_nodes
    targets = np.repeat(np.arange(n_nodes), np.diff(made.rows.indptr))
    train = unique_pairs(np.stack([targets, made.rows.indices]).astype(np.int64), n_nodes)
    parts = [set((pairs[0] * n_nodes + pairs[1]).tolist()) for pairs in (train, *made.held)]
    assert [len(part) for part in parts[:2]] == [PAIRS, PAIRS // 20]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & parts[2]


def test_a_made_graph_is_the_same_each_time_and_has_hubs(folder: Path, tmp_path: Path) -> None:
    write_graph(tmp_path, PAIRS)
    one, again = MadeGraph.open(folder), MadeGraph.open(tmp_path)
    assert np.array_equal(one.rows.indices, again.rows.indices)
    assert np.array_equal(one.features, again.features)
    assert np.diff(one.rows.indptr).max() > 2.5 * MEAN_DEGREE


def test_growth_is_told_against_linear_time_and_flat_memory() -> None:
    small, large = {"epoch_s": 2.0, "own_mib": 500.0}, {"epoch_s": 230.0, "own_mib": 550.0}
    time, memory = scale._growth(100, small, 10_000, large, 3)
    assert time.values == (None, None, pytest.approx(1.15))
    assert (time.at_most, time.met) == (1.2, True)
    assert memory.values[-1] == pytest.approx(1.1)


def test_both_sides_of_an_epoch_run_and_are_compared(folder: Path) -> None:
    torch.set_num_threads(1)
    made = MadeGraph.open(folder)
    targets = np.repeat(np.arange(made.rows.n_nodes), np.diff(made.rows.indptr))
    edges = np.stack([targets, made.rows.indices]).astype(np.int64)
    ours, theirs, ratio = epoch._compared("made", np.array(made.features), edges, 1)
    assert ratio.values[0] == pytest.approx((ours.values[0] or 0) / (theirs.values[0] or 1))
    split = split_edges(edges, made.rows.n_nodes, seed=0)
    assert f"{split.train.shape[1]:,} training pairs" in ours.note


def test_a_citation_graph_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="give --citation the path"):
        epoch.epoch(tmp_path, rounds=1, citation=tmp_path / "none.npz")


@pytest.mark.parametrize("size", papers.SIZES, ids=lambda size: size.name)
def test_made_papers_have_the_size_asked_for(tmp_path: Path, size: papers.Size) -> None:
    papers.write_papers(tmp_path / "graph.npz", size)
    graph = read_npz(tmp_path / "graph.npz")
    assert graph.features.shape == (size.papers, size.words)
    assert unique_pairs(graph.edge_index, size.papers).shape[1] == size.citations
    assert len(np.unique(graph.edge_index)) < size.papers  # some stand alone


def test_a_citation_graph_is_measured_beside_its_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from releaf.graph import citation

    torch.set_num_threads(1)
    monkeypatch.setattr(citation, "CITATION_SETTINGS", replace(citation.CITATION_SETTINGS, epochs=2, hidden=16))
    size = papers.Size("small", 200, 600, 50, 10, 2, 30)
    auc, above, time = papers.citation(tmp_path / "made", lambda text: None, sizes=(size,)).rows
    assert 0 < (auc.values[0] or 0) < 1
    assert (above.at_least, time.at_most) == (0.0, 30)
