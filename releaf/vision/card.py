"""The model card beside a published classifier: what it is, what it was made from, how good, and its limits.

After Mitchell et al. 2019, "Model Cards for Model Reporting". Figures here are of validation pictures; those of test
pictures are in the report, which comes later.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from releaf.artifacts import atomic_write_bytes
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.export import INT8_FILE
from releaf.vision.publishing import PublishedClassifier
from releaf.vision.settings import VisionSettings

CARD = "MODEL_CARD.md"


def write_card(directory: Path, published: PublishedClassifier, images: pl.DataFrame, settings: VisionSettings) -> None:
    """Write `MODEL_CARD.md` into `directory`, which must exist; depends on its arguments alone."""
    names = published.predictor.names
    lines = [
        "# Waste-image classifier",
        "",
        *_model(published, names, settings),
        *_data(images),
        *_figures(published),
        *_limits(images),
        "## Licence",
        "",
        "The weights carry the project's licence (Apache-2.0), as far as the pictures they were trained on allow it: "
        "rendered pictures are the project's own; imported photographs keep the terms of whoever took them.",
        *_starting_weights(settings),
        "",
    ]
    atomic_write_bytes(directory / CARD, "\n".join(lines).encode())


def _model(published: PublishedClassifier, names: ClassNames, settings: VisionSettings) -> list[str]:
    parity = published.exported.parity.logits
    served = "int8" if published.served == INT8_FILE else "float32"
    return [
        "## Model",
        "",
        f"- Network: `{settings.backbone}` at {settings.image_size} × {settings.image_size} pixels, heads for "
        f"{len(names.item)} items, {len(names.material)} materials and {len(names.bin)} bins; starts from "
        f"`{settings.source}`.",
        "- Beside it: Fisher vectors of local gradients and colours with a ridge onto each label.",
        "- Joined by two weights a label, fitted on validation pictures, which also calibrates the probabilities.",
        f"- Served: the {served} ONNX file. The float32 file differs from torch by at most {parity:.1e} in a logit; "
        f"int8 loses at most {100 * published.int8_loss:.2f} points of validation accuracy against it.",
        "",
    ]


def _data(images: pl.DataFrame) -> list[str]:
    counts = images.group_by("source", "dataset", "split").len().sort("source", "dataset", "split")
    rows = [
        f"| {row['source']}{' (synthetic)' if row['source'] == 'rendered' else ''} | {row['dataset']} | "
        f"{row['split']} | {row['len']:,} |"
        for row in counts.to_dicts()
    ]
    return [
        "## Data",
        "",
        "| pictures | set | split | count |",
        "|---|---|---|---|",
        *rows,
        "",
        "Near-duplicate pictures never straddle two splits. Rendered pictures are synthetic.",
        "",
    ]


def _figures(published: PublishedClassifier) -> list[str]:
    calibration = published.calibration
    rows = [
        f"| {label} | {calibration.weights[label].network:.2f} | {calibration.weights[label].descriptors:.2f} | "
        f"{calibration.ece_before[label]:.3f} | {calibration.ece_after[label]:.3f} |"
        for label in LABELS
        if label in calibration.ece_after
    ]
    return [
        "## Calibration, on the validation pictures it was fitted to",
        "",
        "| label | weight of the network | of the descriptors | ECE before | after |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "Accuracy on test pictures is in the vision report of the same release.",
        "",
    ]


def _limits(images: pl.DataFrame) -> list[str]:
    photographs = images.filter(pl.col("source") == "photograph").height
    only_rendered = (
        "No photograph was used: figures are of synthetic pictures and say nothing about photographs."
        if not photographs
        else f"{photographs:,} photographs were used. What they do not label (most often items and bins) is known from "
        "synthetic pictures alone; do not rely on it for photographs."
    )
    return [
        "## Limits",
        "",
        f"- {only_rendered}",
        "- One object a picture, filling most of it; a heap of waste has no single answer.",
        "- A picture of something else is meant to be answered with “not a waste item I know”; how often that works is "
        "in the report.",
        "- The bin of an item depends on the place: the policies of a jurisdiction decide, not this model.",
        "",
    ]


def _starting_weights(settings: VisionSettings) -> list[str]:
    if settings.source == "scratch":
        return []
    return [f"The network started from `{settings.source}`; the licence of those weights applies as well."]
