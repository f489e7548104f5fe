"""Every quality threshold of the pipeline, in one place.

A gate is a blocking asset check: what is downstream of a failed one does not run, and the release re-reads the recorded
verdict of every gate for exactly the versions it is about to publish. How a gate becomes a check is in `checks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from releaf.artifacts import content_hash


@dataclass(frozen=True)
class Gate:
    """`metric` of `asset` must be at least, or at most, `threshold`.

    A gate that is not `required` passes where the metric is absent: there are no photographs to be right about before
    any were imported. One that does not `release` judges a study: it stops what is below it, but no release waits for
    a study that nobody asked for.
    """

    name: str
    asset: str
    metric: str
    comparison: Literal[">=", "<="]
    threshold: float
    description: str
    required: bool = True
    release: bool = True

    @property
    def rule(self) -> dict[str, str | float]:
        """What a recorded verdict must have been given by to count."""
        return {"metric": self.metric, "comparison": self.comparison, "threshold": float(self.threshold)}

    def verdict(self, metrics: Mapping[str, float]) -> tuple[bool, float | None]:
        """Whether `metrics` pass, and the value that was compared (None where it is absent)."""
        value = metrics.get(self.metric)
        if value is None or value != value:
            return not self.required, None
        return (value >= self.threshold if self.comparison == ">=" else value <= self.threshold), value


# The reranker's checkpoint is written in fp32 where int8 would lose more, so that this decides rather than fails.
RERANKER_INT8_LOSS = 0.01
# An answerer speaks only if at least this share of its sentences is supported by what was retrieved.
LEAST_SUPPORT = 0.8


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
    Gate(
        "consistent",
        "upcycling_facts",
        "inconsistencies",
        "<=",
        0,
        "No contradiction, dangling or orphaned name, name given twice, cycle, self-loop, or fact without a source.",
    ),
    Gate(
        "safety_notes",
        "upcycling_facts",
        "missing_safety_notes",
        "<=",
        0,
        "Where heat, blades, drills, mains, cells or breaking glass come in, the project says how to stay safe.",
    ),
    _data_quality("instructions", 0.10),
    _data_quality("retrieval_judgements", 0.02),
    _data_quality("disposal_policies", 0.0),
    Gate("no_split_leak", "waste_images", "leaking_pairs", "<=", 0, "No near duplicates lie in two splits."),
    Gate("no_split_leak", "instructions", "leaking_groups", "<=", 0, "No near-duplicate group straddles two splits."),
    _data_quality("preferences", 0.10),
    Gate("no_split_leak", "preferences", "leaking_groups", "<=", 0, "No near-duplicate group straddles two splits."),
    Gate("one_component", "knowledge_graph", "largest_component_share", ">=", 0.95, "The graph hangs together."),
    Gate(
        "item_accuracy",
        "vision_report",
        "rendered_item_accuracy",
        ">=",
        0.92,
        "Rendered test pictures: the item is right.",
    ),
    Gate(
        "photograph_accuracy",
        "vision_report",
        "photograph_family_accuracy",
        ">=",
        0.75,
        "Photographed test pictures: the family of the material is right.",
        required=False,
    ),
    Gate("calibrated", "vision_report", "rendered_item_ece", "<=", 0.05, "Probabilities of items mean what they say."),
    Gate("onnx_parity", "waste_classifier", "onnx_parity", "<=", 1e-4, "The exported network gives torch's logits."),
    Gate(
        "int8_accuracy",
        "waste_classifier",
        "served_accuracy_loss",
        "<=",
        0.005,
        "What is served loses at most half a point of accuracy to int8, on any label of any source.",
    ),
    Gate("dense_ndcg", "retrieval_report", "test_dense_ndcg@10", ">=", 0.65, "Dense search on the test queries."),
    Gate("sparse_ndcg", "retrieval_report", "test_sparse_ndcg@10", ">=", 0.45, "Sparse search on the test queries."),
    Gate(
        "link_auc", "recommendation_report", "model_auc", ">=", 0.80, "Held-out links against non-links of their kind."
    ),
    Gate(
        "beats_common_neighbours",
        "recommendation_report",
        "auc_gain",
        ">=",
        0.0,
        "The trained model is no worse than counting common neighbours.",
    ),
    Gate(
        "beats_every_baseline",
        "recommendation_report",
        "item_mrr_gain",
        ">=",
        0.0,
        "Held-out projects of known items: what is served ranks them no worse than the best baseline.",
    ),
    Gate(
        "new_items_beat_text",
        "recommendation_report",
        "new_item_text_hits_gain",
        ">=",
        0.0,
        "Items held out altogether: Hits@10 of what is served is no worse than text cosine's.",
    ),
    Gate(
        "adapter_helps", "language_report", "perplexity_ratio", "<=", 0.5, "The adapter halves the base's perplexity."
    ),
    Gate("perplexity", "language_report", "perplexity_adapter", "<=", 60.0, "Perplexity on held-out instructions."),
    Gate(
        "answers_supported",
        "language_report",
        "served_supported",
        ">=",
        LEAST_SUPPORT,
        "What the served answerer says stands in the passages that were retrieved.",
    ),
    Gate(
        "support_judged",
        "language_report",
        "support_error",
        "<=",
        0.25,
        "The judge of support tells planted sentences from supported ones: mean of both error shares.",
    ),
    Gate(
        "length_bias",
        "reward_model",
        "preference_length_bias",
        "<=",
        0.10,
        "Length alone hardly tells the chosen answers that it learned from from the rejected ones.",
        release=False,
    ),
    Gate(
        "reward_accuracy",
        "reward_model",
        "reward_accuracy",
        ">=",
        0.75,
        "Held-out preferences: the better answer earns more.",
        release=False,
    ),
    Gate(
        "aligned_wins",
        "alignment_report",
        "aligned_win_rate",
        ">=",
        0.60,
        "A judge of held-out preferences takes the aligned answer over the tuned one.",
        release=False,
    ),
    Gate(
        "drift",
        "alignment_report",
        "aligned_kl",
        "<=",
        10.0,
        "Alignment stays near the tuned model, in nats an answer.",
        release=False,
    ),
    Gate("same_text", "sparse_index", "same_text", ">=", 1.0, "Both indexes saw the same text under the same ids."),
    Gate("dense_recall", "dense_index", "recall@10", ">=", 0.95, "The index finds what an exact search finds."),
    Gate("encoder_parity", "encoder_report", "min_cosine", ">=", 0.95, "No chunk's vector strays far from torch's."),
    Gate("encoder_ndcg", "encoder_report", "ndcg_loss", "<=", 0.02, "int8 costs little of dense search."),
    Gate(
        "reranker_int8",
        "reranker_checkpoint",
        "int8_ndcg_loss",
        "<=",
        RERANKER_INT8_LOSS,
        "int8 costs little of reranking, where it is what is written.",
        required=False,
    ),
    Gate(
        "reranker_helps",
        "retrieval_report",
        "reranker_loss",
        "<=",
        0.0,
        "A reranker that is served is no worse on test queries than the fusion it reorders.",
    ),
    Gate(
        "expert_load",
        "expert_base",
        "expert_load",
        "<=",
        1.5,
        "No layer's busiest expert has much more to do than the mean expert.",
        release=False,
    ),
    Gate(
        "prediction_error",
        "scaling_report",
        "prediction_error",
        "<=",
        0.05,
        "The law fitted to small runs predicts the loss of a larger one.",
        release=False,
    ),
)


def gates_hash(gates: Sequence[Gate]) -> str:
    """Short hash of gates: what shows or enforces them is stale when one of them changes."""
    return content_hash([asdict(gate) for gate in gates])[:8]
