"""The language model: what the adapter changes on held-out instructions, and answers as they were written."""

from __future__ import annotations

from releaf.reporting import plots
from releaf.reporting.blocks import (
    HIGHER,
    LOWER,
    Block,
    Cell,
    Column,
    Heading,
    Listing,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    count,
    figure,
    value_text,
    words,
)
from releaf.reporting.evidence import Evidence, Json
from releaf.reporting.sections.answers import answerers
from releaf.reporting.sections.history import curves

_LEAD = (
    "A decoder with a low-rank adapter that was tuned on instructions. Base and adapter answer the same held-out "
    "instructions; only tokens of the answer count. Perplexity is exp of the mean cross-entropy in nats."
)


def section(evidence: Evidence) -> Section:
    """Base against adapter, training, one example as the loss sees it, and answers."""
    language = evidence.language
    blocks: list[Block] = []
    if language.get("base") and language.get("adapter"):
        blocks += [*_figures(language)]
    else:
        blocks.append(Text("The language model was not measured."))
    if language:
        blocks += [Heading("Training"), *curves(language.get("base_history"), "Training curves of the base")]
        blocks += curves(language.get("adapter_history"), "Training curves of the adapter")
        blocks += _training_data(language)
    if language.get("answers"):
        blocks += answerers(language["answers"])
    return Section("language", "Language", _LEAD, blocks)


def _figures(language: Json) -> list[Block]:
    base, adapter = language["base"], language["adapter"]
    bars = plots.scoreboard(
        {
            f"perplexity ({LOWER})": {"base": base["perplexity"], "adapter": adapter["perplexity"]},
            f"token accuracy ({HIGHER})": {"base": base["token_accuracy"], "adapter": adapter["token_accuracy"]},
        },
        "adapter",
    )
    n, tokens = count(language["n"]), count(language["answer_tokens"])
    records = language.get("records", ())
    wins = sum(record["adapter_loss"] < record["base_loss"] for record in records)
    rows = [
        [Cell(name), Cell(figure(s["loss"])), Cell(figure(s["perplexity"], 2)), Cell(figure(s["token_accuracy"]))]
        for name, s in (("base", base), ("adapter", adapter))
    ]
    columns = [
        Column("Model", numeric=False),
        Column("Loss", f"nats a token, {LOWER}"),
        Column("Perplexity", f"1 and up, {LOWER}"),
        Column("Token accuracy", f"0–1, {HIGHER}"),
    ]
    note = f"Perplexity with the adapter is {figure(language['perplexity_ratio'])} of the base's."
    if records:
        note += f" The adapter has the lower loss on {wins} of {len(records)} instructions."
    title = f"Held-out instructions ({language['split']} split, n = {n}, {tokens} answer tokens)"
    return [
        Pictures([Picture("Base and adapter", bars, f"{n} {language['split']} instructions.")]),
        Table(title, columns, rows, note),
    ]


def _training_data(language: Json) -> list[Block]:
    blocks: list[Block] = []
    if language.get("counts"):
        rows = [[Cell(words(k).capitalize()), Cell(value_text(v))] for k, v in language["counts"].items()]
        blocks.append(
            Table("What it was tuned on, and how large it is", [Column("", numeric=False), Column("Count")], rows)
        )
    if language.get("example"):
        note = "One training example after the template was applied; the loss counts what is marked as the answer."
        blocks.append(Listing("An example as the loss sees it", language["example"], note))
    return blocks
