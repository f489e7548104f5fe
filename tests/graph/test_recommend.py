from __future__ import annotations

import math
import time

import numpy as np
import pytest

from releaf.errors import ArtifactError, InputError, UnknownNameError
from releaf.graph.build import Graph, build_graph, to_arrays, to_tables
from releaf.graph.checkpoint import NodeEmbeddings
from releaf.graph.recommend import Recommender

DIRECTIONS = {
    "item:bottle": (1.0, 0.0),
    "item:can": (0.0, 1.0),
    "project:planter": (2.0, 1.0),
    "project:lantern": (1.0, 0.0),
    "project:rack": (-1.0, 3.0),
}


def embeddings_of(graph: Graph, offset: float = 0.5) -> NodeEmbeddings:
    ids = tuple(graph.nodes)
    z = np.array([DIRECTIONS.get(node, (0.0, 0.0)) for node in ids], dtype=np.float32)
    return NodeEmbeddings(ids, z, z, z, offset)


@pytest.fixture
def recommender(small_graph: Graph) -> Recommender:
    return Recommender(embeddings_of(small_graph), small_graph)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_projects_come_by_the_probability_of_the_product_plus_offset(recommender: Recommender) -> None:
    found = recommender.recommend("bottle")
    assert [(one.project, one.title) for one in found] == [
        ("planter", "Planter"),
        ("lantern", "Lantern"),
        ("rack", "Rack"),
    ]
    assert [one.score for one in found] == pytest.approx([sigmoid(2.5), sigmoid(1.5), sigmoid(-0.5)])


def test_the_path_runs_over_the_material_that_meets_most_requirements(recommender: Recommender) -> None:
    # PET is cuttable; HDPE is cuttable and watertight, which is all a planter asks for.
    planter = recommender.recommend("bottle")[0]
    assert planter.path == ["item:bottle", "material:hdpe", "property:watertight", "project:planter"]
    assert (planter.covered, planter.missing) == (["cuttable", "watertight"], [])


def test_every_step_of_a_path_is_a_fact(recommender: Recommender, small_graph: Graph) -> None:
    for item in ("bottle", "can", "jar"):
        for one in recommender.recommend(item):
            if one.path:
                start, material, property_, project = one.path
                relations = [
                    small_graph.edges[edge]["relation"]
                    for edge in ((start, material), (material, property_), (project, property_))
                ]
                assert relations == ["made_of", "has_property", "requires_property"]


def test_a_project_that_no_property_supports_has_no_path_and_says_what_is_missing(recommender: Recommender) -> None:
    rack, planter, lantern = recommender.recommend("can")
    assert (rack.project, rack.path[2], rack.missing) == ("rack", "property:rigid", [])
    assert (lantern.path, lantern.covered, lantern.missing) == ([], [], ["transparent"])
    assert planter.missing == ["cuttable", "watertight"]


def test_a_known_project_without_a_common_property_is_supported_by_the_fact_itself(small_graph: Graph) -> None:
    small_graph.add_edge("item:can", "project:planter", relation="can_become", source="s", file="f", line=1)
    (planter,) = [
        one for one in Recommender(embeddings_of(small_graph), small_graph).recommend("can") if one.project == "planter"
    ]
    assert (planter.path, planter.known) == (["item:can", "project:planter"], True)


def test_known_projects_are_marked_or_left_out(recommender: Recommender) -> None:
    assert [one.known for one in recommender.recommend("bottle")] == [True, False, False]
    assert [one.project for one in recommender.recommend("bottle", known="exclude")] == ["lantern", "rack"]


def test_k_limits_the_list_and_may_exceed_it(recommender: Recommender) -> None:
    assert len(recommender.recommend("bottle", k=2)) == 2
    assert len(recommender.recommend("bottle", k=50)) == 3
    with pytest.raises(InputError, match="k=0 projects"):
        recommender.recommend("bottle", k=0)


def test_equal_scores_come_in_the_order_of_ids(recommender: Recommender) -> None:
    assert [one.project for one in recommender.recommend("jar")] == ["lantern", "planter", "rack"]


def test_an_item_may_be_given_by_its_node_id(recommender: Recommender) -> None:
    assert recommender.recommend("item:can") == recommender.recommend("can")


def test_an_unknown_item_is_answered_with_close_names(recommender: Recommender) -> None:
    with pytest.raises(UnknownNameError, match="unknown item 'botle' in the knowledge graph; did you mean bottle"):
        recommender.recommend("botle")
    with pytest.raises(UnknownNameError, match="unknown item 'pet'"):
        recommender.recommend("pet")


def test_a_new_item_is_ranked_by_its_embedding_and_explained_by_its_materials(recommender: Recommender) -> None:
    found = recommender.recommend_new(np.array([0.0, 1.0], dtype=np.float32), "drum", ["steel"], k=1)
    assert found[0].path == ["item:drum", "material:steel", "property:rigid", "project:rack"]
    assert found[0].score == pytest.approx(sigmoid(3.5))
    assert not found[0].known
    with pytest.raises(UnknownNameError, match=r"unknown material 'stee'.*did you mean steel"):
        recommender.recommend_new(np.zeros(2, dtype=np.float32), "drum", ["stee"])


def test_embeddings_of_another_graph_are_refused(small_graph: Graph) -> None:
    embeddings = embeddings_of(small_graph)
    nodes, edges = to_tables(small_graph)
    renamed = build_graph(nodes.filter(nodes["id"] != "item:can"), edges.filter(edges["subject"] != "item:can"))
    with pytest.raises(ArtifactError, match=r"differ in 1 nodes \(item:can …\); train again"):
        Recommender(embeddings, renamed)


def test_an_answer_takes_less_than_30_milliseconds(planted_graph: Graph) -> None:
    arrays = to_arrays(planted_graph)
    z = np.random.default_rng(0).normal(size=(arrays.n_nodes, 128)).astype(np.float32)
    recommender = Recommender(NodeEmbeddings(arrays.node_ids, z, z, z, 0.0), planted_graph)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        recommender.recommend("a0")
        times.append(time.perf_counter() - started)
    assert min(times) < 0.030
