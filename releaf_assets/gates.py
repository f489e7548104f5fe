"""Every quality threshold of the pipeline, in one place.

A gate is a blocking asset check: what is downstream of a failed one does not run, and the release re-reads the recorded
verdict of every gate for exactly the versions it is about to publish. How a gate becomes a check is in `checks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Gate:
    """`metric` of `asset` must be at least, or at most, `threshold`.

    A gate that is not `required` passes where the metric is absent: there are no photographs to be right about before
    any were imported.
    """

    name: str
    asset: str
    metric: str
    comparison: Literal[">=", "<="]
    threshold: float
    description: str
    required: bool = True

    def verdict(self, metrics: Mapping[str, float]) -> tuple[bool, float | None]:
        """Whether `metrics` pass, and the value that was compared (None where it is absent)."""
        value = metrics.get(self.metric)
        if value is None or value != value:
            return not self.required, None
        return (value >= self.threshold if self.comparison == ">=" else value <= self.threshold), value


def _data_quality(asset: str, share: float) -> Gate:
    return Gate(
        "rows_kept",
        asset,
        "lost_share",
        "<=",
        share,
        f"At most {share:.0%} of the rows may fail validation (see the quarantine).",
    )


GATES: tuple[Gate, ...] = (
    _data_quality("waste_images", 0.05),
    _data_quality("knowledge_documents", 0.02),
    _data_quality("upcycling_facts", 0.02),
    _data_quality("instructions", 0.10),
    _data_quality("retrieval_judgements", 0.02),
    _data_quality("disposal_policies", 0.0),
    Gate("no_split_leak", "waste_images", "leaking_groups", "<=", 0, "No near-duplicate group straddles two splits."),
    Gate("no_split_leak", "instructions", "leaking_groups", "<=", 0, "No near-duplicate group straddles two splits."),
    Gate("one_component", "knowledge_graph", "largest_component_share", ">=", 0.95, "The graph hangs together."),
    Gate("same_text", "sparse_index", "shared_text", ">=", 1.0, "Both indexes hold the same chunks."),
)
