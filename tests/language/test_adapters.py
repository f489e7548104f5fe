from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from releaf.errors import ArtifactError, InputError
from releaf.language.adapters import attach, load_adapter, merged, save_adapter, without_adapter
from releaf.language.decoder import Base, as_base, build_decoder, parameter_count
from releaf.language.settings import AdapterSettings, DecoderSettings, TokenizerSettings
from releaf.language.tokenizer import train_tokenizer

IDS = torch.tensor([[1, 40, 41, 42, 43, 44]])
SMALL = AdapterSettings(rank=4, alpha=8)


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model.eval()(IDS).logits
    return result


def shaken(model: PeftModel) -> PeftModel:
    """Give B values, as training would."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.1)
    return model


def test_only_the_adapter_learns(base: Base) -> None:
    model = attach(base, SMALL, seed=0)

    assert {"lora_" in name for name, parameter in model.named_parameters() if parameter.requires_grad} == {True}


def test_a_fresh_adapter_changes_no_output(base: Base) -> None:
    before = logits(base.model)

    assert torch.equal(logits(attach(base, SMALL, seed=0)), before)


def test_a_is_kaiming_uniform_and_b_is_zero(base: Base) -> None:
    # kaiming_uniform_ with a = √5 draws from ±√(6 / ((1 + 5)·k)) = ±1/√k.
    for name, parameter in attach(base, AdapterSettings(rank=24), seed=0).named_parameters():
        if ".lora_A." in name:
            bound = 1 / math.sqrt(parameter.shape[1])
            assert 0.9 * bound < parameter.abs().max() <= bound
        elif ".lora_B." in name:
            assert not parameter.any()


def test_a_projection_computes_w0_x_plus_alpha_over_r_b_a_x(base: Base) -> None:
    weight = base.model.model.layers[1].mlp.up_proj.weight.detach().clone()
    model = shaken(attach(base, SMALL, seed=0)).eval()
    layer = model.base_model.model.model.layers[1].mlp.up_proj
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    x = torch.randn(3, 24)

    torch.testing.assert_close(layer(x), x @ (weight + (8 / 4) * b @ a).T)


def test_switching_the_adapter_off_gives_the_base_back_and_on_again(base: Base) -> None:
    plain = logits(base.model)
    model = shaken(attach(base, SMALL, seed=0))
    adapted = logits(model)

    with without_adapter(model):
        assert torch.equal(logits(model), plain)
    assert torch.equal(logits(model), adapted)
    assert not torch.allclose(adapted, plain)


def test_a_merged_adapter_answers_the_same_and_is_taken_out_again(base: Base) -> None:
    plain = logits(base.model)
    model = shaken(attach(base, SMALL, seed=0))
    adapted = logits(model)
    weight = model.base_model.model.model.layers[0].self_attn.q_proj.base_layer.weight
    before = weight.detach().clone()

    with merged(model):
        assert not torch.equal(weight, before)
        torch.testing.assert_close(logits(model), adapted, atol=1e-5, rtol=0)
    torch.testing.assert_close(logits(model), adapted, atol=1e-5, rtol=0)
    torch.testing.assert_close(weight, before, atol=1e-6, rtol=0)
    with without_adapter(model):
        torch.testing.assert_close(logits(model), plain, atol=1e-5, rtol=0)


def test_an_adapter_is_taken_out_of_the_weights_also_when_something_fails(base: Base) -> None:
    model = shaken(attach(base, SMALL, seed=0))
    adapted = logits(model)

    with pytest.raises(KeyError), merged(model):
        raise KeyError
    torch.testing.assert_close(logits(model), adapted, atol=1e-5, rtol=0)


def test_the_seed_decides_the_adapter(open_copy: Callable[[], Base]) -> None:
    first, second, third = (attach(open_copy(), SMALL, seed=seed).state_dict() for seed in (1, 1, 2))
    name = next(name for name in first if ".lora_A." in name)

    assert torch.equal(first[name], second[name])
    assert not torch.equal(first[name], third[name])


def test_what_an_adapter_stands_on_is_written_in_one_order_in_every_process(
    open_copy: Callable[[], Base], tmp_path: Path
) -> None:
    base = open_copy()
    save_adapter(attach(base, SMALL, seed=0), base, tmp_path)
    named = json.loads((tmp_path / "adapter_config.json").read_text())["target_modules"]
    assert named == sorted(SMALL.targets)


def test_a_saved_adapter_answers_the_same_on_its_base(open_copy: Callable[[], Base], tmp_path: Path) -> None:
    base = open_copy()
    model = shaken(attach(base, SMALL, seed=0))
    save_adapter(model, base, tmp_path)

    loaded = load_adapter(open_copy(), tmp_path)
    assert torch.equal(logits(loaded), logits(model))
    assert parameter_count(loaded, trainable=True) == 0


def test_an_adapter_directory_holds_safetensors_and_json_and_no_path(base: Base, tmp_path: Path) -> None:
    model = attach(base, SMALL, seed=0)
    for name in ("first", "second"):
        save_adapter(model, base, tmp_path / name)
    files = sorted(file.name for file in (tmp_path / "first").iterdir())

    assert files == ["adapter_config.json", "adapter_model.safetensors", "base.json"]
    assert json.loads((tmp_path / "first" / "adapter_config.json").read_text())["base_model_name_or_path"] == ""
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_an_adapter_of_another_base_is_refused(base: Base, shape: DecoderSettings, tmp_path: Path) -> None:
    save_adapter(attach(base, SMALL, seed=0), base, tmp_path)
    other = as_base(build_decoder(shape, base.tokenizer, seed=1), base.tokenizer)

    with pytest.raises(ArtifactError, match=f"belongs to the base {base.fingerprint[:12]}.*{other.fingerprint[:12]}"):
        load_adapter(other, tmp_path)


def test_an_adapter_of_another_tokenizer_is_refused(open_copy: Callable[[], Base], tmp_path: Path) -> None:
    base, other = open_copy(), open_copy()
    save_adapter(attach(base, SMALL, seed=0), base, tmp_path)
    cut_otherwise = train_tokenizer(["bottles and jars and peels"] * 3, TokenizerSettings(vocabulary=270))

    with pytest.raises(ArtifactError, match="belongs to the tokenizer"):
        load_adapter(replace(other, tokenizer=cut_otherwise), tmp_path)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json", "base.json"])
def test_a_missing_adapter_file_is_named(open_copy: Callable[[], Base], tmp_path: Path, name: str) -> None:
    base = open_copy()
    save_adapter(attach(base, SMALL, seed=0), base, tmp_path)
    (tmp_path / name).unlink()

    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        load_adapter(open_copy(), tmp_path)


def test_a_second_adapter_on_one_base_is_refused(base: Base) -> None:
    attach(base, SMALL, seed=0)

    with pytest.raises(InputError, match="already carries an adapter"):
        attach(base, SMALL, seed=0)


def test_a_rank_above_the_width_is_refused(base: Base) -> None:
    with pytest.raises(InputError, match="rank 25 is above the base's width 24"):
        attach(base, AdapterSettings(rank=25), seed=0)
