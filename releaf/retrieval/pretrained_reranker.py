"""A cross-encoder that others trained, exported as it is (R4, full profile). Our own is trained in `reranker`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.errors import ModelSourceError
from releaf.retrieval.encode import no_progress_bar
from releaf.retrieval.model_source import folder_revision, resolve
from releaf.retrieval.onnx_model import TOKENIZER_FILE, Precision
from releaf.retrieval.reranker_export import Exported, Int8Trial, export_cross_encoder

if TYPE_CHECKING:
    from torch import Tensor, nn


def export_reranker(
    source: str, directory: Path, *, precision: Precision, max_tokens: int, trial: Int8Trial | None = None
) -> tuple[int, Exported]:
    """Write the cross-encoder that `source` names into a directory that `Reranker.open` reads.

    Returns the number of its parameters, and in which precision it was written: where int8 is asked for, `trial`
    decides whether it is taken; None takes it. Raises `ModelSourceError` for a source that cannot be opened, that
    carries no `tokenizer.json`, or that gives more than one score a pair.
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
    exported = export_cross_encoder(
        _scored(model),
        model.config,
        folder,
        directory,
        precision,
        max_tokens=max_tokens,
        source=source,
        identity=[folder_revision(folder), max_tokens],
        trial=trial or Int8Trial(),
    )
    return sum(parameter.numel() for parameter in model.parameters()), exported


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
