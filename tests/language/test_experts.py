from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from transformers import PreTrainedTokenizerFast
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

from releaf.errors import InputError
from releaf.language.adapters import attach
from releaf.language.batches import collate, mean_loss
from releaf.language.decoder import Base, as_base, build_decoder, open_base, save_base
from releaf.language.experts import balance_loss, balance_term, busiest_over_mean, expert_load, is_sparse, routed
from releaf.language.generation import generate
from releaf.language.generation_batch import generate_batch
from releaf.language.pretraining import CorpusTask, pretrain
from releaf.language.settings import (
    ATTENTION,
    AdapterSettings,
    BaseSettings,
    DecoderSettings,
    ExpertSettings,
    GenerationSettings,
    LanguageSettings,
    TokenizerSettings,
    TuningSettings,
)
from releaf.training.device import Hardware

ROWS = [([1, 5, 9, 40, 41], [1, 5, 9, 40, 41]), ([1, 7, 30], [1, 7, 30])]


@pytest.fixture(scope="module")
def sparse(shape: DecoderSettings) -> DecoderSettings:
    return replace(shape, experts=ExpertSettings(count=4, active=2, balance=0.01))


@pytest.fixture
def mixture(sparse: DecoderSettings, tokenizer: PreTrainedTokenizerFast) -> Base:
    return as_base(build_decoder(sparse, tokenizer, seed=0), tokenizer)


