"""The trained network as ONNX files: whole, and with int8 weights and activations, each measured against torch.

A file takes pixels as they come from `preprocessing.preprocess`, (N, size, size, 3) uint8, and normalizes them itself;
it gives what `network.Outputs` holds. Running it is in `onnx_network`.
"""

from __future__ import annotations

import copy
import logging
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import softmax

from releaf.artifacts import storage_errors
from releaf.errors import InputError
from releaf.training.device import Hardware
from releaf.vision.data import Pixels
from releaf.vision.network import Outputs
from releaf.vision.onnx_network import ALONE, INPUT, OUTPUTS, OnnxNetwork
from releaf.vision.preprocessing import normalize

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn

    from releaf.vision.checkpoint import VisionCheckpoint
    from releaf.vision.model import VisionModel

Quantization = Literal["static", "dynamic"]
NETWORK_FILE = "network.onnx"
INT8_FILE = "network-int8.onnx"
CALIBRATION_LIMIT = 256
_OPSET = 20  # the first with GELU as an operator of its own; later ones add nothing that these networks use
_CALIBRATION_BATCH = 16


@dataclass(frozen=True)
class Parity:
    """How far one form of a network is from another on the same pictures.

    logits, probabilities: the largest absolute difference over all heads, probabilities before calibration.
    changed: by head, the share of pictures whose best class is another.
    """

    logits: float
    probabilities: float
    changed: Mapping[str, float]


@dataclass(frozen=True)
class Exported:
    """The two files, and the parity of each with torch on the calibration pictures; `quantization` says how int8."""

    network: Path
    int8: Path
    parity: Parity
    int8_parity: Parity
    quantization: Quantization


def export(checkpoint: VisionCheckpoint, directory: Path, calibration: Pixels) -> Exported:
    """Write `network.onnx` (float32) and `network-int8.onnx` into a directory.

    `calibration` are pictures (N, size, size, 3) uint8 like those to be served, N at least 1; of more than 256 as many,
    evenly spread, are used. Equal checkpoints and pictures give equal bytes on one machine. The checkpoint's model is
    left as it is. Raises InputError for other pictures and StorageError when the files do not fit.
    """
    from releaf.vision.prediction import TorchNetwork

    size = checkpoint.settings.image_size
    if calibration.dtype != np.uint8 or calibration.shape[1:] != (size, size, 3) or len(calibration) < 1:
        raise InputError(
            f"calibration is {calibration.dtype} of shape {calibration.shape}; the network takes uint8 "
            f"(N, {size}, {size}, 3), N at least 1"
        )
    pixels = _at_most(calibration, CALIBRATION_LIMIT)
    model = copy.deepcopy(checkpoint.model).cpu().eval()
    reference = TorchNetwork(model, Hardware("cpu", "fp32", memory_bytes=0, threads=1))(pixels)
    plain, quantized = directory / NETWORK_FILE, directory / INT8_FILE
    with storage_errors(directory), _quiet():
        directory.mkdir(parents=True, exist_ok=True)
        traced = _traced(model, size)
        quantization = _quantization(traced)
        _save(traced, plain)
        _quantize(plain, quantized, pixels, quantization)
    return Exported(
        plain,
        quantized,
        parity(OnnxNetwork(plain)(pixels), reference),
        parity(OnnxNetwork(quantized)(pixels), reference),
        quantization,
    )


def parity(found: Outputs, reference: Outputs) -> Parity:
    """Compare what two forms of a network say of the same pictures."""
    pairs = {head: (found.logits[head], logits) for head, logits in reference.logits.items()}
    return Parity(
        max(float(np.abs(own - other).max()) for own, other in pairs.values()),
        max(float(np.abs(softmax(own, axis=1) - softmax(other, axis=1)).max()) for own, other in pairs.values()),
        {head: float((own.argmax(axis=1) != other.argmax(axis=1)).mean()) for head, (own, other) in pairs.items()},
    )


def _at_most(pixels: Pixels, limit: int) -> Pixels:
    rows = np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), limit)).round().astype(np.int64))
    return np.ascontiguousarray(pixels[rows])


