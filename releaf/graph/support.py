"""Which projects the facts allow for materials, and the path of facts that shows it. Nothing here is learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from releaf.errors import UnknownNameError
from releaf.graph.build import Graph, nodes_of_kind
from releaf.graph.features import one_blas_thread

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Support:
    """What speaks for a project: a material (node id) that holds `covered` of what it requires, and lacks `missing`.

    `path` is [material, property, project], with the property that fewest materials hold; empty where none is covered.
    """

    path: list[str]
    covered: list[str]
    missing: list[str]


class Supports:
    """Properties that materials hold against properties that projects require, all at once."""

    def __init__(self, graph: Graph) -> None:
        self.materials = list(nodes_of_kind(graph, "material"))
        self.projects = list(nodes_of_kind(graph, "project"))
        self._properties = list(nodes_of_kind(graph, "property"))
        self._material = {node: row for row, node in enumerate(self.materials)}
        self._held = self._matrix(graph, self.materials, "has_property")
        self._required = self._matrix(graph, self.projects, "requires_property")
        self._needs = self._required.sum(axis=1)
        self._holders = self._held.sum(axis=0)

    def _matrix(self, graph: Graph, rows: Sequence[str], relation: str) -> npt.NDArray[np.float32]:
        column = {node: place for place, node in enumerate(self._properties)}
        found = np.zeros((len(rows), len(self._properties)), dtype=np.float32)
        for row, node in enumerate(rows):
            for _, end, name in graph.out_edges(node, data="relation"):
                if name == relation:
                    found[row, column[end]] = 1
        return found

    def places(self, materials: Sequence[str]) -> list[int]:
        """Rows of materials given by id or node id; raises `UnknownNameError` for one that the graph does not have."""
        nodes = [name if name.startswith("material:") else f"material:{name}" for name in materials]
        for node in nodes:
            if node not in self._material:
                known = [name.split(":", 1)[1] for name in self.materials]
                raise UnknownNameError("material", node.split(":", 1)[1], known, "the knowledge graph")
        return sorted({self._material[node] for node in nodes})

    def allowed(self, materials: Sequence[str]) -> BoolArray:
        """(P,): whether one of the materials alone holds all that a project requires, and it requires something."""
        places = self.places(materials)
        if not places:
            return np.zeros(len(self.projects), dtype=bool)
        with one_blas_thread():
            covered = self._required @ self._held[places].T  # (P, M)
        return np.asarray((covered >= self._needs[:, None]).any(axis=1) & (self._needs > 0))

    def of(self, project: int, materials: Sequence[str]) -> Support:
        """What speaks for a project (by place): the material that holds most of what it requires."""
        required = self._required[project] > 0
        places = self.places(materials)
        covered = np.zeros_like(required)
        path: list[str] = []
        if places:
            best = max(places, key=lambda row: (int((required & (self._held[row] > 0)).sum()), -row))
            covered = required & (self._held[best] > 0)
            if covered.any():
                telling = min(np.flatnonzero(covered), key=lambda column: (self._holders[column], column))
                path = [self.materials[best], self._properties[telling], self.projects[project]]
        return Support(path, self._bare(covered), self._bare(required & ~covered))

    def _bare(self, chosen: BoolArray) -> list[str]:
        return [self._properties[column].split(":", 1)[1] for column in np.flatnonzero(chosen)]
