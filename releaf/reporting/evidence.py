"""What the evaluation report is made of: figures that others measured, as plain JSON values. Nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class GateRow:
    """One quality gate and its verdict.

    `value` is None where nothing was measured. `passed` is None where there is no verdict, and true beside a missing
    value where the gate is not required.
    """

    asset: str
    name: str
    metric: str
    value: float | None
    comparison: str
    threshold: float
    passed: bool | None
    description: str


@dataclass(frozen=True)
class Evidence:
    """Everything the page shows; a part that was not measured is empty, and the page says so.

    data: counts by table. vision: `Judgement.to_json`, with `transfer` and, under `pictures`, PNG by name.
    vision_history, and each history below: `epochs`, `best_epoch`, `monitor`. retrieval: `RetrievalEvaluation.to_json`.
    graph: `GraphStatistics.as_json`; graph_picture: PNG. recommendation: `LinkEvaluation.as_json` with `history` and
    `examples` (recommendations by item). language: `LanguageEvaluation.as_json` with `base_history`,
    `adapter_history`, `example` and `counts`. provenance: versions by asset. settings: nested. hardware: in words.
    """

    gates: Sequence[GateRow]
    data: Mapping[str, Mapping[str, float | str]]
    vision: Json
    vision_history: Json
    retrieval: Json
    graph: Json
    graph_picture: bytes
    recommendation: Json
    language: Json
    provenance: Mapping[str, str]
    settings: Json
    hardware: str
