from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from releaf.errors import InputError, ModelSourceError
from releaf.vision.model import build_model, empty_model
from releaf.vision.settings import VisionSettings

CLASSES = {"item": 20, "material": 15, "bin": 4}


def test_one_forward_pass_gives_logits_of_all_three_heads(tiny_settings: VisionSettings):
    model = build_model(tiny_settings, CLASSES).eval()
    logits = model(torch.zeros(2, 3, 32, 32))
    assert {head: tuple(values.shape) for head, values in logits.items()} == {
        "item": (2, 20),
        "material": (2, 15),
        "bin": (2, 4),
    }


def test_the_heads_are_linear_in_the_pooled_features(tiny_settings: VisionSettings):
    model = build_model(tiny_settings, CLASSES).eval()
    pixels = torch.randn(2, 3, 32, 32)
    features = model.features(pixels)
    layer = model.heads["bin"]
    torch.testing.assert_close(model(pixels)["bin"], features @ layer.weight.T + layer.bias)


def test_dropout_falls_between_features_and_heads(tiny_settings: VisionSettings):
    assert build_model(replace(tiny_settings, dropout=0.25), CLASSES).dropout.p == 0.25


def test_a_vision_transformer_takes_its_size_from_the_settings():
    settings = VisionSettings(backbone="test_vit", source="scratch", image_size=96)
    model = empty_model(settings, CLASSES).eval()
    assert model(torch.zeros(1, 3, 96, 96))["item"].shape == (1, 20)


def test_one_seed_gives_the_same_weights_and_leaves_the_global_state_alone(tiny_settings: VisionSettings):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = build_model(tiny_settings, CLASSES).state_dict()
    assert torch.rand(1) == expected
    second = build_model(tiny_settings, CLASSES).state_dict()
    other = build_model(replace(tiny_settings, seed=99), CLASSES).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["heads.item.weight"], other["heads.item.weight"])


@pytest.fixture
def weights(tiny_settings: VisionSettings, tmp_path: Path) -> Path:
    state = build_model(replace(tiny_settings, seed=11), CLASSES).backbone.state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "backbone.safetensors")
    return tmp_path


def test_a_backbone_starts_from_the_weights_of_a_folder(tiny_settings: VisionSettings, weights: Path):
    model = build_model(replace(tiny_settings, source=f"path:{weights}"), CLASSES)
    expected = build_model(replace(tiny_settings, seed=11), CLASSES).backbone.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.backbone.state_dict().items())


def test_a_backbone_starts_from_the_weights_that_a_package_carries(
    tiny_settings: VisionSettings, weights: Path, monkeypatch: pytest.MonkeyPatch
):
    package = weights / "carried_weights"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (weights / "backbone.safetensors").rename(package / "backbone.safetensors")
    monkeypatch.setattr(sys, "path", [*sys.path, str(weights)])
    build_model(replace(tiny_settings, source="package:carried_weights"), CLASSES)


def test_weights_of_another_network_are_refused(tiny_settings: VisionSettings, weights: Path):
    wider = {"channels": (8, 16, 16, 16), "stem_type": ""}
    with pytest.raises(ModelSourceError, match="does not fit 'resnet10t'"):
        build_model(replace(tiny_settings, backbone_options=wider, source=f"path:{weights}"), CLASSES)
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, weights / "backbone.safetensors")
    with pytest.raises(ModelSourceError, match=r"does not hold a whole 'resnet10t': \d+ missing"):
        build_model(replace(tiny_settings, source=f"path:{weights}"), CLASSES)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("path:/nowhere", "exactly one safetensors file; found 1"),
        ("package:no_such_package", "'no_such_package' is not installed"),
    ],
)
def test_a_source_that_is_not_there_is_refused(tiny_settings: VisionSettings, source: str, message: str):
    with pytest.raises(ModelSourceError, match=message):
        build_model(replace(tiny_settings, source=source), CLASSES)


def test_a_damaged_weights_file_is_refused(tiny_settings: VisionSettings, tmp_path: Path):
    (tmp_path / "weights.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ModelSourceError, match="not a readable safetensors file"):
        build_model(replace(tiny_settings, source=f"path:{tmp_path}"), CLASSES)


def test_without_a_network_the_hub_error_says_what_to_set(
    tiny_settings: VisionSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelSourceError, match="use path:<folder>, or train from scratch"):
        build_model(replace(tiny_settings, source="hub:someone/some-weights"), CLASSES)


def test_an_unknown_backbone_is_refused_with_names_that_exist(tiny_settings: VisionSettings):
    with pytest.raises(InputError, match="no backbone 'resnet1000'"):
        build_model(replace(tiny_settings, backbone="resnet1000"), CLASSES)


def test_an_option_the_backbone_does_not_take_is_refused(tiny_settings: VisionSettings):
    with pytest.raises(InputError, match="does not take backbone_options"):
        build_model(replace(tiny_settings, backbone_options={"colour": "red"}), CLASSES)
