"""Figures of one label after the other on one source of pictures: confusion, calibration, classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from releaf.reporting import vision_plots
from releaf.reporting.blocks import (
    HIGHER,
    LOWER,
    Block,
    Cell,
    Column,
    Heading,
    Picture,
    Pictures,
    Table,
    count,
    figure,
    interval,
    wilson,
    words,
)
from releaf.reporting.evidence import Json
from releaf.reporting.sections.vision_sources import BADGES, kind_of, majority, name_of, ordered_labels

_NAMED = 3  # confusions that are said in words, of the whole matrix and, one fewer, of a class


def figures_table(labels: Json, source: str) -> Table:
    """One row a label: n, accuracy with its interval and what guessing the commonest class gives, calibration."""
    rows = []
    for label in ordered_labels(labels):
        f = labels[label]
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
        Column("ECE, before", f"0–1, {LOWER}"),
        Column("ECE, after", f"0–1, {LOWER}"),
    ]
    note = (
        "Small print: 95 % Wilson interval. ECE: expected calibration error over 15 bins of confidence, before and "
        "after the weights that were fitted on validation images; before, the network speaks alone."
    )
    return Table(f"Figures by label ({kind_of(source)}, test split)", columns, rows, note)


def label_blocks(labels: Json, source: str) -> list[Block]:
    """Confusion, calibration and classes of every label, the finest first."""
    blocks: list[Block] = []
    for label in ordered_labels(labels):
        figures = labels[label]
        blocks.append(Heading(f"{name_of(source)}: {words(label)}", BADGES.get(source, "")))
        blocks.append(
            Pictures([confusion_picture(figures, label, source), calibration_picture(figures, label, source)])
        )
        blocks.append(_classes(figures, label, source))
    return blocks


def confusion_picture(figures: Json, label: str, source: str) -> Picture:
    """The confusion matrix of the classes that occur or were predicted."""
    matrix, classes = figures["confusion"], figures["classes"]
    seen = [i for i in range(len(classes)) if any(matrix[i]) or any(row[i] for row in matrix)]
    absent = [words(classes[i]) for i in range(len(classes)) if i not in seen]
    note = "Counts; the darker a cell, the larger its share of the true class."
    wrong = sorted(
        ((matrix[i][j], words(classes[i]), words(classes[j])) for i in seen for j in seen if i != j and matrix[i][j]),
        key=lambda entry: (-entry[0], entry[1:]),
    )
    if wrong:
        said = "; ".join(f"{truth} taken for {taken} ({n})" for n, truth, taken in wrong[:_NAMED])
        note += f" Most often: {said}."
    if absent:
        note += f" Not in this test split and never predicted: {', '.join(absent)}."
    picture = vision_plots.confusion(
        [[matrix[i][j] for j in seen] for i in seen],
        [classes[i] for i in seen],
        f"{words(label)}, {kind_of(source)}, n = {figures['n']:,}",
    )
    return Picture(f"Confusion of {words(label)} ({kind_of(source)})", picture, note)


def calibration_picture(figures: Json, label: str, source: str) -> Picture:
    """Accuracy and number of answers by confidence, with the calibration error."""
    diagram = vision_plots.reliability(
        figures["reliability"],
        f"{words(label)}, {kind_of(source)}\nECE {figure(figures['ece'])} (before: {figure(figures['ece_before'])})",
    )
    note = (
        "On the dotted diagonal, a confidence of 0.8 is right 8 times in 10; lines to it are what is missing or too "
        f"much. Whiskers: 95 % interval. n = {figures['n']:,}."
    )
    return Picture(f"Calibration of {words(label)} ({kind_of(source)})", diagram, note)


def _classes(figures: Json, label: str, source: str) -> Table:
    """Precision, recall and F1 of every class that has test images, worst F1 first, and what it is taken for."""
    found: list[tuple[str, Mapping[str, Any]]] = [
        (name, f) for name, f in figures["per_class"].items() if f["support"] > 0
    ]
    rows = [
        [
            Cell(words(name)),
            Cell(count(f["support"])),
            *(Cell(figure(f[key])) for key in ("precision", "recall", "f1")),
            Cell(_taken_for(figures, name)),
        ]
        for name, f in sorted(found, key=lambda entry: (entry[1]["f1"], entry[0]))
    ]
    columns = [Column(words(label).capitalize(), numeric=False), Column("n", "images")]
    columns += [Column(name, f"0–1, {HIGHER}") for name in ("Precision", "Recall", "F1")]
    columns.append(Column("Taken for", "where it was not recognized", numeric=False))
    return Table(f"{words(label).capitalize()} classes, weakest first ({kind_of(source)})", columns, rows)


def _taken_for(figures: Json, name: str) -> str:
    classes = list(figures["classes"])
    own = classes.index(name)
    others = sorted(
        ((n, words(classes[j])) for j, n in enumerate(figures["confusion"][own]) if j != own and n),
        key=lambda entry: (-entry[0], entry[1]),
    )
    return ", ".join(f"{other}\N{NO-BREAK SPACE}({n})" for n, other in others[: _NAMED - 1]) or "–"
