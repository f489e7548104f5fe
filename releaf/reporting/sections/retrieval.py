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
from releaf.reporting.pictures import markdown_image
from releaf.reporting.retrieval_plots import over_depth
from releaf.reporting.sections.history import curves
from releaf.reporting.sections.search_choice import choice, choice_picture, encoder
from releaf.reporting.sections.search_methods import (
    BASELINE,
    METRIC,
    NOT_MEASURED,
    method_cell,
    ordered,
    served,
    title,
)
from releaf.reporting.sections.search_trust import confidence, confidence_picture, has_confidence, refusals

_DRAWN = {METRIC: "NDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10"}
_NAMES = {METRIC: "NDCG@10", "precision@5": "P@5", "recall@10": "R@10", "recall@100": "R@100", "mrr@10": "MRR@10"}
_CURVES = {"ndcg": "NDCG@k", "recall": "Recall@k"}
_DEPTHS = (1, 3, 5, 10, 20)
_SPLITS = {"test": "Test queries", "dev": "Development queries"}
_LEAD = (
    "Each judged query is searched by every method; documents carry grades from 0 to 3. What was chosen on development "
    "queries is judged on test queries, so the two are reported apart. Intervals are 95 % bootstrap over queries, "
    "those of shares Wilson's."
)


def section(evidence: Evidence) -> Section:
    """Figures, comparisons, confidence and refusals by split, test queries first; then the choice and the encoder."""
    retrieval = evidence.retrieval
    splits = retrieval.get("splits", {})
    if not splits:
        return Section("retrieval", "Retrieval", _LEAD, [Text("Search was not measured.")])
    blocks: list[Block] = []
    for split in sorted(splits, key=lambda name: (name != "test", name)):
        name = _SPLITS.get(split, f"{words(split).capitalize()} queries")
        blocks += _split(splits[split], served(retrieval, splits[split]["methods"]), name)
    blocks += [Heading("How the served search was chosen"), *choice(retrieval.get("choice"))]
    if retrieval.get("reranker"):
        blocks += curves(retrieval["reranker"], "Training curves of the reranker")
    blocks += [Heading("Encoder"), *encoder(retrieval.get("encoder"))]
    return Section("retrieval", "Retrieval", _LEAD, blocks)


def pictures(evaluation_json: Json) -> dict[str, str]:
    """Markdown images by name, of the test queries where there are any; what was not measured is left out.

    Takes what the retrieval report writes (`RetrievalEvaluation.to_json` with `served` and `choice`).
    """
    splits = evaluation_json.get("splits", {})
    drawn: dict[str, Picture] = {}
    if splits:
        part = splits["test" if "test" in splits else min(splits)]
        ours = served(evaluation_json, part["methods"])
        drawn["methods"] = _scoreboard(part, ours)
        if len(_depths(part)) > 1:
            drawn["ndcg_over_k"] = _over_depth(part, ours)
        if BASELINE in part["methods"] and ours != BASELINE:
            drawn["query_by_query"] = _queries(part["methods"], ours)
        if has_confidence(part, ours):
            drawn["confidence"] = confidence_picture(part, ours)
    if (evaluation_json.get("choice") or {}).get("candidates"):
        drawn["choice"] = choice_picture(evaluation_json["choice"])
    return {name: markdown_image(picture.image, picture.title) for name, picture in drawn.items()}


def _split(part: Json, ours: str, name: str) -> list[Block]:
    methods = part["methods"]
    images = [_scoreboard(part, ours)]
    measured = len(_depths(part)) > 1
    if measured:
        images.append(_over_depth(part, ours))
    blocks: list[Block] = [Heading(f"{name}: methods"), Pictures(images), _figures(part, ours)]
    if not measured:
        blocks.append(Text(f"NDCG and recall over k: {NOT_MEASURED}."))
    if part.get("unscored"):
        names = ", ".join(part["unscored"])
        blocks.append(Text(f"Not scored, because no document is relevant to them: {names}."))
    if any(entry.get("against_sparse") for entry in methods.values()):
        blocks += [Heading(f"{name}: against sparse search alone"), _against(part, ours), *_other_metrics(part, ours)]
        if ours != BASELINE:
            blocks.append(Pictures([_queries(methods, ours)]))
    blocks += [Heading(f"{name}: confidence"), *confidence(part, ours)]
    return [*blocks, Heading(f"{name}: questions that nothing answers"), *refusals(part)]


def _scoreboard(part: Json, ours: str) -> Picture:
    methods = ordered(part["methods"])
    drawn = {name: key for key, name in _DRAWN.items() if all(key in m["figures"] for m in methods.values())}
    bars = plots.scoreboard(
        {name: {method: m["figures"][key]["mean"] for method, m in methods.items()} for name, key in drawn.items()},
        ours,
        intervals={
            name: {method: (m["figures"][key]["low"], m["figures"][key]["high"]) for method, m in methods.items()}
            for name, key in drawn.items()
        },
        panel=1.9,
    )
    note = (
        f"Mean over {part['queries']} queries, 0–1, {HIGHER}; whiskers are 95 % bootstrap intervals. In colour: "
        f"{ours}, which is served."
    )
    return Picture("Methods side by side", bars, note)


