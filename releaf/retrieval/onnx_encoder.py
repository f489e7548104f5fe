"""The sentence encoder in ONNX Runtime: the vectors of `encode`, several times faster on a CPU and without torch (R1).

An exported encoder is a folder: `model.onnx`, `tokenizer.json` and `encoder.json`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError, InputError, ModelSourceError
from releaf.progress import Progress, silent
from releaf.retrieval.encode import Matrix, TextEncoder, load_sentence_transformer, unit_rows
from releaf.retrieval.model_source import folder_revision, resolve
from releaf.retrieval.onnx_model import TOKENIZER_FILE, OnnxModel, Precision, export
from releaf.retrieval.passages import normalize
from releaf.training.device import Hardware

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn

FORMAT = 1
_DESCRIPTION = "encoder.json"
_PROBED = "probes.npy"
# Long, short, upper case, figures and other scripts: what an export may get wrong. Written for this project.
PROBES: tuple[str, ...] = (
    "Where do empty aerosol cans go?",
    "Rinse the jar, take off the lid and leave the label on.",
    "PET",
    "HDPE bottles carry the number 2; polypropylene tubs carry the number 5.",
    "A swollen phone battery must not be charged, pierced or thrown in a bin.",
    "Wohin mit alten Batterien?",
    "古い電池はどこに捨てますか",
    "CO2 cartridges, 16 g, steel, 60 bar",
    "Greasy cardboard spoils a bale because oil and water do not part in the pulper. " * 4,
    "Coffee grounds are rich in nitrogen: mix them with twice their volume of dry leaves, turn the heap every week and "
    "keep it as damp as a wrung-out sponge until nothing of what went in can be recognised any more. " * 6,
)


def export_encoder(source: str, directory: Path, *, precision: Precision, max_tokens: int) -> Path:
    """Write the encoder that `source` names into an empty directory; returns the model's file.

    What torch gives for `PROBES` in fp32 is kept beside it, see `parity`. Raises `ModelSourceError` for a source that
    cannot be opened or whose pooling is neither the mean nor the first token, and `InputError` for more tokens than the
    model has positions for.
    """
    folder = resolve(source)
    hardware = Hardware("cpu", "fp32", memory_bytes=0, threads=1)
    model = load_sentence_transformer(folder, hardware, attention="eager")
    transformer: Any = model[0].auto_model
    pooling = _pooling(model, source)
    positions = int(getattr(transformer.config, "max_position_embeddings", max_tokens))
    if not 8 <= max_tokens <= positions:
        raise InputError(f"max_tokens {max_tokens} is not from 8 to the {positions} positions of {source}")
    if not (folder / TOKENIZER_FILE).is_file():
        raise ModelSourceError(f"{source} carries no {TOKENIZER_FILE}; run it with runtime torch")
    directory.mkdir(parents=True, exist_ok=True)
    file = export(_pooled(transformer, pooling), transformer.config, directory, precision, positions)
    shutil.copy2(folder / TOKENIZER_FILE, directory / TOKENIZER_FILE)
    prompts = dict(model.prompts)
    description: dict[str, Any] = {
        "format": FORMAT,
        "source": source,
        "revision": f"{folder_revision(folder)}@{max_tokens}+onnx-{precision}",
        "max_tokens": max_tokens,
        "query_prefix": prompts.get("query", ""),
        "document_prefix": prompts.get("document", ""),
    }
    write_json(directory / _DESCRIPTION, description)
    model.max_seq_length = max_tokens
    reference = unit_rows(np.asarray(model.encode_document([normalize(text) for text in PROBES]), dtype=np.float32))
    with storage_errors(directory):
        np.save(directory / _PROBED, reference, allow_pickle=False)
    return file


def parity(directory: Path, encoder: TextEncoder) -> float:
    """The largest 1 − cosine between an encoder's vectors of `PROBES` and those of torch in fp32 at the export."""
    reference: Matrix = np.load(directory / _PROBED, allow_pickle=False)
    return max(0.0, float((1 - (reference * encoder.encode(PROBES)).sum(axis=1)).max()))


def _pooling(model: SentenceTransformer, source: str) -> str:
    pooling: Any = next((module for module in model if type(module).__name__ == "Pooling"), None)
    kinds = [type(module).__name__ for module in model]
    if set(kinds) - {"Transformer", "Pooling", "Normalize"}:
        raise ModelSourceError(
            f"{source} is made of {', '.join(kinds)}; only a transformer and its pooling are exported, "
            "run it with runtime torch"
        )
    mode = str(pooling.get_config_dict().get("pooling_mode")) if pooling is not None else "none"
    if mode not in ("mean", "cls"):
        raise ModelSourceError(f"{source} pools by {mode!r}; only mean and cls are exported, run it with runtime torch")
    return mode


def _pooled(transformer: Any, pooling: str) -> nn.Module:
    """The transformer with its pooling, on one text without padding."""
    import torch

    run: Any = transformer

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer  # so that its weights belong to this module

        def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
            hidden = run(input_ids=input_ids, token_type_ids=token_type_ids).last_hidden_state  # (1, T, D)
            pooled: torch.Tensor = hidden.mean(dim=1) if pooling == "mean" else hidden[:, 0]
            return pooled

    return Pooled()


class OnnxEncoder:
    """An exported sentence encoder that returns L2-normalized float32 vectors."""

    def __init__(self, model: OnnxModel, revision: str, *, query_prefix: str = "", document_prefix: str = "") -> None:
        self._model = model
        self._query_prefix = query_prefix
        self._document_prefix = document_prefix
        self.revision = revision
        self.dimension = model.dimension

    @classmethod
    def open(cls, directory: Path, *, threads: int) -> OnnxEncoder:
        """Open what `export_encoder` wrote. Raises `ArtifactError` for missing or damaged files."""
        description = read_json(directory / _DESCRIPTION)
        try:
            if description["format"] != FORMAT:
                raise ValueError(description["format"])
            max_tokens = int(description["max_tokens"])
            revision, *prefixes = (str(description[name]) for name in ("revision", "query_prefix", "document_prefix"))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"{directory / _DESCRIPTION} is no encoder of format {FORMAT} ({error}); export it again"
            ) from error
        model = OnnxModel.open(directory, max_tokens=max_tokens, threads=threads)
        return cls(model, revision, query_prefix=prefixes[0], document_prefix=prefixes[1])

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        """Unit vectors, float32 (N, D), in the order of `texts`, which are normalized first.

        `queries` puts the model's prefix for queries before each text, otherwise the one for documents. A vector does
        not depend on the other texts.
        """
        prefix = self._query_prefix if queries else self._document_prefix
        return unit_rows(self._model.run([prefix + normalize(text) for text in texts], progress, "texts encoded"))
