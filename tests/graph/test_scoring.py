from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import ArtifactError, UnknownNameError
from releaf.graph.build import Graph, GraphArrays, to_arrays
from releaf.graph.project_view import ProjectView
from releaf.graph.scorer_fit import fit_scorer
from releaf.graph.scoring import MODEL, ProjectScorer, baseline_scores
from releaf.graph.splits import EdgeSplit, split_edges

Case = tuple[GraphArrays, np.ndarray, EdgeSplit, np.ndarray]


@pytest.fixture(scope="module")
def case(planted_graph: Graph) -> Case:
    """Graph, texts that say nothing, a split, and embeddings that know the two camps."""
    arrays = to_arrays(planted_graph)
    rng = np.random.default_rng(0)
    camp = np.array([1 if node.split(":")[1].startswith("a") else -1 for node in arrays.node_ids])
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    text = rng.normal(size=(arrays.n_nodes, 6)).astype(np.float32)
    return arrays, text, split, camp[:, None] + rng.normal(0, 0.3, (arrays.n_nodes, 4))


def fit(case: Case, *, blend: float = 1.0, serves: str = MODEL, serves_new: str = MODEL) -> ProjectScorer:
    arrays, text, split, z = case
    return fit_scorer(arrays, text, split, z, z, blend=blend, serves=serves, serves_new=serves_new, seed=0)


@pytest.fixture(scope="module")
def scorer(case: Case) -> ProjectScorer:
    return fit(case)


def test_projects_of_the_items_camp_come_first_for_known_and_for_new_items(scorer: ProjectScorer, case: Case) -> None:
    for camp in "ab":
        materials = [f"material:{camp}{number}" for number in (0, 1, 2)]
        for scores in (scorer.score_known(f"{camp}1"), scorer.score_new(case[1][0], materials)):
            assert scores.shape == (len(scorer.projects),)
            best = [scorer.projects[place] for place in np.argsort(-scores)[:10]]
            assert sum(name.startswith(f"project:{camp}") for name in best) >= 8


def test_probabilities_lie_between_zero_and_one_and_projects_in_the_order_of_their_ids(scorer: ProjectScorer) -> None:
    assert list(scorer.projects) == sorted(scorer.projects)
    assert scorer.items[0] == "item:a0"
    assert 0 <= scorer.known.min() <= scorer.known.max() <= 1


def test_known_probabilities_are_near_the_share_of_stated_pairs(scorer: ProjectScorer) -> None:
    assert scorer.known.mean() == pytest.approx(scorer.view.stated.mean(), rel=0.5)


def test_a_stated_pair_is_scored_without_its_own_fact(case: Case) -> None:
    arrays, text, split, z = case
    scorer = fit(case, blend=0.0)
    whole = ProjectView.of(arrays, text)
    item, project = np.argwhere(whole.stated)[0]
    lone = whole.without(np.array([[whole.items[item]], [whole.projects[project]]]))
    without = GraphArrays(arrays.node_ids, arrays.kinds, arrays.kind_names, lone.pairs)
    again = fit_scorer(without, text, split, z, z, blend=0.0, serves=MODEL, serves_new=MODEL, seed=0)
    # Hidden or never stated: much the same, while a stated fact would lift it (other facts are hidden with it).
    assert scorer.known[item, project] == pytest.approx(again.known[item, project], abs=0.15)


def test_a_saved_scorer_loads_equal_without_torch_and_saves_to_the_same_bytes(
    scorer: ProjectScorer, case: Case, tmp_path: Path
) -> None:
    scorer.save(tmp_path / "one")
    loaded = ProjectScorer.load(tmp_path / "one")
    loaded.save(tmp_path / "two")
    for name in ("scorer.json", "scorer.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert np.array_equal(loaded.known, scorer.known)
    text = case[1][0]
    assert loaded.score_new(text, ["material:a0"]) == pytest.approx(scorer.score_new(text, ["material:a0"]))
    code = (
        "import sys; from pathlib import Path; from releaf.graph.scoring import ProjectScorer; "
        f"s = ProjectScorer.load(Path({str(tmp_path / 'one')!r})); s.score_new([0.0] * 6, ['material:a0']); "
        "print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_baseline_that_won_is_served_in_its_own_order(case: Case) -> None:
    arrays, text, _, _ = case
    scorer = fit(case, serves="degree", serves_new="smoothed_cosine")
    assert (scorer.serves, scorer.serves_new) == ("degree", "smoothed_cosine")
    view = ProjectView.of(arrays, text)
    place = arrays.node_ids.index("material:a1")
    wider = view.with_item(text[3], np.array([place]))
    expected = baseline_scores(wider, np.array([len(view.items)]))["smoothed_cosine"][0]
    found = scorer.score_new(text[3], ["material:a1"])
    assert np.array_equal(np.argsort(found, kind="stable"), np.argsort(expected, kind="stable"))
    free = ~view.stated[0]
    raw = baseline_scores(view, np.array([0]))["degree"][0][free]
    assert np.corrcoef(np.argsort(np.argsort(raw)), np.argsort(np.argsort(scorer.known[0][free])))[0, 1] > 0.9


def test_an_item_without_materials_is_scored_by_its_text(scorer: ProjectScorer, case: Case) -> None:
    assert np.isfinite(scorer.score_new(case[1][0], [])).all()


def test_unknown_items_and_materials_are_refused(scorer: ProjectScorer, case: Case) -> None:
    with pytest.raises(UnknownNameError, match="unknown item 'sofa'"):
        scorer.score_known("sofa")
    with pytest.raises(UnknownNameError, match="unknown material 'material:tin'"):
        scorer.score_new(case[1][0], ["material:tin"])


def test_a_damaged_scorer_is_refused_by_the_name_of_the_file(scorer: ProjectScorer, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"scorer\.json is missing"):
        ProjectScorer.load(tmp_path)
    scorer.save(tmp_path)
    about = json.loads((tmp_path / "scorer.json").read_text())
    (tmp_path / "scorer.json").write_text(json.dumps({**about, "node_ids": ["item:a"]}))
    with pytest.raises(ArtifactError, match="are not of the same graph"):
        ProjectScorer.load(tmp_path)
    (tmp_path / "scorer.json").write_text(json.dumps({"serves": "model"}))
    with pytest.raises(ArtifactError, match="has no node_ids, serves_new"):
        ProjectScorer.load(tmp_path)
    replace(scorer, known=scorer.known[:1]).save(tmp_path)
    with pytest.raises(ArtifactError, match="are not of the same graph"):
        ProjectScorer.load(tmp_path)
