"""What an item could become: projects by probability, each with the path of facts that supports it (G7, G8).

Scores come from a trained scorer; what the facts allow is in `support`, what a person can do in `project_filters`.
A project that is not stated is only shown where one material of the item holds all that it requires. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from releaf.diversify import maximal_marginal_relevance
from releaf.errors import ArtifactError, InputError, UnknownNameError
from releaf.graph.build import Graph, nodes_of_kind
from releaf.graph.features import one_blas_thread
from releaf.graph.project_filters import NOBODY_SAID, Filters, ProjectDetails
from releaf.graph.scoring import ProjectScorer
from releaf.graph.support import Supports

FloatArray = npt.NDArray[np.float64]
NO_FILTERS = Filters()
NEW_ITEM = "item:new"
_POOL = (
    50  # of the likeliest projects, those that a diverse list is chosen from, or five times as many as are asked for
)


class Scorer(Protocol):
    """P(item can become project) for all projects, in the order of `projects`; see `scoring.ProjectScorer`."""

    @property
    def items(self) -> tuple[str, ...]:
        """Node ids of the items."""

    @property
    def projects(self) -> tuple[str, ...]:
        """Node ids of the projects."""

    def score_known(self, item: str) -> FloatArray:
        """Probabilities (P) for an item of the graph."""

    def score_new(self, text_embedding: npt.ArrayLike, materials: Sequence[str], words: str = "") -> FloatArray:
        """Probabilities (P) for another, from its text (D), materials (node ids) and words."""


@dataclass(frozen=True)
class Recommendation:
    """A project for an item.

    `project` is its id in the table of projects; `score` is P(item can become it), in 0–1; `known` is whether the facts
    already say so. `path` holds node ids: item, material, property, project; for a known project without a common
    property it is item, project. `covered` and `missing` are the required properties that the path's material has and
    has not. `difficulty`, `minutes` and `tools` are None where nobody said.
    """

    project: str
    title: str
    score: float
    known: bool
    path: list[str]
    covered: list[str]
    missing: list[str]
    difficulty: str | None = None
    minutes: int | None = None
    tools: list[str] | None = None
    safety: str | None = None


@dataclass(frozen=True)
class Answer:
    """What is recommended: `fallback` says why another way was taken or nothing is left, None where nothing is to say.

    `removed` counts what each filter left out of the projects that were possible, filters in the order they stand.
    """

    results: list[Recommendation]
    fallback: str | None = None
    removed: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Wish:
    """How many projects, which, and in what order.

    `known` marks or leaves out what the facts state. `diverse` is λ of maximal marginal relevance over the texts of the
    projects (1 is the order of scores); None orders by score. Raises `InputError` where that cannot be.
    """

    k: int = 10
    known: Literal["mark", "exclude"] = "mark"
    filters: Filters = NO_FILTERS
    diverse: float | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"k={self.k} projects cannot be recommended; ask for at least 1")
        if self.diverse is not None and not 0 <= self.diverse <= 1:
            raise InputError(f"λ must be between 0 and 1, not {self.diverse}")


class Recommender:
    """Ranks all projects for an item of the graph, or for one that is described by materials and text."""

    def __init__(
        self, scorer: Scorer, graph: Graph, texts: npt.ArrayLike, details: Mapping[str, ProjectDetails] | None = None
    ) -> None:
        """`texts` (N, D) are the text embeddings of the nodes in the graph's order.

        Raises `ArtifactError` when the scorer is of another graph's items or projects.
        """
        ours = [*nodes_of_kind(graph, "item"), *nodes_of_kind(graph, "project")]
        different = sorted(set(ours) ^ {*scorer.items, *scorer.projects})
        if different or ours != [*scorer.items, *scorer.projects]:
            raise ArtifactError(
                f"the checkpoint and the graph differ in {len(different)} nodes ({', '.join(different[:3])} …); "
                "train again on this graph"
            )
        self._scorer, self._graph = scorer, graph
        self.details = dict(details or {})
        self._supports = Supports(graph)
        self._projects = list(scorer.projects)
        row = {node: place for place, node in enumerate(graph)}
        self._texts = _unit(np.asarray(texts, dtype=np.float64))
        self._row = row
        directions = self._texts[[row[node] for node in self._projects]]
        # What all projects' texts share says nothing of how alike two of them are.
        self._project_texts = _unit(directions - directions.mean(axis=0)) if len(directions) else directions

    @classmethod
    def load(
        cls, checkpoint_dir: Path, graph: Graph, details: Mapping[str, ProjectDetails] | None = None
    ) -> Recommender:
        """Open the checkpoint in a directory for the graph it was trained on."""
        scorer = ProjectScorer.load(checkpoint_dir)
        if scorer.node_ids != tuple(graph):
            raise ArtifactError("the checkpoint and the graph differ in their nodes; train again on this graph")
        return cls(scorer, graph, scorer.view.text, details)

    def recommend(self, item: str, k: int = 10, *, known: Literal["mark", "exclude"] = "mark") -> list[Recommendation]:
        """The k likeliest projects for an item, see `answer`."""
        return self.answer(item, Wish(k, known)).results

    def answer(self, item: str, wish: Wish) -> Answer:
        """Projects for an item of the graph (`plastic_bottle` or `item:plastic_bottle`).

        Projects that the facts already state are marked or left out. An item that no fact is about is judged by its
        text and the materials of the items nearest to it. Raises `UnknownNameError`, with close matches, for an item
        that the graph does not have.
        """
        node = item if item.startswith("item:") else f"item:{item}"
        if node not in self._graph or self._graph.nodes[node]["kind"] != "item":
            known = [_bare(name) for name in self._scorer.items]
            raise UnknownNameError("item", item, known, "the knowledge graph")
        materials = self._objects(node, "made_of")
        if not materials and not self._graph.degree(node):
            answer = self.answer_new(
                self._texts[self._row[node]], (), wish, words=self._graph.nodes[node]["name"], name=node
            )
            said = f"no fact is about {_bare(node)}; {answer.fallback or 'it is judged by its text'}"
            return Answer(answer.results, said, answer.removed)
        return self._ranked(self._scorer.score_known(node), node, materials, wish)

    def answer_new(
        self,
        text: npt.ArrayLike | None,
        materials: Sequence[str],
        wish: Wish,
        *,
        words: str = "",
        name: str = NEW_ITEM,
    ) -> Answer:
        """Projects for an item that is not in the graph, from its text embedding (D), materials (ids) and words.

        Without a text the materials' own texts stand for it; without materials those of the nearest known item do.
        Raises `InputError` without both, `UnknownNameError` for a material that the graph does not have.
        """
        nodes = [self._supports.materials[place] for place in self._supports.places(materials)]
        fallback = None
        if text is None:
            if not nodes:
                raise InputError("nothing is known of this object; give its materials, a text, or both")
            embedding = self._texts[[self._row[node] for node in nodes]].mean(axis=0)
        else:
            embedding = np.asarray(text, dtype=np.float64)
        if not nodes:
            near = self._nearest_item(embedding, name)
            if near is None:
                return Answer([], "no item of the graph has materials to judge by; name some with --materials")
            nodes = self._objects(near, "made_of")
            told = ", ".join(map(_bare, nodes))
            fallback = f"no materials are given; judged by those of the nearest item, {_bare(near)}: {told}"
        ranked = self._ranked(self._scorer.score_new(embedding, nodes, words), name, nodes, wish)
        said = "; ".join(part for part in (fallback, ranked.fallback) if part)
        return Answer(ranked.results, said or None, ranked.removed)

    def _nearest_item(self, embedding: FloatArray, besides: str) -> str | None:
        items = [item for item in self._scorer.items if item != besides and self._objects(item, "made_of")]
        if not items:
            return None
        cosines = self._texts[[self._row[item] for item in items]] @ embedding
        return items[int(np.argmax(cosines))]

    def _ranked(self, probability: FloatArray, item: str, materials: Sequence[str], wish: Wish) -> Answer:
        stated = set(self._objects(item, "can_become")) if item in self._graph else set()
        known = np.array([project in stated for project in self._projects], dtype=bool)
        possible = self._supports.allowed(materials)
        possible = possible & ~known if wish.known == "exclude" else possible | known
        left, removed = possible.copy(), dict[str, int]()
        for name, out in wish.filters.reasons(self.details, [_bare(project) for project in self._projects]).items():
            removed[name] = int((left & out).sum())
            left &= ~np.array(out, dtype=bool)
        # Projects are in the order of their ids, and a stable sort keeps that among equal scores.
        order = [int(place) for place in np.argsort(-probability, kind="stable") if left[place]]
        chosen = self._chosen(order, probability, wish)
        results = [self._explained(place, float(probability[place]), item, materials, stated) for place in chosen]
        return Answer(results, None if results else _nothing_left(int(possible.sum()), removed), removed)

    def _chosen(self, order: list[int], probability: FloatArray, wish: Wish) -> list[int]:
        if wish.diverse is None or len(order) <= 1:
            return order[: wish.k]
        pool = order[: max(_POOL, 5 * wish.k)]
        score = probability[pool]
        relevance = (score - score.min()) / (float(np.ptp(score)) or 1.0)
        texts = self._project_texts[pool]
        with one_blas_thread():
            alike = texts @ texts.T
        return [pool[place] for place in maximal_marginal_relevance(relevance, alike, wish.k, wish.diverse)]

    def _explained(
        self, place: int, score: float, item: str, materials: Sequence[str], stated: set[str]
    ) -> Recommendation:
        project = self._projects[place]
        support = self._supports.of(place, materials)
        details = self.details.get(_bare(project), NOBODY_SAID)
        return Recommendation(
            project=_bare(project),
            title=self._graph.nodes[project]["name"],
            score=score,
            known=project in stated,
            path=[item, *support.path] if support.path else [item, project],
            covered=support.covered,
            missing=support.missing,
            difficulty=details.difficulty,
            minutes=details.minutes,
            tools=None if details.tools is None else list(details.tools),
            safety=details.safety,
        )

    def _objects(self, subject: str, relation: str) -> list[str]:
        return sorted(end for _, end, found in self._graph.out_edges(subject, data="relation") if found == relation)


def _nothing_left(possible: int, removed: Mapping[str, int]) -> str:
    if not possible:
        return "no project fits: none requires only what one of these materials holds"
    told = ", ".join(f"{name} removed {count}" for name, count in removed.items())
    return f"nothing is left of {possible} projects: {told}; relax one of them"


def _unit(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def _bare(node: str) -> str:
    return node.split(":", 1)[1]