def _over_depth(part: Json, ours: str) -> Picture:
    methods, depths = ordered(part["methods"]), _depths(part)
    panels = {
        name: {method: {k: m["figures"][f"{key}@{k}"]["mean"] for k in depths} for method, m in methods.items()}
        for key, name in _CURVES.items()
    }
    note = f"Mean over {part['queries']} queries, {HIGHER}; the vertical axes do not begin at 0. Thick: {ours}, served."
    return Picture("NDCG and recall over the number of documents looked at", over_depth(panels, ours, depths), note)


def _depths(part: Json) -> list[int]:
    """Where both curves were measured for every method."""
    figures = [m["figures"] for m in part["methods"].values()]
    return [k for k in _DEPTHS if all(f"{key}@{k}" in f for key in _CURVES for f in figures)]


def _figures(part: Json, ours: str) -> Table:
    methods = ordered(part["methods"])
    keys = [key for key in _NAMES if any(key in m["figures"] for m in methods.values())]
    best = {key: max(m["figures"][key]["mean"] for m in methods.values()) for key in keys}
    rows = []
    for method, entry in methods.items():
        cells = [
            Cell(figure(f["mean"]), interval(f["low"], f["high"]), "best" if f["mean"] == best[key] else "")
            for key, f in ((key, entry["figures"][key]) for key in keys)
        ]
        rows.append([method_cell(title(method), method == ours), *cells])
    columns = [Column("Method", numeric=False), *(Column(_NAMES[key], f"0–1, {HIGHER}") for key in keys)]
    note = "Small print: 95 % bootstrap interval of the mean. NDCG gain 2^grade − 1, discount log₂(rank + 1)."
    if methods.keys() & {"expanded", "mmr", "reranked"}:
        note += " Expanded, mmr and reranked start from the fusion that was chosen on development queries."
    return Table(f"Figures by method (n = {part['queries']} queries)", columns, rows, note)


def _against(part: Json, ours: str) -> Table:
    """NDCG@10 against sparse search, with the queries that gain and lose."""
    methods = ordered(part["methods"])
    rows = []
    for method, entry in methods.items():
        if METRIC not in entry.get("against_sparse", {}):
            continue
        c = entry["against_sparse"][METRIC]
        says, tone = _verdict(c["low"], c["high"])
        gains = list(_gains(methods, method).values())
        better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
        rows.append(
            [
                method_cell(title(method), method == ours),
                Cell(f"{c['difference']:+.3f}", interval(c["low"], c["high"])),
                Cell(figure(c["p_value"], 4)),
                Cell(says, tone=tone),
                *(Cell(str(n)) for n in (better, len(gains) - better - worse, worse)),
            ]
        )
    columns = [
        Column("Method", numeric=False),
        Column("Gain in NDCG@10", f"mean of pairs, {HIGHER}"),
        Column("p", "paired randomization"),
        Column("Verdict", numeric=False),
        Column("Better", "queries"),
        Column("Equal", "queries"),
        Column("Worse", "queries"),
    ]
    note = (
        "Verdict: better or worse where the 95 % interval excludes zero. p values are not corrected for the number of "
        f"methods ({len(rows)})."
    )
    return Table(f"NDCG@10 against sparse search (n = {part['queries']} pairs)", columns, rows, note)


def _other_metrics(part: Json, ours: str) -> list[Block]:
    methods = {name: entry["against_sparse"] for name, entry in ordered(part["methods"]).items()}
    compared = {name: entry for name, entry in methods.items() if entry}
    keys = [key for key in _DRAWN if key != METRIC and all(key in entry for entry in compared.values())]
    if not keys:
        return []
    rows: list[list[Cell]] = []
    for method, entry in compared.items():
        cells = [method_cell(words(method), method == ours)]
        for key in keys:
            c = entry[key]
            says, tone = _verdict(c["low"], c["high"])
            cells += [
                Cell(f"{c['difference']:+.3f}", interval(c["low"], c["high"])),
                Cell(figure(c["p_value"], 4)),
                Cell(says, tone=tone),
            ]
        rows.append(cells)
    columns = [Column("Method", numeric=False)]
    for key in keys:
        columns += [
            Column(f"Gain in {_DRAWN[key]}", f"mean of pairs, {HIGHER}"),
            Column("p", "paired randomization"),
            Column("Verdict", numeric=False),
        ]
    return [Table(f"Other metrics against sparse search (n = {part['queries']} pairs)", columns, rows)]


def _verdict(low: float, high: float) -> tuple[str, str]:
    if low > 0:
        return "better", "good"
    return ("worse", "bad") if high < 0 else ("no clear difference", "")


def _gains(methods: Json, method: str) -> dict[str, float]:
    """What each query gains in NDCG@10 over sparse search."""
    other = methods[BASELINE]["per_query"]
    return {query: values[METRIC] - other[query][METRIC] for query, values in methods[method]["per_query"].items()}


def _queries(methods: Json, ours: str) -> Picture:
    gains = _gains(methods, ours)
    losses = [query for query, _ in sorted(gains.items(), key=lambda entry: (entry[1], entry[0])) if gains[query] < 0]
    picture = plots.differences(gains, "NDCG@10, query by query", ours=ours, theirs=BASELINE)
    note = f"Above zero {ours} is better. "
    note += f"Largest losses: {', '.join(losses[:5])}." if losses else "No query loses."
    return Picture(f"Who wins where: {ours} against {BASELINE}", picture, note)
