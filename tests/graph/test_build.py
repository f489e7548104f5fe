from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from releaf.errors import ArtifactError, DataError
from releaf.graph.build import (
    EDGE_COLUMNS,
    NODE_KINDS,
    RELATIONS,
    Graph,
    build_graph,
    count_relations,
    load,
    node_texts,
    nodes_of_kind,
    relation_between,
    save,
    to_arrays,
    to_tables,
)

Tables = tuple[pl.DataFrame, pl.DataFrame]


def same(one: Graph, other: Graph) -> bool:
    return list(one.nodes(data=True)) == list(other.nodes(data=True)) and list(one.edges(data=True)) == list(
        other.edges(data=True)
    )


def changed(facts: pl.DataFrame, line: int, **values: str) -> pl.DataFrame:
    chosen = pl.col("line") == line
    return facts.with_columns(pl.when(chosen).then(pl.lit(v)).otherwise(pl.col(k)).alias(k) for k, v in values.items())


def test_every_fact_becomes_an_edge_with_its_relation_and_provenance(small_graph: Graph) -> None:
    assert small_graph.number_of_edges() == 19
    assert small_graph.edges["item:bottle", "material:pet"] == {
        "relation": "made_of",
        "source": "made up for tests",
        "file": "facts.yaml",
        "line": 1,
    }


def test_nodes_carry_kind_name_and_description(small_graph: Graph) -> None:
    assert small_graph.nodes["item:jar"] == {"kind": "item", "name": "Jar", "description": "All about jar."}


def test_the_order_of_rows_does_not_change_the_graph(small_tables: Tables, small_graph: Graph) -> None:
    nodes, facts = small_tables
    assert same(build_graph(nodes.reverse(), facts.sample(fraction=1, shuffle=True, seed=3)), small_graph)


def test_a_fact_stated_twice_is_one_edge_with_the_first_source(small_tables: Tables) -> None:
    nodes, facts = small_tables
    again = facts.head(1).with_columns(pl.lit(99, dtype=pl.Int64).alias("line"))
    graph = build_graph(nodes, pl.concat([again, facts]))
    assert graph.number_of_edges() == 19
    assert graph.edges["item:bottle", "material:pet"]["line"] == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"object": "material:pvc"}, r"facts.yaml:1: .*'material:pvc' is not in the table of nodes"),
        ({"object": "item:can"}, r"'item:can' is a item, and here a material must stand"),
        ({"relation": "eats"}, r"unknown relation; known: made_of"),
        ({"relation": "similar_to", "object": "item:bottle"}, r"cannot be joined to itself"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_with_its_line(
    small_tables: Tables, values: dict[str, str], message: str
) -> None:
    nodes, facts = small_tables
    with pytest.raises(DataError, match=message):
        build_graph(nodes, changed(facts, 1, **values))


def test_a_node_of_an_unknown_kind_is_refused(small_tables: Tables) -> None:
    nodes, facts = small_tables
    with pytest.raises(DataError, match=r"\['animal'\] are unknown"):
        build_graph(nodes.with_columns(pl.lit("animal").alias("kind")), facts)


def test_tables_of_a_graph_build_the_same_graph(small_graph: Graph) -> None:
    nodes, edges = to_tables(small_graph)
    assert edges.columns == list(EDGE_COLUMNS)
    assert same(build_graph(nodes, edges), small_graph)


def test_an_empty_graph_has_empty_tables_and_arrays(small_tables: Tables) -> None:
    nodes, facts = small_tables
    graph = build_graph(nodes.head(0), facts.head(0))
    assert [table.height for table in to_tables(graph)] == [0, 0]
    assert to_arrays(graph).edge_index.shape == (2, 0)


def test_a_saved_graph_loads_equal_and_saves_to_the_same_bytes(small_graph: Graph, tmp_path: Path) -> None:
    save(small_graph, tmp_path / "one")
    loaded = load(tmp_path / "one")
    save(loaded, tmp_path / "two")
    assert same(loaded, small_graph)
    for name in ("nodes.parquet", "edges.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_missing_file_is_named(small_graph: Graph, tmp_path: Path) -> None:
    save(small_graph, tmp_path)
    (tmp_path / "edges.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"edges\.parquet is missing"):
        load(tmp_path)


def test_arrays_number_nodes_and_edges_in_the_order_of_the_graph(small_graph: Graph) -> None:
    arrays = to_arrays(small_graph)
    assert arrays.node_ids == tuple(sorted(arrays.node_ids)) == tuple(small_graph.nodes)
    pairs = [(arrays.node_ids[one], arrays.node_ids[other]) for one, other in arrays.edge_index.T]
    assert pairs == list(small_graph.edges)
    assert [NODE_KINDS[kind] for kind in arrays.kinds] == [node.split(":")[0] for node in arrays.node_ids]


def test_a_relation_follows_from_the_two_kinds_it_joins() -> None:
    assert len({frozenset(ends) for ends in RELATIONS.values()}) == len(RELATIONS)
    assert relation_between("property", "project") == "requires_property"
    assert relation_between("item", "property") == "item-property"


def test_relations_are_counted_and_kinds_listed(small_graph: Graph) -> None:
    assert count_relations(small_graph) == {
        "made_of": 4,
        "has_property": 7,
        "requires_property": 4,
        "can_become": 2,
        "compatible_with": 1,
        "similar_to": 1,
    }
    assert nodes_of_kind(small_graph, "item") == ["item:bottle", "item:can", "item:jar"]


def test_the_text_of_a_node_is_its_name_and_description(small_graph: Graph) -> None:
    assert node_texts(small_graph)[0] == "Bottle. All about bottle."
