"""What the classifier's parts bring, what plain classifiers reach beside it, and what is left across sources."""

from __future__ import annotations

from collections.abc import Sequence

from releaf.reporting.blocks import (
    HIGHER,
    Block,
    Cell,
    Column,
    Heading,
    Picture,
    Pictures,
    Table,
    Text,
    count,
    figure,
    interval,
    wilson,
    words,
)
from releaf.reporting.evidence import Json
from releaf.reporting.sections.vision_sources import (
    BADGES,
    NOT_MEASURED,
    finest,
    kind_of,
    name_of,
    ordered_labels,
    title_of,
)
from releaf.reporting.vision_plots import Contender, contenders

_OURS = "network and local descriptors"
_PARTS = {"network": "network alone", "descriptors": "local descriptors alone"}
_FEATURES = {"network": "the network's features", "simple": "simple features", "none": ""}
_SERVED = "▸\N{NO-BREAK SPACE}"


def comparison(vision: Json, source: str) -> list[Block]:
    """The classifier beside its parts and beside plain classifiers, for every label; says so where nothing was."""
    title = f"{name_of(source)}: parts and plain classifiers"
    blocks: list[Block] = [Heading(title, BADGES.get(source, ""))]
    if not is_compared(vision, source):
        return [*blocks, Text(f"Parts of the classifier and plain classifiers: {NOT_MEASURED}.")]
    says = _verdict(vision, source)
    return [
        *blocks,
        *([Text(says)] if says else []),
        Pictures([comparison_picture(vision, source)]),
        _table(vision, source),
    ]


def is_compared(vision: Json, source: str) -> bool:
    """Whether there is anything to compare the classifier with."""
    return bool(vision.get("parts", {}).get(source) or _baselines(vision, source))


def comparison_picture(vision: Json, source: str) -> Picture:
    """Accuracy and macro F1 of the finest label: the classifier, its parts, plain classifiers."""
    labels = vision["sources"][source]
    label, n = finest(labels), labels[finest(labels)]["n"]
    ours = Contender(_OURS, {"": (labels[label]["accuracy"], labels[label]["macro_f1"])}, ours=True)
    parts = [
        Contender(name, {"": (part["accuracy"], part["macro_f1"])})
        for key, name in _PARTS.items()
        if (part := _part(vision, source, label, key))
    ]
    plain: dict[str, dict[str, tuple[float, float]]] = {}
    for row in _baselines(vision, source):
        if row["label"] == label:
            series = _on(row["features"])
            plain.setdefault(words(row["classifier"]), {})[series] = (row["accuracy"], row["macro_f1"])
    majority_last = sorted(plain.items(), key=lambda entry: "" in entry[1])
    groups = [[ours, *parts], [Contender(name, values) for name, values in majority_last]]
    note = (
        f"{words(label)}, n = {n:,}, 0–1, {HIGHER}; the dashed line is the classifier that is served. Whiskers: 95 % "
        "Wilson interval. Plain classifiers learned from the training images of this source alone."
    )
    picture = contenders([group for group in groups if group], n)
    return Picture(f"Classifier, its parts and plain classifiers ({kind_of(source)})", picture, note)


def _verdict(vision: Json, source: str) -> str:
    """The best of the plain classifiers for the finest label, and every label where one is better than ours."""
    labels, rows = vision["sources"][source], _baselines(vision, source)
    best = {
        label: max((row for row in rows if row["label"] == label), key=lambda row: float(row["accuracy"]), default=None)
        for label in ordered_labels(labels)
    }
    first = finest(labels)
    if not (rival := best[first]):
        return ""
    ahead = labels[first]["accuracy"] - rival["accuracy"]
    said = (
        f"{words(first).capitalize()}: the classifier is right in {figure(labels[first]['accuracy'])} of "
        f"{labels[first]['n']:,} {title_of(source)}, the best plain classifier ({_called(rival)}) in "
        f"{figure(rival['accuracy'])}, a difference of {ahead:+.3f}."
    )
    lost = [
        f"{words(label)} ({_called(row)}, {figure(row['accuracy'])} against {figure(labels[label]['accuracy'])})"
        for label, row in best.items()
        if row and row["accuracy"] > labels[label]["accuracy"]
    ]
    return f"{said} A plain classifier is better at {', '.join(lost)}." if lost else said