def _servable(model: VisionModel, size: int) -> nn.Module:
    """The model from uint8 pixels to the outputs in order, normalization included."""
    import torch

    # `normalize` is the same affine map in every place of a channel, so its value at 0 and at 255 is all of it. Written
    # out along whole rows of interleaved colours it takes a tenth of the time that a map over three colours takes.
    ends = normalize(torch.tensor([0.0, 255.0])[:, None, None, None].expand(2, 3, 1, 1)).reshape(2, 3)

    class Servable(torch.nn.Module):
        scale: torch.Tensor  # (W·3,)
        shift: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.model = model.to(memory_format=torch.contiguous_format)
            self.register_buffer("scale", ((ends[1] - ends[0]) / 255).repeat(size))
            self.register_buffer("shift", ends[0].repeat(size))

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
            rows = pixels.flatten(2).float() * self.scale + self.shift  # (N, H, W·3)
            # Channels first in memory as well: strides would be traced into an index of every pooled value.
            planes = rows.reshape(-1, size, size, 3).permute(0, 3, 1, 2).contiguous()
            features = self.model.features(planes)
            return (*(self.model.heads[head](features) for head in OUTPUTS[:-1]), features)

    return Servable().eval()


def _traced(model: VisionModel, size: int) -> ModelProto:
    import torch

    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes of the exporter about its own internals
        program = torch.onnx.export(
            _servable(model, size),
            (example,),
            dynamo=True,
            verbose=False,
            dynamic_shapes=({0: torch.export.Dim("N")},),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            opset_version=_OPSET,
        )
    assert program is not None
    return _anonymous(program.model_proto)


def _anonymous(model: ModelProto) -> ModelProto:
    """Without notes on where each line of source stood, and without shapes that only the exporter needed."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def _quantization(model: ModelProto) -> Quantization:
    """Static where convolutions hold most of the weights, dynamic where matrix products do, as in transformers.

    Static activations take their range once, from the calibration pictures; convolutions with folded batch norms bear
    that and run fastest. What layer norms give has outliers that differ from picture to picture, so the products behind
    them take the range of each picture as it comes.
    """
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer}
    held = dict.fromkeys(("Conv", "MatMul"), 0)
    for node in model.graph.node:
        if node.op_type in held:
            held[node.op_type] += sum(sizes.get(name, 0) for name in node.input)
    return "static" if held["Conv"] >= held["MatMul"] else "dynamic"


def _quantize(file: Path, target: Path, pixels: Pixels, quantization: Quantization) -> None:
    """Weights are signed, by output channel; normalization, pooled features and heads stay in float."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

    class Pictures(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._starts = iter(range(0, len(pixels), _CALIBRATION_BATCH))

        def get_next(self) -> dict[str, Pixels] | None:
            start = next(self._starts, None)
            return None if start is None else {INPUT: pixels[start : start + _CALIBRATION_BATCH]}

    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as name:
        raw = Path(name) / target.name
        if quantization == "static":
            # Unsigned activations are what VNNI multiplies with signed weights: signed ones took twice as long.
            kinds = {"weight_type": QuantType.QInt8, "activation_type": QuantType.QUInt8}
            quantize_static(file, raw, Pictures(), op_types_to_quantize=["Conv", "Relu"], per_channel=True, **kinds)
        else:
            products = ["MatMul"]
            quantize_dynamic(file, raw, op_types_to_quantize=products, per_channel=True, weight_type=QuantType.QInt8)
        model = _anonymous(onnx.load(str(raw)))
    if quantization == "dynamic":
        # One range for a whole batch would let a picture change what its neighbours give.
        onnx.helper.set_model_props(model, {ALONE: "1"})
    _save(model, target)


def _save(model: ModelProto, file: Path) -> None:
    file.write_bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep notes of the libraries quiet, and off the root logger the handler that such a note would leave there.

    They tell of optional packages, and recommend a step that the exporter has already done.
    """
    logger = logging.getLogger()
    handlers, disabled = logger.handlers[:], logger.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        logger.handlers[:] = handlers
