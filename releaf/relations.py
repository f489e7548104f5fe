"""The kinds of node and of fact that the knowledge graph is made of, listed once for all who read or use facts.

What the facts are is in `releaf.corpus`, the graph they make in `releaf.graph`.
"""

from __future__ import annotations

NODE_KINDS = ("item", "material", "project", "property")
RELATIONS: dict[str, tuple[str, str]] = {
    "made_of": ("item", "material"),
    "has_property": ("material", "property"),
    "requires_property": ("project", "property"),
    "can_become": ("item", "project"),
    "compatible_with": ("material", "material"),
    "similar_to": ("item", "item"),
}
"""Kind of subject and of object for each kind of edge. No two relations join the same two kinds."""

SYMMETRIC = frozenset(relation for relation, (subject, object_) in RELATIONS.items() if subject == object_)
"""Relations that say the same read backwards; all others together have no cycle."""