def test_the_balance_loss_is_its_formula() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4))
    exponents = np.exp(logits)
    probabilities = exponents / exponents.sum(1, keepdims=True)
    chosen = np.argsort(-probabilities, axis=1)[:, :2]
    shares = [(chosen == expert).any(axis=1).mean() for expert in range(4)]
    expected = 4 * sum(f * p for f, p in zip(shares, probabilities.mean(0), strict=True))

    assert float(balance_loss(torch.tensor(logits), 2)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_the_balance_loss_of_a_layer_is_that_of_transformers(masked: bool) -> None:
    logits = torch.randn(24, 4, generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(24) % 12 < 7).long() if masked else None
    theirs: Any = load_balancing_loss_func((logits,), 4, 2, None if mask is None else mask.view(2, 12))

    torch.testing.assert_close(balance_loss(logits, 2, mask), theirs)


def test_an_even_load_costs_the_number_of_active_experts_and_a_collapsed_one_more() -> None:
    # Tokens take turns at pairs of experts; then all of them take the first pair, with certainty.
    even = torch.tensor([[9.0, 9, 0, 0], [0, 9, 9, 0], [0, 0, 9, 9], [9, 0, 0, 9]])

    assert float(balance_loss(even, 2)) == pytest.approx(2.0)
    assert float(balance_loss(torch.tensor([[50.0, 50, 0, 0]] * 4), 2)) == pytest.approx(4.0)


def test_balancing_enters_the_loss_that_is_trained_on(sparse: DecoderSettings, mixture: Base) -> None:
    batch = collate(ROWS, pad=0)
    task, free = (
        CorpusTask(["a b c"], ["d e f"], mixture.tokenizer, BaseSettings(decoder=decoder, window=8))
        for decoder in (sparse, replace(sparse, experts=ExpertSettings()))
    )
    model: Any = mixture.model
    own: Any = model(input_ids=batch.ids, output_router_logits=True).router_logits
    expected = 0.01 * sum(balance_loss(logits, 2, batch.mask.flatten()) for logits in own)

    torch.testing.assert_close(task.loss(model, batch) - free.loss(model, batch), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(free.loss(model, batch), mean_loss(model, batch))


def test_the_balance_pulls_the_routers_alone(mixture: Base) -> None:
    batch = collate(ROWS, pad=0)
    with routed(mixture.model) as logits:
        mean_loss(mixture.model, batch)
    term = balance_term(mixture.model, [layer.detach().requires_grad_() for layer in logits], batch.mask)

    assert term.requires_grad
    assert len(logits) == 2
    assert not any(module._forward_hooks for module in mixture.model.modules())


def test_training_on_balance_evens_the_load_of_a_lopsided_router() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(400, 8) + 1.0
    weight = torch.zeros(4, 8)
    weight[0] = weight[1] = 0.5
    weight.requires_grad_()
    optimizer = torch.optim.SGD([weight], lr=0.5)
    before = hidden @ weight.detach().T
    for _ in range(60):
        optimizer.zero_grad()
        torch.autograd.backward(balance_loss(hidden @ weight.T, 2))
        optimizer.step()
    after = hidden @ weight.detach().T

    assert float(balance_loss(before, 2)) > 2.5 > 2.1 > float(balance_loss(after, 2))


def test_a_load_is_counted_on_real_tokens_alone(mixture: Base) -> None:
    together = expert_load(mixture.model, ROWS, 2, pad=0)
    alone = [np.array(expert_load(mixture.model, [row], 1, pad=0)) for row in ROWS]

    np.testing.assert_allclose(together, (5 * alone[0] + 3 * alone[1]) / 8)
    np.testing.assert_allclose(np.sum(together, axis=1), 1)


def test_the_busiest_expert_is_looked_for_in_every_layer() -> None:
    assert busiest_over_mean([[0.25] * 4, [0.1, 0.4, 0.3, 0.2]]) == pytest.approx(1.6)


def test_a_mixture_is_saved_and_opened_whole(mixture: Base, tmp_path: Path) -> None:
    save_base(mixture, tmp_path)
    opened = open_base(f"path:{tmp_path}")

    assert opened.fingerprint == mixture.fingerprint
    assert is_sparse(opened.model)
    assert opened.model.config.router_aux_loss_coef == 0.01


def test_a_mixture_answers_in_a_batch_as_alone(mixture: Base) -> None:
    settings, prompts = GenerationSettings(8, temperature=1.0, stop=()), [[1, 5, 9], [1], [1, 40, 41, 42, 43]]

    assert generate_batch(mixture.model, mixture.tokenizer, prompts, settings) == [
        generate(mixture.model, mixture.tokenizer, prompt, settings) for prompt in prompts
    ]


def test_a_mixture_is_pretrained_bit_for_bit_again(
    sparse: DecoderSettings, documents: pl.DataFrame, hardware: Hardware
) -> None:
    settings = BaseSettings(
        TokenizerSettings(300), sparse, held_out_share=0.3, window=16, epochs=2, learning_rate=1e-3, ema_decay=None
    )
    first, second = (pretrain(documents, settings, hardware) for _ in range(2))

    assert first.base.fingerprint == second.base.fingerprint
    assert first.history.epochs[1]["loss"] < first.history.epochs[0]["loss"]


def test_an_adapter_goes_on_the_attention_of_a_mixture(mixture: Base) -> None:
    model = attach(mixture, AdapterSettings(rank=2, targets=ATTENTION), seed=0)

    assert sum("lora_A" in name for name, _ in model.named_parameters()) == 4 * 2


def test_an_adapter_on_experts_is_refused(mixture: Base) -> None:
    with pytest.raises(InputError, match="gate_proj, up_proj, down_proj lie in the experts of this base"):
        attach(mixture, AdapterSettings(rank=2), seed=0)


def test_settings_with_experts_and_an_adapter_on_them_are_refused(sparse: DecoderSettings) -> None:
    with pytest.raises(InputError, match=r"set tuning\.adapter\.targets to some of q_proj, k_proj, v_proj, o_proj"):
        LanguageSettings(base=BaseSettings(decoder=sparse, window=16))

    LanguageSettings(
        base=BaseSettings(decoder=sparse, window=16), tuning=TuningSettings(AdapterSettings(targets=ATTENTION))
    )


@pytest.mark.parametrize(
    "wrong", [{"count": -1}, {"count": 4, "active": 0}, {"count": 2, "active": 3}, {"balance": -1}]
)
def test_impossible_experts_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        ExpertSettings(**wrong)


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_choice_of_experts_a_base_is_dense(
    shape: DecoderSettings, tokenizer: PreTrainedTokenizerFast, count: int
) -> None:
    model = build_decoder(replace(shape, experts=ExpertSettings(count)), tokenizer, seed=0)

    assert not is_sparse(model)
    with pytest.raises(InputError, match="a load needs rows and a model with experts"):
        expert_load(model, ROWS, 1, pad=0)
