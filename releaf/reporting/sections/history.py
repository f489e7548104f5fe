"""How a training went, for any model: its curves, or a sentence that there are none."""

from __future__ import annotations

from releaf.reporting.blocks import Block, Picture, Pictures, Text, figure, words
from releaf.reporting.evidence import Json
from releaf.reporting.plots import training_curves

# What a history without `monitor` is taken to have watched: the first of these that its epochs hold.
_WATCHED = ("validation_score", "auc", "validation_loss", "perplexity", "loss")


def curves(history: Json | None, title: str) -> list[Block]:
    """The curves of a history with `epochs`, `best_epoch` and `monitor`."""
    if not history or not history.get("epochs"):
        return [Text(f"{title}: no curves were recorded.")]
    epochs, best = history["epochs"], history["best_epoch"]
    monitor = history.get("monitor") or next(name for name in _WATCHED if name in epochs[0])
    kept = next((entry for entry in epochs if entry["epoch"] == best), epochs[-1])
    note = (
        f"{len(epochs)} epochs ran; epoch {best} was kept for its {words(monitor)} of {figure(kept[monitor], 4)} on "
        "validation data (dotted line)."
    )
    return [Pictures([Picture(title, training_curves(epochs, monitor, best), note)])]
