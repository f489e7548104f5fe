from __future__ import annotations

import polars as pl
import pytest

from releaf.errors import DataError
from releaf.language.adapters import attach
from releaf.language.decoder import Base
from releaf.language.evaluation import evaluate
from releaf.language.held_out import evaluate_held_out
from releaf.language.settings import AdapterSettings


@pytest.fixture
def records(instructions: pl.DataFrame) -> pl.DataFrame:
    """One record that was trained on, one that was not, one of another script, one that does not fit."""
    new = pl.DataFrame(
        [
            ("new", "Where does the crate go?", "", "The crate goes to the depot.", "train"),
            ("script", "Куда идёт банка?\x07", "", "В контейнер. ♻", "train"),
            ("long", "Where? " * 200, "", "Nowhere.", "train"),
        ],
        schema=instructions.schema,
        orient="row",
    )
    return pl.concat([instructions.filter(pl.col("id") == "ins-00"), new])


def test_what_was_seen_and_what_does_not_fit_is_counted(
    base: Base, instructions: pl.DataFrame, records: pl.DataFrame
) -> None:
    model = attach(base, AdapterSettings(rank=4, alpha=8), seed=0)
    found = evaluate_held_out(model, base, records, instructions, answers=1)

    assert (found.records, found.too_long, found.seen, found.answered) == (3, 1, 1, 1)
    # A fresh adapter changes nothing.
    assert found.perplexity["ratio"] == pytest.approx(1)
    assert found.rouge_l is not None
    assert set(found.as_json()) >= {"records", "perplexity", "token_accuracy", "rouge_l", "seen", "too_long"}


def test_the_figures_are_those_of_the_report_on_the_same_records(base: Base, instructions: pl.DataFrame) -> None:
    model = attach(base, AdapterSettings(rank=4, alpha=8), seed=0)
    test = instructions.filter(pl.col("split") == "test")
    found = evaluate_held_out(model, base, test, instructions, answers=0)
    reported = evaluate(model, base, instructions)

    assert found.perplexity["base"] == reported.base.perplexity
    assert found.token_accuracy == reported.adapter.token_accuracy
    assert (found.seen, found.rouge_l) == (0, None)


def test_records_that_all_do_not_fit_are_refused(base: Base, instructions: pl.DataFrame, records: pl.DataFrame) -> None:
    model = attach(base, AdapterSettings(rank=4, alpha=8), seed=0)
    with pytest.raises(DataError, match="none of the 1 held_out instructions fits the context of 128"):
        evaluate_held_out(model, base, records.filter(pl.col("id") == "long"), instructions)
