from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from transformers import PreTrainedTokenizerFast

from releaf.language.decoder import build_decoder, parameter_count
from releaf.language.expert_study import EXPERTS, Study, mixture_of, study
from releaf.language.settings import BaseSettings, DecoderSettings, ExpertSettings, TokenizerSettings
from releaf.training.device import Hardware


@pytest.fixture(scope="module")
def settings(shape: DecoderSettings) -> BaseSettings:
    return BaseSettings(TokenizerSettings(300), shape, 0.3, window=16, epochs=2, ema_decay=None)


@pytest.fixture(scope="module")
def found(
    documents: pl.DataFrame, settings: BaseSettings, hardware: Hardware, tokenizer: PreTrainedTokenizerFast
) -> Study:
    return study(documents, settings, hardware, tokenizer)


def test_balancing_is_all_that_differs(found: Study) -> None:
    configurations = [side.pretrained.base.model.config.to_dict() for side in (found.balanced, found.free)]

    assert [config.pop("router_aux_loss_coef") for config in configurations] == [0.01, 0.0]
    assert configurations[0] == configurations[1]
    assert found.balanced.pretrained.base.fingerprint != found.free.pretrained.base.fingerprint


def test_a_token_passes_through_as_many_weights_as_in_the_dense_base(
    found: Study, settings: BaseSettings, tokenizer: PreTrainedTokenizerFast
) -> None:
    dense = parameter_count(build_decoder(settings.decoder, tokenizer, seed=0))
    routers = settings.decoder.layers * EXPERTS.count * settings.decoder.width

    assert found.balanced.active_parameters == dense + routers
    assert found.balanced.parameters == parameter_count(found.balanced.pretrained.base.model)


def test_every_layer_has_a_load(found: Study, settings: BaseSettings) -> None:
    assert [len(layer) for layer in found.balanced.load] == [EXPERTS.count] * settings.decoder.layers
    assert 1 <= found.balanced.busiest <= EXPERTS.count / EXPERTS.active


def test_experts_that_are_set_are_the_ones_studied(settings: BaseSettings) -> None:
    own = replace(settings, decoder=replace(settings.decoder, experts=ExpertSettings(8, 1)))

    assert mixture_of(own) == own
