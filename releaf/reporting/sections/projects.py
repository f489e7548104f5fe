"""Recommendation as a ranking task: projects held out of known items, items held out altogether, and hard non-edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from releaf.reporting import plots
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
    figure,
    interval,
    words,
)
from releaf.reporting.evidence import Json

MODEL = "model"
# What the model is put together from stands in the tables, but is no rival of it.
_PARTS = ("structure", "embeddings")
_METRICS = {"mrr": "MRR", "hits_at_1": "Hits@1", "hits_at_10": "Hits@10", "ndcg_at_10": "NDCG@10"}
_POOLS = {
    "all": "all projects",
    "plausible": "projects the item's materials suffice for",
    "matched": "projects that lost a fact too",
}


def projects(links: Json) -> list[Block]:
    """Held-out projects, new items and hard non-edges; nothing where they were not measured."""
    if "projects" not in links:
        return []
    choice = links["choice"]
    says = f"Chosen on validation: {words(choice['model'])}. Known items are scored by {words(choice['serves'])}, "
    return [
        Heading("Projects held out of known items"),
        Text(says + f"new ones by {words(choice['serves_new'])}."),
        *_task(links["projects"], "Held-out projects"),
        Heading("New items"),
        Text("Every edge of an item is held out in turn; only its text and what it is made of are left."),
        *_task(links["new_items"], "New items"),
        Heading("Hard non-edges"),
        _hard(links["hard"], links["overall"]),
        Heading("What attention looks at"),
        _attention(links["attention"]),
    ]


def _task(task: Json, title: str) -> list[Block]:
    blocks: list[Block] = []
    for pool, figures in task["figures"].items():
        gains = task["gains"][pool]["hits_at_10"]
        heading = f"{title} among {_POOLS.get(pool, words(pool))}"
        drawn = {_METRICS[key]: {name: one[key] for name, one in figures.items()} for key in ("mrr", "hits_at_10")}
        pairs, candidates = figures[MODEL]["pairs"], figures[MODEL]["candidates"]
        note = f"{pairs} pairs of item and project, each among {candidates:.0f} candidates on average."
        blocks += [Pictures([Picture(heading, plots.scoreboard(drawn, MODEL), note)]), _ranks(heading, figures, gains)]
    return blocks


def _ranks(title: str, figures: Mapping[str, Json], gains: Mapping[str, Json]) -> Table:
    rivals = [one for name, one in figures.items() if name not in _PARTS]
    best = {key: max(one[key] for one in rivals) for key in _METRICS}
    rows = [
        [
            Cell(words(name)),
            *(Cell(figure(one[key]), tone="best" if one[key] == best[key] else "") for key in _METRICS),
            *_gain(gains.get(name)),
        ]
        for name, one in figures.items()
    ]
    columns = [Column("Scorer", numeric=False), *(Column(name, f"0–1, {HIGHER}") for name in _METRICS.values())]
    columns += [Column("Model's gain in Hits@10", HIGHER), Column("p", "over pairs"), Column("Verdict", numeric=False)]
    note = (
        "Structure and embeddings are the model's two parts. Gains: 95 % paired bootstrap interval in small print; "
        "p of the paired randomization test."
    )
    return Table(title, columns, rows, note)


def _gain(gain: Json | None) -> list[Cell]:
    if gain is None:
        return [Cell("–"), Cell("–"), Cell("")]
    tone = {"better": "good", "worse": "bad"}.get(gain["verdict"], "")
    value = Cell(f"{gain['value']:+.3f}", interval(gain["low"], gain["high"]))
    return [value, Cell(figure(gain["p"])), Cell(gain["verdict"], tone=tone)]


def _hard(hard: Mapping[str, Json], random: Mapping[str, Json]) -> Table:
    keys = {"auc": "AUC", "average_precision": "AP", "mrr": "MRR", "hits_at_10": "Hits@10"}
    rows = [
        [Cell(words(name)), *(Cell(figure(one[key]), figure(random[name][key])) for key in keys)]
        for name, one in hard.items()
    ]
    columns = [Column("Scorer", numeric=False), *(Column(name, f"0–1, {HIGHER}") for name in keys.values())]
    note = (
        "Held-out edges against the non-edges of their kinds that untrained signals take for the likeliest; in small "
        "print the same figure against random ones."
    )
    return Table("Held-out edges against hard non-edges", columns, rows, note)


def _attention(rows: Sequence[Json]) -> Table:
    cells = [
        [
            Cell(words(row["node"].split(":", 1)[-1])),
            Cell(str(row["layer"])),
            Cell(words(row["attends_to"].split(":", 1)[-1])),
            Cell(figure(row["weight"])),
        ]
        for row in rows
    ]
    columns = [
        Column("Item", numeric=False),
        Column("Layer"),
        Column("Attends to", numeric=False),
        Column("Weight", "0–1"),
    ]
    note = "Of the attention model among the candidates, heads averaged; the weights of an item and layer sum to 1."
    return Table("The items with most edges, and their five heaviest neighbours", columns, cells, note)
