"""The same mixture of experts trained with its load balanced and left to itself, beside nothing else that differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from releaf.language.decoder import parameter_count
from releaf.language.experts import Load, busiest_over_mean, expert_load
from releaf.language.pretraining import Pretrained, document_ids, document_texts, hold_out, pieces, pretrain
from releaf.language.settings import BaseSettings, ExpertSettings
from releaf.metrics.text import perplexity
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from releaf.training.device import Hardware

EXPERTS = ExpertSettings(count=4, active=2, balance=0.01)


@dataclass(frozen=True)
class Mixture:
    """A trained mixture, where it sends the tokens of the held-out documents, and how many weights it has and uses."""

    pretrained: Pretrained
    load: Load
    parameters: int
    active_parameters: int

    @property
    def busiest(self) -> float:
        """The busiest expert's load over the mean, in the worst layer."""
        return busiest_over_mean(self.load)

    @property
    def perplexity(self) -> float:
        """Of the kept epoch on the held-out documents."""
        history = self.pretrained.history
        return perplexity(history.epochs[history.best_epoch - 1]["validation_loss"])


@dataclass(frozen=True)
class Study:
    """Both sides, and the experts they have."""

    experts: ExpertSettings
    balanced: Mixture
    free: Mixture


def mixture_of(base: BaseSettings, experts: ExpertSettings = EXPERTS) -> BaseSettings:
    """The base's settings with experts in it, a token passing through as many weights as in the dense one.

    Where the settings ask for experts themselves, they stay as they are.
    """
    decoder = base.decoder
    if decoder.experts.sparse:
        return base
    inner = max(1, decoder.feed_forward // experts.active)
    return replace(base, decoder=replace(decoder, feed_forward=inner, experts=experts))


def study(
    documents: pl.DataFrame,
    base: BaseSettings,
    hardware: Hardware,
    tokenizer: PreTrainedTokenizerFast,
    *,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> Study:
    """Train the mixture of `base` with balancing and with α = 0: same weights to begin with, same rows, same order.

    Raises what `pretrain` raises.
    """
    settings = mixture_of(base)
    experts = settings.decoder.experts
    _, held_out = hold_out(document_texts(documents), base.held_out_share)
    rows = [row for text in held_out for row in pieces(document_ids(tokenizer, text), settings.decoder.context)]
    sides = []
    for number, balance in enumerate((experts.balance, 0.0)):
        decoder = replace(settings.decoder, experts=replace(experts, balance=balance))
        pretrained = pretrain(
            documents,
            replace(settings, decoder=decoder),
            hardware,
            tokenizer=tokenizer,
            state_dir=None if state_dir is None else state_dir / ("balanced", "free")[number],
            progress=_half(progress, number),
        )
        model = pretrained.base.model
        load = expert_load(model, rows, settings.batch_size, pad=int(tokenizer.pad_token_id))
        counted = parameter_count(model)
        idle = (experts.count - experts.active) * 3 * decoder.width * decoder.feed_forward * decoder.layers
        sides.append(Mixture(pretrained, load, counted, counted - idle))
    return Study(experts, *sides)


def _half(progress: Progress, number: int) -> Progress:
    """The progress of the first (0) or second (1) of two trainings as that of both."""

    def report(done: int, total: int, note: str = "") -> None:
        progress(number * total + done, 2 * total, note)

    return report
