"""What a graph model learns from: text vectors and features of the nodes, and the split of the edges, on disk as one.

The split is made before the features, so that nothing counted from edges tells of those that are held out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from releaf.graph.build import GraphArrays
from releaf.graph.features import FeatureMap, FloatArray, fit_features, node_features
from releaf.graph.splits import EdgeSplit, check_no_leak, split_edges
from releaf.graph.storage import read_arrays, write_arrays

_FILE = "inputs.safetensors"
_SPLIT = [field.name for field in fields(EdgeSplit)]


@dataclass(frozen=True, eq=False)
class GraphInputs:
    """Text embeddings (N, D), features (N, 128) of the message edges alone, and the edge split."""

    text: FloatArray
    features: FloatArray
    split: EdgeSplit

    def save(self, directory: Path) -> None:
        """Write everything into a directory as one safetensors file."""
        split = {f"split_{name}": getattr(self.split, name) for name in _SPLIT}
        write_arrays(directory / _FILE, {"text": self.text, "features": self.features, **split})

    @classmethod
    def load(cls, directory: Path) -> GraphInputs:
        """Read what `save` wrote; raises `ArtifactError` for missing parts and `DataError` for a split that leaks."""
        arrays = read_arrays(directory / _FILE, ["text", "features", *(f"split_{name}" for name in _SPLIT)])
        split = EdgeSplit(**{name: arrays[f"split_{name}"] for name in _SPLIT})
        check_no_leak(split)
        return cls(arrays["text"], arrays["features"], split)

    def feature_map(self, graph: GraphArrays) -> FeatureMap:
        """The map from text and structure to `features`, fitted on the message edges again: it is repeatable."""
        return fit_features(self.text, graph.with_edges(self.split.train))


def prepare_inputs(graph: GraphArrays, text: FloatArray, *, seed: int) -> GraphInputs:
    """Split the edges of `graph`, kind by kind, and make the features from what may be seen."""
    split = split_edges(graph.edge_index, graph.n_nodes, node_kinds=graph.kinds, seed=seed)
    visible = graph.with_edges(split.train)
    return GraphInputs(np.asarray(text, dtype=np.float32), node_features(text, visible), split)
