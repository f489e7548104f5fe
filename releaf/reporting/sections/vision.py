"""Classification of images: every source of images apart, rendered ones always named synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from releaf.reporting import plots
from releaf.reporting.blocks import (
    HIGHER,
    LOWER,
    Block,
    Cell,
    Column,
    Gallery,
    Heading,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    count,
    figure,
    interval,
    wilson,
    words,
)
from releaf.reporting.evidence import Evidence, Json
from releaf.reporting.pictures import data_uri
from releaf.reporting.sections.history import curves

# Photographs first: they are what the model is for.
SOURCES = ("photograph", "rendered")
NAMES = {"photograph": "Photographs", "rendered": "Rendered images"}
BADGES = {"rendered": "synthetic"}
_LEAD = (
    "One network with a head each for the item and its material; family and bin follow from them. All figures are on "
    "test images that took no part in training, selection or calibration."
)


def section(evidence: Evidence) -> Section:
    """Figures, confusions, calibration and mistakes by source, and how training went."""
    sources = evidence.vision.get("sources", {})
    blocks: list[Block] = []
    for source in [*SOURCES, *sorted(set(sources) - set(SOURCES))]:
        name = NAMES.get(source, words(source))
        blocks.append(Heading(name, BADGES.get(source, "")))
        if not sources.get(source):
            blocks.append(Text(f"No {name.lower()} were in the test split, so nothing is claimed about them."))
            continue
        blocks += [figures_table(sources[source], source), *_pictures(sources[source], source)]
        blocks += _classes(sources[source], source)
        blocks += _mistakes([tile for tile in evidence.mistakes if source_of(tile[1]) == source], source)
    others = [tile for tile in evidence.mistakes if source_of(tile[1]) not in {*SOURCES, *sources}]
    if others:
        blocks += _mistakes(others, "unnamed source")
    blocks += [Heading("Training"), *curves(evidence.vision_history, "Training curves of the image classifier")]
    return Section("vision", "Vision", _LEAD, blocks)


def finest(labels: Json) -> str:
    """The label to show first: the finest that the images of a source were given."""
    return next(label for label in ("item", "material", "family", "bin", *labels) if label in labels)


def majority(figures: Json) -> float:
    """What always answering the commonest class would reach: the largest row of the confusion matrix over n."""
    return float(max(sum(row) for row in figures["confusion"]) / max(1, figures["n"]))


def source_of(caption: str) -> str:
    """The source that a caption starts with, up to its colon."""
    return caption.split(":", 1)[0].strip() if ":" in caption else ""


def _kind(source: str) -> str:
    return {"photograph": "photographs", "rendered": "synthetic, rendered"}.get(source, words(source))


def figures_table(labels: Json, source: str) -> Table:
    """One row a label: n, accuracy with its interval and what guessing the commonest class gives, calibration."""
    rows = []
    for label, f in labels.items():
        low, high = wilson(f["accuracy"], f["n"])
        rows.append(
            [
                Cell(words(label)),
                Cell(count(f["n"])),
                Cell(count(len(f["classes"]))),
                Cell(figure(f["accuracy"]), interval(low, high)),
                Cell(figure(majority(f))),
                Cell(figure(f["top3"])),
                Cell(figure(f["macro_f1"])),
                Cell(figure(f["ece_before"])),
                Cell(figure(f["ece"])),
            ]
        )
    columns = [
        Column("Label", numeric=False),
        Column("n", "images"),
        Column("Classes"),
        Column("Accuracy", f"0–1, {HIGHER}"),
        Column("Commonest class", "accuracy of that guess"),
        Column("Top-3", f"0–1, {HIGHER}"),
        Column("Macro F1", f"0–1, {HIGHER}"),
        Column("ECE, raw", f"0–1, {LOWER}"),
        Column("ECE, calibrated", f"0–1, {LOWER}"),
    ]
    note = "Small print: 95 % Wilson interval. ECE: expected calibration error over 15 bins of confidence."
    return Table(f"Figures by label ({_kind(source)}, test split)", columns, rows, note)


def _pictures(labels: Json, source: str) -> list[Block]:
    """Confusion and calibration of the finest label that the images have, and the confusion of bins."""
    shown = list(dict.fromkeys(label for label in (finest(labels), "bin") if label in labels))
    first, *others = [_confusion(labels[label], label, source) for label in shown]
    figures = labels[shown[0]]
    diagram = Picture(
        f"Calibration of {words(shown[0])} ({_kind(source)})",
        plots.reliability(figures["reliability"], f"{words(shown[0])}, {_kind(source)}, n = {figures['n']:,}"),
        "On the dotted diagonal, a confidence of 0.8 is right 8 times in 10.",
    )
    return [Pictures([first, diagram, *others])]


def _confusion(figures: Json, label: str, source: str) -> Picture:
    matrix, classes = figures["confusion"], figures["classes"]
    seen = [i for i in range(len(classes)) if any(matrix[i]) or any(row[i] for row in matrix)]
    absent = [words(classes[i]) for i in range(len(classes)) if i not in seen]
    note = "Counts; shade is the share of the true class."
    if absent:
        note += f" Not in this test split and never predicted: {', '.join(absent)}."
    picture = plots.confusion(
        [[matrix[i][j] for j in seen] for i in seen],
        [classes[i] for i in seen],
        f"{words(label)}, {_kind(source)}, n = {figures['n']:,}",
    )
    return Picture(f"Confusion of {words(label)} ({_kind(source)})", picture, note)


def _classes(labels: Json, source: str) -> list[Block]:
    """Precision, recall and F1 of every class of the finest label that has test images, worst F1 first."""
    label = finest(labels)
    found: list[tuple[str, dict[str, Any]]] = [
        (name, f) for name, f in labels[label]["per_class"].items() if f["support"] > 0
    ]
    rows = [
        [Cell(words(name)), Cell(count(f["support"])), *(Cell(figure(f[key])) for key in ("precision", "recall", "f1"))]
        for name, f in sorted(found, key=lambda entry: (entry[1]["f1"], entry[0]))
    ]
    columns = [Column(words(label).capitalize(), numeric=False), Column("n", "images")]
    columns += [Column(name, f"0–1, {HIGHER}") for name in ("Precision", "Recall", "F1")]
    return [Table(f"{words(label).capitalize()} classes, weakest first ({_kind(source)})", columns, rows)]


def _mistakes(tiles: Sequence[tuple[bytes, str]], source: str) -> list[Block]:
    if not tiles:
        return []
    shown = [(data_uri(image), words(caption.split(":", 1)[-1].strip())) for image, caption in tiles]
    note = "Wrong answers that the model was surest of; the percentage is its probability for the wrong answer."
    return [Gallery(f"Surest mistakes ({_kind(source)})", shown, note)]
