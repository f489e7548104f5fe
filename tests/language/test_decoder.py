from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from releaf.errors import ModelSourceError
from releaf.language.adapters import attach
from releaf.language.decoder import (
    LLAMA_3_8B,
    Base,
    Geometry,
    build_decoder,
    fingerprint,
    geometry_of,
    open_base,
    parameter_count,
    save_base,
)
from releaf.language.settings import AdapterSettings, DecoderSettings
from releaf.training.device import Hardware

IDS = torch.tensor([[1, 40, 41, 42, 43, 44]])


def test_the_parameters_are_those_of_the_closed_form(
    tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings
) -> None:
    # Per block: q and o 24·24, k and v 12·24, gate, up, down 24·40, two norms of 24. Once: a tied matrix and a norm.
    block = 2 * 24 * 24 + 2 * 12 * 24 + 3 * 24 * 40 + 2 * 24
    model = build_decoder(shape, tokenizer, seed=0)

    assert parameter_count(model) == 2 * block + len(tokenizer) * 24 + 24


def test_untied_embeddings_add_one_matrix(tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings) -> None:
    tied, untied = (
        parameter_count(build_decoder(replace(shape, tie_embeddings=tie), tokenizer, seed=0)) for tie in (True, False)
    )

    assert untied - tied == len(tokenizer) * 24


def test_the_geometry_is_read_back_from_the_model(tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings) -> None:
    model = build_decoder(shape, tokenizer, seed=0)
    geometry = geometry_of(model)
    weights = dict(model.model.layers[0].named_modules())

    assert geometry == Geometry(width=24, feed_forward=40, layers=2, heads=4, key_value_heads=2, head_width=6)
    for name, size in geometry.projections.items():
        part = "mlp" if name in ("gate_proj", "up_proj", "down_proj") else "self_attn"
        assert tuple(weights[f"{part}.{name}"].weight.shape) == size


def test_llama_3_8b_has_the_published_number_of_parameters() -> None:
    # 8,030,261,248 with its 128,256 tokens in and out.
    block = sum(d * k for d, k in LLAMA_3_8B.projections.values()) + 2 * LLAMA_3_8B.width

    assert LLAMA_3_8B.layers * block + 2 * 128_256 * LLAMA_3_8B.width + LLAMA_3_8B.width == 8_030_261_248


def test_the_seed_decides_the_weights_and_leaves_the_global_one_alone(
    tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, third = (build_decoder(shape, tokenizer, seed=seed) for seed in (1, 1, 2))

    assert torch.equal(torch.rand(3), expected)
    assert fingerprint(first, tokenizer) == fingerprint(second, tokenizer) != fingerprint(third, tokenizer)


def test_no_token_sees_a_later_one(base: Base) -> None:
    changed = IDS.clone()
    changed[0, 4] = 50

    with torch.no_grad():
        before, after = base.model(IDS).logits, base.model(changed).logits
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])


def test_a_saved_base_opens_with_the_same_weights_vocabulary_and_context(
    base: Base, shape: DecoderSettings, tokenizer: PreTrainedTokenizerFast, hardware: Hardware
) -> None:
    built = build_decoder(shape, tokenizer, seed=0)

    assert base.fingerprint == fingerprint(built, tokenizer)
    assert base.context == 128
    with torch.no_grad():
        assert torch.equal(base.model(IDS).logits, built(IDS).logits)


def test_saving_twice_gives_the_same_bytes(base: Base, tmp_path: Path) -> None:
    for name in ("first", "second"):
        save_base(base, tmp_path / name)

    files = sorted(file.name for file in (tmp_path / "first").iterdir())
    assert "model.safetensors" in files
    assert not [file for file in files if file.endswith((".bin", ".pt", ".pkl"))]
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_base_opens_in_the_precision_of_the_hardware(base_directory: Path) -> None:
    half = open_base(f"path:{base_directory}", Hardware("cpu", "bf16", 2**30, 1))

    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.bfloat16}


def test_an_adapter_on_a_base_does_not_change_its_fingerprint(base: Base) -> None:
    attach(base, AdapterSettings(rank=2), seed=0)

    assert fingerprint(base.model, base.tokenizer) == base.fingerprint


def test_one_changed_weight_changes_the_fingerprint(base: Base) -> None:
    with torch.no_grad():
        next(base.model.parameters())[0, 0] += 1e-6

    assert fingerprint(base.model, base.tokenizer) != base.fingerprint


@pytest.mark.parametrize("source", ["scratch", "models/llama", "hub:", "s3:bucket"])
def test_a_source_of_no_known_kind_is_refused(source: str) -> None:
    with pytest.raises(ModelSourceError, match=r"neither path:<directory> nor hub:<owner>/<name>"):
        open_base(source)


def test_a_path_without_a_checkpoint_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ModelSourceError, match=r"config\.json is missing.*set the base to a directory that does"):
        open_base(f"path:{tmp_path}")


def test_a_checkpoint_without_safetensors_is_refused(base: Base, tmp_path: Path) -> None:
    save_base(base, tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")

    with pytest.raises(ModelSourceError, match="cannot open base path:"):
        open_base(f"path:{tmp_path}")


def test_a_cut_off_weight_file_is_refused(base: Base, tmp_path: Path) -> None:
    save_base(base, tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(ModelSourceError, match="cannot open base path:"):
        open_base(f"path:{tmp_path}")


def test_an_unreachable_hub_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(ModelSourceError, match=r"cannot open base hub:nobody/nothing.*path:<directory>.*scratch"):
        open_base("hub:nobody/nothing")


@pytest.fixture
def other(open_copy: Callable[[], Base]) -> Base:
    return open_copy()


def test_opening_twice_gives_independent_models(base: Base, other: Base) -> None:
    with torch.no_grad():
        next(base.model.parameters()).zero_()

    assert fingerprint(other.model, other.tokenizer) == other.fingerprint
