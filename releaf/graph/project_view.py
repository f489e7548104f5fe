"""What can be seen of an item and a project without training: paths, coverage, texts, and the item's other projects.

Everything is counted from the edges a view holds: whoever hides an edge from the view hides it from every figure.
How the figures are weighed is in `project_heads`; who scores with them in `scoring`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from releaf.errors import DataError
from releaf.graph.baselines import smooth
from releaf.graph.build import NODE_KINDS, GraphArrays
from releaf.graph.features import adjacency_of, one_blas_thread
from releaf.graph.splits import IntArray, both_directions, unique_pairs
from releaf.graph.words import NodeWords

FloatArray = npt.NDArray[np.float64]
ITEM, MATERIAL, PROJECT, PROPERTY = (NODE_KINDS.index(k) for k in ("item", "material", "project", "property"))
# Of the item's other projects, those nearest to the candidate that are averaged.
_NEAREST = 3
FEATURES = (
    "paths_by_material_and_property",
    "paths_by_project_and_property",
    "paths_by_material_and_item",
    "paths_by_similar_item",
    "coverage",
    "covered",
    "text_cosine",
    "project_texts",
    "project_properties",
    "smoothed_cosine",
    "likest_item",
    "name_words",
    "text_words",
)
"""What the columns of `pair_features` say, see there."""


@dataclass(frozen=True, eq=False)
class ProjectView:
    """Nodes with kinds (N), text embeddings (N, D) and words, and the visible edges as sorted pairs (2, E)."""

    kinds: IntArray
    text: FloatArray
    pairs: IntArray
    words: NodeWords

    @classmethod
    def of(cls, graph: GraphArrays, text: npt.ArrayLike, pairs: IntArray | None = None) -> ProjectView:
        """View `graph` under some of its edges, all of them where `pairs` is None.

        Raises `DataError` for kinds of node other than those of `build.NODE_KINDS`, or without an item or a project.
        """
        if graph.kind_names != NODE_KINDS:
            raise DataError(
                f"node kinds are {', '.join(graph.kind_names)}; projects are ranked where they are items, "
                "materials, projects and properties"
            )
        embeddings = np.asarray(text, dtype=np.float64)
        if len(embeddings) != graph.n_nodes:
            raise DataError(f"{graph.n_nodes} nodes need as many text embeddings, not {len(embeddings)}")
        edges = unique_pairs(graph.edge_index if pairs is None else pairs, graph.n_nodes)
        nothing = ("",) * graph.n_nodes
        view = cls(graph.kinds, embeddings, edges, NodeWords.of(graph.names or nothing, graph.texts or nothing))
        for name, found in (("item", view.items), ("project", view.projects)):
            if not found.size:
                raise DataError(f"the graph has no {name}; there is nothing to rank")
        return view

    @property
    def n_nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.kinds)

    @cached_property
    def items(self) -> IntArray:
        """Positions of the items (I), in the order of nodes."""
        return np.flatnonzero(self.kinds == ITEM)

    @cached_property
    def projects(self) -> IntArray:
        """Positions of the projects (P), in the order of nodes."""
        return np.flatnonzero(self.kinds == PROJECT)

    @cached_property
    def centred(self) -> FloatArray:
        """Texts (N, D) less the mean of their kind, at length 1."""
        kinds = np.eye(len(NODE_KINDS))[self.kinds]
        return unit_rows(self.text - kinds @ (kinds.T @ self.text / np.maximum(kinds.sum(axis=0), 1)[:, None]))

    @cached_property
    def centred_at_once(self) -> FloatArray:
        """Texts (N, D) less the mean of all, at length 1."""
        return unit_rows(self.text - self.text.mean(axis=0))

    @cached_property
    def project_texts(self) -> FloatArray:
        """Texts (P, D) of the projects less their mean, at length 1."""
        texts = self.text[self.projects]
        return unit_rows(texts - texts.mean(axis=0))

    @cached_property
    def adjacency(self) -> sp.csr_array:
        """Sparse symmetric (N, N) of the visible edges."""
        return adjacency_of(both_directions(self.pairs), self.n_nodes)

    @cached_property
    def stated(self) -> npt.NDArray[np.bool_]:
        """(I, P): whether a visible edge says that the item can become the project."""
        return np.asarray(self.block(ITEM, PROJECT).toarray() > 0)

    def block(self, kind: int, other: int) -> sp.csr_array:
        """The adjacency's rows of one kind and columns of another, cut out once; not to be written to."""
        if (kind, other) not in self._blocks:
            rows, columns = np.flatnonzero(self.kinds == kind), np.flatnonzero(self.kinds == other)
            self._blocks[kind, other] = self.adjacency[rows][:, columns]
        return self._blocks[kind, other]

    @cached_property
    def _blocks(self) -> dict[tuple[int, int], sp.csr_array]:
        return {}

    def without(self, hidden: IntArray) -> ProjectView:
        """The same nodes with the edges `hidden` (2, H) taken away, in whichever direction they are given."""
        low, high = np.minimum(*hidden), np.maximum(*hidden)
        keep = ~np.isin(self.pairs[0] * self.n_nodes + self.pairs[1], low * self.n_nodes + high)
        rest = replace(self, pairs=self.pairs[:, keep])
        # Hundreds of views of one graph differ in edges alone: what no edge changes is computed for the first.
        rest.__dict__.update({name: getattr(self, name) for name in _OF_NODES})
        return rest

    def with_item(self, text: npt.ArrayLike, materials: IntArray, words: str = "") -> ProjectView:
        """The view with one more item at the end, of a text embedding (D), made of `materials` (positions)."""
        new = self.n_nodes
        made_of = np.stack([np.asarray(materials, dtype=np.int64), np.full(len(materials), new, dtype=np.int64)])
        return ProjectView(
            np.append(self.kinds, ITEM),
            np.concatenate([self.text, np.asarray(text, dtype=np.float64)[None]]),
            np.concatenate([self.pairs, made_of], axis=1),
            self.words.with_text(words),
        )

    def grid(self, items: IntArray) -> IntArray:
        """The pairs (2, len(items)·P) of some items, given by their place among the items, and every project."""
        return np.stack([np.repeat(self.items[items], len(self.projects)), np.tile(self.projects, len(items))])


