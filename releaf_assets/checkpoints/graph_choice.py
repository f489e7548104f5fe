"""Which graph model is trained and what scores projects, chosen without the test edges."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings

CODE = "2"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"choice"}, reads=["graph"]))
def graph_choice(
    context: dg.AssetExecutionContext,
    knowledge_graph: Artifact,
    node_embeddings: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """GraphSAGE, GAT or GCN, how much its score weighs, and whether a baseline ranks projects better than all of it."""
    from dataclasses import asdict

    from releaf.artifacts import write_json
    from releaf.graph.build import load, to_arrays
    from releaf.graph.choice import choose
    from releaf.graph.inputs import GraphInputs
    from releaf.graph.project_ranking import ALL
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import scoreboard

    inputs, graph, chosen = (
        GraphInputs.load(node_embeddings.path),
        to_arrays(load(knowledge_graph.path)),
        hardware.choose(),
    )
    found = choose(graph, inputs.text, inputs.split, settings.graph, chosen, progress=reporter.of(context))

    def write(directory: Path) -> dict[str, float]:
        found.choice.save(directory)
        write_json(directory / "evidence.json", found.as_json())
        best = found.models[found.choice.model]
        return {"validation_mrr": best.mrr, "validation_auc": best.link_auc, "blend": found.choice.blend}

    artifact = store.publish(
        "graph_choice",
        write,
        code_version=CODE,
        inputs=versions(knowledge_graph=knowledge_graph, node_embeddings=node_embeddings),
    )
    rows = [
        {"model": name, **{key: f"{value:.3f}" for key, value in asdict(f).items()}} for name, f in found.models.items()
    ]
    known = {name: ranking.figures() for name, ranking in found.known[ALL].items()}
    new = {name: ranking.figures() for name, ranking in found.new[ALL].items()}
    scorers = [
        {
            "scorer": name,
            "mrr": f"{f.mrr:.3f}",
            "hits@10": f"{f.hits_at_10:.3f}",
            "mrr, new items": f"{new[name].mrr:.3f}" if name in new else "–",
        }
        for name, f in known.items()
    ]
    picture = scoreboard(
        {
            "MRR of held-out projects": {name: f.mrr for name, f in found.models.items()},
            "AUC of links": {name: f.link_auc for name, f in found.models.items()},
        },
        found.choice.model,
    )
    serves = (
        found.choice.serves
        if found.choice.serves == found.choice.serves_new
        else (f"{found.choice.serves}, new items {found.choice.serves_new}")
    )
    return artifact_result(
        artifact,
        headline=f"{found.choice.model}, weight {found.choice.blend:g}, serves {serves}",
        metadata={
            "models": dg.MetadataValue.md(markdown_table(rows)),
            "picture": dg.MetadataValue.md(markdown_image(picture, "models on validation edges")),
            "scorers": dg.MetadataValue.md(markdown_table(scorers)),
            "attention": dg.MetadataValue.md(markdown_table(found.attention)),
            **hardware.metadata(chosen),
        },
    )
