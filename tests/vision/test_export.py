from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from releaf.artifacts import sha256_file
from releaf.errors import InputError
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.checkpoint import VisionCheckpoint
from releaf.vision.data import ClassNames, Pixels
from releaf.vision.export import Exported, export, parity
from releaf.vision.model import VisionModel, build_model
from releaf.vision.network import Outputs
from releaf.vision.onnx_network import OnnxNetwork
from releaf.vision.prediction import TorchNetwork
from releaf.vision.preprocessing import MEAN, STD
from releaf.vision.settings import HEADS, VisionSettings

SIZE = 32
CPU = Hardware("cpu", "fp32", 0, 1)
RESNET = {"channels": (8, 16, 16, 32), "stem_type": ""}
VIT = {"depth": 2, "embed_dim": 48, "num_heads": 3, "patch_size": 8}


def checkpoint_of(backbone: str, options: dict[str, object], taxonomy: Taxonomy) -> VisionCheckpoint:
    """Untrained, but with batch norms that have seen something, so that folding them wrongly would show."""
    settings = VisionSettings(backbone=backbone, backbone_options=options, source="scratch", image_size=SIZE, seed=5)
    names = ClassNames.of(taxonomy)
    model = build_model(settings, names.counts).eval()
    chance = torch.Generator().manual_seed(7)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3, generator=chance)
            module.running_var.uniform_(0.5, 2, generator=chance)
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=chance)
            nn.init.uniform_(module.bias, -0.3, 0.3, generator=chance)
    return VisionCheckpoint(model=model, names=names, settings=settings)


def pictures(count: int, seed: int = 0) -> Pixels:
    """Soft blobs of two colours each, and every eighth one noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    waves = [np.sin(6 * (x * a + y * b) + c) for a, b, c in rng.normal(size=(count, 3))]
    mixed = np.stack([(wave[..., None] + 1) / 2 for wave in waves])
    first, second = rng.integers(0, 256, size=(2, count, 1, 1, 3))
    blobs = (mixed * first + (1 - mixed) * second).astype(np.uint8)
    blobs[::8] = rng.integers(0, 256, size=blobs[::8].shape, dtype=np.uint8)
    return blobs


def odd_pictures() -> Pixels:
    """Black, white, one colour, a chessboard of single pixels, one lit corner."""
    odd = np.zeros((5, SIZE, SIZE, 3), dtype=np.uint8)
    odd[1] = 255
    odd[2, ..., 0] = 255
    odd[3, ::2, ::2] = odd[3, 1::2, 1::2] = 255
    odd[4, 0, 0] = 255
    return odd


@pytest.fixture(scope="module")
def resnet(taxonomy: Taxonomy) -> VisionCheckpoint:
    return checkpoint_of("resnet10t", RESNET, taxonomy)


@pytest.fixture(scope="module")
def vit(taxonomy: Taxonomy) -> VisionCheckpoint:
    return checkpoint_of("vit_tiny_patch16_224", VIT, taxonomy)


@pytest.fixture(scope="module")
def exported(resnet: VisionCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(resnet, tmp_path_factory.mktemp("resnet"), pictures(40))


@pytest.fixture(scope="module")
def exported_vit(vit: VisionCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(vit, tmp_path_factory.mktemp("vit"), pictures(40))


def torch_outputs(checkpoint: VisionCheckpoint, pixels: Pixels) -> Outputs:
    return TorchNetwork(checkpoint.model, CPU)(pixels)


@pytest.mark.parametrize("count", [1, 2, 65])
def test_logits_are_those_of_torch_for_any_number_of_pictures(
    exported: Exported, resnet: VisionCheckpoint, count: int
) -> None:
    found, reference = (
        run(pictures(count, 1)) for run in (OnnxNetwork(exported.network), TorchNetwork(resnet.model, CPU))
    )
    for head in HEADS:
        assert found.logits[head].shape == (count, len(resnet.names.ids(head)))
    assert parity(found, reference).logits <= 1e-4


def test_odd_pictures_give_what_torch_gives(exported: Exported, resnet: VisionCheckpoint) -> None:
    found = parity(OnnxNetwork(exported.network)(odd_pictures()), torch_outputs(resnet, odd_pictures()))
    assert found.logits <= 1e-4
    assert set(found.changed.values()) == {0.0}


def test_features_are_what_the_backbone_pools_without_dropout(exported: Exported, resnet: VisionCheckpoint) -> None:
    pixels = pictures(3, 2)
    plain = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(
        STD
    )[:, None, None]
    with torch.no_grad():
        expected = resnet.model.eval().features(plain).numpy()
    features = OnnxNetwork(exported.network)(pixels).features
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-4)


class ChannelMeans(nn.Module):
    """A convolution that changes nothing, and the mean of each colour."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv2d(3, 3, 1, bias=False)
        nn.init.dirac_(self.same.weight)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.same(pixels).mean(dim=(2, 3))


