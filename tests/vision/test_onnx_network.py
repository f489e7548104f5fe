from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from releaf.errors import ArtifactError, InputError
from releaf.vision.data import Pixels
from releaf.vision.onnx_network import ALONE, OnnxNetwork

SIZE = 4
CLASSES = {"item": 3, "material": 2, "bin": 4}


def graph(
    *,
    source: str = "pixels",
    kind: int = TensorProto.UINT8,
    shape: tuple[str | int, ...] = ("N", SIZE, SIZE, 3),
    outputs: tuple[str, ...] = ("item", "material", "bin", "features"),
) -> onnx.ModelProto:
    """A network whose features are the mean colour, and whose logits are c · the sum of it for class c."""
    nodes = [
        helper.make_node("Cast", [source], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "axes"], [outputs[-1]], keepdims=0),
    ]
    constants = [numpy_helper.from_array(np.array([1, 2], np.int64), "axes")]
    for name, classes in zip(outputs[:-1], CLASSES.values(), strict=False):
        weights = np.tile(np.arange(classes, dtype=np.float32), (3, 1))
        constants.append(numpy_helper.from_array(weights, f"{name}.weight"))
        nodes.append(helper.make_node("MatMul", [outputs[-1], f"{name}.weight"], [name]))
    widths = (*CLASSES.values(), 3) if len(outputs) == 4 else (3,)
    return helper.make_model(
        helper.make_graph(
            nodes,
            "small",
            [helper.make_tensor_value_info(source, kind, shape)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N", width))
                for name, width in zip(outputs, widths, strict=True)
            ],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )


def written(file: Path, model: onnx.ModelProto) -> Path:
    file.write_bytes(model.SerializeToString())
    return file


def pictures(count: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, size=(count, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "network.onnx", graph())


@pytest.mark.parametrize("count", [1, 2, 64, 65, 130])
def test_outputs_come_by_head_and_in_order_for_any_number_of_pictures(file: Path, count: int) -> None:
    pixels = pictures(count)
    logits, features = OnnxNetwork(file)(pixels)
    means = pixels.reshape(count, -1, 3).mean(axis=1)
    np.testing.assert_allclose(features, means, rtol=1e-5)
    assert list(logits) == ["item", "material", "bin"]
    for head, classes in CLASSES.items():
        assert logits[head].dtype == np.float32
        np.testing.assert_allclose(logits[head], means.sum(axis=1)[:, None] * np.arange(classes), rtol=1e-5)


def test_outputs_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    model = graph()
    turned = list(model.graph.output)[::-1]
    del model.graph.output[:]
    model.graph.output.extend(turned)
    outputs = OnnxNetwork(written(tmp_path / "turned.onnx", model))(pictures(2))
    assert {head: values.shape for head, values in outputs.logits.items()} == {
        head: (2, classes) for head, classes in CLASSES.items()
    }
    assert outputs.features.shape == (2, 3)


def test_it_knows_the_side_of_its_pictures(file: Path) -> None:
    assert OnnxNetwork(file).image_size == SIZE


def test_a_view_of_a_larger_array_is_read_as_it_looks(file: Path) -> None:
    wide = pictures(6)
    network = OnnxNetwork(file)
    np.testing.assert_array_equal(network(wide[::2, ::-1]).features, network(wide[::2, ::-1].copy()).features)


def test_a_file_that_asks_for_it_runs_one_picture_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = graph()
    helper.set_model_props(model, {ALONE: "1"})
    network = OnnxNetwork(written(tmp_path / "alone.onnx", model))
    session, sizes = network._session, []

    class Watched:
        def run(self, names: tuple[str, ...], feed: dict[str, Pixels]) -> list[np.ndarray]:
            sizes.append(len(feed["pixels"]))
            return session.run(names, feed)

    monkeypatch.setattr(network, "_session", Watched())
    features = network(pictures(3)).features
    assert sizes == [1, 1, 1]
    np.testing.assert_allclose(features, pictures(3).reshape(3, -1, 3).mean(axis=1), rtol=1e-5)


def test_threads_may_share_one_and_any_number_of_them_gives_the_same(file: Path) -> None:
    one, two = OnnxNetwork(file), OnnxNetwork(file, threads=2)
    expected = one(pictures(70)).features
    with ThreadPoolExecutor(4) as pool:
        for features in pool.map(lambda _: one(pictures(70)).features, range(8)):
            np.testing.assert_array_equal(features, expected)
    np.testing.assert_allclose(two(pictures(70)).features, expected, rtol=1e-6)


def test_opening_and_running_it_imports_no_torch(file: Path, project_root: Path) -> None:
    program = f"""
import sys
from pathlib import Path
import numpy as np
from releaf.vision.onnx_network import OnnxNetwork
outputs = OnnxNetwork(Path({str(file)!r}))(np.zeros((2, {SIZE}, {SIZE}, 3), np.uint8))
assert outputs.features.shape == (2, 3)
print(sorted(name for name in ("torch", "timm", "torchvision", "onnx", "onnxscript") if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.onnx is missing; export the network again"):
        OnnxNetwork(tmp_path / "gone.onnx")


@pytest.mark.parametrize("keep", [0, 1, 40, 0.5])
def test_a_damaged_file_is_named(file: Path, keep: float, capfd: pytest.CaptureFixture[str]) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(ArtifactError, match=r"network\.onnx is no network that can be run \(.+\); export it again"):
        OnnxNetwork(file)
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"source": "x"}, r"x tensor\(uint8\)"),
        ({"kind": TensorProto.FLOAT}, r"pixels tensor\(float\)"),
        ({"shape": (1, SIZE, SIZE, 3)}, r"\[1, 4, 4, 3\]"),
        ({"shape": ("N", 3, SIZE, SIZE)}, r"\['N', 3, 4, 4\]"),
        ({"shape": ("N", SIZE, SIZE + 1, 3)}, r"\['N', 4, 5, 3\]"),
        ({"shape": ("N", "H", "H", 3)}, r"\['N', 'H', 'H', 3\]"),
        ({"outputs": ("item", "material", "family", "features")}, r"family tensor\(float\)"),
        ({"outputs": ("features",)}, r"to features tensor\(float\)"),
    ],
)
def test_another_network_is_refused_with_what_it_has(tmp_path: Path, other: dict[str, object], found: str) -> None:
    file = written(tmp_path / "other.onnx", graph(**other))  # type: ignore[arg-type]
    with pytest.raises(
        ArtifactError, match=rf"other\.onnx is another network \(.*{found}.*expected input pixels uint8"
    ):
        OnnxNetwork(file)


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.zeros((1, SIZE, SIZE, 3), np.float32), r"float32 of shape \(1, 4, 4, 3\)"),
        (np.zeros((0, SIZE, SIZE, 3), np.uint8), r"uint8 of shape \(0, 4, 4, 3\)"),
        (np.zeros((SIZE, SIZE, 3), np.uint8), r"uint8 of shape \(4, 4, 3\)"),
        (np.zeros((1, SIZE, SIZE, 4), np.uint8), r"uint8 of shape \(1, 4, 4, 4\)"),
    ],
)
def test_pixels_of_another_shape_or_type_are_refused(file: Path, pixels: Pixels, found: str) -> None:
    with pytest.raises(InputError, match=rf"pixels are {found}; the network takes uint8 \(N, 4, 4, 3\)"):
        OnnxNetwork(file)(pixels)


def test_no_threads_are_refused(file: Path) -> None:
    with pytest.raises(InputError, match="threads must be at least 1, not 0"):
        OnnxNetwork(file, threads=0)
