from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from releaf.graph.build import Graph
from releaf.graph.statistics import graph_statistics, homophily

GraphOf = Callable[[list[tuple[str, str, str]]], Graph]


def test_a_path_has_the_figures_worked_out_by_hand(graph_of: GraphOf) -> None:
    # can – steel – rigid – rack: a path of four nodes.
    graph = graph_of(
        [
            ("item:can", "made_of", "material:steel"),
            ("material:steel", "has_property", "property:rigid"),
            ("project:rack", "requires_property", "property:rigid"),
        ]
    )
    found = graph_statistics(graph, top=2)
    assert (found.nodes, found.edges, found.components, found.largest_component, found.isolated) == (4, 3, 1, 4, 0)
    assert found.diameter == 3
    assert found.mean_degree == 6 / 4
    assert found.density == 3 / 6
    assert found.degree_centrality == [("material:steel", 2 / 3), ("property:rigid", 2 / 3)]
    # Each inner node lies on 2 of the 3 shortest paths that do not end in it.
    assert found.betweenness_centrality == [("material:steel", 2 / 3), ("property:rigid", 2 / 3)]
    assert found.nodes_per_kind == {"item": 1, "material": 1, "project": 1, "property": 1}


def test_diameter_and_size_are_those_of_the_largest_component(graph_of: GraphOf) -> None:
    graph = graph_of(
        [
            ("item:can", "made_of", "material:steel"),
            ("item:tin", "made_of", "material:steel"),
            ("item:jar", "made_of", "material:glass"),
        ]
    )
    graph.add_node("item:lost", kind="item", name="Lost", description="")
    found = graph_statistics(graph)
    assert (found.components, found.largest_component, found.isolated, found.diameter) == (3, 3, 1, 2)


def test_homophily_is_the_share_of_same_label_edges_among_labelled_ones(small_graph: Graph) -> None:
    families = {"material:pet": "plastic", "material:hdpe": "plastic"}
    found = graph_statistics(small_graph, families=families, bins={"item:bottle": "recycle", "item:jar": "landfill"})
    assert found.kind_homophily == pytest.approx(2 / 19)  # one compatible_with and one similar_to
    assert (found.family_homophily, found.bin_homophily) == (1.0, 0.0)
    assert homophily(small_graph, {"item:bottle": "recycle", "item:jar": "landfill"}) == 0.0
    assert graph_statistics(small_graph).family_homophily is None
    assert graph_statistics(small_graph).bin_homophily is None


def test_an_empty_graph_has_figures(graph_of: GraphOf, small_graph: Graph) -> None:
    small_graph.remove_nodes_from(list(small_graph))
    found = graph_statistics(small_graph)
    assert (found.nodes, found.components, found.diameter, found.mean_degree) == (0, 0, 0, 0.0)


def test_figures_are_plain_json(small_graph: Graph) -> None:
    found = graph_statistics(small_graph).as_json()
    assert json.loads(json.dumps(found))["edges_per_relation"]["has_property"] == 7


def test_a_large_graph_is_sampled_and_says_so(graph_of: GraphOf) -> None:
    # A path of 300 nodes: the far ends are found by going to and fro, and the middle lies on most paths.
    triples = [(f"item:{i:03}", "similar_to", f"item:{i + 1:03}") for i in range(299)]
    found = graph_statistics(graph_of(triples), exact=100, top=1)
    assert (found.sampled, found.diameter) == (True, 299)
    ((middle, value),) = found.betweenness_centrality
    assert 100 <= int(middle.split(":")[1]) < 200
    assert value == pytest.approx(0.5, abs=0.1)
    assert not graph_statistics(graph_of(triples[:50]), exact=100).sampled


def test_one_edge_and_one_isolated_item_have_figures(graph_of: GraphOf, small_graph: Graph) -> None:
    one = graph_statistics(graph_of([("item:can", "made_of", "material:steel")]))
    assert (one.nodes, one.edges, one.diameter, one.density) == (2, 1, 1, 1.0)
    small_graph.remove_nodes_from([node for node in small_graph if node != "item:can"])
    alone = graph_statistics(small_graph)
    assert (alone.nodes, alone.isolated, alone.components, alone.diameter, alone.kind_homophily) == (1, 1, 1, 0, None)
