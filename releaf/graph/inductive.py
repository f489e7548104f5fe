"""Embedding an item that training never saw, from its text and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from releaf.errors import UnknownNameError
from releaf.graph.build import GraphArrays
from releaf.graph.checkpoint import LinkCheckpoint
from releaf.graph.features import structure_of
from releaf.graph.splits import both_directions, unique_pairs

FloatArray = npt.NDArray[np.float32]


def embed_new_item(
    checkpoint: LinkCheckpoint, graph: GraphArrays, text_embedding: FloatArray, materials: Sequence[str]
) -> FloatArray:
    """Z (output) of a new item with a text embedding (D) and materials, given by node id.

    Messages run from the materials to the item and not back: the embeddings of all known nodes stay as they are.
    Raises `UnknownNameError` for a material that `graph`, the one the checkpoint was made on, does not have.
    """
    from releaf.graph.link_prediction import embed

    position = {node: index for index, node in enumerate(graph.node_ids)}
    for material in materials:
        if material not in position:
            raise UnknownNameError("material", material, [n for n in position if n.startswith("material:")])
    new = graph.n_nodes
    made_of = np.array([[new] * len(materials), [position[material] for material in materials]], dtype=np.int64)
    extended = GraphArrays(
        (*graph.node_ids, "item:"),
        np.append(graph.kinds, graph.kind_names.index("item")),
        graph.kind_names,
        np.concatenate([graph.edge_index, made_of], axis=1),
    )
    own = checkpoint.feature_map(text_embedding[None], structure_of(extended)[-1:])
    features = np.concatenate([checkpoint.embeddings.features, own])
    messages = np.concatenate([both_directions(unique_pairs(graph.edge_index, new)), made_of[::-1]], axis=1)
    return np.asarray(embed(checkpoint.model, features, messages)[-1], dtype=np.float32)
