"""Scoring every project for an item, known or new: what a checkpoint serves. NumPy and SciPy only.

Scores are learned weights of what can be seen (`project_heads`) and, for known items, the embeddings' product; or those
of a baseline, where validation showed that it does better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError, UnknownNameError
from releaf.graph.baselines import baseline_scorers
from releaf.graph.project_heads import Head
from releaf.graph.project_view import MATERIAL, ProjectView, pair_features
from releaf.graph.splits import IntArray, both_directions
from releaf.graph.storage import Array, read_arrays, write_arrays
from releaf.graph.words import NodeWords

FloatArray = npt.NDArray[np.float64]
MODEL = "model"
_ARRAYS, _ABOUT = "scorer.safetensors", "scorer.json"


@dataclass(frozen=True, eq=False)
class ProjectScorer:
    """P(item can become project) for all projects, in the order of `projects`, as arrays (P) in 0–1.

    `serves` and `serves_new` name what scores known and new items: `model`, or a baseline. `known` (I, P) holds the
    probabilities of known items, a stated pair scored with its own fact hidden. `view` is the whole graph, `head`
    weighs its figures for a new item (and turns a baseline's score into a probability).
    """

    node_ids: tuple[str, ...]
    serves: str
    serves_new: str
    known: FloatArray
    view: ProjectView
    head: Head

    @property
    def items(self) -> tuple[str, ...]:
        """Node ids of the known items, sorted."""
        return tuple(self.node_ids[place] for place in self.view.items)

    @property
    def projects(self) -> tuple[str, ...]:
        """Node ids of the projects, sorted."""
        return tuple(self.node_ids[place] for place in self.view.projects)

    def score_known(self, item: str) -> FloatArray:
        """Probabilities (P) for an item of the graph, by id or node id; raises `UnknownNameError` for another."""
        names = self.items
        node = item if item.startswith("item:") else f"item:{item}"
        if node not in names:
            known = [name.split(":", 1)[1] for name in names]
            raise UnknownNameError("item", item, known, "the knowledge graph")
        return np.array(self.known[names.index(node)])

    def score_new(self, text_embedding: npt.ArrayLike, materials: Sequence[str], words: str = "") -> FloatArray:
        """Probabilities (P) for an item that the graph does not have, from its text (D) and materials (node ids).

        `words` is the text itself, where there is one. Without materials its text decides. Raises `UnknownNameError`
        for a material that the graph does not have.
        """
        places = self._materials(materials)
        view = self.view.with_item(text_embedding, places, words)
        last = np.array([len(view.items) - 1])
        return self.head.probabilities(score_items(view, self.serves_new, self.head, last)[0])

    def _materials(self, materials: Sequence[str]) -> IntArray:
        known = {self.node_ids[place]: int(place) for place in np.flatnonzero(self.view.kinds == MATERIAL)}
        for name in materials:
            if name not in known:
                raise UnknownNameError("material", name, list(known), "the knowledge graph")
        return np.array(sorted({known[name] for name in materials}), dtype=np.int64)

    def save(self, directory: Path) -> None:
        """Write the scorer into a directory; equal scorers give equal bytes."""
        arrays: dict[str, Array] = {
            "known": self.known,
            "kinds": self.view.kinds,
            "text": self.view.text.astype(np.float32),
            "pairs": self.view.pairs,
            "weights": self.head.weights,
            "probability": np.array([self.head.scale, self.head.offset]),
            **self.view.words.arrays(),
        }
        write_arrays(directory / _ARRAYS, arrays)
        about = {
            "serves": self.serves,
            "serves_new": self.serves_new,
            "node_ids": list(self.node_ids),
            "vocabulary": list(self.view.words.vocabulary),
        }
        write_json(directory / _ABOUT, about)

    @classmethod
    def load(cls, directory: Path) -> ProjectScorer:
        """Read what `save` wrote; raises `ArtifactError` where it is missing or does not fit together."""
        about = read_json(directory / _ABOUT)
        lacking = {"serves", "serves_new", "node_ids", "vocabulary"} - set(about)
        if lacking:
            raise ArtifactError(
                f"{directory / _ABOUT} has no {', '.join(sorted(lacking))}; train the graph model again"
            )
        names = ("known", "kinds", "text", "pairs", "weights", "probability", *NodeWords.ARRAYS)
        arrays = read_arrays(directory / _ARRAYS, names)
        words = NodeWords.from_arrays(about["vocabulary"], arrays)
        view = ProjectView(arrays["kinds"], arrays["text"].astype(np.float64), arrays["pairs"], words)
        shape = (len(view.items), len(view.projects))
        if len(about["node_ids"]) != view.n_nodes or arrays["known"].shape != shape:
            raise ArtifactError(f"{directory}: {_ARRAYS} and {_ABOUT} are not of the same graph; train it again")
        head = Head(arrays["weights"], *(float(one) for one in arrays["probability"]))
        return cls(tuple(about["node_ids"]), about["serves"], about["serves_new"], arrays["known"], view, head)


def score_items(view: ProjectView, serves: str, head: Head, items: IntArray) -> FloatArray:
    """Scores (len(items), P) of some items (by place) by a head's weights, or by the baseline that `serves` names."""
    if serves == MODEL:
        return head.scores(pair_features(view, items))
    return baseline_scores(view, items)[serves]


def baseline_scores(view: ProjectView, items: IntArray) -> dict[str, FloatArray]:
    """Scores (len(items), P) of some items (by place) by each baseline, under the visible edges alone."""
    grid, shape = view.grid(items), (len(items), len(view.projects))
    scorers = baseline_scorers(both_directions(view.pairs), view.text)
    return {name: scorer(grid).reshape(shape) for name, scorer in scorers.items()}


def embedding_scores(view: ProjectView, z: npt.ArrayLike) -> FloatArray:
    """z_item · z_project (I, P) of node embeddings z (N, width)."""
    rows = np.asarray(z, dtype=np.float64)
    return np.asarray(rows[view.items] @ rows[view.projects].T)
