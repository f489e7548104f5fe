"""Who answers questions: the answerers side by side on the same questions, and the one that is served."""

from __future__ import annotations

from collections.abc import Sequence

from releaf.reporting import plots
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
    Text,
    count,
    figure,
    interval,
    words,
)
from releaf.reporting.evidence import Json

_COLUMNS = {
    "rouge_l": Column("ROUGE-L", f"F1, 0–1, {HIGHER}"),
    "supported": Column("Sentences supported", f"0–1, {HIGHER}"),
    "refused_unanswerable": Column("Refused, unanswerable", f"0–1, {HIGHER}"),
    "refused_answerable": Column("Refused, answerable", f"0–1, {LOWER}"),
}
_DRAWN = ("rouge_l", "supported", "refused_unanswerable")


def answerers(study: Json) -> list[Block]:
    """The choice and its reason, the figures of every answerer, the judge's errors, and answers as they were given."""
    choice = study["choice"]
    known, unknown = count(study["answerable"]), count(study["unanswerable"])
    text = Text(f"Served: {words(choice['serves'])} answers, because {choice['reason']}.")
    bars = plots.scoreboard(
        {_COLUMNS[key].name: {name: one[key] for name, one in choice["figures"].items()} for key in _DRAWN},
        choice["serves"],
    )
    picture = Picture("Answerers", bars, f"{known} answerable and {unknown} unanswerable questions.")
    return [
        Heading("Who answers"),
        text,
        Pictures([picture]),
        _figures(choice, f"{known} answerable, {unknown} unanswerable"),
        _judge(study["judged"]),
        _samples(study["samples"]),
    ]


def _figures(choice: Json, asked: str) -> Table:
    rows = [
        [
            Cell(words(name).capitalize()),
            Cell(figure(one["rouge_l"]), interval(one["rouge_l_low"], one["rouge_l_high"])),
            *(Cell(figure(one[key])) for key in list(_COLUMNS)[1:]),
            Cell(figure(choice["p_values"].get(name))),
        ]
        for name, one in choice["figures"].items()
    ]
    columns = [Column("Answerer", numeric=False), *_COLUMNS.values(), Column("p", "ROUGE-L against quotes")]
    note = (
        f"Held-out questions: {asked}. A refusal counts 0 in ROUGE-L. An answerer of whose sentences fewer than "
        f"{figure(choice['least_support'], 2)} are supported may not speak."
    )
    return Table("Answerers on the same questions", columns, rows, note)


def _judge(judged: Json) -> Table:
    rows = [
        [Cell("Supported sentences not accepted"), Cell(figure(judged["missed"]))],
        [Cell("Planted sentences accepted, all kinds"), Cell(figure(judged["false_support"]))],
        *([Cell(f"Planted: {words(kind)}"), Cell(figure(share))] for kind, share in judged["per_kind"].items()),
        [Cell("Area under ROC"), Cell(figure(judged["auc"]))],
    ]
    note = (
        "Support is judged by a classifier; these are its errors on held-out sentences, supported ones and planted "
        "ones: from another answer, or with a number, a negation or a name changed."
    )
    return Table(f"How far the judge of support can be trusted (n = {count(judged['n'])})", _JUDGE, rows, note)


_JUDGE = [Column("", numeric=False), Column("Share", f"0–1, {LOWER} but for the area")]


def _samples(samples: Sequence[Json]) -> Table:
    names = list(samples[0]["answers"]) if samples else []
    rows = [
        [Cell(one["question"]), Cell(one["reference"] or "–"), *(Cell(one["answers"][name]) for name in names)]
        for one in samples
    ]
    columns = [Column("Question", numeric=False), Column("Reference", numeric=False)]
    columns += [Column(words(name).capitalize(), numeric=False) for name in names]
    return Table(f"Answers as they were given (n = {len(rows)})", columns, rows, "Evenly spaced by id, not chosen.")
