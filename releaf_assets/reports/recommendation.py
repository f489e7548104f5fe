"""What link prediction and recommendation reach on held-out edges, beside baselines that learn nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.settings import Settings

if TYPE_CHECKING:
    from releaf.graph.evaluation import LinkFigures
    from releaf.graph.project_ranking import RankFigures, Ranking

CODE = "3"
# Items whose recommendations are shown as examples.
SHOWN = ("plastic_bottle", "glass_jar", "t_shirt")
MODEL, ALL, PLAUSIBLE = "model", "all", "plausible"
_PARTS = (MODEL, "structure", "embeddings")
_TEXT = "feature_cosine"


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=["graph"]))
def recommendation_report(
    knowledge_graph: Artifact,
    node_embeddings: Artifact,
    graph_choice: Artifact,
    graph_checkpoint: Artifact,
    settings: dg.ResourceParam[Settings],
    store: ArtifactStore,
) -> dg.MaterializeResult[Artifact]:
    """Links, projects held out of known items and items held out altogether, each against every untrained baseline."""
    from dataclasses import asdict

    from releaf.artifacts import write_json
    from releaf.graph.build import load, to_arrays
    from releaf.graph.checkpoint import load_embeddings
    from releaf.graph.choice import GraphChoice, figures_json
    from releaf.graph.evaluation import evaluate_hard, evaluate_links
    from releaf.graph.inputs import GraphInputs
    from releaf.graph.project_study import all_gains, known_rankings, new_item_rankings
    from releaf.graph.project_view import ProjectView
    from releaf.graph.recommend import Recommender

    graph, inputs = load(knowledge_graph.path), GraphInputs.load(node_embeddings.path)
    arrays, seed, choice = to_arrays(graph), settings.graph.seed, GraphChoice.load(graph_choice.path)
    embeddings = load_embeddings(graph_checkpoint.path)
    z, text, split = embeddings.z_message, inputs.text, inputs.split
    links = evaluate_links(arrays, split, z, text)
    hard = evaluate_hard(arrays, split, z, text, seed=seed)
    known = known_rankings(arrays, text, split, z, blend=choice.blend, seed=seed)
    held_out = new_item_rankings(ProjectView.of(arrays, text), seed=seed)
    new, unmatched = held_out.matched, held_out.unmatched
    recommender = Recommender.load(graph_checkpoint.path, graph)
    examples = {item: [asdict(r) for r in recommender.recommend(item, 5)] for item in SHOWN if f"item:{item}" in graph}

    def write(directory: Path) -> dict[str, float]:
        evaluation = {
            **links.as_json(),
            "examples": examples,
            "hard": {name: asdict(figures) for name, figures in hard.items()},
            "choice": asdict(choice),
            "attention": graph_choice.read_json("evidence.json")["attention"],
            "projects": {"figures": figures_json(known), "gains": all_gains(known)},
            "new_items": {"figures": figures_json(new), "gains": all_gains(new)},
            "new_items_unmatched": {"figures": figures_json(unmatched), "gains": all_gains(unmatched)},
        }
        write_json(directory / "evaluation.json", evaluation)
        return {**_link_metrics(links.overall), **_ranking_metrics(known, choice.serves, new, choice.serves_new)}

    artifact = store.publish(
        "recommendation_report",
        write,
        code_version=CODE,
        inputs=versions(
            knowledge_graph=knowledge_graph,
            node_embeddings=node_embeddings,
            graph_choice=graph_choice,
            graph_checkpoint=graph_checkpoint,
        ),
    )
    return artifact_result(
        artifact,
        headline=f"links: AUC {links.model.auc:.3f}; projects: Hits@10 {artifact.metrics['item_hits_at_10']:.3f}, "
        f"new items {artifact.metrics['new_item_hits_at_10']:.3f}",
        metadata={
            **_link_metadata(links.overall, hard, links.per_relation, links.statements),
            **_ranking_metadata("held_out_projects", known),
            **_ranking_metadata("new_items", new),
        },
    )


def _link_metrics(overall: Mapping[str, LinkFigures]) -> dict[str, float]:
    from dataclasses import asdict

    figures = {f"{name}_{key}": float(v) for name, f in overall.items() for key, v in asdict(f).items()}
    return {**figures, "auc_gain": overall[MODEL].auc - overall["common_neighbours"].auc}


def _ranking_metrics(
    known: Mapping[str, Mapping[str, Ranking]], serves: str, new: Mapping[str, Mapping[str, Ranking]], serves_new: str
) -> dict[str, float]:
    """Figures of what is served, and its gain over the best baseline of each pool."""
    found: dict[str, float] = {}
    for prefix, rankings, served in (("item", known, serves), ("new_item", new, serves_new)):
        for pool, suffix in ((ALL, ""), (PLAUSIBLE, "_hard")):
            figures = {name: ranking.figures() for name, ranking in rankings[pool].items()}
            rivals = [f for name, f in figures.items() if name not in _PARTS]
            ours = figures[served]
            found |= {
                f"{prefix}_mrr{suffix}": ours.mrr,
                f"{prefix}_hits_at_10{suffix}": ours.hits_at_10,
                f"{prefix}_ndcg_at_10{suffix}": ours.ndcg_at_10,
                f"{prefix}_mrr_gain{suffix}": ours.mrr - max(f.mrr for f in rivals),
                f"{prefix}_hits_gain{suffix}": ours.hits_at_10 - max(f.hits_at_10 for f in rivals),
                f"{prefix}_text_hits_gain{suffix}": ours.hits_at_10 - figures[_TEXT].hits_at_10,
            }
    return found


def _link_metadata(
    overall: Mapping[str, LinkFigures],
    hard: Mapping[str, LinkFigures],
    per_relation: Mapping[str, Mapping[str, LinkFigures]],
    statements: list[str],
) -> dict[str, Any]:
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars

    bars = {
        name: {"AUC": f.auc, "AUC, hard": hard[name].auc, "MRR": f.mrr, "MRR, hard": hard[name].mrr}
        for name, f in overall.items()
    }
    relations = [
        {"relation": relation, "edges": by_name[MODEL].edges, **{n: f"{f.auc:.3f}" for n, f in by_name.items()}}
        for relation, by_name in per_relation.items()
    ]
    return {
        "figures": dg.MetadataValue.md(markdown_table(figure_rows(overall))),
        "hard_figures": dg.MetadataValue.md(markdown_table(figure_rows(hard))),
        "auc_per_relation": dg.MetadataValue.md(markdown_table(relations)),
        "bars": dg.MetadataValue.md(markdown_image(grouped_bars(bars, "held-out edges"), "links")),
        "against_baselines": dg.MetadataValue.md("\n".join(f"- {line}" for line in statements)),
    }


def figure_rows(figures: Mapping[str, LinkFigures] | Mapping[str, RankFigures]) -> list[dict[str, Any]]:
    """A row a scorer, as tables show them."""
    from dataclasses import asdict

    return [
        {"scorer": name, **{k: v if isinstance(v, int) else f"{v:.3f}" for k, v in asdict(f).items()}}
        for name, f in figures.items()
    ]


def _ranking_metadata(title: str, rankings: Mapping[str, Mapping[str, Ranking]]) -> dict[str, Any]:
    """A table a pool, the gains as sentences, and bars with the 95 % interval of each mean."""
    from releaf.graph.project_ranking import gains
    from releaf.metrics.ranking import bootstrap_interval
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars

    shown: dict[str, Any] = {}
    heights: dict[str, dict[str, float]] = {}
    errors: dict[str, dict[str, tuple[float, float]]] = {}
    lines = []
    for pool, by_name in rankings.items():
        shown[f"{title}_{pool}"] = dg.MetadataValue.md(
            markdown_table(figure_rows({name: ranking.figures() for name, ranking in by_name.items()}))
        )
        for name, ranking in by_name.items():
            values = ranking.values("hits_at_10").tolist()
            heights.setdefault(name, {})[pool] = sum(values) / len(values)
            errors.setdefault(name, {})[pool] = bootstrap_interval(values)
        lines += [
            f"- {pool}: Hits@10 {gain.value:+.3f} over {name} ({gain.low:+.3f} to {gain.high:+.3f}, p {gain.p:.4f}, "
            f"over items {gain.p_items:.4f}): {gain.verdict}"
            for name, gain in gains(by_name, MODEL, "hits_at_10").items()
        ]
    picture = grouped_bars(heights, f"Hits@10, {title.replace('_', ' ')}", errors=errors)
    return {
        **shown,
        f"{title}_bars": dg.MetadataValue.md(markdown_image(picture, title)),
        f"{title}_gains": dg.MetadataValue.md("\n".join(lines)),
    }
