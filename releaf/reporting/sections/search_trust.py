"""What a person may make of an answer of search: its confidence, and whether it says that nothing answers."""

from __future__ import annotations

from releaf.reporting.blocks import (
    HIGHER,
    LOWER,
    Block,
    Cell,
    Column,
    Picture,
    Pictures,
    Table,
    Text,
    count,
    figure,
    interval,
    wilson,
)
from releaf.reporting.evidence import Json
from releaf.reporting.retrieval_plots import level_bars
from releaf.reporting.sections.search_methods import FUSION, NOT_MEASURED, method_cell, title

_LEVELS = {"high": "above 0.3", "medium": "0.1 to 0.3", "low": "below 0.1"}
_RIGHT = (
    "Right: the first document answers the query exactly or mostly (grade 3 or 2); where no document has such a grade, "
    "it is one of the best there are (grade 1)."
)


def confidence(part: Json, ours: str) -> list[Block]:
    """How often the first document was right at each level, of the served method and of rank fusion."""
    shown = _shown(part, ours)
    if not shown:
        return [Text(f"Confidence: {NOT_MEASURED}.")]
    rows = []
    for method in shown:
        levels = part["methods"][method]["confidence"]
        total = sum(levels[level]["queries"] for level in levels)
        for level, lead in _LEVELS.items():
            found = levels.get(level, {"queries": 0, "right": None})
            n, right = found["queries"], found["right"]
            rows.append(
                [
                    method_cell(title(method), method == ours),
                    Cell(level, lead),
                    Cell(count(n), f"{n / total:.0%}" if total else ""),
                    Cell(figure(right), "" if right is None else interval(*wilson(right, n))),
                ]
            )
    columns = [
        Column("Method", numeric=False),
        Column("Confidence", "lead of the first score", numeric=False),
        Column("Queries", "and their share"),
        Column("First document right", f"0–1, {HIGHER}, 95 % interval"),
    ]
    note = "Confidence is the lead of the first score over the second, (s₁ − s₂) / s₁."
    if FUSION in shown:
        note += " Scores of rank fusion lie close by construction, so that its lead is small however good it is."
    return [
        Pictures([confidence_picture(part, ours)]),
        Table(f"Confidence (n = {part['queries']} queries)", columns, rows, note),
    ]


def confidence_picture(part: Json, ours: str) -> Picture:
    """Share of right first documents by level. The part must hold confidences."""
    panels = {
        method: {
            level: (found["queries"], found["right"])
            for level in _LEVELS
            if (found := part["methods"][method]["confidence"].get(level))
        }
        for method in _shown(part, ours)
    }
    note = f"In colour: the served method. Whiskers: 95 % interval; n: queries. {_RIGHT}"
    return Picture("Does confidence mean what it says?", level_bars(panels, ours), note)


def has_confidence(part: Json, ours: str) -> bool:
    """Whether confidence was measured."""
    return bool(_shown(part, ours))


def _shown(part: Json, ours: str) -> list[str]:
    methods = part["methods"]
    return [name for name in dict.fromkeys((ours, FUSION)) if methods.get(name, {}).get("confidence")]


def refusals(part: Json) -> list[Block]:
    """How often the served search says that nothing answers, where nothing does and where something does."""
    found = part.get("refusals")
    if not found:
        why = " Every judged query has a relevant document." if "refusals" in part and not part.get("unscored") else ""
        return [Text(f"Questions that nothing answers: {NOT_MEASURED}.{why}")]
    rows = [
        [
            Cell(name),
            Cell(count(found[n])),
            Cell(figure(found[share]), interval(*wilson(found[share], found[n]))),
            Cell(f"{round(found[share] * found[n])} of {found[n]}"),
            Cell(direction),
        ]
        for name, n, share, direction in (
            ("Nothing answers them", "unanswerable", "refused", HIGHER),
            ("Something answers them", "answerable", "wrongly_refused", LOWER),
        )
    ]
    columns = [
        Column("Questions", numeric=False),
        Column("n", "queries"),
        Column("Search says that nothing answers", "share, 95 % interval"),
        Column("Count"),
        Column("Direction", numeric=False),
    ]
    if found["area"] is None:
        note = "Area under the ROC curve: – (search has learned no probability to refuse by)."
    else:
        note = (
            f"Area under the ROC curve of the probability that something answers: {figure(found['area'])} "
            "(0.5 is chance, 1 tells all such questions from the others)."
        )
    return [Table("Does search say so when nothing answers?", columns, rows, note)]