_OF_NODES = ("items", "projects", "centred", "centred_at_once", "project_texts")


def pair_features(view: ProjectView, items: IntArray) -> FloatArray:
    """Figures (len(items), P, F) of some items (by place among the items) with every project, named by `FEATURES`.

    Paths are weighed by 1/√degree of each node between, as in Kovács et al. 2019: item–material–property–project,
    item–project–property–project, item–material–item–project and item–item–project. `coverage` is the largest share
    of the required properties that one material of the item holds, `covered` whether it is all. `text_cosine` is of
    texts centred within their kind. `project_texts` and `project_properties` average the three nearest of the item's
    other projects, by text and by required properties weighed by rarity. `smoothed_cosine` is of centred texts averaged
    over two steps of neighbours. `likest_item` is the cosine of the likest other item that has the project.
    `name_words` and `text_words` sum the rarity of stems that the item's name, and its text, share with the project's.
    """
    shared = dict(zip(FEATURES[11:], view.words.shared(view.items[items], view.projects), strict=True))
    with one_blas_thread():
        columns = {**_paths(view, items), **_coverage(view, items), **_texts(view, items), **_nearest(view, items)}
    columns |= shared
    return np.stack([columns[name] for name in FEATURES], axis=2)


def _paths(view: ProjectView, items: IntArray) -> dict[str, FloatArray]:
    scale = 1 / np.sqrt(np.maximum(np.asarray(view.adjacency.sum(axis=1)).ravel(), 1))
    of_item, of_material, of_project, of_property = (scale[view.kinds == kind] for kind in range(len(NODE_KINDS)))
    has, needs = view.block(MATERIAL, PROPERTY), view.block(PROJECT, PROPERTY)
    item_project, item_material = view.block(ITEM, PROJECT), view.block(ITEM, MATERIAL)
    made_of = item_material[items].toarray() * of_material
    stated = item_project[items].toarray() * of_project
    # Paths over another item never come back to the item itself.
    by_material = (item_material @ made_of.T).T
    by_material[np.arange(len(items)), items] = 0
    return {
        FEATURES[0]: _times(_times(made_of, has) * of_property, needs.T),
        FEATURES[1]: _times(_times(stated, needs) * of_property, needs.T),
        FEATURES[2]: _times(by_material * of_item, item_project),
        FEATURES[3]: _times(view.block(ITEM, ITEM)[items].toarray() * of_item, item_project),
    }


