"""The graph that the project ships, with word counts in place of a text encoder."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from releaf.corpus.facts import read_facts
from releaf.graph.build import Graph, build_graph, node_texts, to_arrays
from releaf.graph.evaluation import evaluate_links
from releaf.graph.features import node_features
from releaf.graph.link_prediction import train_links
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import split_edges
from releaf.graph.statistics import graph_statistics
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware


@pytest.fixture(scope="module")
def graph(project_root: Path, taxonomy: Taxonomy) -> Graph:
    read = read_facts(project_root / "data" / "facts", taxonomy)
    return build_graph(read.nodes, read.facts.frame)


def test_every_item_reaches_every_project(graph: Graph) -> None:
    found = graph_statistics(graph)
    assert (found.components, found.isolated) == (1, 0)
    assert all(found.edges_per_relation.values())
    assert (found.nodes_per_kind["item"], found.nodes_per_kind["material"]) == (20, 15)


def test_graphsage_beats_common_neighbours_on_held_out_facts(graph: Graph) -> None:
    arrays = to_arrays(graph)
    words = np.zeros((arrays.n_nodes, 256), dtype=np.float32)
    for row, text in enumerate(node_texts(graph)):
        for word in text.lower().split():
            words[row, crc32(word.strip(".,").encode()) % 256] += 1
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    features = node_features(words, arrays.with_edges(split.message))
    trained = train_links(features, split, GraphSettings(epochs=60), Hardware("cpu", "fp32", 1 << 30, 1))
    found = evaluate_links(arrays, split, trained.z, words)
    assert found.model.auc > 0.85
    for name in ("common_neighbours", "adamic_adar", "degree", "feature_cosine"):
        assert found.comparisons[name].verdict == "better", found.comparisons[name].statement
