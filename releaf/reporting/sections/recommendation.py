"""The knowledge graph and the projects recommended from it: link prediction beside baselines that learn nothing."""

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
    Section,
    Table,
    Text,
    count,
    figure,
    interval,
    value_text,
    words,
)
from releaf.reporting.evidence import Evidence, Json
from releaf.reporting.sections.history import curves
from releaf.reporting.sections.projects import projects

MODEL = "model"
_METRICS = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "hits_at_1": "Hits@1",
    "hits_at_3": "Hits@3",
    "hits_at_10": "Hits@10",
    "mrr": "MRR",
}
_DRAWN = ("auc", "hits_at_10", "mrr")
_SIZE = (
    "nodes",
    "edges",
    "density",
    "components",
    "largest_component",
    "isolated",
    "diameter",
    "mean_degree",
    "kind_homophily",
    "family_homophily",
    "bin_homophily",
)
_LEAD = (
    "A graph of facts joins items, materials, properties and projects. The model embeds its nodes and predicts edges "
    "that were held out of message passing; a project is recommended by the probability of its edge with the item."
)


def section(evidence: Evidence) -> Section:
    """The graph, link prediction on held-out edges, training and example recommendations."""
    links = evidence.recommendation
    blocks: list[Block] = [Heading("Knowledge graph"), *_graph(evidence)]
    blocks.append(Heading("Link prediction on held-out edges"))
    if not links.get("overall"):
        return Section("recommendation", "Recommendation", _LEAD, [*blocks, Text("Link prediction was not measured.")])
    blocks += [*_overall(links), _relations(links["per_relation"]), *projects(links)]
    blocks += [Heading("Training"), *curves(links.get("history"), "Training curves of the link predictor")]
    if links.get("examples"):
        blocks += [Heading("Example recommendations"), *_examples(links["examples"])]
    return Section("recommendation", "Recommendation", _LEAD, blocks)


def strongest(overall: Json, metric: str) -> str:
    """The baseline with the largest `metric`."""
    return max((name for name in overall if name != MODEL), key=lambda name: float(overall[name][metric]))


def _graph(evidence: Evidence) -> list[Block]:
    if not evidence.graph:
        return [Text("The graph was not described.")]
    graph, blocks = evidence.graph, list[Block]()
    if evidence.graph_picture:
        note = "Green dots are projects, in the rows of the items they can be made of; below, what materials hold."
        blocks.append(Pictures([Picture("The whole graph", evidence.graph_picture, note)]))
    size = [[Cell(words(name).capitalize()), Cell(value_text(graph[name]))] for name in _SIZE if name in graph]
    blocks.append(
        Table(
            "Shape",
            [Column("Figure", numeric=False), Column("Value")],
            size,
            "Distances and components ignore direction. Homophily: share of edges between ends of the same kind or "
            "label.",
        )
    )
    blocks.append(_centrality(graph))
    return blocks


def _centrality(graph: Json) -> Table:
    columns, lists = [Column("Rank")], []
    for name in ("degree_centrality", "betweenness_centrality"):
        lists.append(list(graph.get(name, [])))
        columns += [Column(words(name).capitalize(), numeric=False), Column("Value", "0–1")]
    rows = []
    for rank in range(max(map(len, lists))):
        cells = [Cell(str(rank + 1))]
        for ordered in lists:
            node, value = ordered[rank] if rank < len(ordered) else ("–", None)
            cells += [Cell(_node(node)), Cell(figure(value))]
        rows.append(cells)
    return Table("Most central nodes", columns, rows)


def _overall(links: Json) -> list[Block]:
    overall = links["overall"]
    edges = overall[MODEL]["edges"]
    bars = plots.scoreboard({_METRICS[key]: {name: f[key] for name, f in overall.items()} for key in _DRAWN}, MODEL)
    best = {key: max(f[key] for f in overall.values()) for key in _METRICS}
    rows = []
    for name, f in overall.items():
        cells = [Cell(figure(f[key]), tone="best" if f[key] == best[key] else "") for key in _METRICS]
        rows.append([Cell(words(name)), *cells, *_difference(links["comparisons"].get(name))])
    columns = [Column("Scorer", numeric=False), *(Column(name, f"0–1, {HIGHER}") for name in _METRICS.values())]
    columns += [Column("Model's gain in AUC", HIGHER), Column("Verdict", numeric=False)]
    note = (
        "AUC and average precision against as many non-edges between the same kinds of node. Hits@k and MRR rank each "
        "end among all nodes of its kind. Gains: 95 % paired bootstrap interval in small print."
    )
    picture = Picture("Model and baselines", bars, f"{edges} held-out edges, 0–1, {HIGHER}.")
    says = (
        "The model's AUC is better than that of every baseline beyond chance."
        if links.get("beats_all")
        else "The model does not beat every baseline beyond chance; the table says which."
    )
    return [Text(says), Pictures([picture]), Table(f"All relations (n = {edges} edges)", columns, rows, note)]


def _difference(comparison: Json | None) -> list[Cell]:
    if comparison is None:
        return [Cell("–"), Cell("")]
    d = comparison["difference"]
    tone = {"better": "good", "worse": "bad"}.get(comparison["verdict"], "")
    return [Cell(f"{d['value']:+.3f}", interval(d["low"], d["high"])), Cell(comparison["verdict"], tone=tone)]


def _relations(per_relation: Mapping[str, Json]) -> Table:
    rows = []
    for relation, scorers in per_relation.items():
        model, rival = scorers[MODEL], strongest(scorers, "auc")
        tone = "good" if model["auc"] > scorers[rival]["auc"] else "bad"
        rows.append(
            [
                Cell(words(relation)),
                Cell(count(model["edges"])),
                Cell(figure(model["auc"]), tone=tone),
                Cell(figure(scorers[rival]["auc"]), words(rival)),
                *(Cell(figure(model[key])) for key in ("average_precision", "hits_at_1", "hits_at_10", "mrr")),
            ]
        )
    columns = [
        Column("Relation", numeric=False),
        Column("n", "edges"),
        Column("AUC, model", f"0–1, {HIGHER}"),
        Column("AUC, best baseline", f"0–1, {HIGHER}"),
        *(Column(_METRICS[key], f"model, {HIGHER}") for key in ("average_precision", "hits_at_1", "hits_at_10", "mrr")),
    ]
    note = (
        "The best baseline is picked on these very edges, which favours it; few edges make wide intervals. Green: the "
        "model is above it, red: it is not."
    )
    return Table("By relation", columns, rows, note)


def _examples(examples: Mapping[str, Sequence[Json]]) -> list[Block]:
    columns = [
        Column("Rank"),
        Column("Project", numeric=False),
        Column("Probability", "0–1"),
        Column("Stated by the facts", numeric=False),
        Column("Path that supports it", numeric=False),
    ]
    return [
        Table(
            f"For {words(item)}",
            columns,
            [
                [
                    Cell(str(rank)),
                    Cell(entry["title"]),
                    Cell(figure(entry["score"])),
                    Cell("yes" if entry["known"] else "new"),
                    Cell(" → ".join(_node(node) for node in entry["path"]) or "no path of facts"),
                ]
                for rank, entry in enumerate(found, 1)
            ],
        )
        for item, found in examples.items()
    ]


def _node(name: str) -> str:
    return words(name.split(":", 1)[-1])
