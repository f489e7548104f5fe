"""The card of an adapter: whose it is, what shaped and taught it, and what came of it, as JSON and for a person.

Figures are handed in; nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.artifacts import storage_errors, write_json
from releaf.language.settings import TuningSettings
from releaf.language.tokenizer import tokenizer_fingerprint

if TYPE_CHECKING:
    from releaf.language.decoder import Base

CARD = "card.json"
README = "README.md"


@dataclass(frozen=True)
class AdapterCard:
    """What is known of an adapter.

    `data` maps what it was made from to data versions; `counts` are records, tokens and parameters; `figures` are those
    of the epoch that was kept.
    """

    base: str
    tokenizer: str
    settings: TuningSettings
    data: Mapping[str, str]
    counts: Mapping[str, int]
    figures: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The card as plain JSON values."""
        shape, learned = self.settings.adapter, self.settings
        return {
            "base_fingerprint": self.base,
            "tokenizer_fingerprint": self.tokenizer,
            "method": "LoRA",
            "rank": shape.rank,
            "alpha": shape.alpha,
            "dropout": shape.dropout,
            "targets": list(shape.targets),
            "learning_rate": learned.learning_rate,
            "epochs": learned.epochs,
            "batch_size": learned.batch_size * learned.accumulate,
            "seed": learned.seed,
            "data_versions": dict(self.data),
            "counts": dict(self.counts),
            "figures": dict(self.figures),
        }


def card_of(
    base: Base,
    settings: TuningSettings,
    *,
    data: Mapping[str, str],
    counts: Mapping[str, int],
    figures: Mapping[str, float],
) -> AdapterCard:
    """The card of an adapter that was trained on `base`."""
    return AdapterCard(base.fingerprint, tokenizer_fingerprint(base.tokenizer), settings, data, counts, figures)


def write_card(card: AdapterCard, directory: Path) -> None:
    """Write `card.json`, and the same as `README.md`."""
    write_json(directory / CARD, card.as_json())
    with storage_errors(directory):
        (directory / README).write_text(as_markdown(card), encoding="utf-8")


def as_markdown(card: AdapterCard) -> str:
    """The card for a person."""
    values = card.as_json()
    shape = (
        f"LoRA, r = {values['rank']}, α = {values['alpha']}, dropout {values['dropout']}, "
        f"on {', '.join(values['targets'])} of every block."
    )
    learned = (
        f"AdamW, rate {values['learning_rate']}, at most {values['epochs']} epochs of batches of "
        f"{values['batch_size']}, seed {values['seed']}; "
        "the loss is on answer tokens, the best validation epoch is kept."
    )
    lines = [
        "# LoRA adapter",
        "",
        shape,
        learned,
        "",
        "It fits one base and one tokenizer, and is refused on any other:",
        "",
        f"- base `{card.base}`",
        f"- tokenizer `{card.tokenizer}`",
        "",
        "| made from | data version |",
        "|---|---|",
        *(f"| {name} | `{version}` |" for name, version in card.data.items()),
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {count:,} |" for name, count in card.counts.items()),
        *(f"| {name.replace('_', ' ')} | {value:.4g} |" for name, value in card.figures.items()),
    ]
    return "\n".join(lines) + "\n"
