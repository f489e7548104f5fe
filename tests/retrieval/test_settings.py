from __future__ import annotations

import pytest

from releaf.errors import InputError
from releaf.retrieval.settings import RerankerSettings, RetrievalSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layers": 0}, "layers must be at least 1, not 0"),
        ({"negatives": 0}, "negatives must be at least 1"),
        ({"max_tokens": 31}, "max_tokens 31 must be at least 32"),
        ({"learning_rate": 0.0}, r"learning_rate 0\.0 above"),
        ({"titles": -1}, "titles -1 not below 0"),
        ({"budget_ms": 0.0}, r"budget_ms must be above 0 or null, not 0\.0"),
    ],
)
def test_contradictory_settings_of_the_reranker_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RerankerSettings(**values)  # type: ignore[arg-type]


def test_contradictory_settings_of_retrieval_are_refused() -> None:
    for values in ({"batch_size": 0}, {"max_tokens": 7}):
        with pytest.raises(InputError, match=r"must be at least 1 and max_tokens .* at least 8"):
            RetrievalSettings(**values)  # type: ignore[arg-type]


def test_reranking_takes_a_limited_time_unless_told_otherwise() -> None:
    assert RerankerSettings().budget_ms == 120.0
    assert RerankerSettings(budget_ms=None).budget_ms is None
