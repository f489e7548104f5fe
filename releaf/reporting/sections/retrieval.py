"""Search: every method on the same judged queries, with intervals, paired comparisons and what was chosen."""

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
from releaf.reporting.sections.search_comparison import comparison, is_compared, queries_picture
from releaf.reporting.sections.search_methods import (
    BASELINES,
    DRAWN,
    METRIC,
    NOT_MEASURED,
    method_cell,
    ordered,
    served,
    title,
)
from releaf.reporting.sections.search_trust import confidence, confidence_picture, has_confidence, refusals

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
        for baseline in BASELINES:
            if ours != baseline and is_compared(part, baseline):
                drawn[f"query_by_query_against_{baseline}"] = queries_picture(part["methods"], ours, baseline)
        if has_confidence(part, ours):
            drawn["confidence"] = confidence_picture(part, ours)
    if (evaluation_json.get("choice") or {}).get("candidates"):
        drawn["choice"] = choice_picture(evaluation_json["choice"])
    return {name: markdown_image(picture.image, picture.title) for name, picture in drawn.items()}


def _split(part: Json, ours: str, name: str) -> list[Block]:
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
    for baseline in BASELINES:
        if is_compared(part, baseline):
            blocks += [Heading(f"{name}: against {baseline} search alone"), *comparison(part, ours, baseline)]
    blocks += [Heading(f"{name}: confidence"), *confidence(part, ours)]
    return [*blocks, Heading(f"{name}: questions that nothing answers"), *refusals(part)]


def _scoreboard(part: Json, ours: str) -> Picture:
    methods = ordered(part["methods"])
    drawn = {name: key for key, name in DRAWN.items() if all(key in m["figures"] for m in methods.values())}
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
