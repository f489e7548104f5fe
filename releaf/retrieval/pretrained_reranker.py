"""A cross-encoder that others trained, exported as it is (R4, full profile). Our own is trained in `reranker`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.artifacts import content_hash, write_json
from releaf.errors import ModelSourceError
from releaf.retrieval.encode import no_progress_bar
from releaf.retrieval.model_source import folder_revision, resolve
from releaf.retrieval.onnx_model import TOKENIZER_FILE, Precision, export
from releaf.retrieval.rerank import DESCRIPTION, FORMAT

if TYPE_CHECKING:
    from torch import Tensor, nn


def export_reranker(source: str, directory: Path, *, precision: Precision, max_tokens: int) -> int:
    """Write the cross-encoder that `source` names into a directory that `Reranker.open` reads; returns its parameters.

    Raises `ModelSourceError` for a source that cannot be opened, that carries no `tokenizer.json`, or that gives more
    than one score a pair.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForSequenceClassification

    folder = resolve(source)
    if not (folder / TOKENIZER_FILE).is_file():
        raise ModelSourceError(f"{source} carries no {TOKENIZER_FILE}; save its tokenizer in the fast form beside it")
    try:
        with no_progress_bar():
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, attn_implementation="eager"
            )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelSourceError(f"{source} cannot be loaded as a cross-encoder: {error}") from error
    if model.config.num_labels != 1:
        raise ModelSourceError(f"{source} gives {model.config.num_labels} scores a pair; a reranker gives one")
    directory.mkdir(parents=True, exist_ok=True)
    export(_scored(model), model.config, directory, precision, int(model.config.max_position_embeddings))
    shutil.copy2(folder / TOKENIZER_FILE, directory / TOKENIZER_FILE)
    revision = content_hash([folder_revision(folder), precision, max_tokens])
    write_json(
        directory / DESCRIPTION, {"format": FORMAT, "revision": revision, "max_tokens": max_tokens, "source": source}
    )
    return sum(parameter.numel() for parameter in model.parameters())


def _scored(model: Any) -> nn.Module:
    import torch

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
            logits: Tensor = run(input_ids=input_ids, token_type_ids=token_type_ids).logits  # (1, 1)
            return logits

    run: Any = model
    return Scored()