def test_the_file_normalizes_red_green_and_blue_by_their_own_figures(resnet: VisionCheckpoint, tmp_path: Path) -> None:
    model = VisionModel(ChannelMeans(), 3, resnet.names.counts, dropout=0.5)
    file = export(replace(resnet, model=model), tmp_path, pictures(4)).network
    pixels = np.broadcast_to(np.array([255, 0, 51], np.uint8), (1, SIZE, SIZE, 3))
    expected = [[(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]]
    np.testing.assert_allclose(OnnxNetwork(file)(pixels).features, expected, atol=1e-5)


def test_int8_is_near_and_a_fraction_of_the_size(exported: Exported, resnet: VisionCheckpoint) -> None:
    assert exported.quantization == "static"
    assert exported.int8.stat().st_size < 0.5 * exported.network.stat().st_size
    reference = torch_outputs(resnet, pictures(64, 3))
    found = OnnxNetwork(exported.int8)(pictures(64, 3))
    assert np.corrcoef(found.features.ravel(), reference.features.ravel())[0, 1] > 0.995
    assert all(share <= 0.15 for share in parity(found, reference).changed.values())


def test_what_is_reported_is_the_difference_on_the_calibration_pictures(
    exported: Exported, resnet: VisionCheckpoint
) -> None:
    reference = torch_outputs(resnet, pictures(40))
    assert exported.parity == parity(OnnxNetwork(exported.network)(pictures(40)), reference)
    assert exported.int8_parity == parity(OnnxNetwork(exported.int8)(pictures(40)), reference)
    assert exported.parity.logits <= 1e-4
    assert exported.int8_parity.logits > 1e-4


def test_parity_by_hand() -> None:
    none = np.zeros((2, 1), np.float32)
    same = np.zeros((2, 3), np.float32)
    one = Outputs({"item": np.array([[0.0, 0.0], [0.0, 2.0]], np.float32), "bin": same}, none)
    # The first picture's odds of the second class go from 1 : 1 to 1 : 3; the second picture's best class changes.
    other = Outputs({"item": np.array([[np.log(3.0), 0.0], [2.5, 2.0]], np.float32), "bin": same}, none)
    found = parity(other, one)
    assert found.logits == pytest.approx(2.5)
    before, after = np.exp(2) / (1 + np.exp(2)), 1 / (1 + np.exp(0.5))
    assert found.probabilities == pytest.approx(before - after)
    assert found.changed == {"item": 0.5, "bin": 0.0}


def test_a_vision_transformer_is_exported_and_quantized_by_its_products(
    exported_vit: Exported, vit: VisionCheckpoint
) -> None:
    assert exported_vit.quantization == "dynamic"
    assert exported_vit.int8.stat().st_size < 0.5 * exported_vit.network.stat().st_size
    for count in (1, 2, 65):
        found = OnnxNetwork(exported_vit.network)(pictures(count, 1))
        assert parity(found, torch_outputs(vit, pictures(count, 1))).logits <= 1e-4
    reference = torch_outputs(vit, pictures(40, 3))
    found = OnnxNetwork(exported_vit.int8)(pictures(40, 3))
    assert np.corrcoef(found.features.ravel(), reference.features.ravel())[0, 1] > 0.995


@pytest.mark.parametrize("which", ["exported", "exported_vit"])
def test_an_int8_picture_cannot_change_what_its_neighbours_give(which: str, request: pytest.FixtureRequest) -> None:
    network = OnnxNetwork(request.getfixturevalue(which).int8)
    crowd = np.concatenate([pictures(3, 4), odd_pictures()])
    together = network(crowd)
    for row in range(len(crowd)):
        alone = network(crowd[row : row + 1])
        np.testing.assert_allclose(together.features[row], alone.features[0], rtol=1e-5, atol=1e-6)


def test_exporting_again_gives_the_same_bytes_and_says_nothing(
    exported: Exported,
    resnet: VisionCheckpoint,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    handlers = logging.getLogger().handlers[:]
    with caplog.at_level(logging.INFO):
        again = export(resnet, tmp_path / "new", pictures(40))
    assert tuple(capfd.readouterr()) == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger().manager.disable == 0
    assert [sha256_file(again.network), sha256_file(again.int8)] == [
        sha256_file(exported.network),
        sha256_file(exported.int8),
    ]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["network-int8.onnx", "network.onnx"]


@pytest.mark.parametrize("which", ["exported", "exported_vit"])
def test_files_hold_all_weights_and_no_trace_of_the_machine(
    which: str, request: pytest.FixtureRequest, project_root: Path
) -> None:
    files: Exported = request.getfixturevalue(which)
    for file in (files.network, files.int8):
        model = onnx.load(str(file), load_external_data=False)
        onnx.checker.check_model(model)
        assert not any(tensor.external_data for tensor in model.graph.initializer)
        parts = (model.graph, *model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output)
        assert not any(part.doc_string or part.metadata_props for part in parts)
        data = file.read_bytes()
        for trace in (str(project_root), str(file.parent), "site-packages", ".py", "stack_trace"):
            assert trace.encode() not in data


def test_batch_norms_are_folded_into_convolutions_before_quantizing(exported: Exported) -> None:
    for file in (exported.network, exported.int8):
        kinds = {node.op_type for node in onnx.load(str(file)).graph.node}
        assert "BatchNormalization" not in kinds
    assert "QuantizeLinear" in kinds


def test_the_model_is_left_as_it_is(resnet: VisionCheckpoint, exported: Exported) -> None:
    training = replace(resnet, model=build_model(resnet.settings, resnet.names.counts).train())
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    strides = training.model.backbone.conv1.weight.stride()
    export(training, exported.network.parent / "again", pictures(2))
    assert training.model.training
    assert training.model.backbone.conv1.weight.stride() == strides
    assert all(torch.equal(value, before[name]) for name, value in training.model.state_dict().items())


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.zeros((0, SIZE, SIZE, 3), np.uint8), r"uint8 of shape \(0, 32, 32, 3\)"),
        (np.zeros((2, SIZE, SIZE, 3), np.float32), r"float32 of shape \(2, 32, 32, 3\)"),
        (np.zeros((2, 3, SIZE, SIZE), np.uint8), r"uint8 of shape \(2, 3, 32, 32\)"),
    ],
)
def test_pictures_that_cannot_calibrate_are_refused(
    resnet: VisionCheckpoint, tmp_path: Path, pixels: Pixels, found: str
) -> None:
    with pytest.raises(InputError, match=rf"calibration is {found}; the network takes uint8 \(N, 32, 32, 3\)"):
        export(resnet, tmp_path, pixels)
    assert list(tmp_path.iterdir()) == []