def _table(vision: Json, source: str) -> Table:
    labels = vision["sources"][source]
    shown = ordered_labels(labels)
    entries: list[tuple[Cell, list[Json | None]]] = [
        (Cell(f"{_SERVED}{_OURS}", "served"), [labels[label] for label in shown])
    ]
    for key, name in _PARTS.items():
        found = [_part(vision, source, label, key) for label in shown]
        if any(found):
            entries.append((Cell(name), found))
    rows = sorted(_baselines(vision, source), key=lambda row: not _on(row["features"]))
    for features, classifier in dict.fromkeys((row["features"], row["classifier"]) for row in rows):
        own = {row["label"]: row for row in rows if (row["features"], row["classifier"]) == (features, classifier)}
        entries.append((Cell(words(classifier), _on(features)), [own.get(label) for label in shown]))
    best = [max(entry["accuracy"] for _, found in entries if (entry := found[k])) for k in range(len(shown))]
    cells = [[name, *(_figures(entry, top) for entry, top in zip(found, best, strict=True))] for name, found in entries]
    columns = [Column("Classifier", numeric=False)]
    columns += [Column(words(label).capitalize(), f"n = {labels[label]['n']:,}") for label in shown]
    note = f"Accuracy, in small print macro F1; both 0–1, {HIGHER}. Trees and forests learn all labels at once."
    return Table(f"Accuracy by label ({kind_of(source)}, test split)", columns, cells, note)


def _figures(entry: Json | None, best: float) -> Cell:
    if entry is None:
        return Cell("–")
    return Cell(
        figure(entry["accuracy"]), f"F1 {figure(entry['macro_f1'])}", "best" if entry["accuracy"] == best else ""
    )


def _part(vision: Json, source: str, label: str, key: str) -> Json | None:
    found: Json | None = vision.get("parts", {}).get(source, {}).get(label, {}).get(key)
    return found


def _baselines(vision: Json, source: str) -> list[Json]:
    return [row for row in vision.get("baselines") or () if row["source"] == source]


def _on(features: str) -> str:
    name = _FEATURES.get(features, words(features))
    return f"on {name}" if name else ""


def _called(row: Json) -> str:
    return f"{words(row['classifier'])} {_on(row['features'])}".strip()


def transfer(rows: Sequence[Json] | None) -> list[Block]:
    """What a classifier that saw one source makes of the other; says so where it was not measured."""
    if rows is None:
        return [Text(f"Trained on one source and tested on the other: {NOT_MEASURED}.")]
    if not rows:
        return [
            Text("Trained on one source and tested on the other: there are not enough images of both sources for that.")
        ]
    cells = []
    for row in rows:
        own = row["trained_on"] == row["tested_on"]
        low, high = wilson(row["accuracy"], row["n"])
        cells.append(
            [
                Cell(title_of(row["trained_on"])),
                Cell(title_of(row["tested_on"]), "the same source" if own else "the other source"),
                Cell(words(row["label"])),
                Cell(count(row["n"])),
                Cell(figure(row["accuracy"]), interval(low, high)),
                Cell(figure(row["macro_f1"])),
            ]
        )
    columns = [
        Column("Trained on", numeric=False),
        Column("Tested on", numeric=False),
        Column("Label", numeric=False),
        Column("n", "test images"),
        Column("Accuracy", f"0–1, {HIGHER}"),
        Column("Macro F1", f"0–1, {HIGHER}"),
    ]
    note = (
        "Network and local descriptors trained, chosen and calibrated on one source alone, by the settings used "
        "otherwise. Only families that both sources train on are counted. Small print: 95 % Wilson interval."
    )
    return [Text(_gap(rows)), Table("One source for training, one for testing", columns, cells, note)]


def _gap(rows: Sequence[Json]) -> str:
    """What crossing costs, in a sentence a direction."""
    at = {(row["trained_on"], row["tested_on"]): row for row in rows}
    said = []
    for (trained, tested), row in at.items():
        if trained == tested:
            continue
        sentence = f"Trained on {title_of(trained)} alone, the classifier is right in {figure(row['accuracy'])} of "
        sentence += title_of(tested)
        own = at.get((tested, tested))
        said.append(f"{sentence}; trained on these, in {figure(own['accuracy'])}." if own else f"{sentence}.")
    return " ".join(said)
