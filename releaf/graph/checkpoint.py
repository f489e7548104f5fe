"""A trained graph model on disk: weights, settings, feature map and the embeddings of every node.

`load_embeddings` needs no torch: ranking known nodes takes a matrix and a vector. `load` is for embedding new nodes
and for going on with the model.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from releaf.artifacts import read_json, write_json
from releaf.errors import ArtifactError
from releaf.graph.build import GraphArrays
from releaf.graph.features import FeatureMap, structure_of
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import both_directions, unique_pairs
from releaf.graph.storage import read_arrays, write_arrays

if TYPE_CHECKING:
    from releaf.graph.link_prediction import TrainedLinks
    from releaf.graph.predictor import LinkPredictor

FloatArray = npt.NDArray[np.float32]
_WEIGHTS, _EMBEDDINGS, _FEATURE_MAP, _ABOUT = (
    "weights.safetensors",
    "embeddings.safetensors",
    "features.safetensors",
    "graph.json",
)


@dataclass(frozen=True, eq=False)
class NodeEmbeddings:
    """Embeddings by node: P(edge between i and j) = σ(z_i·z_j + `offset`).

    `z` (N, output) is computed on the whole graph, for serving. `z_message` (N, output) is computed on the training
    edges alone: only this one may be measured on held-out edges. `features` (N, D) are those that gave `z`.
    """

    node_ids: tuple[str, ...]
    z: FloatArray
    z_message: FloatArray
    features: FloatArray
    offset: float


@dataclass(frozen=True, eq=False)
class LinkCheckpoint:
    """Everything needed to score known nodes and to embed new ones."""

    settings: GraphSettings
    model: LinkPredictor
    feature_map: FeatureMap
    embeddings: NodeEmbeddings


def make_checkpoint(
    trained: TrainedLinks,
    settings: GraphSettings,
    graph: GraphArrays,
    text_embeddings: FloatArray,
    feature_map: FeatureMap,
) -> LinkCheckpoint:
    """Embed every node on the whole `graph`, once training on a part of its edges is over and measured.

    `feature_map` is the one that training used; text embeddings are (N, D) in the graph's order.
    """
    from releaf.graph.link_prediction import embed, one_thread

    features = feature_map(text_embeddings, structure_of(graph))
    messages = both_directions(unique_pairs(graph.edge_index, graph.n_nodes))
    with one_thread():
        z = embed(trained.model, features, messages)
    embeddings = NodeEmbeddings(graph.node_ids, z, trained.z, features, trained.offset)
    return LinkCheckpoint(settings, trained.model, feature_map, embeddings)


def save(checkpoint: LinkCheckpoint, directory: Path) -> None:
    """Write a checkpoint into a directory; equal checkpoints give equal bytes."""
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in checkpoint.model.state_dict().items()}
    embeddings = checkpoint.embeddings
    write_arrays(directory / _WEIGHTS, weights)
    write_arrays(directory / _FEATURE_MAP, asdict(checkpoint.feature_map))
    write_arrays(directory / _EMBEDDINGS, {name: getattr(embeddings, name) for name in _EMBEDDED})
    about = {
        "settings": asdict(checkpoint.settings),
        "inputs": embeddings.features.shape[1],
        "offset": embeddings.offset,
        "node_ids": list(embeddings.node_ids),
    }
    write_json(directory / _ABOUT, about)


_EMBEDDED = ("z", "z_message", "features")


def load_embeddings(directory: Path) -> NodeEmbeddings:
    """Read the embeddings of a checkpoint. Raises `ArtifactError` when its files are not those of one."""
    about = _about(directory)
    arrays = read_arrays(directory / _EMBEDDINGS, _EMBEDDED)
    if any(len(array) != len(about["node_ids"]) for array in arrays.values()):
        raise ArtifactError(f"{directory}: {_EMBEDDINGS} and {_ABOUT} do not name the same number of nodes")
    z, z_message, features = (np.asarray(arrays[name], dtype=np.float32) for name in _EMBEDDED)
    return NodeEmbeddings(tuple(about["node_ids"]), z, z_message, features, about["offset"])


def load(directory: Path) -> LinkCheckpoint:
    """Read a checkpoint, its model in evaluation mode on the CPU. Raises `ArtifactError` as `load_embeddings`."""
    import torch

    from releaf.graph.predictor import LinkPredictor

    about = _about(directory)
    try:
        settings = GraphSettings(**about["settings"])
    except TypeError as error:
        raise ArtifactError(f"{directory / _ABOUT} has other settings than this version: {error}") from error
    model = LinkPredictor(settings, about["inputs"])
    weights = read_arrays(directory / _WEIGHTS, list(model.state_dict()))
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    model.eval()
    parts = read_arrays(directory / _FEATURE_MAP, [field.name for field in fields(FeatureMap)])
    return LinkCheckpoint(settings, model, FeatureMap(**parts), load_embeddings(directory))


def _about(directory: Path) -> dict[str, Any]:
    about: dict[str, Any] = read_json(directory / _ABOUT)
    missing = {"settings", "inputs", "offset", "node_ids"} - set(about)
    if missing:
        raise ArtifactError(f"{directory / _ABOUT} has no {', '.join(sorted(missing))}; it is not a graph checkpoint")
    return about
