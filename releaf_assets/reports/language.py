"""What the adapter is worth on instructions it never saw."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.checkpoints.language import base_source
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.warehouse import Dataset

CODE = "1"


@dg.asset(**stage("reports", code=CODE, kinds={"report"}))
def language_report(
    context: dg.AssetExecutionContext,
    language_base: Artifact,
    language_adapter: Artifact,
    instructions: Dataset,
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Perplexity and token accuracy of base and adapter on the test instructions, and some answers as they are."""
    from releaf.artifacts import write_json
    from releaf.language.adapters import load_adapter
    from releaf.language.decoder import open_base
    from releaf.language.evaluation import evaluate
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars

    chosen = hardware.choose()
    base = open_base(base_source(language_base), chosen)
    model = load_adapter(base, language_adapter.path)
    evaluation = evaluate(model, base, instructions.read("instructions"), progress=reporter.of(context))

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", evaluation.as_json())
        return {
            "perplexity_base": evaluation.base.perplexity,
            "perplexity_adapter": evaluation.adapter.perplexity,
            "perplexity_ratio": evaluation.perplexity_ratio,
            "token_accuracy_base": evaluation.base.token_accuracy,
            "token_accuracy_adapter": evaluation.adapter.token_accuracy,
        }

    artifact = store.publish(
        "language_report",
        write,
        code_version=CODE,
        inputs=versions(language_base=language_base, language_adapter=language_adapter, instructions=instructions),
    )
    rows = [{"instruction": s.instruction, "answer": s.answer, "reference": s.reference} for s in evaluation.samples]
    bars = grouped_bars(
        {"perplexity": {"base": evaluation.base.perplexity, "adapter": evaluation.adapter.perplexity}},
        f"{evaluation.n} held-out instructions (lower is better)",
    )
    return artifact_result(
        artifact,
        headline=f"perplexity {evaluation.base.perplexity:.1f} → {evaluation.adapter.perplexity:.1f} with the adapter",
        metadata={
            "bars": dg.MetadataValue.md(markdown_image(bars, "perplexity")),
            "samples": dg.MetadataValue.md(markdown_table(rows, width=160)),
            **hardware.metadata(chosen),
        },
    )
