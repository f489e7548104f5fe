"""The knowledge graph: from the tables of nodes and facts to a `networkx` graph, to arrays, to files, and back.

What the facts say and whether each row is valid is settled before; figures about a graph are in `statistics`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import numpy.typing as npt
import polars as pl

from releaf.artifacts import storage_errors
from releaf.errors import ArtifactError, DataError
from releaf.relations import NODE_KINDS as NODE_KINDS
from releaf.relations import RELATIONS as RELATIONS

IntArray = npt.NDArray[np.int64]
Graph: TypeAlias = nx.DiGraph
"""Directed as the facts read (subject → object); nodes are ids such as `item:plastic_bottle`."""

NODE_COLUMNS = ("id", "kind", "name", "description")
EDGE_COLUMNS = ("subject", "relation", "object", "source", "file", "line")
_NODES_FILE, _EDGES_FILE = "nodes.parquet", "edges.parquet"


@dataclass(frozen=True, eq=False)
class GraphArrays:
    """A graph as models see it.

    `node_ids` (N) names the rows of every node matrix; `kinds` (N) are positions in `kind_names`; `edge_index` (2, E)
    holds subject and object positions, each edge once. `names` and `texts` (N) are what the nodes are called and what
    is said of them; empty where nodes carry no words.
    """

    node_ids: tuple[str, ...]
    kinds: IntArray
    kind_names: tuple[str, ...]
    edge_index: IntArray
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def n_nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.node_ids)

    def with_edges(self, edge_index: IntArray) -> GraphArrays:
        """The same nodes under other edges, such as the message edges of a split."""
        return replace(self, edge_index=edge_index)


def build_graph(nodes: pl.DataFrame, facts: pl.DataFrame) -> Graph:
    """Build the graph of the tables `nodes` and `facts`; the same rows in any order give the same graph.

    Nodes carry `kind`, `name`, `description`; edges carry `relation`, `source`, `file`, `line` of the first fact that
    states them. Raises `DataError` for a fact about a node that is not there, or between kinds it cannot join.
    """
    graph = nx.DiGraph()
    for row in nodes.select(NODE_COLUMNS).sort("id").iter_rows(named=True):
        graph.add_node(row["id"], kind=row["kind"], name=row["name"], description=row["description"])
    unknown = sorted({kind for _, kind in graph.nodes(data="kind")} - set(NODE_KINDS))
    if unknown:
        raise DataError(f"node kinds {unknown} are unknown; a node is one of {', '.join(NODE_KINDS)}")
    for row in facts.select(EDGE_COLUMNS).sort(EDGE_COLUMNS).iter_rows(named=True):
        _check_fact(graph, row)
        if not graph.has_edge(row["subject"], row["object"]):
            provenance = {name: row[name] for name in ("relation", "source", "file", "line")}
            graph.add_edge(row["subject"], row["object"], **provenance)
    return graph


def _check_fact(graph: Graph, row: dict[str, Any]) -> None:
    place = row["file"] if row["line"] is None else f"{row['file']}:{row['line']}"
    where = f"{place}: {row['subject']} {row['relation']} {row['object']}"
    if row["relation"] not in RELATIONS:
        raise DataError(f"{where}: unknown relation; known: {', '.join(RELATIONS)}")
    for end, kind in zip((row["subject"], row["object"]), RELATIONS[row["relation"]], strict=True):
        if end not in graph:
            raise DataError(f"{where}: {end!r} is not in the table of nodes; add it there or drop the fact")
        if graph.nodes[end]["kind"] != kind:
            raise DataError(f"{where}: {end!r} is a {graph.nodes[end]['kind']}, and here a {kind} must stand")
    if row["subject"] == row["object"]:
        raise DataError(f"{where}: a node cannot be joined to itself")


def to_tables(graph: Graph) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables (nodes, edges) of a graph, in its order, with columns `NODE_COLUMNS` and `EDGE_COLUMNS`."""
    nodes = [{"id": node, **data} for node, data in graph.nodes(data=True)]
    edges = [{"subject": subject, "object": object_, **data} for subject, object_, data in graph.edges(data=True)]
    node_schema = dict.fromkeys(NODE_COLUMNS, pl.String)
    edge_schema = {name: pl.Int64 if name == "line" else pl.String for name in EDGE_COLUMNS}
    return pl.DataFrame(nodes, schema=node_schema), pl.DataFrame(edges, schema=edge_schema)


def save(graph: Graph, directory: Path) -> None:
    """Write a graph into a directory as `nodes.parquet` and `edges.parquet`."""
    nodes, edges = to_tables(graph)
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        nodes.write_parquet(directory / _NODES_FILE)
        edges.write_parquet(directory / _EDGES_FILE)


def load(directory: Path) -> Graph:
    """Read back what `save` wrote. Raises `ArtifactError` when a file is missing."""
    for name in (_NODES_FILE, _EDGES_FILE):
        if not (directory / name).is_file():
            raise ArtifactError(f"{directory / name} is missing; the graph has to be built again")
    return build_graph(pl.read_parquet(directory / _NODES_FILE), pl.read_parquet(directory / _EDGES_FILE))


def to_arrays(graph: Graph) -> GraphArrays:
    """Number the nodes in the graph's order and give kinds and edges as integers."""
    node_ids = tuple(graph.nodes)
    position = {node: index for index, node in enumerate(node_ids)}
    kinds = np.array([NODE_KINDS.index(kind) for _, kind in graph.nodes(data="kind")], dtype=np.int64)
    pairs = [(position[subject], position[object_]) for subject, object_ in graph.edges]
    return GraphArrays(
        node_ids,
        kinds,
        NODE_KINDS,
        np.array(pairs, dtype=np.int64).reshape(-1, 2).T,
        tuple(name for _, name in graph.nodes(data="name")),
        tuple(node_texts(graph)),
    )


def node_texts(graph: Graph) -> list[str]:
    """The text of each node, in the graph's order, for a text encoder: its name and its description."""
    return [f"{data['name']}. {data['description'] or ''}".strip() for _, data in graph.nodes(data=True)]


def relation_between(kind: str, other: str) -> str:
    """The relation that joins two kinds of node in either direction, or `"<kind>-<other>"` when none does."""
    for relation, ends in RELATIONS.items():
        if ends in ((kind, other), (other, kind)):
            return relation
    return f"{kind}-{other}"


def count_relations(graph: Graph) -> dict[str, int]:
    """Number of edges of each relation, in the order of `RELATIONS`; a relation without edges counts 0."""
    found = Counter(relation for _, _, relation in graph.edges(data="relation"))
    return {relation: found[relation] for relation in RELATIONS}


def nodes_of_kind(graph: Graph, kind: str) -> Sequence[str]:
    """Ids of the nodes of one kind, in the graph's order."""
    return [node for node, found in graph.nodes(data="kind") if found == kind]
