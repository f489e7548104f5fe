"""Search: every method on the same judged queries, with intervals and the paired comparison with sparse search."""

from __future__ import annotations

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
    figure,
    interval,
    words,
)
from releaf.reporting.evidence import Evidence, Json

METHODS = {
    "sparse": "sparse (BM25)",
    "dense": "dense (embeddings)",
    "rrf": "rrf (reciprocal rank fusion)",
    "weighted": "weighted fusion",
}
SERVED = "rrf"
BASELINE = "sparse"
METRIC = "ndcg@10"
_DRAWN = {METRIC: "NDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10"}
_NAMES = {METRIC: "NDCG@10", "precision@5": "P@5", "precision@10": "P@10", "recall@10": "R@10", "recall@100": "R@100"}
_NAMES |= {"mrr@10": "MRR@10"}
_SPLITS = {"test": "Test queries", "dev": "Development queries"}
_LEAD = (
    "Each judged query is searched by every method; documents carry grades from 0 to 3. What was chosen on development "
    "queries is judged on test queries, so the two are reported apart. Intervals are 95 % bootstrap over queries."
)


def section(evidence: Evidence) -> Section:
    """Means with intervals, paired comparisons and query-by-query differences, test queries first."""
    splits = evidence.retrieval.get("splits", {})
    blocks: list[Block] = []
    for split in sorted(splits, key=lambda name: (name != "test", name)):
        blocks += [Heading(_SPLITS.get(split, f"{words(split).capitalize()} queries")), *_split(splits[split])]
    return Section("retrieval", "Retrieval", _LEAD, blocks or [Text("Search was not measured.")])


def served(methods: Json) -> str:
    """The method whose figures stand for search: rank fusion, or the last one where it was not measured."""
    return SERVED if SERVED in methods else list(methods)[-1]


def _split(part: Json) -> list[Block]:
    methods, ours = part["methods"], served(part["methods"])
    drawn = {name: key for key, name in _DRAWN.items() if all(key in m["figures"] for m in methods.values())}
    bars = plots.scoreboard(
        {name: {method: m["figures"][key]["mean"] for method, m in methods.items()} for name, key in drawn.items()},
        ours,
        intervals={
            name: {method: (m["figures"][key]["low"], m["figures"][key]["high"]) for method, m in methods.items()}
            for name, key in drawn.items()
        },
    )
    note = f"Mean over {part['queries']} queries, 0–1, {HIGHER}; whiskers are 95 % bootstrap intervals."
    blocks: list[Block] = [Pictures([Picture("Methods side by side", bars, note)]), _figures(part)]
    if BASELINE in methods and ours != BASELINE:
        blocks += [_against(part), Pictures([_queries(methods, ours)])]
    if part.get("unscored"):
        names = ", ".join(part["unscored"])
        blocks.append(Text(f"Not scored, because no document is relevant to them: {names}."))
    return blocks


def _figures(part: Json) -> Table:
    methods = part["methods"]
    keys = [key for key in _NAMES if any(key in m["figures"] for m in methods.values())]
    best = {key: max(m["figures"][key]["mean"] for m in methods.values()) for key in keys}
    rows = []
    for method, entry in methods.items():
        cells = [
            Cell(figure(f["mean"]), interval(f["low"], f["high"]), "best" if f["mean"] == best[key] else "")
            for key, f in ((key, entry["figures"][key]) for key in keys)
        ]
        rows.append([Cell(METHODS.get(method, words(method))), *cells])
    columns = [Column("Method", numeric=False), *(Column(_NAMES[key], f"0–1, {HIGHER}") for key in keys)]
    note = "Small print: 95 % bootstrap interval of the mean. NDCG gain 2^grade − 1, discount log₂(rank + 1)."
    return Table(f"Figures by method (n = {part['queries']} queries)", columns, rows, note)


def _against(part: Json) -> Table:
    rows = []
    for method, entry in part["methods"].items():
        for key, c in entry.get("against_sparse", {}).items():
            if key not in _DRAWN:
                continue
            says, tone = _verdict(c["low"], c["high"])
            rows.append(
                [
                    Cell(METHODS.get(method, words(method))),
                    Cell(_NAMES[key]),
                    Cell(f"{c['difference']:+.3f}", interval(c["low"], c["high"])),
                    Cell(figure(c["p_value"], 4)),
                    Cell(says, tone=tone),
                ]
            )
    columns = [
        Column("Method", numeric=False),
        Column("Metric", numeric=False),
        Column("Difference to sparse", f"mean of pairs, {HIGHER}"),
        Column("p", "paired randomization"),
        Column("Verdict", numeric=False),
    ]
    note = "Verdict: better or worse where the 95 % interval excludes zero. p values are not corrected."
    return Table(f"Against sparse search (n = {part['queries']} pairs)", columns, rows, note)


def _verdict(low: float, high: float) -> tuple[str, str]:
    if low > 0:
        return "better", "good"
    return ("worse", "bad") if high < 0 else ("no clear difference", "")


def _queries(methods: Json, ours: str) -> Picture:
    other = methods[BASELINE]["per_query"]
    gains = {query: values[METRIC] - other[query][METRIC] for query, values in methods[ours]["per_query"].items()}
    losses = [query for query, _ in sorted(gains.items(), key=lambda entry: (entry[1], entry[0])) if gains[query] < 0]
    picture = plots.differences(gains, "NDCG@10, query by query", ours=ours, theirs=BASELINE)
    note = f"Above zero {ours} is better. "
    note += f"Largest losses: {', '.join(losses[:5])}." if losses else "No query loses."
    return Picture(f"Who wins where: {ours} against {BASELINE}", picture, note)
