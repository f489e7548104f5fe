from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from releaf.errors import ArtifactError
from releaf.graph.build import Graph, GraphArrays, build_graph, to_arrays, to_tables
from releaf.graph.checkpoint import LinkCheckpoint, load, load_embeddings, make_checkpoint, save
from releaf.graph.features import fit_features, structure_of
from releaf.graph.link_prediction import embed, train_links
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import split_edges
from releaf.training.device import Hardware

CPU = Hardware("cpu", "fp32", 1 << 30, 1)
SETTINGS = GraphSettings(hidden=32, output=16, epochs=60, learning_rate=1e-2, patience=None)
NEW = "item:a0"


def text_of(arrays: GraphArrays) -> np.ndarray:
    """A text embedding of each node that depends on its name alone."""
    return np.stack([np.random.default_rng(list(node.encode())).normal(size=12) for node in arrays.node_ids]).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def graph(planted_graph: Graph) -> Graph:
    """The planted graph without one item, which is then new to the model."""
    nodes, edges = to_tables(planted_graph)
    rows = edges.filter((edges["subject"] != NEW) & (edges["object"] != NEW))
    return build_graph(nodes.filter(nodes["id"] != NEW), rows)


@pytest.fixture(scope="module")
def checkpoint(graph: Graph) -> LinkCheckpoint:
    torch.set_num_threads(1)
    arrays = to_arrays(graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    message = arrays.with_edges(split.message)
    text = text_of(arrays)
    feature_map = fit_features(text, message)
    trained = train_links(feature_map(text, structure_of(message)), split, SETTINGS, CPU)
    return make_checkpoint(trained, SETTINGS, arrays, text, feature_map)


def test_a_saved_checkpoint_loads_equal_and_saves_to_the_same_bytes(checkpoint: LinkCheckpoint, tmp_path: Path) -> None:
    save(checkpoint, tmp_path / "one")
    loaded = load(tmp_path / "one")
    save(loaded, tmp_path / "two")
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert files == ["embeddings.safetensors", "features.safetensors", "graph.json", "weights.safetensors"]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)
    assert loaded.settings == SETTINGS
    assert loaded.embeddings.offset == checkpoint.embeddings.offset


def test_a_loaded_model_embeds_as_the_saved_one(checkpoint: LinkCheckpoint, graph: Graph, tmp_path: Path) -> None:
    save(checkpoint, tmp_path)
    edges = to_arrays(graph).edge_index
    messages = np.concatenate([edges, edges[::-1]], axis=1)
    features = checkpoint.embeddings.features
    assert np.array_equal(embed(load(tmp_path).model, features, messages), embed(checkpoint.model, features, messages))


def test_serving_embeddings_use_all_edges_and_message_embeddings_do_not(checkpoint: LinkCheckpoint) -> None:
    embeddings = checkpoint.embeddings
    assert embeddings.z.shape == embeddings.z_message.shape == (len(embeddings.node_ids), 16)
    assert not np.allclose(embeddings.z, embeddings.z_message)


def test_embeddings_and_recommendations_need_no_torch(checkpoint: LinkCheckpoint, graph: Graph, tmp_path: Path) -> None:
    save(checkpoint, tmp_path)
    code = (
        "import sys; from pathlib import Path; from releaf.graph.checkpoint import load_embeddings; "
        "import releaf.graph.recommend, releaf.graph.evaluation, releaf.graph.citation, releaf.graph.settings; "
        f"load_embeddings(Path({str(tmp_path)!r})); print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("graph.json", None, r"graph\.json is missing"),
        ("graph.json", b"{", r"graph\.json is not valid JSON"),
        ("graph.json", b"{}", "has no inputs, node_ids, offset, settings; it is not a graph checkpoint"),
        ("embeddings.safetensors", None, r"embeddings\.safetensors is missing"),
        ("embeddings.safetensors", b"no tensors here", r"embeddings\.safetensors is no safetensors file"),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_the_name_of_the_file(
    checkpoint: LinkCheckpoint, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    save(checkpoint, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=message):
        load_embeddings(tmp_path)


def test_a_checkpoint_of_other_settings_or_other_nodes_is_refused(checkpoint: LinkCheckpoint, tmp_path: Path) -> None:
    save(checkpoint, tmp_path)
    about = json.loads((tmp_path / "graph.json").read_text())
    (tmp_path / "graph.json").write_text(json.dumps({**about, "settings": {**about["settings"], "width": 3}}))
    with pytest.raises(ArtifactError, match="other settings than this version"):
        load(tmp_path)
    (tmp_path / "graph.json").write_text(json.dumps({**about, "node_ids": ["item:one"]}))
    with pytest.raises(ArtifactError, match="do not name the same number of nodes"):
        load_embeddings(tmp_path)


def test_weights_of_another_model_are_refused(checkpoint: LinkCheckpoint, tmp_path: Path) -> None:
    save(checkpoint, tmp_path)
    about = json.loads((tmp_path / "graph.json").read_text())
    changed = {**about, "settings": {**about["settings"], "model": "gcn"}}
    (tmp_path / "graph.json").write_text(json.dumps(changed))
    with pytest.raises(ArtifactError, match=r"weights\.safetensors has no encoder\.convolutions"):
        load(tmp_path)
