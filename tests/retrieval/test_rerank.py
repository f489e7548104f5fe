from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from releaf.errors import ArtifactError
from releaf.progress import Progress, silent
from releaf.retrieval.rerank import Reranker, pair, score_within

PASSAGES = [f"passage {n}" for n in range(30)]


class SlowScorer:
    """Reads on a clock of its own: each passage takes ten milliseconds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.steps: list[int] = []

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        self.now += 0.01 * len(passages)
        self.steps.append(len(passages))
        return [float(text.removeprefix("passage ")) for text in passages]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowScorer:
    scorer = SlowScorer()
    clock: Callable[[], float] = lambda: scorer.now  # noqa: E731
    monkeypatch.setattr("releaf.retrieval.rerank.time.perf_counter", clock)
    return scorer


@pytest.mark.parametrize(
    ("budget", "scored"),
    [
        (0.25, 24),  # three steps take 0.24 s, a fourth would end at 0.32 s
        (0.24, 24),
        (0.159, 8),
        (0.001, 8),  # one step is always taken
        (1.0, 30),
    ],
)
def test_the_budget_stops_before_the_step_that_would_pass_it(slow: SlowScorer, budget: float, scored: int) -> None:
    assert score_within(slow, "jar", PASSAGES, budget + 1e-9) == [float(n) for n in range(scored)]
    assert max(slow.steps) == 8


def test_without_a_budget_everything_is_scored_at_once(slow: SlowScorer) -> None:
    assert len(score_within(slow, "jar", PASSAGES, None)) == 30
    assert slow.steps == [30]


def test_nothing_to_score_takes_no_step(slow: SlowScorer) -> None:
    assert score_within(slow, "jar", [], 0.1) == []
    assert slow.steps == []


def test_a_pair_is_normalized_and_of_a_long_query_the_start_is_kept() -> None:
    assert pair("CO₂\x00 jar", " lid ") == ("CO2 jar", "lid")
    query, text = pair("jar " * 1000, "lid " * 1000)
    assert len(query) == 500
    assert len(text) == 3999


@pytest.mark.parametrize("content", [[], {"format": 9}, {"format": 1, "revision": "r"}])
def test_a_foreign_description_is_refused(tmp_path: Path, content: object) -> None:
    (tmp_path / "reranker.json").write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match=r"reranker\.json is no reranker of format 1 .*train it again"):
        Reranker.open(tmp_path, threads=1)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"reranker\.json is missing"):
        Reranker.open(tmp_path, threads=1)
    (tmp_path / "reranker.json").write_text(json.dumps({"format": 1, "revision": "r", "max_tokens": 64}))
    with pytest.raises(ArtifactError, match="does not hold an exported model"):
        Reranker.open(tmp_path, threads=1)
