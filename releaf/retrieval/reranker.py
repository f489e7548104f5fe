"""Training of the cross-encoder: groups of one passage that answers and several that were found and do not (R4).

The loss is the cross-entropy of the right passage within its group, with negatives mined from what search itself puts
first (localized contrastive estimation, Gao, Dai and Callan 2021). The model starts from the sentence encoder.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from releaf.errors import DataError
from releaf.progress import Progress, silent
from releaf.retrieval.encode import load_sentence_transformer
from releaf.retrieval.model_source import folder_revision, resolve
from releaf.retrieval.onnx_model import TOKENIZER_FILE
from releaf.retrieval.rerank import pair
from releaf.retrieval.reranker_export import Exported, Int8Trial, export_cross_encoder
from releaf.retrieval.settings import RerankerSettings
from releaf.training.device import Hardware

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from releaf.training.loop import History

MONITOR = "reciprocal_rank"
_SCORED = 16  # pairs at once in validation


@dataclass(frozen=True)
class Group:
    """A query, the passages that answer it, and passages that search confuses with them."""

    query: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]


@dataclass(frozen=True)
class TrainedReranker:
    """What `train_reranker` wrote: curves by epoch, sizes, and in which precision."""

    history: History
    groups: int
    parameters: int
    exported: Exported


def train_reranker(
    groups: Sequence[Group],
    held_out: Sequence[Group],
    source: str,
    directory: Path,
    settings: RerankerSettings,
    hardware: Hardware,
    *,
    trial: Int8Trial | None = None,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> TrainedReranker:
    """Train a cross-encoder on groups and write it, as ONNX, into a directory that `Reranker.open` reads.

    The epoch with the best mean reciprocal rank of the right passage in the `held_out` groups is kept. Where the
    settings ask for int8, `trial` decides whether it is taken; None takes it. Raises `DataError` where a group lacks a
    positive or a negative, or there are none.
    """
    from releaf.training.loop import Optimization, fit, seed_everything

    for name, part in (("training", groups), ("held-out", held_out)):
        poor = [group.query for group in part if not group.positives or not group.negatives]
        if not part or poor:
            reason = f"{poor[0]!r} lacks a passage that answers or one that does not" if poor else "there are none"
            raise DataError(f"a reranker cannot be trained on the {name} groups: {reason}")
    folder = resolve(source)
    seed_everything(settings.seed)
    model = _cross_encoder(folder, settings.layers)
    task = _Task(groups, held_out, folder, settings)
    plan = Optimization(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=0.01,
        warmup_epochs=0.2,
        seed=settings.seed,
    )
    precise = hardware.for_training(settings.native_bf16)
    history = fit(model, task, plan, precise, state_dir=state_dir, progress=progress)
    model.cpu().float()
    model.transformer.set_attn_implementation("eager")  # what the exporter and the fusing know
    trained_on = [[asdict(group) for group in part] for part in (groups, held_out)]
    exported = export_cross_encoder(
        _exported(model),
        model.transformer.config,
        folder,
        directory,
        settings.precision,
        max_tokens=settings.max_tokens,
        source=source,
        identity=[folder_revision(folder), asdict(settings), trained_on],
        trial=trial or Int8Trial(),
    )
    return TrainedReranker(history, len(groups), sum(p.numel() for p in model.parameters()), exported)


def _cross_encoder(folder: Path, layers: int) -> Any:
    """The encoder's first layers with one score on top of the mean of their states."""
    import torch

    encoder = load_sentence_transformer(folder, Hardware("cpu", "fp32", memory_bytes=0, threads=1))
    transformer: Any = encoder[0].auto_model
    stack = getattr(transformer, "encoder", None)
    if stack is not None and hasattr(stack, "layer"):
        stack.layer = stack.layer[:layers]
        transformer.config.num_hidden_layers = len(stack.layer)

    class CrossEncoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer
            self.score = torch.nn.Linear(transformer.config.hidden_size, 1)

        def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
            states = self.transformer(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state  # (B, T, D)
            mask = attention_mask[..., None].to(states.dtype)
            scores: Tensor = self.score((states * mask).sum(1) / mask.sum(1))  # (B, 1)
            return scores

    return CrossEncoder()


def _exported(model: Any) -> nn.Module:
    import torch

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
            scores: Tensor = self.model(input_ids, torch.ones_like(input_ids), token_type_ids)
            return scores

    return Scored()


class _Task:
    """Groups as the training loop wants them: a batch is a few groups of equal size."""

    monitor = MONITOR
    maximize = True

    def __init__(
        self,
        groups: Sequence[Group],
        held_out: Sequence[Group],
        folder: Path,
        settings: RerankerSettings,
    ) -> None:
        from tokenizers import Tokenizer

        self._groups = list(groups)
        self._held_out = list(held_out)
        self._settings = settings
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(settings.max_tokens)
        self._tokenizer.enable_padding()

    def steps_per_epoch(self) -> int:
        return -(-len(self._groups) // self._settings.groups_per_batch)

    def batches(self, epoch: int) -> Iterable[list[list[tuple[str, str]]]]:
        draw = random.Random(self._settings.seed * 1_000_003 + epoch)
        order = draw.sample(self._groups, len(self._groups))
        size = self._settings.groups_per_batch
        for start in range(0, len(order), size):
            yield [self._drawn(group, draw) for group in order[start : start + size]]

    def _drawn(self, group: Group, draw: random.Random) -> list[tuple[str, str]]:
        """The pairs of a group: the right one first, then its negatives, repeated where there are too few."""
        wanted = self._settings.negatives
        some = draw.sample(group.negatives, min(wanted, len(group.negatives)))
        some += [draw.choice(group.negatives) for _ in range(wanted - len(some))]
        return [(group.query, passage) for passage in (draw.choice(group.positives), *some)]

    def samples(self, batch: list[list[tuple[str, str]]]) -> int:
        return sum(len(group) for group in batch)

    def loss(self, model: nn.Module, batch: list[list[tuple[str, str]]]) -> Tensor:
        import torch

        scores = model(*self._tensors([pair for group in batch for pair in group], model)).float()
        logits = scores.view(len(batch), -1)  # (groups, 1 + negatives), the right passage first
        return torch.nn.functional.cross_entropy(
            logits, torch.zeros(len(batch), dtype=torch.long, device=logits.device)
        )

    def validate(self, model: nn.Module) -> dict[str, float]:
        ranks = []
        for group in self._held_out:
            passages = [group.positives[0], *group.negatives[: self._settings.negatives * 2]]
            pairs = [(group.query, passage) for passage in passages]
            scores = np.concatenate(
                [
                    model(*self._tensors(pairs[start : start + _SCORED], model)).float().cpu().numpy()[:, 0]
                    for start in range(0, len(pairs), _SCORED)
                ]
            )
            ranks.append(1 + int((scores[1:] >= scores[0]).sum()))
        return {self.monitor: float(np.mean([1 / rank for rank in ranks]))}

    def _tensors(self, pairs: Sequence[tuple[str, str]], model: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids, attention mask and token types, each int64 (B, T)."""
        import torch

        device = next(model.parameters()).device
        encodings = self._tokenizer.encode_batch([pair(query, text) for query, text in pairs])

        def tensor(name: str) -> torch.Tensor:
            return torch.tensor([getattr(encoding, name) for encoding in encodings], device=device)

        return tensor("ids"), tensor("attention_mask"), tensor("type_ids")
