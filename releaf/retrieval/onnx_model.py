"""A transformer as an ONNX file: exported from torch, its weights in int8 where asked, and run without torch.

One text (or pair) a call and no padding: on a CPU that is faster than any batch, and what a text gives cannot depend on
its neighbours, which dynamic quantization over a padded batch would bring about. What the numbers mean is the caller's.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from releaf.artifacts import storage_errors
from releaf.errors import ArtifactError, InputError
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from torch import nn

Precision = Literal["fp32", "int8"]
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
_OPSET = 18
_SHOWN = 16  # tokens of the example that is traced; the length stays free


def export(
    module: nn.Module, config: Any, directory: Path, precision: Precision, longest: int, *, exact: Path | None = None
) -> Path:
    """Write `module` as `model.onnx` into a directory and return the file.

    The module takes token ids and token types, int64 (1, T), and gives float32 (1, D). `config` is its transformers
    configuration, by which operators are fused where ONNX Runtime knows how (the BERT family). int8 holds the weights
    of matrix products per output channel and quantizes what they meet as it comes; the fp32 model that it was made from
    is then left at `exact`, a file on the same disk, where one is named. `longest` is the largest T. Raises
    `StorageError` when the files do not fit.
    """
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as name, storage_errors(directory), _quiet():
        fused = _fuse(_trace(module, Path(name) / "traced.onnx", longest), config)
        target = directory / MODEL_FILE
        if precision == "int8":
            _quantize(fused, target)
            if exact is not None:
                fused.replace(exact)
        else:
            fused.replace(target)
    return target


def _trace(module: nn.Module, file: Path, longest: int) -> Path:
    import torch

    example = torch.ones((1, _SHOWN), dtype=torch.int64)
    length = {1: torch.export.Dim("T", min=2, max=longest)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # notes of the exporter about its own internals
        program = torch.onnx.export(
            module.eval(),
            (example, torch.zeros_like(example)),
            dynamo=True,
            verbose=False,
            dynamic_shapes=(length, length),
            input_names=["input_ids", "token_type_ids"],
            output_names=["output"],
            opset_version=_OPSET,
        )
    assert program is not None
    program.save(str(file))
    return file


def _fuse(file: Path, config: Any) -> Path:
    """Layer norms with their sums and GELUs with their biases, as single operators."""
    if getattr(config, "model_type", "") != "bert":
        return file
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    model = optimizer.optimize_model(
        str(file),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=FusionOptions("bert"),
    )
    fused = file.with_name("fused.onnx")
    model.save_model_to_file(str(fused))
    return fused


def _quantize(file: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(file))
    # Shapes that the exporter noted before weights were transposed contradict those that are inferred here.
    del model.graph.value_info[:]
    quantize_dynamic(
        model,
        str(target),
        per_channel=True,
        weight_type=QuantType.QInt8,
        # Fused operators are not in the standard, so the type of what they give has to be said.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the libraries tell the root logger to themselves, and the handler that their telling would leave on it.

    They recommend a step that fusing has already done; a handler would show other libraries' debugging ever after.
    """
    logger = logging.getLogger()
    level, handlers = logger.level, logger.handlers[:]
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.handlers[:] = handlers


class OnnxModel:
    """An exported transformer with its tokenizer, opened for reading; threads may share one."""

    def __init__(self, session: InferenceSession, tokenizer: Any, threads: int) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._threads = threads

    @classmethod
    def open(cls, directory: Path, *, max_tokens: int, threads: int) -> OnnxModel:
        """Open what `export` wrote, beside its `tokenizer.json`.

        Longer inputs are cut at `max_tokens`, special tokens included; of a pair the longer text is cut first. Raises
        `ArtifactError` for a missing or damaged file and `InputError` for fewer than 8 tokens.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        if max_tokens < 8:
            raise InputError(f"max_tokens must be at least 8, not {max_tokens}")
        options = onnxruntime.SessionOptions()
        # Texts run side by side, one thread each: to split so small a product between threads costs more than it saves.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(directory / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
        except Exception as error:  # both libraries raise this bare type, or their own, for whatever is wrong
            raise ArtifactError(f"{directory} does not hold an exported model: {error}; export it again") from error
        tokenizer.enable_truncation(max_tokens)
        tokenizer.no_padding()
        return cls(session, tokenizer, max(1, threads))

    @property
    def dimension(self) -> int:
        """D of an output (1, D)."""
        return int(self._session.get_outputs()[0].shape[-1])

    def run(
        self, inputs: Sequence[str] | Sequence[tuple[str, str]], progress: Progress = silent, note: str = "texts"
    ) -> NDArray[np.float32]:
        """Outputs, float32 (N, D), of texts or pairs of texts, in their order."""
        encodings = self._tokenizer.encode_batch(list(inputs))
        outputs = np.zeros((len(encodings), self.dimension), dtype=np.float32)
        # Longest first, so that no thread is left alone with a long text at the end.
        order = sorted(range(len(encodings)), key=lambda row: (-len(encodings[row].ids), row))
        if self._threads == 1 or len(order) == 1:
            for place, row in enumerate(order):
                outputs[row] = self._one(encodings[row])
                progress(place + 1, len(order), note)
            return outputs
        with ThreadPoolExecutor(self._threads) as pool:
            for place, (row, output) in enumerate(
                zip(order, pool.map(lambda row: self._one(encodings[row]), order), strict=True)
            ):
                outputs[row] = output
                progress(place + 1, len(order), note)
        return outputs

    def _one(self, encoding: Any) -> NDArray[np.float32]:
        feed = {
            "input_ids": np.asarray([encoding.ids], dtype=np.int64),
            "token_type_ids": np.asarray([encoding.type_ids], dtype=np.int64),
        }
        output: NDArray[np.float32] = self._session.run(None, feed)[0][0]
        return output
