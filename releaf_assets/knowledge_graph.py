"""The knowledge graph that facts make."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.warehouse import Dataset

CODE = "3"


@dg.asset(**stage("knowledge_graph", code=CODE, kinds={"networkx"}))
def knowledge_graph(
    upcycling_facts: Dataset, waste_taxonomy: Dataset, store: ArtifactStore
) -> dg.MaterializeResult[Artifact]:
    """Items, materials, properties and projects joined by facts, with size, connectedness, centrality and homophily."""
    import polars as pl

    from releaf.artifacts import write_json
    from releaf.graph.build import build_graph, count_relations, save
    from releaf.graph.statistics import graph_statistics
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import graph_picture

    # File and line of a fact may move without the graph changing, so they stay in the table of facts.
    facts = upcycling_facts.read("facts").with_columns(file=pl.lit(""), line=pl.lit(0))
    graph = build_graph(upcycling_facts.read("nodes"), facts)
    statistics = graph_statistics(
        graph,
        families=_labels(waste_taxonomy, "materials", "material", "family"),
        bins=_labels(waste_taxonomy, "items", "item", "bin"),
    ).as_json()

    def write(directory: Path) -> dict[str, float]:
        save(graph, directory)
        write_json(directory / "statistics.json", statistics)
        figures = {name: float(value) for name, value in statistics.items() if isinstance(value, int | float)}
        return {**figures, "largest_component_share": statistics["largest_component"] / max(1, statistics["nodes"])}

    artifact = store.publish(
        "knowledge_graph",
        write,
        code_version=CODE,
        inputs=versions(upcycling_facts=upcycling_facts, waste_taxonomy=waste_taxonomy),
    )
    relations = [{"relation": name, "edges": count} for name, count in count_relations(graph).items()]
    return artifact_result(
        artifact,
        headline=f"{graph.number_of_nodes()} nodes, {graph.number_of_edges():,} edges",
        metadata={
            "picture": dg.MetadataValue.md(markdown_image(graph_picture(graph), "graph")),
            "relations": dg.MetadataValue.md(markdown_table(relations)),
            "most_central": dg.MetadataValue.md(markdown_table(_central(statistics))),
            "statistics": dg.MetadataValue.json(statistics),
        },
    )


def _labels(taxonomy: Dataset, table: str, kind: str, label: str) -> dict[str, str]:
    """A label of the taxonomy by node id."""
    return {f"{kind}:{name}": value for name, value in taxonomy.read(table).select("id", label).iter_rows()}


def _central(statistics: dict[str, list[tuple[str, float]]]) -> list[dict[str, str]]:
    """The nodes of largest degree and those that most shortest paths run over, rank by rank."""
    pairs = zip(statistics["degree_centrality"], statistics["betweenness_centrality"], strict=True)
    return [
        {"by degree": one, "degree": f"{degree:.3f}", "by betweenness": other, "betweenness": f"{between:.3f}"}
        for (one, degree), (other, between) in pairs
    ]
