"""A knowledge graph small enough to reason about by hand, and one large enough to split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from releaf.graph.build import Graph, build_graph

Triples = list[tuple[str, str, str]]

TRIPLES: Triples = [
    ("item:bottle", "made_of", "material:pet"),
    ("item:bottle", "made_of", "material:hdpe"),
    ("item:can", "made_of", "material:steel"),
    ("item:jar", "made_of", "material:glass"),
    ("material:pet", "has_property", "property:cuttable"),
    ("material:pet", "has_property", "property:transparent"),
    ("material:hdpe", "has_property", "property:cuttable"),
    ("material:hdpe", "has_property", "property:watertight"),
    ("material:steel", "has_property", "property:rigid"),
    ("material:glass", "has_property", "property:transparent"),
    ("material:glass", "has_property", "property:rigid"),
    ("project:planter", "requires_property", "property:cuttable"),
    ("project:planter", "requires_property", "property:watertight"),
    ("project:lantern", "requires_property", "property:transparent"),
    ("project:rack", "requires_property", "property:rigid"),
    ("item:bottle", "can_become", "project:planter"),
    ("item:jar", "can_become", "project:lantern"),
    ("material:pet", "compatible_with", "material:hdpe"),
    ("item:bottle", "similar_to", "item:jar"),
]


def tables(triples: Triples) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables `nodes` and `facts` that state some triples."""
    ids = sorted({end for subject, _, object_ in triples for end in (subject, object_)})
    nodes = pl.DataFrame(
        {
            "id": ids,
            "kind": [node.split(":")[0] for node in ids],
            "name": [node.split(":")[1].replace("_", " ").title() for node in ids],
            "description": [f"All about {node.split(':')[1]}." for node in ids],
        }
    )
    facts = pl.DataFrame(
        [
            {
                "subject": subject,
                "subject_kind": subject.split(":")[0],
                "relation": relation,
                "object": object_,
                "object_kind": object_.split(":")[0],
                "source": "made up for tests",
                "file": "facts.yaml",
                "line": line,
            }
            for line, (subject, relation, object_) in enumerate(triples, start=1)
        ]
    )
    return nodes, facts


@pytest.fixture
def small_tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    return tables(TRIPLES)


@pytest.fixture
def graph_of() -> Callable[[Triples], Graph]:
    """Build the graph that some triples state."""
    return lambda triples: build_graph(*tables(triples))


@pytest.fixture
def small_graph(small_tables: tuple[pl.DataFrame, pl.DataFrame]) -> Graph:
    return build_graph(*small_tables)


@pytest.fixture(scope="session")
def planted_graph() -> Graph:
    """120 nodes in two camps: items, materials, properties and projects join their own camp far more often."""
    rng = np.random.default_rng(7)
    camps = {
        kind: [(f"{kind}:{name}{i}", name) for name in "ab" for i in range(count)]
        for kind, count in (("item", 10), ("material", 10), ("property", 15), ("project", 25))
    }
    relations = (
        ("item", "made_of", "material"),
        ("material", "has_property", "property"),
        ("project", "requires_property", "property"),
        ("item", "can_become", "project"),
    )
    triples = [
        (one, relation, other)
        for subject, relation, object_ in relations
        for one, camp in camps[subject]
        for other, other_camp in camps[object_]
        if rng.random() < (0.35 if camp == other_camp else 0.02)
    ]
    return build_graph(*tables(triples))
