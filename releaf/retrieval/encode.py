"""Texts to unit vectors, in torch (R1). Which texts are encoded, and what for, is decided elsewhere.

`onnx_encoder` computes the same vectors without torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from releaf.errors import InputError, ModelSourceError
from releaf.progress import Progress, silent
from releaf.retrieval.model_source import folder_revision, resolve
from releaf.retrieval.passages import normalize
from releaf.training.device import Hardware

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Matrix = NDArray[np.float32]


class TextEncoder(Protocol):
    """Whatever turns texts into unit vectors; vectors of two encoders mix only if their `revision` agrees."""

    @property
    def revision(self) -> str:
        """What decides the vectors: hash of the model with its prefixes, precision and the tokens read of a text."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        """Unit vectors, float32 (N, dimension), one row a text."""


class Encoder:
    """A sentence-transformers model that returns L2-normalized float32 vectors."""

    def __init__(self, model: SentenceTransformer, revision: str, *, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self.revision = revision
        self.dimension = int(model.get_embedding_dimension() or 0)

    @classmethod
    def open(cls, source: str, *, hardware: Hardware, batch_size: int, max_tokens: int = 256) -> Encoder:
        """Load the encoder that `source` names: `path:<folder>`, `package:<name>` or `hub:<id>`.

        `revision` is the hash of the folder's weights and configuration (prefixes are part of it), with the tokens read
        and the precision where that is not fp32. `batch_size` is the most texts at once; where fewer fit in what is
        free, that many are, and the vectors are the same. Raises `ModelSourceError` for a source that cannot be opened,
        `InputError` for a batch size below 1 or more tokens than the model has positions for, and `HardwareError` when
        not even one text fits.
        """
        if batch_size < 1 or max_tokens < 1:
            raise InputError(f"batch_size and max_tokens must be at least 1, not {batch_size} and {max_tokens}")
        from releaf.training.packed import pack_linear

        folder = resolve(source)
        model = load_sentence_transformer(folder, hardware)
        positions = _positions(model)
        if positions is not None and max_tokens > positions:
            raise InputError(
                f"max_tokens {max_tokens} is more than the {positions} positions of {source}; set {positions} or less"
            )
        model.max_seq_length = max_tokens
        weights, activations = _bytes(model, max_tokens)
        batch_size = hardware.batch_size(weights, activations, limit=batch_size)
        pack_linear(model)
        precision = "" if hardware.precision == "fp32" else f"+{hardware.precision}"
        return cls(model, f"{folder_revision(folder)}@{max_tokens}{precision}", batch_size=batch_size)

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        """Unit vectors, float32 (N, D), in the order of `texts`, which are normalized first.

        Texts are batched by their tokens, so that little is spent on padding. `queries` applies the prompt for queries
        that some models declare (others treat queries and documents alike).
        """
        clean = [normalize(text) for text in texts]
        # Longest first: what does not fit in memory fails at once.
        lengths = self._lengths(clean)
        order = sorted(range(len(clean)), key=lambda row: (-lengths[row], row))
        matrix = np.zeros((len(clean), self.dimension), dtype=np.float32)
        step = self._model.encode_query if queries else self._model.encode_document
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            batch = step([clean[row] for row in rows], batch_size=len(rows), show_progress_bar=False)
            matrix[rows] = np.asarray(batch, dtype=np.float32)
            progress(start + len(rows), len(order), "texts encoded")
        return unit_rows(matrix)

    def _lengths(self, texts: list[str]) -> list[int]:
        """Tokens that the model reads of each text; characters for one that masks none."""
        mask = self._model.preprocess(texts).get("attention_mask") if texts else None
        return [len(text) for text in texts] if mask is None else mask.sum(dim=1).tolist()


def unit_rows(matrix: Matrix) -> Matrix:
    """Each row divided by its L2 norm; a row of zeros stays as it is."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(norms > 0, norms, 1)).astype(np.float32)


def load_sentence_transformer(folder: Path, hardware: Hardware, *, attention: str | None = None) -> SentenceTransformer:
    """The model of a folder, in the precision of the hardware; `attention` names transformers' implementation of it.

    Raises `ModelSourceError` for a folder without safetensors weights or one that is no such model.
    """
    if not any(folder.glob("*.safetensors")):
        raise ModelSourceError(
            f"{folder} has no .safetensors weights; pickled weights are not read, convert them first"
        )
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    chosen = {"attn_implementation": attention} if attention else {}
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[hardware.precision]
    try:
        with no_progress_bar():
            return SentenceTransformer(
                str(folder),
                device=hardware.device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": dtype, "use_safetensors": True, **chosen},
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelSourceError(f"{folder} cannot be loaded as a sentence encoder: {error}") from error


def _positions(model: SentenceTransformer) -> int | None:
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    positions = getattr(config, "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None


def _bytes(model: SentenceTransformer, tokens: int) -> tuple[int, int]:
    """Of the weights, and at most of one text's activations: twelve vectors a token, every layer's kept."""
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    layers, width = getattr(config, "num_hidden_layers", 1), getattr(config, "hidden_size", 1)
    return weights, layers * width * 4 * 12 * tokens


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Keep the library's own bar for loading weights off the terminal: progress is the caller's to show."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
