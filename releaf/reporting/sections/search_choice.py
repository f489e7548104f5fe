"""How the served way of searching was chosen on development queries, and what its encoder loses to the reference."""

from __future__ import annotations

from collections.abc import Sequence

from releaf.reporting.blocks import HIGHER, Block, Cell, Column, Picture, Pictures, Table, Text, figure, interval
from releaf.reporting.evidence import Json
from releaf.reporting.retrieval_plots import Sweep, sweeps
from releaf.reporting.sections.search_methods import NOT_MEASURED

_RRF = "rank fusion (rrf)"


def choice(chosen: Json | None) -> list[Block]:
    """The candidates with their figures, and why the reranker is or is not served."""
    if not chosen or not chosen.get("candidates"):
        return [Text(f"How the served search was chosen: {NOT_MEASURED}.")]
    return [
        Text(f"Chosen: {in_words(chosen['choice'])}. No test query was looked at."),
        Pictures([choice_picture(chosen)]),
        *_reranking(chosen),
        _candidates(chosen),
    ]


def in_words(choice: Json) -> str:
    """A choice as a phrase."""
    said = [_fusion(choice)]
    said.append("the query expanded" if choice["expand"] else "the query not expanded")
    if choice["rerank"]:
        said.append(f"reranked with weight {choice['rerank_weight']:g}")
    else:
        said.append("not reranked")
    refusal = choice.get("answerability")
    said.append(
        f"“nothing answers” below a probability of {figure(refusal['threshold'])}" if refusal else "never refusing"
    )
    return ", ".join(said)


def choice_picture(chosen: Json) -> Picture:
    """NDCG@10 over the dense weight, and over the reranker's where one was tried."""
    candidates, settled = chosen["candidates"], chosen["choice"]
    fused = next((c for c in candidates if _is_chosen(c, {**settled, "rerank": False})), None)
    panels = [_fusions(candidates, fused)]
    reranked = {c["choice"]["rerank_weight"]: c["ndcg"] for c in candidates if c["method"] == "reranked"}
    if reranked:
        weight = settled["rerank_weight"]
        ring = (weight, reranked[weight]) if settled["rerank"] and weight in reranked else None
        levels = {} if fused is None else {"without it": (fused["ndcg"], "")}
        panels.append(Sweep("Reranker", "weight of the cross-encoder", {"reranked": reranked}, levels, ring))
    note = f"Mean over {chosen['queries']} development queries, {HIGHER}; the vertical axis does not begin at 0."
    return Picture("NDCG@10 of every way that was tried", sweeps(panels, "NDCG@10"), note)


def _fusions(candidates: Sequence[Json], taken: Json | None) -> Sweep:
    curves: dict[str, dict[float, float]] = {}
    levels: dict[str, tuple[float, str]] = {}
    for candidate in candidates:
        if candidate["method"] == "reranked":
            continue
        suffix = ", expanded" if candidate["choice"]["expand"] else ""
        if candidate["choice"]["fusion"] == "weighted":
            curves.setdefault(f"weighted{suffix}", {})[candidate["choice"]["weight"]] = candidate["ndcg"]
        else:
            levels[f"rrf{suffix}"] = (candidate["ndcg"], f"weighted{suffix}")
    ring = None
    if taken is not None:
        ring = (taken["choice"]["weight"] if taken["choice"]["fusion"] == "weighted" else None, taken["ndcg"])
    return Sweep("Fusion and expansion", "weight of the dense ranking", curves, levels, ring)


