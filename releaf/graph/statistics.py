"""Figures that describe a graph: size, connectedness, diameter, centrality, homophily. Nothing here is learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import networkx as nx

from releaf.graph.build import NODE_KINDS, Graph, count_relations

EXACT = 3_000
"""Nodes up to which centralities and diameter are exact: seconds, where a hundred times as many would take hours."""
_PIVOTS = 64


@dataclass(frozen=True)
class GraphStatistics:
    """What a graph looks like; edges are counted as they stand, distances and centralities ignore direction.

    `density` is joined pairs over all pairs; `diameter` is that of the largest component (0 for a single node);
    `degree_centrality` and `betweenness_centrality` list the top nodes, largest first, both in 0–1; `homophily` is the
    share of edges whose two ends carry the same label, and None where no edge has two labels: by kind, of materials by
    family, of items by bin. `sampled` says that the graph is so large that betweenness is estimated from some nodes and
    the diameter is a lower bound.
    """

    nodes: int
    edges: int
    nodes_per_kind: dict[str, int]
    edges_per_relation: dict[str, int]
    density: float
    components: int
    largest_component: int
    isolated: int
    diameter: int
    mean_degree: float
    degree_centrality: list[tuple[str, float]]
    betweenness_centrality: list[tuple[str, float]]
    kind_homophily: float | None
    family_homophily: float | None
    bin_homophily: float | None
    sampled: bool

    def as_json(self) -> dict[str, Any]:
        """The figures as plain JSON values."""
        return asdict(self)


def graph_statistics(
    graph: Graph,
    *,
    families: Mapping[str, str] | None = None,
    bins: Mapping[str, str] | None = None,
    top: int = 10,
    exact: int = EXACT,
) -> GraphStatistics:
    """Describe a graph.

    `families` and `bins` map node ids of materials and of items to their label; nodes without one are left out of that
    homophily. `top` is how many nodes each centrality lists. A graph of more than `exact` nodes is sampled.
    """
    plain = graph.to_undirected()
    components = sorted((sorted(part) for part in nx.connected_components(plain)), key=lambda part: (-len(part), part))
    kinds = Counter(kind for _, kind in graph.nodes(data="kind"))
    count = graph.number_of_nodes()
    return GraphStatistics(
        nodes=count,
        edges=graph.number_of_edges(),
        nodes_per_kind={kind: kinds[kind] for kind in NODE_KINDS},
        edges_per_relation=count_relations(graph),
        density=float(nx.density(plain)),
        components=len(components),
        largest_component=len(components[0]) if components else 0,
        isolated=nx.number_of_isolates(plain),
        diameter=_diameter(plain.subgraph(components[0]), exact) if components else 0,
        mean_degree=2 * plain.number_of_edges() / count if count else 0.0,
        degree_centrality=_top(nx.degree_centrality(plain), top),
        betweenness_centrality=_top(_betweenness(plain, exact), top),
        kind_homophily=homophily(graph, dict(graph.nodes(data="kind"))),
        family_homophily=homophily(graph, families or {}),
        bin_homophily=homophily(graph, bins or {}),
        sampled=count > exact,
    )


def homophily(graph: Graph, labels: Mapping[str, str]) -> float | None:
    """Share of edges that join two nodes of the same label, among edges whose ends both have one.

    None when there is no such edge. This is edge homophily as in Zhu et al. 2020 (Beyond Homophily in Graph Neural
    Networks), definition 1.
    """
    same = [labels[one] == labels[other] for one, other in graph.edges if one in labels and other in labels]
    return sum(same) / len(same) if same else None


def _betweenness(plain: nx.Graph, exact: int) -> dict[str, float]:
    """Share of shortest paths over each node (Brandes 2001), from a sample of sources in a large graph."""
    sources = _PIVOTS if plain.number_of_nodes() > exact else None
    return dict(nx.betweenness_centrality(plain, k=sources, seed=0))


def _diameter(component: nx.Graph, exact: int) -> int:
    """The longest of all shortest paths; in a large graph the longest found by going to and fro between far nodes."""
    if component.number_of_nodes() <= exact:
        return int(nx.diameter(component))
    longest, start = 0, min(component)
    while True:
        distances = nx.single_source_shortest_path_length(component, start)
        far = max(distances.values())
        if far <= longest:
            return longest
        longest, start = far, min(node for node, distance in distances.items() if distance == far)


def _top(values: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(node, float(value)) for node, value in ordered[:count]]
