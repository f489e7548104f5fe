from __future__ import annotations

import json
import math
from collections.abc import Callable

import polars as pl
import pytest
import torch

from releaf.errors import DataError
from releaf.language.adapters import attach
from releaf.language.batches import score_rows
from releaf.language.decoder import Base
from releaf.language.evaluation import evaluate
from releaf.language.settings import AdapterSettings, TuningSettings
from releaf.language.tuning import encode_split, rows, tune
from releaf.training.device import Hardware

ADAPTER = AdapterSettings(rank=4, alpha=8)


def test_a_fresh_adapter_is_worth_exactly_nothing(base: Base, instructions: pl.DataFrame) -> None:
    found = evaluate(attach(base, ADAPTER, seed=0), base, instructions)

    assert found.perplexity_ratio == 1
    assert found.base == found.adapter
    assert found.n == 2


def test_a_trained_adapter_beats_the_base_on_test_instructions(
    open_copy: Callable[[], Base], instructions: pl.DataFrame, hardware: Hardware
) -> None:
    base = open_copy()
    settings = TuningSettings(ADAPTER, batch_size=2, epochs=4, learning_rate=1e-2, warmup_epochs=0, patience=None)
    found = evaluate(tune(base, instructions, settings, hardware).model, base, instructions)
    untouched = open_copy()
    alone = score_rows(
        untouched.model, rows(encode_split(untouched, instructions, "test").examples), 8, pad=0
    ).figures()

    assert found.perplexity_ratio < 1
    assert found.base.perplexity == pytest.approx(alone["perplexity"], rel=1e-6)
    assert found.perplexity_ratio == pytest.approx(found.adapter.perplexity / found.base.perplexity)


def test_perplexity_is_exp_of_the_token_weighted_record_losses(base: Base, instructions: pl.DataFrame) -> None:
    found = evaluate(attach(base, ADAPTER, seed=0), base, instructions)
    total = sum(record.tokens * record.base_loss for record in found.records)

    assert [record.id for record in found.records] == ["ins-07", "ins-08"]
    assert sum(record.tokens for record in found.records) == found.answer_tokens
    assert found.base.perplexity == pytest.approx(math.exp(total / found.answer_tokens))


def test_an_evaluation_is_plain_json_and_repeats(base: Base, instructions: pl.DataFrame) -> None:
    model = attach(base, ADAPTER, seed=0)
    first, second = (json.dumps(evaluate(model, base, instructions).as_json()) for _ in range(2))

    assert first == second
    assert json.loads(first)["n"] == 2


def test_evaluation_drops_nothing_out_and_leaves_the_adapter_switched_on(
    base: Base, instructions: pl.DataFrame
) -> None:
    model = attach(base, ADAPTER, seed=0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.fill_(0.05)
    model.train()
    first, second = (evaluate(model, base, instructions) for _ in range(2))

    assert first == second
    assert first.perplexity_ratio != 1


def test_an_empty_split_is_refused(base: Base, instructions: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="no test split"):
        evaluate(attach(base, ADAPTER, seed=0), base, instructions.filter(pl.col("split") == "train"))
