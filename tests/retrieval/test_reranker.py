"""The cross-encoder learns a toy task: the passage that holds the query's word answers it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import DataError
from releaf.retrieval.candidates import CandidateList
from releaf.retrieval.rerank import Reranker
from releaf.retrieval.reranker import MONITOR, Group, TrainedReranker, train_reranker
from releaf.retrieval.reranker_export import Int8Trial
from releaf.retrieval.settings import RerankerSettings
from releaf.training.device import Hardware

from .small_model import WORDS

CPU = Hardware("cpu", "fp32", 2**30, 1)
KNOWN = WORDS[:6]
SETTINGS = RerankerSettings(
    layers=2,
    max_tokens=32,
    epochs=8,
    learning_rate=3e-3,
    negatives=3,
    groups_per_batch=4,
    precision="fp32",
    native_bf16=False,
)
BRIEF = replace(SETTINGS, epochs=3)


def group(word: str) -> Group:
    return Group(word, (f"the {word} goes", word), tuple(f"the {other} goes" for other in KNOWN if other != word))


GROUPS = [group(word) for word in KNOWN]


class KilledError(Exception):
    """What stands for a kill."""


@pytest.fixture(scope="module")
def trained(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainedReranker]:
    folder = tmp_path_factory.mktemp("reranker")
    return folder, train_reranker(GROUPS * 12, GROUPS, f"path:{small_model}", folder, SETTINGS, CPU)


@pytest.fixture(scope="module")
def reranker(trained: tuple[Path, TrainedReranker]) -> Reranker:
    return Reranker.open(trained[0], threads=1)


def test_the_passage_with_the_word_of_the_query_comes_first(reranker: Reranker) -> None:
    passages = [f"the {word} goes" for word in KNOWN]
    for place, word in enumerate(KNOWN):
        assert int(np.argmax(reranker.score(word, passages))) == place


def test_the_curve_rises_to_the_top(trained: tuple[Path, TrainedReranker]) -> None:
    curve = [epoch[MONITOR] for epoch in trained[1].history.epochs]
    assert max(curve) == 1.0
    assert curve[0] < 1.0
    assert trained[1].groups == 72


def test_a_score_does_not_depend_on_the_other_pairs_or_the_threads(
    reranker: Reranker, trained: tuple[Path, TrainedReranker]
) -> None:
    passages = ["the jar goes", "jar", "the battery " * 9, "", "cork tin glass steel wood wool"]
    together = reranker.score("jar", passages)
    assert [reranker.score("jar", [text])[0] for text in passages] == together
    assert Reranker.open(trained[0], threads=3).score("jar", passages[::-1]) == together[::-1]
    assert reranker.score("jar", []) == []


def test_only_the_tokens_that_fit_are_read(reranker: Reranker) -> None:
    long = "cork " * 40
    assert reranker.score("jar", [long]) == reranker.score("jar", [long + "jar"])


@pytest.mark.parametrize("query", ["電池古" * 300, "jar " * 2000, "\ud800", "x" * 9000])
def test_a_query_longer_than_what_is_read_still_has_scores(reranker: Reranker, query: str) -> None:
    scores = reranker.score(query, ["the jar goes", ""])
    assert len(scores) == 2
    assert np.isfinite(scores).all()


def test_a_killed_run_goes_on_to_the_same_weights(small_model: Path, tmp_path: Path) -> None:
    source, state = f"path:{small_model}", tmp_path / "state"

    def dies(done: int, total: int, note: str = "") -> None:
        if done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train_reranker(GROUPS, GROUPS, source, tmp_path / "a", BRIEF, CPU, state_dir=state, progress=dies)
    epochs: list[int] = []
    resumed = train_reranker(
        GROUPS,
        GROUPS,
        source,
        tmp_path / "b",
        BRIEF,
        CPU,
        state_dir=state,
        progress=lambda done, total, note="": epochs.append(done),
    )
    assert epochs == [3]
    whole = train_reranker(GROUPS, GROUPS, source, tmp_path / "c", BRIEF, CPU)
    kept = [[epoch["loss"] for epoch in run.history.epochs] for run in (resumed, whole)]
    assert kept[0] == kept[1]
    one, other = (Reranker.open(tmp_path / name, threads=1) for name in "bc")
    assert one.score("jar", ["jar", "the cork goes"]) == other.score("jar", ["jar", "the cork goes"])
    assert one.revision == other.revision


def test_layers_are_cut_and_int8_scores_are_close(small_model: Path, tmp_path: Path) -> None:
    settings = replace(BRIEF, epochs=1, layers=1)
    source = f"path:{small_model}"
    plain = train_reranker(GROUPS, GROUPS, source, tmp_path / "fp32", settings, CPU)
    train_reranker(GROUPS, GROUPS, source, tmp_path / "int8", replace(settings, precision="int8"), CPU)
    both = [Reranker.open(tmp_path / name, threads=1) for name in ("fp32", "int8")]
    exact, rounded = (np.array(part.score("jar", ["jar", "the cork goes", "tin"])) for part in both)
    assert rounded == pytest.approx(exact, abs=0.1 * float(np.abs(exact).max()))
    assert both[0].revision != both[1].revision
    # One layer of 32 wide and 64 between: four squares, two rectangles, their biases, two norms.
    layer = 4 * (32 * 32 + 32) + (32 * 64 + 64) + (64 * 32 + 32) + 2 * 2 * 32
    shutil.rmtree(tmp_path / "int8")
    two = train_reranker(GROUPS, GROUPS, source, tmp_path / "int8", replace(settings, layers=2), CPU)
    assert two.parameters - plain.parameters == layer


def test_int8_that_fails_its_trial_leaves_the_scores_of_fp32(small_model: Path, tmp_path: Path) -> None:
    documents = ("right", "wrong")
    lists = [CandidateList("jar", documents, ("the jar goes", "the cork goes"), {"right": 1})]
    settings = replace(BRIEF, epochs=1, precision="int8")
    source = f"path:{small_model}"
    written = {}
    for name, allowed in (("taken", 1.0), ("refused", -1.0)):
        trial = Int8Trial(lists, allowed)
        written[name] = train_reranker(GROUPS, GROUPS, source, tmp_path / name, settings, CPU, trial=trial).exported
    train_reranker(GROUPS, GROUPS, source, tmp_path / "fp32", replace(settings, precision="fp32"), CPU)
    assert [written[name].precision for name in ("taken", "refused")] == ["int8", "fp32"]
    taken, refused, fp32 = (
        Reranker.open(tmp_path / name, threads=1).score("jar", ["jar", "the cork goes", "tin"])
        for name in ("taken", "refused", "fp32")
    )
    assert refused == fp32
    assert taken != fp32


@pytest.mark.parametrize(
    ("groups", "held_out", "message"),
    [
        ([], GROUPS, "cannot be trained on the training groups: there are none"),
        (GROUPS, [], "on the held-out groups: there are none"),
        ([Group("jar", (), ("x",))], GROUPS, "'jar' lacks a passage that answers or one that does not"),
        (GROUPS, [Group("tin", ("x",), ())], "held-out groups: 'tin' lacks"),
    ],
)
def test_groups_that_teach_nothing_are_refused(
    groups: list[Group], held_out: list[Group], message: str, small_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        train_reranker(groups, held_out, f"path:{small_model}", tmp_path, SETTINGS, CPU)
