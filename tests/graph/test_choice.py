from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import ArtifactError
from releaf.graph.build import Graph, GraphArrays, to_arrays
from releaf.graph.choice import Chosen, GraphChoice, choose, name_of, resplit, with_model
from releaf.graph.project_ranking import ALL, PLAUSIBLE
from releaf.graph.project_study import STRUCTURE, study
from releaf.graph.scoring import MODEL
from releaf.graph.settings import CANDIDATES, GraphSettings
from releaf.graph.splits import EdgeSplit, check_no_leak, split_edges
from releaf.training.device import Hardware

CPU = Hardware("cpu", "fp32", 1 << 30, 1)
SETTINGS = GraphSettings(candidates=("sage_mean", "gcn"), hidden=16, output=8, heads=2, epochs=6, learning_rate=1e-2)
Case = tuple[GraphArrays, np.ndarray, EdgeSplit]


@pytest.fixture(scope="module")
def case(planted_graph: Graph) -> Case:
    arrays = to_arrays(planted_graph)
    text = np.random.default_rng(0).normal(size=(arrays.n_nodes, 12)).astype(np.float32)
    return arrays, text, split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)


@pytest.fixture(scope="module")
def chosen(case: Case) -> Chosen:
    return choose(*case, SETTINGS, CPU, seeds=(0, 1))


def keys(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(min(u, v), max(u, v)) for u, v in pairs.T.tolist()}


def test_a_split_made_anew_keeps_the_test_and_holds_other_pairs_out(case: Case) -> None:
    split = case[2]
    one, other = resplit(split, seed=0), resplit(split, seed=1)
    check_no_leak(one)
    assert np.array_equal(one.test, split.test)
    assert np.array_equal(one.test_negatives, split.test_negatives)
    assert keys(one.train) | keys(one.validation) == keys(split.train) | keys(split.validation)
    assert keys(one.validation) != keys(other.validation)
    assert one.validation.shape[1] == pytest.approx(0.1 * len(keys(split.train) | keys(split.validation)), rel=0.3)


def test_the_choice_does_not_change_with_the_test_edges(case: Case, chosen: Chosen) -> None:
    arrays, text, split = case
    without = {(min(u, v), max(u, v)) for u, v in split.test.T.tolist()}
    kept = [pair for pair in arrays.edge_index.T.tolist() if (min(pair), max(pair)) not in without]
    again = choose(arrays.with_edges(np.array(kept).T), text, split, SETTINGS, CPU)
    assert again.as_json() == chosen.as_json()


def test_the_model_with_the_best_mrr_is_chosen_and_evidence_names_every_scorer(chosen: Chosen) -> None:
    assert chosen.choice.model == max(chosen.models, key=lambda name: chosen.models[name].mrr)
    assert chosen.blends[f"{chosen.choice.blend:g}"] == max(chosen.blends.values())
    evidence = json.loads(json.dumps(chosen.as_json()))
    assert {MODEL, STRUCTURE, "three_paths", "feature_cosine"} <= set(evidence["known"][ALL])
    assert {MODEL, "three_paths", "feature_cosine"} <= set(evidence["new"][PLAUSIBLE])
    best = max(
        (name for name in evidence["known"][ALL] if name != STRUCTURE),
        key=lambda name: evidence["known"][ALL][name]["mrr"],
    )
    assert evidence["known"][ALL][chosen.choice.serves]["mrr"] == evidence["known"][ALL][best]["mrr"]


def test_every_candidate_is_a_model_that_settings_accept() -> None:
    for name in CANDIDATES:
        assert GraphChoice(name, 0.0, MODEL, MODEL).settings(SETTINGS).model in name


def test_without_candidates_the_model_of_the_settings_is_the_only_one(case: Case) -> None:
    alone = choose(*case, replace(SETTINGS, candidates=(), model="sage", aggregator="lstm"), CPU, seeds=(0,))
    assert list(alone.models) == ["sage_lstm"]
    assert alone.choice.model == "sage_lstm"
    assert alone.attention == []


def test_the_attention_of_the_attention_model_is_kept_for_the_busiest_items(case: Case) -> None:
    found = choose(*case, replace(SETTINGS, candidates=("gat",)), CPU, seeds=(0,))
    assert {row["layer"] for row in found.attention} == {1, 2, 3}
    assert len({row["node"] for row in found.attention}) == 3
    assert all(row["node"].startswith("item:") and 0 < row["weight"] <= 1 for row in found.attention)
    assert json.loads(json.dumps(found.as_json()))["attention"] == found.attention


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_candidates_name_and_its_settings_are_one_to_one(name: str) -> None:
    assert name_of(with_model(SETTINGS, name)) == name


def test_a_choice_comes_back_and_one_of_another_version_is_refused(tmp_path: Path) -> None:
    choice = GraphChoice("gat", 0.5, MODEL, "three_paths")
    choice.save(tmp_path)
    assert GraphChoice.load(tmp_path) == choice
    for raw, message in (
        ({"model": "gat"}, "no choice of this version"),
        ({"model": "gin", "blend": 1.0, "serves": MODEL, "serves_new": MODEL}, "names what this version does not have"),
        ({"model": "gat", "blend": 1.0, "serves": "magic", "serves_new": MODEL}, "does not have"),
    ):
        (tmp_path / "choice.json").write_text(json.dumps(raw))
        with pytest.raises(ArtifactError, match=message):
            GraphChoice.load(tmp_path)


def test_a_study_gives_mean_and_deviation_of_every_figure_with_and_without_kinds(case: Case) -> None:
    arrays, text, _ = case
    found = json.loads(json.dumps(study(arrays, text, SETTINGS, CPU, blend=0.5, seeds=(0, 1))))
    for part in ("links", "hard", "homogeneous"):
        assert 0 < found[part][MODEL]["auc"]["mean"] < 1
        assert found[part][MODEL]["auc"]["sd"] > 0
    assert found["projects"]["figures"][ALL][MODEL]["mrr"]["mean"] > 0
    assert set(found["projects"]["gains"][ALL]["mrr"]["three_paths"]) >= {"value", "low", "high", "p", "verdict"}
    # Pairs that no relation could join are easy: a split blind to kinds flatters.
    assert found["homogeneous"]["three_paths"]["auc"]["mean"] > found["hard"]["three_paths"]["auc"]["mean"]
