"""What an item could become: projects ranked by a trained model, each with the path of facts that supports it.

Works on embeddings and facts alone; torch is not needed. Names are resolved by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from releaf.errors import ArtifactError, InputError, UnknownNameError
from releaf.graph.build import Graph, nodes_of_kind
from releaf.graph.checkpoint import NodeEmbeddings, load_embeddings


@dataclass(frozen=True)
class Recommendation:
    """A project for an item.

    `project` is its id in the table of projects; `score` is P(item can become it), in 0–1; `known` is whether the facts
    already say so. `path` holds node ids: item, material, property, project; for a known project without a common
    property it is item, project, and for an unknown one it is empty. `covered` and `missing` are the required
    properties that the path's material has and has not.
    """

    project: str
    title: str
    score: float
    known: bool
    path: list[str]
    covered: list[str]
    missing: list[str]


class Recommender:
    """Ranks all projects for an item by σ(Z·z_item + offset)."""

    def __init__(self, embeddings: NodeEmbeddings, graph: Graph) -> None:
        """Raises `ArtifactError` when the embeddings are of another graph's nodes."""
        different = sorted(set(embeddings.node_ids) ^ set(graph))
        if different:
            raise ArtifactError(
                f"the checkpoint and the graph differ in {len(different)} nodes ({', '.join(different[:3])} …); "
                "train again on this graph"
            )
        row = {node: index for index, node in enumerate(embeddings.node_ids)}
        self._graph = graph
        self._items = {node: embeddings.z[row[node]] for node in nodes_of_kind(graph, "item")}
        self._projects = nodes_of_kind(graph, "project")
        self._z = embeddings.z[[row[node] for node in self._projects]]
        self._offset = embeddings.offset

    @classmethod
    def load(cls, checkpoint_dir: Path, graph: Graph) -> Recommender:
        """Open the checkpoint in a directory for the graph it was trained on."""
        return cls(load_embeddings(checkpoint_dir), graph)

    def recommend(self, item: str, k: int = 10, *, known: Literal["mark", "exclude"] = "mark") -> list[Recommendation]:
        """The k likeliest projects for an item (`plastic_bottle` or `item:plastic_bottle`), likeliest first.

        Projects that the facts already state are marked or left out. Raises `UnknownNameError`, with close matches,
        for an item that the graph does not have.
        """
        node = item if item.startswith("item:") else f"item:{item}"
        if node not in self._items:
            raise UnknownNameError("item", item, [_bare(name) for name in self._items], "the knowledge graph")
        stated = set(self._objects(node, "can_become"))
        materials = self._objects(node, "made_of")
        return self._rank(self._items[node], node, materials, stated, k, skip_stated=known == "exclude")

    def recommend_new(
        self, z: npt.NDArray[np.float32], name: str, materials: Sequence[str], k: int = 10
    ) -> list[Recommendation]:
        """The k likeliest projects for an item that is not in the graph.

        `z` (output) is its embedding (see `inductive.embed_new_item`); `materials` are those it is made of, by id or
        node id. Raises `UnknownNameError` for a material that the graph does not have.
        """
        nodes = [name if name.startswith("material:") else f"material:{name}" for name in materials]
        for node in nodes:
            if node not in self._graph:
                known = [_bare(one) for one in nodes_of_kind(self._graph, "material")]
                raise UnknownNameError("material", _bare(node), known, "the knowledge graph")
        return self._rank(z, f"item:{name}", nodes, set(), k, skip_stated=False)

    def _rank(
        self,
        z: npt.NDArray[np.float32],
        item: str,
        materials: Sequence[str],
        stated: set[str],
        k: int,
        *,
        skip_stated: bool,
    ) -> list[Recommendation]:
        if k < 1:
            raise InputError(f"k={k} projects cannot be recommended; ask for at least 1")
        probability = 1 / (1 + np.exp(-(self._z @ z + self._offset).astype(np.float64)))
        # Projects are in the order of their ids, and a stable sort keeps that among equal scores.
        order = [int(index) for index in np.argsort(-probability, kind="stable")]
        chosen = [index for index in order if not (skip_stated and self._projects[index] in stated)][:k]
        return [self._explained(index, float(probability[index]), item, materials, stated) for index in chosen]

    def _explained(
        self, index: int, score: float, item: str, materials: Sequence[str], stated: set[str]
    ) -> Recommendation:
        project = self._projects[index]
        required = self._objects(project, "requires_property")
        held = {material: set(self._objects(material, "has_property")) & set(required) for material in materials}
        material = max(sorted(held), key=lambda name: len(held[name]), default="")
        covered = held.get(material, set())
        if covered:
            # The property that fewest materials have says most about why this one fits.
            telling = min(sorted(covered), key=self._holders)
            path = [item, material, telling, project]
        else:
            path = [item, project] if project in stated else []
        return Recommendation(
            project=_bare(project),
            title=self._graph.nodes[project]["name"],
            score=score,
            known=project in stated,
            path=path,
            covered=[_bare(name) for name in required if name in covered],
            missing=[_bare(name) for name in required if name not in covered],
        )

    def _objects(self, subject: str, relation: str) -> list[str]:
        return sorted(end for _, end, found in self._graph.out_edges(subject, data="relation") if found == relation)

    def _holders(self, property_: str) -> int:
        return sum(found == "has_property" for *_, found in self._graph.in_edges(property_, data="relation"))


def _bare(node: str) -> str:
    return node.split(":", 1)[1]
