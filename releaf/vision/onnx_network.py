"""The exported network run by ONNX Runtime on a CPU, without torch. How it is exported is in `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from releaf.errors import ArtifactError, InputError
from releaf.vision.data import Pixels
from releaf.vision.network import Outputs
from releaf.vision.settings import HEADS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUT = "pixels"
FEATURES = "features"
OUTPUTS = (*HEADS, FEATURES)
ALONE = "releaf.one_picture_a_call"  # note in a file whose outputs would depend on what else is in the batch
BATCH_SIZE = 64


class OnnxNetwork:
    """An exported network, opened once; threads may share it.

    `image_size` is the side of its pictures in pixels.
    """

    def __init__(self, file: Path, threads: int | None = None) -> None:
        """Open what `export` wrote; raises ArtifactError for a file that is missing, damaged or of another make.

        `threads` share the work on one batch; None means one, which leaves other cores to other requests: one picture
        is too little to share.
        """
        if threads is not None and threads < 1:
            raise InputError(f"threads must be at least 1, not {threads}")
        self._session = _open(file, threads or 1)
        self.image_size = _image_size(self._session, file)
        notes = self._session.get_modelmeta().custom_metadata_map
        self._batch_size = 1 if ALONE in notes else BATCH_SIZE

    def __call__(self, pixels: Pixels) -> Outputs:
        """Return the outputs for (N, size, size, 3) uint8 RGB pixels, N at least 1, at most 64 at a time.

        Raises InputError for pixels of another shape or type.
        """
        size = self.image_size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (size, size, 3) or len(pixels) < 1:
            raise InputError(
                f"pixels are {pixels.dtype} of shape {pixels.shape}; the network takes uint8 (N, {size}, {size}, 3), "
                "N at least 1: see preprocessing.preprocess"
            )
        parts = [
            self._session.run(OUTPUTS, {INPUT: np.ascontiguousarray(pixels[start : start + self._batch_size])})
            for start in range(0, len(pixels), self._batch_size)
        ]
        *logits, features = (np.concatenate(values) for values in zip(*parts, strict=True))
        return Outputs(dict(zip(HEADS, logits, strict=True)), features)


def _open(file: Path, threads: int) -> InferenceSession:
    import onnxruntime

    if not file.is_file():
        raise ArtifactError(f"{file} is missing; export the network again")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised
    # Threads that spin while they wait nearly double the CPU time of a picture, and lose where cores are shared.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own types, or this bare one, for whatever is wrong
        reason = str(error).strip().splitlines()[0]
        raise ArtifactError(f"{file} is no network that can be run ({reason}); export it again") from error


def _image_size(session: InferenceSession, file: Path) -> int:
    """The side of the input, after the input and outputs were found to be as `export` writes them."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    wanted = f"input {INPUT} uint8 (N, size, size, 3), outputs {', '.join(OUTPUTS)} float32 (N, width)"
    right = (
        [value.name for value in inputs] == [INPUT]
        and inputs[0].type == "tensor(uint8)"
        and len(inputs[0].shape) == 4
        and not isinstance(inputs[0].shape[0], int)
        and isinstance(inputs[0].shape[1], int)
        and inputs[0].shape[1:] == [inputs[0].shape[1], inputs[0].shape[1], 3]
        and {value.name for value in outputs} == set(OUTPUTS)
        and all(value.type == "tensor(float)" and len(value.shape) == 2 for value in outputs)
    )
    if not right:
        found = f"{_described(inputs)} to {_described(outputs)}"
        raise ArtifactError(f"{file} is another network ({found}), expected {wanted}; export it again")
    return int(inputs[0].shape[1])


def _described(values: list[Any]) -> str:
    return ", ".join(f"{value.name} {value.type} {value.shape}" for value in values)