def _coverage(view: ProjectView, items: IntArray) -> dict[str, FloatArray]:
    share = coverage(view)
    made_of = view.block(ITEM, MATERIAL)[items].toarray() > 0
    best = np.stack([share[mine].max(axis=0, initial=0) for mine in made_of])
    return {FEATURES[4]: best, FEATURES[5]: (best >= 1).astype(np.float64)}


def coverage(view: ProjectView) -> FloatArray:
    """(M, P): the share of a project's required properties that a material has; 0 where none is required."""
    needs = view.block(PROJECT, PROPERTY)
    required = np.asarray(needs.sum(axis=1)).ravel()
    return np.asarray(_times(view.block(MATERIAL, PROPERTY).toarray(), needs.T) / np.maximum(required, 1))


def _texts(view: ProjectView, items: IntArray) -> dict[str, FloatArray]:
    centred = view.centred
    smoothed = unit_rows(smooth(both_directions(view.pairs), view.centred_at_once, 2))
    chosen = view.items[items]
    return {
        FEATURES[6]: centred[chosen] @ centred[view.projects].T,
        FEATURES[9]: smoothed[chosen] @ smoothed[view.projects].T,
        FEATURES[10]: _likest_item(view, centred, items),
    }


def _likest_item(view: ProjectView, centred: FloatArray, items: IntArray) -> FloatArray:
    alike = np.maximum(centred[view.items[items]] @ centred[view.items].T, 0)
    alike[np.arange(len(items)), items] = 0
    return np.stack([(row[:, None] * view.stated).max(axis=0) for row in alike])


def _nearest(view: ProjectView, items: IntArray) -> dict[str, FloatArray]:
    centred = view.project_texts
    needs = view.block(PROJECT, PROPERTY).toarray()
    rarity = np.log(len(needs) / np.maximum(needs.sum(axis=0), 1))
    required = unit_rows(needs * rarity)
    return {
        FEATURES[7]: np.stack([_mean_of_nearest(centred, view.stated[item]) for item in items]),
        FEATURES[8]: np.stack([_mean_of_nearest(required, view.stated[item]) for item in items]),
    }


def _mean_of_nearest(rows: FloatArray, chosen: npt.NDArray[np.bool_]) -> FloatArray:
    """Mean cosine (P) of each unit row with the nearest of the chosen others; fewer than three count as 0."""
    places = np.flatnonzero(chosen)
    near = np.maximum(rows @ rows[places].T, 0)
    near[places, np.arange(len(places))] = 0
    padded = np.concatenate([near, np.zeros((len(rows), _NEAREST))], axis=1)
    return np.asarray(np.sort(padded, axis=1)[:, -_NEAREST:].mean(axis=1))


def unit_rows(rows: FloatArray) -> FloatArray:
    """Rows at length 1; a row of zeros stays one."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norm > 0, norm, 1)


def _times(left: FloatArray, right: sp.csr_array) -> FloatArray:
    """Dense (A, B) times sparse (B, C)."""
    return np.asarray((right.T @ left.T).T)
