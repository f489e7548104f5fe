"""The few figures that the page opens with, each beside what it has to beat, and the verdict of the gates in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from releaf.reporting.blocks import HIGHER, LOWER, figure, interval, wilson, words
from releaf.reporting.evidence import Evidence, GateRow, Json
from releaf.reporting.sections.recommendation import MODEL, strongest
from releaf.reporting.sections.search_methods import BASELINE, served
from releaf.reporting.sections.vision import finest, majority

_PLURAL = {"photograph": "photographs", "rendered": "rendered"}
_ADJECTIVE = {"photograph": "photographed", "rendered": "rendered"}
_BADGE = {"photograph": "", "rendered": "synthetic"}


@dataclass(frozen=True)
class Headline:
    """One figure of the summary.

    key: its name in `headline_figures`. baseline: the value it is compared with, described by `against`. low, high:
    95 % interval of the figure, where there is one. meaning: what it says, in a sentence. badge: "synthetic" where the
    figure is about rendered images. top: the end of the scale that it is drawn on; scales begin at 0.
    """

    key: str
    title: str
    value: float
    baseline: float
    against: str
    higher: bool
    n: str
    meaning: str
    section: str
    badge: str = ""
    low: float | None = None
    high: float | None = None
    top: float = 1.0
    digits: int = 3

    @property
    def text(self) -> str:
        """The value as it is shown."""
        return figure(self.value, self.digits)

    @property
    def baseline_text(self) -> str:
        """The baseline as it is shown."""
        return figure(self.baseline, self.digits)

    @property
    def direction(self) -> str:
        """Which way is better."""
        return HIGHER if self.higher else LOWER

    @property
    def interval(self) -> str:
        """The 95 % interval as it is shown; empty without one."""
        return "" if self.low is None or self.high is None else interval(self.low, self.high, self.digits)

    def at(self, value: float) -> str:
        """Where on the scale a value lies, in percent."""
        return f"{100 * min(1.0, max(0.0, value / self.top)):.2f}"

    @property
    def better(self) -> bool:
        """Whether the value is on the better side of its baseline."""
        return self.value > self.baseline if self.higher else self.value < self.baseline


def headlines(evidence: Evidence) -> list[Headline]:
    """The figures of the summary, for what was measured."""
    return [*_vision(evidence), *_retrieval(evidence), *_recommendation(evidence), *_language(evidence)]


def _vision(evidence: Evidence) -> list[Headline]:
    measured = evidence.vision.get("sources", {})
    sources = [source for source in ("photograph", "rendered") if measured.get(source)]
    found = []
    for source in sources:
        label = finest(measured[source])
        found.append(_accuracy(source, label, measured[source][label]))
        if source == sources[0]:
            found.append(_calibration(source, label, measured[source][label]))
    return found


def _accuracy(source: str, label: str, f: Json) -> Headline:
    low, high = wilson(f["accuracy"], f["n"])
    return Headline(
        f"vision_{source}_{label}_accuracy",
        f"{words(label).capitalize()} accuracy, {_PLURAL[source]}",
        f["accuracy"],
        majority(f),
        "always the commonest class",
        True,
        f"{f['n']:,} images",
        f"Share of {_ADJECTIVE[source]} test images whose {words(label)} the classifier names.",
        "vision",
        badge=_BADGE[source],
        low=low,
        high=high,
    )


def _calibration(source: str, label: str, f: Json) -> Headline:
    return Headline(
        f"vision_{source}_{label}_ece",
        f"Calibration error, {_PLURAL[source]}",
        f["ece"],
        f["ece_before"],
        "the network alone, uncalibrated",
        False,
        f"{f['n']:,} images",
        "How far confidence and accuracy lie apart: at 0 a probability means what it says.",
        "vision",
        badge=_BADGE[source],
        top=max(0.1, 1.3 * f["ece"], 1.3 * f["ece_before"]),
    )


def _retrieval(evidence: Evidence) -> list[Headline]:
    splits = evidence.retrieval.get("splits", {})
    if not splits:
        return []
    split = "test" if "test" in splits else min(splits)
    methods = splits[split]["methods"]
    ours = served(evidence.retrieval, methods)
    metrics = {
        "ndcg@10": ("NDCG@10", "How well the first ten documents are ordered by their grades; 1 is the ideal order."),
        "recall@10": ("Recall@10", "Share of the relevant documents that are among the first ten."),
    }
    found = []
    for key, (name, meaning) in metrics.items():
        f = methods[ours]["figures"][key]
        rival = methods.get(BASELINE, methods[ours])["figures"][key]["mean"]
        found.append(
            Headline(
                f"retrieval_{split}_{ours}_{key.replace('@', '_at_')}",
                f"{name}, {ours}",
                f["mean"],
                rival,
                "sparse search alone",
                True,
                f"{splits[split]['queries']} {split} queries",
                meaning,
                "retrieval",
                low=f["low"],
                high=f["high"],
            )
        )
    return found


def _recommendation(evidence: Evidence) -> list[Headline]:
    overall = evidence.recommendation.get("overall", {})
    if MODEL not in overall:
        return []
    metrics = {
        "auc": ("Link AUC", "Probability that a true edge scores above a non-edge between the same kinds of node."),
        "mrr": ("Link MRR", "Mean of 1 / rank of the true end of an edge among all nodes of its kind."),
    }
    found = []
    for key, (name, meaning) in metrics.items():
        rival = strongest(overall, key)
        found.append(
            Headline(
                f"recommendation_{key}",
                name,
                overall[MODEL][key],
                overall[rival][key],
                f"{words(rival)}, the best baseline",
                True,
                f"{overall[MODEL]['edges']} held-out edges",
                meaning,
                "recommendation",
            )
        )
    return found


def _language(evidence: Evidence) -> list[Headline]:
    if not (evidence.language.get("base") and evidence.language.get("adapter")):
        return []
    base, adapter = evidence.language["base"]["perplexity"], evidence.language["adapter"]["perplexity"]
    return [
        Headline(
            "language_perplexity",
            "Perplexity of answers",
            adapter,
            base,
            "the base without adapter",
            False,
            f"{evidence.language['n']:,} {evidence.language['split']} instructions",
            "Among how many equally likely tokens the model hesitates, on average; 1 is certainty.",
            "language",
            top=1.15 * max(base, adapter),
            digits=2,
        )
    ]


@dataclass(frozen=True)
class Verdict:
    """How the gates stand as a whole: `tone` is "good", "bad" or "open"; the title in words, and what it means."""

    tone: str
    title: str
    text: str


def verdict(gates: Sequence[GateRow]) -> Verdict:
    """Green when every gate passed, red when one failed, open when some have no verdict yet or there are none."""
    red = [gate for gate in gates if gate.passed is False]
    undecided = [gate for gate in gates if gate.passed is None]
    if red:
        names = ", ".join(f"{gate.asset} / {words(gate.name)}" for gate in red)
        title = f"{len(red)} of {len(gates)} quality gates {'is' if len(red) == 1 else 'are'} red"
        return Verdict("bad", title, f"{names}. A red gate stops everything downstream of its asset.")
    if undecided or not gates:
        names = ", ".join(f"{gate.asset} / {words(gate.name)}" for gate in undecided)
        title = f"{len(undecided)} of {len(gates)} quality gates have no verdict yet" if gates else "No quality gates"
        return Verdict("open", title, f"{names}. No gate is red." if names else "Nothing was judged.")
    absent = sum(gate.value is None for gate in gates)
    text = "Every threshold is met for the versions on this page."
    if absent:
        text += f" {absent} not required and without a value, because there was nothing to measure."
    return Verdict("good", f"All {len(gates)} quality gates are green", text)