def _reranking(chosen: Json) -> list[Block]:
    found = chosen.get("reranking")
    if not found:
        return [Text(f"Reranker against the chosen fusion: {NOT_MEASURED}, because there was none to compare.")]
    served = chosen["choice"]["rerank"]
    if served:
        why = "It is better, and chance alone would hardly make it look so."
    elif found["difference"] <= 0:
        why = "It is not better than the fusion that it reorders."
    else:
        why = "Chance alone may have made it look better."
    row = [
        Cell(f"{found['difference']:+.3f}", interval(found["low"], found["high"])),
        Cell(figure(found["p_value"], 4)),
        Cell("yes" if served else "no", tone="good" if served else "open"),
        Cell(why),
    ]
    columns = [
        Column("Gain in NDCG@10", f"mean of pairs, {HIGHER}"),
        Column("p", "paired randomization"),
        Column("Served", numeric=False),
        Column("Why", numeric=False),
    ]
    note = (
        "Weights are chosen on one half of the queries and judged on the other, in turn, so that the comparison is "
        "fair; the curve above is not. Served where the gain is positive and p is below 0.05."
    )
    return [Table(f"Reranker against the chosen fusion (n = {chosen['queries']} pairs)", columns, [row], note)]


def _candidates(chosen: Json) -> Table:
    best = max(c["ndcg"] for c in chosen["candidates"])
    rows = []
    for candidate in sorted(chosen["candidates"], key=lambda c: -float(c["ndcg"])):
        way, reranked = candidate["choice"], candidate["method"] == "reranked"
        rows.append(
            [
                Cell("chosen", tone="good") if _is_chosen(candidate, chosen["choice"]) else Cell(""),
                Cell(_RRF if way["fusion"] == "rrf" else "weighted"),
                Cell(f"{way['weight']:g}" if way["fusion"] == "weighted" else "–"),
                Cell("yes" if way["expand"] else "no"),
                Cell(f"{way['rerank_weight']:g}" if reranked else "–"),
                Cell(figure(candidate["ndcg"]), tone="best" if candidate["ndcg"] == best else ""),
            ]
        )
    columns = [
        Column("", numeric=False),
        Column("Fusion", numeric=False),
        Column("Dense weight", "0–1"),
        Column("Query expanded", numeric=False),
        Column("Rerank weight", "0–1"),
        Column("NDCG@10", f"0–1, {HIGHER}"),
    ]
    note = "Best first. The reranker reorders the best fusion; its weight and figures here are of the same queries."
    return Table(f"Ways that were tried (n = {chosen['queries']} development queries)", columns, rows, note)


def _fusion(choice: Json) -> str:
    return _RRF if choice["fusion"] == "rrf" else f"weighted fusion with dense weight {choice['weight']:g}"


def _is_chosen(candidate: Json, settled: Json) -> bool:
    way = candidate["choice"]
    if (candidate["method"] == "reranked") != settled["rerank"]:
        return False
    same = way["fusion"] == settled["fusion"] and way["expand"] == settled["expand"]
    if way["fusion"] == "weighted":
        same = same and way["weight"] == settled["weight"]
    return bool(same and (not settled["rerank"] or way["rerank_weight"] == settled["rerank_weight"]))


def encoder(figures: Json | None) -> list[Block]:
    """What the served encoder keeps of the same model in torch."""
    if not figures:
        return [Text(f"The served encoder against the same model in torch: {NOT_MEASURED}.")]
    loss = figures["ndcg_loss"]
    rows = [
        [Cell("Cosine to torch, mean"), Cell(figure(figures["mean_cosine"], 4)), Cell("1 is the same vector")],
        [Cell("Cosine to torch, least"), Cell(figure(figures["min_cosine"], 4)), Cell("the worst chunk")],
        [Cell("NDCG@10, served"), Cell(figure(figures["served_ndcg@10"])), Cell(HIGHER)],
        [Cell("NDCG@10, torch"), Cell(figure(figures["reference_ndcg@10"])), Cell("the reference")],
        [
            Cell("NDCG@10 lost"),
            Cell(f"{100 * loss:.2f} %".replace("-", "−")),
            Cell("share of the reference's; below 0 the served one is better"),
        ],
    ]
    columns = [Column("Figure", numeric=False), Column("Value"), Column("Meaning", numeric=False)]
    note = "Dense search alone, exact (no index between a vector and its rank), on all judged queries of every split."
    return [Table("The served encoder and the same model in torch", columns, rows, note)]
