from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from releaf.errors import DataError, InputError, ModelSourceError
from releaf.language.adapters import attach
from releaf.language.decoder import Base, build_decoder, parameter_count
from releaf.language.planning import (
    LLAMA_3_8B_SHAPE,
    Load,
    built_parameters,
    check_counts,
    largest_rank,
    plan,
    read_shape,
    shape_of,
)
from releaf.language.settings import AdapterSettings, DecoderSettings

LORA = AdapterSettings()
ONE = Load(batch=1, tokens=1)


def test_llama_3_8b_is_planned_as_it_is_built_without_memory() -> None:
    made = plan(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16")

    assert built_parameters(LLAMA_3_8B_SHAPE, LORA) == (8_030_261_248, 167_772_160)
    assert (made.base_parameters, made.trainable) == (8_030_261_248, 167_772_160)
    check_counts(LLAMA_3_8B_SHAPE, LORA, made)


def test_each_projection_has_r_d_plus_k_instead_of_d_k() -> None:
    found = {target.name: target for target in plan(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16").targets}

    assert found["k_proj"].trainable == 32 * 64 * (1024 + 4096)
    assert found["k_proj"].full == 32 * 1024 * 4096
    assert found["down_proj"].trainable == 32 * 64 * (4096 + 14336)


@pytest.mark.parametrize("rank", [1, 7, 24])
@pytest.mark.parametrize("tied", [True, False])
def test_a_plan_counts_what_is_built(
    tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings, rank: int, tied: bool
) -> None:
    shape = replace(shape, tie_embeddings=tied)
    made = plan(shape_of(shape, len(tokenizer)), replace(LORA, rank=rank), ONE, held="fp32")
    model = build_decoder(shape, tokenizer, seed=0)

    assert made.base_parameters == parameter_count(model)
    assert (made.base_parameters, made.trainable) == built_parameters(
        shape_of(shape, len(tokenizer)), replace(LORA, rank=rank)
    )


def test_memory_of_what_learns_is_sixteen_bytes_a_parameter() -> None:
    memory = plan(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16").memory

    assert memory.adapter + memory.gradients + memory.optimizer == 16 * 167_772_160
    assert memory.weights == 2 * 8_030_261_248


def test_nf4_holds_projections_in_four_bits_and_an_eighth() -> None:
    # 4 + 8/64 + 32/(64·256) bits of 6,979,321,856 projection weights; the other 1,050,939,392 stay in bf16.
    weights = plan(LLAMA_3_8B_SHAPE, LORA, ONE, held="nf4").memory.weights

    assert weights == round(6_979_321_856 * (4 + 0.125 + 32 / 16384) / 8 + 2 * 1_050_939_392)


def test_activations_are_near_what_backward_really_keeps(base: Base, shape: DecoderSettings) -> None:
    model = attach(base, AdapterSettings(rank=8, alpha=16), seed=0).train()
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, torch.nn.Parameter):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(3, 200, (4, 64))
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = model(input_ids=ids, labels=ids).loss
    measured = sum(size for place, size in kept.items() if place not in weights)
    planned = plan(
        shape_of(shape, len(base.tokenizer)), AdapterSettings(rank=8, alpha=16), Load(4, 64), held="fp32"
    ).memory.activations

    assert loss.requires_grad
    assert 0.6 < planned / measured < 1.4


def test_checkpointing_needs_less_and_more_tokens_need_more() -> None:
    whole, saving, longer = (
        plan(LLAMA_3_8B_SHAPE, LORA, load, held="bf16").memory.activations
        for load in (Load(2, 512), Load(2, 512, checkpointing=True), Load(2, 1024))
    )

    assert saving < whole / 8
    assert longer == 2 * whole


@pytest.mark.parametrize("budget", [2_621_440, 2_621_441, 100_000_000, 10**12])
def test_the_largest_rank_fits_the_budget_and_the_next_does_not(budget: int) -> None:
    made = largest_rank(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16", parameters=budget)

    assert made.trainable <= budget
    if made.rank < LLAMA_3_8B_SHAPE.geometry.width:
        following = plan(LLAMA_3_8B_SHAPE, replace(LORA, rank=made.rank + 1), ONE, held="bf16")
        assert following.trainable > budget
    assert made.alpha == 2 * made.rank


def test_a_memory_budget_counts_everything() -> None:
    load, budget = Load(1, 1024, checkpointing=True), 12 * 2**30
    made = largest_rank(LLAMA_3_8B_SHAPE, LORA, load, held="nf4", memory_bytes=budget)

    assert made.memory.total <= budget
    assert plan(LLAMA_3_8B_SHAPE, replace(LORA, rank=made.rank + 1), load, held="nf4").memory.total > budget


def test_where_no_rank_fits_the_least_that_would_is_told() -> None:
    with pytest.raises(InputError, match=r"no rank fits 2,621,439 parameters: rank 1 .* needs 2,621,440 parameters"):
        largest_rank(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16", parameters=2_621_439)
    with pytest.raises(InputError, match=r"no rank fits 1\.00 GiB: rank 1 .* and \d+\.\d\d GiB"):
        largest_rank(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16", memory_bytes=2**30)


@pytest.mark.parametrize("budget", [0, -5])
def test_a_budget_of_nothing_is_refused(budget: int) -> None:
    with pytest.raises(InputError, match=f"budget of {budget} for parameters"):
        largest_rank(LLAMA_3_8B_SHAPE, LORA, ONE, held="bf16", parameters=budget)


def test_a_rank_above_the_width_is_refused() -> None:
    with pytest.raises(InputError, match="rank 4097 is above the base's width 4096"):
        plan(LLAMA_3_8B_SHAPE, replace(LORA, rank=4097), ONE, held="bf16")


@pytest.mark.parametrize("load", [(0, 5), (5, 0), (-1, 5)])
def test_an_empty_batch_is_refused(load: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="must be at least 1"):
        Load(*load)


def test_sizes_are_read_from_a_checkpoint(base_directory: Path, shape: DecoderSettings, base: Base) -> None:
    assert read_shape(f"path:{base_directory}") == shape_of(shape, len(base.tokenizer))


def test_a_folder_without_a_configuration_and_another_family_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelSourceError, match=r"config\.json is missing"):
        read_shape(f"path:{tmp_path}")
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(ModelSourceError, match="'t5' model"):
        read_shape(f"path:{tmp_path}")


def test_a_plan_that_is_not_what_is_built_is_told() -> None:
    small = shape_of(DecoderSettings(24, 2, 4, 2, 40, 128), 300)
    with pytest.raises(DataError, match="the plan"):
        check_counts(small, replace(LORA, rank=4), plan(small, replace(LORA, rank=5), ONE, held="fp32"))
