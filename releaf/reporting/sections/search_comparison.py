"""What the methods gain, query by query, over one of them: sparse or dense search alone."""

from __future__ import annotations

from releaf.reporting import plots
from releaf.reporting.blocks import HIGHER, Block, Cell, Column, Picture, Pictures, Table, figure, interval
from releaf.reporting.evidence import Json
from releaf.reporting.sections.search_methods import DRAWN, METRIC, method_cell, ordered, title


def is_compared(part: Json, baseline: str) -> bool:
    """Whether some method was compared with `baseline`."""
    return any(entry.get(f"against_{baseline}") for entry in part["methods"].values())


def comparison(part: Json, ours: str, baseline: str) -> list[Block]:
    """Gains over `baseline` with intervals, p values and verdicts; the served method's query by query as a picture.

    The part must hold a comparison with `baseline`.
    """
    blocks: list[Block] = [_against(part, ours, baseline), *_other_metrics(part, ours, baseline)]
    if ours != baseline:
        blocks.append(Pictures([queries_picture(part["methods"], ours, baseline)]))
    return blocks


def queries_picture(methods: Json, ours: str, baseline: str) -> Picture:
    """One bar a query: what `ours` gains over `baseline` in NDCG@10."""
    gains = _gains(methods, ours, baseline)
    losses = [query for query, _ in sorted(gains.items(), key=lambda entry: (entry[1], entry[0])) if gains[query] < 0]
    picture = plots.differences(gains, "NDCG@10, query by query", ours=ours, theirs=baseline)
    note = f"Above zero {ours} is better. "
    note += f"Largest losses: {', '.join(losses[:5])}." if losses else "No query loses."
    return Picture(f"Who wins where: {ours} against {baseline}", picture, note)


def _compared(part: Json, baseline: str) -> dict[str, Json]:
    """Comparisons with `baseline` by method; the methods without one are left out."""
    found = {name: entry.get(f"against_{baseline}") for name, entry in ordered(part["methods"]).items()}
    return {name: entry for name, entry in found.items() if entry}


def _against(part: Json, ours: str, baseline: str) -> Table:
    """NDCG@10 against `baseline`, with the queries that gain and lose."""
    rows = []
    for method, entry in _compared(part, baseline).items():
        gains = list(_gains(part["methods"], method, baseline).values())
        better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
        counts = (Cell(str(n)) for n in (better, len(gains) - better - worse, worse))
        rows.append([method_cell(title(method), method == ours), *_cells(entry[METRIC]), *counts])
    columns = [
        Column("Method", numeric=False),
        *_columns("NDCG@10"),
        Column("Better", "queries"),
        Column("Equal", "queries"),
        Column("Worse", "queries"),
    ]
    note = (
        "Verdict: better or worse where the 95 % interval excludes zero. p values are not corrected for the number of "
        f"methods ({len(rows)})."
    )
    return Table(f"NDCG@10 against {baseline} search (n = {part['queries']} pairs)", columns, rows, note)


def _other_metrics(part: Json, ours: str, baseline: str) -> list[Block]:
    compared = _compared(part, baseline)
    keys = [key for key in DRAWN if key != METRIC and all(key in entry for entry in compared.values())]
    if not keys:
        return []
    rows = [
        [method_cell(title(method), method == ours), *(cell for key in keys for cell in _cells(entry[key]))]
        for method, entry in compared.items()
    ]
    columns = [Column("Method", numeric=False), *(column for key in keys for column in _columns(DRAWN[key]))]
    return [Table(f"Other metrics against {baseline} search (n = {part['queries']} pairs)", columns, rows)]


def _columns(metric: str) -> list[Column]:
    return [
        Column(f"Gain in {metric}", f"mean of pairs, {HIGHER}"),
        Column("p", "paired randomization"),
        Column("Verdict", numeric=False),
    ]


def _cells(found: Json) -> list[Cell]:
    """What stands under `_columns`."""
    low, high = found["low"], found["high"]
    says, tone = ("better", "good") if low > 0 else ("worse", "bad") if high < 0 else ("no clear difference", "")
    return [
        Cell(f"{found['difference']:+.3f}", interval(low, high)),
        Cell(figure(found["p_value"], 4)),
        Cell(says, tone=tone),
    ]


def _gains(methods: Json, method: str, baseline: str) -> dict[str, float]:
    """What each query gains in NDCG@10 over `baseline`."""
    other = methods[baseline]["per_query"]
    return {query: values[METRIC] - other[query][METRIC] for query, values in methods[method]["per_query"].items()}
