from __future__ import annotations

import io

import networkx as nx
import numpy as np
import pytest
from PIL import Image

from releaf.reporting import plots
from releaf.reporting.pictures import with_few_colours


def pixels(image: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.fixture(scope="module")
def graph() -> nx.DiGraph:
    graph = nx.DiGraph()
    for kind, name in [("item", "can"), ("material", "steel"), ("property", "magnetic"), ("project", "robot")]:
        graph.add_node(f"{kind}:{name}", kind=kind, name=name)
    graph.add_edge("item:can", "material:steel", relation="made_of")
    graph.add_edge("material:steel", "property:magnetic", relation="has_property")
    graph.add_edge("project:robot", "property:magnetic", relation="requires_property")
    graph.add_edge("item:can", "project:robot", relation="can_become")
    return graph


def test_the_same_graph_gives_the_same_picture(graph: nx.DiGraph) -> None:
    assert plots.graph_picture(graph) == plots.graph_picture(graph)


def test_a_graph_without_projects_can_be_drawn(graph: nx.DiGraph) -> None:
    part = graph.subgraph([node for node in graph if not node.startswith("project:")])
    assert (pixels(plots.graph_picture(part)) < 200).any()


@pytest.mark.parametrize("kept", [(), ("item",), ("item", "project"), ("material", "property"), ("project",)])
def test_parts_of_a_graph_down_to_nothing_can_be_drawn(graph: nx.DiGraph, kept: tuple[str, ...]) -> None:
    part = graph.subgraph([node for node in graph if node.startswith(kept)] if kept else [])
    assert (pixels(plots.graph_picture(part)) < 200).any()


def test_of_a_large_graph_the_best_joined_nodes_are_drawn(graph: nx.DiGraph) -> None:
    for number in range(1_200):
        graph.add_node(f"project:{number}", kind="project", name=str(number))
        graph.add_edge("item:can", f"project:{number}", relation="can_become")
    assert (pixels(plots.graph_picture(graph)) < 200).any()


def test_only_the_highlighted_bar_is_in_colour() -> None:
    blue = (0, 114, 178)
    board = {"AUC": {"model": 0.8, "degree": 0.7}}
    assert (pixels(plots.scoreboard(board, "model")) == blue).all(axis=-1).sum() > 500
    assert not (pixels(plots.scoreboard(board, "nobody")) == blue).all(axis=-1).any()


def test_queries_that_gain_and_lose_have_their_own_colours() -> None:
    image = pixels(plots.differences({"q1": 0.3, "q2": 0.0, "q3": -0.2}, "t", ours="rrf", theirs="sparse"))
    gains, losses = ((image == colour).all(axis=-1).sum() for colour in ((0, 114, 178), (213, 94, 0)))
    assert gains > losses > 0  # as areas: 0.3 against 0.2


def test_training_curves_of_one_epoch_can_be_drawn() -> None:
    epoch = {"epoch": 1, "loss": 1.0, "auc": 0.7, "learning_rate": 0.1, "gradient_norm": 1.0}
    assert plots.training_curves([epoch], "auc", 1).startswith(b"\x89PNG")


def test_grouped_bars_accept_intervals() -> None:
    bars = {"base": {"perplexity": 20.0}, "adapter": {"perplexity": 5.0}}
    plain = plots.grouped_bars(bars, "t")
    assert plots.grouped_bars(bars, "t", errors={"base": {"perplexity": (18.0, 22.0)}}) != plain


def test_few_colours_keep_white_white() -> None:
    canvas = np.full((40, 40, 3), 255, dtype=np.uint8)
    canvas[:20] = np.random.default_rng(0).integers(0, 255, (20, 40, 3))
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, format="PNG")
    reduced = pixels(with_few_colours(buffer.getvalue()))
    assert (reduced[20:] == 255).all()
    assert len(np.unique(reduced.reshape(-1, 3), axis=0)) <= 256
