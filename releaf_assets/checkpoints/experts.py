"""A mixture of experts in the place of the dense base: what balancing its load is worth."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, curves, markdown_table, save_history, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "1"


@dg.asset(
    **stage("checkpoints", code=CODE, kinds={"pytorch", "transformers"}, reads=["language.base"], on_request=True),
)
def expert_base(
    context: dg.AssetExecutionContext,
    knowledge_documents: Dataset,
    language_tokenizer: Artifact,
    language_base: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Two of four experts a token, as many active weights as the dense base; trained with balancing and without."""
    from dataclasses import asdict

    from releaf.artifacts import write_json
    from releaf.language.decoder import save_base
    from releaf.language.expert_study import study
    from releaf.language.tokenizer import load_tokenizer
    from releaf.reporting.language_plots import expert_loads
    from releaf.reporting.pictures import markdown_image

    chosen, wanted = hardware.choose(), settings.language.base
    found = study(
        knowledge_documents.read("documents"),
        wanted,
        chosen,
        load_tokenizer(language_tokenizer.path),
        state_dir=store.training_state(
            "expert_base", CODE, knowledge_documents.version, language_tokenizer.version, wanted, chosen.device
        ),
        progress=reporter.of(context),
    )
    balanced, free = found.balanced, found.free

    def write(directory: Path) -> dict[str, float]:
        save_base(balanced.pretrained.base, directory)
        figures = save_history(directory, balanced.pretrained.history, "validation_loss")
        loads = {"balanced": balanced.load, "free": free.load}
        write_json(directory / "experts.json", {"loads": loads, "experts": asdict(found.experts)})
        return {
            **figures,
            "perplexity": balanced.perplexity,
            "perplexity_unbalanced": free.perplexity,
            "expert_load": balanced.busiest,
            "expert_load_unbalanced": free.busiest,
            "parameters": float(balanced.parameters),
            "active_parameters": float(balanced.active_parameters),
            **dense,
        }

    dense = dense_figures(language_base)
    artifact = store.publish(
        "expert_base",
        write,
        code_version=CODE,
        inputs=versions(
            knowledge_documents=knowledge_documents, language_tokenizer=language_tokenizer, language_base=language_base
        ),
    )
    rows = [
        {"base": name, "perplexity": f"{side.perplexity:.2f}", "busiest / mean expert": f"{side.busiest:.2f}"}
        for name, side in (("experts, balanced", balanced), ("experts, α = 0", free))
    ]
    if dense:
        rows.append({"base": "dense", "perplexity": f"{dense['perplexity_dense']:.2f}", "busiest / mean expert": "—"})
    picture = expert_loads({"balanced": balanced.load, "without balancing": free.load}, found.experts.active)
    return artifact_result(
        artifact,
        headline=f"busiest expert {balanced.busiest:.2f} × the mean, {free.busiest:.2f} × without balancing",
        metadata={
            "load": dg.MetadataValue.md(markdown_image(picture, "load of the experts")),
            "bases": dg.MetadataValue.md(markdown_table(rows)),
            **curves(balanced.pretrained.history, "validation_loss"),
            **hardware.metadata(chosen),
        },
    )


def dense_figures(language_base: Artifact) -> dict[str, float]:
    """The dense base's perplexity on the same held-out documents; nothing of a base that was not trained here."""
    from releaf.metrics.text import perplexity

    loss = language_base.metrics.get("validation_loss")
    return {} if loss is None else {"perplexity_dense": perplexity(loss)}
