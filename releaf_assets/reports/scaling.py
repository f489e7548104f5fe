"""How the loss falls with parameters, tokens and compute on this corpus, beside the published laws."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.warehouse import Dataset

if TYPE_CHECKING:
    from releaf.language.scaling.grid import Trained
    from releaf.language.scaling.study import Scaling

CODE = "1"
READING = (
    "Laws hold for this corpus, tokenizer and way of training, every token read once. Models this small and read this "
    "little are far above the loss that no model goes below: an E near 0 means that the grid cannot tell it, and the "
    "exponents then take its part. Published exponents come from runs a thousand to a million times as large."
)


@dg.asset(**stage("reports", code=CODE, kinds={"report", "pytorch"}, on_request=True))
def scaling_report(
    context: dg.AssetExecutionContext,
    knowledge_documents: Dataset,
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """A grid of small models, each reading its tokens once; the law fitted to them predicts a larger one held out."""
    from releaf.artifacts import write_json
    from releaf.language.scaling.grid import Grid, train_grid
    from releaf.language.scaling.study import analyse

    chosen, grid = hardware.choose(), Grid()
    trained = train_grid(
        knowledge_documents.read("documents"),
        grid,
        chosen,
        state_dir=store.training_state("scaling_report", CODE, knowledge_documents.version, grid, chosen.device),
        progress=reporter.of(context),
    )
    found = analyse([cell.run for cell in trained[:-1]], trained[-1].run)

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "scaling.json", found.as_json())
        write_json(directory / "curves.json", [{"run": vars(cell.run), "curve": cell.curve} for cell in trained])
        return {
            "prediction_error": found.error,
            "predicted_loss": found.predicted,
            "held_out_loss": found.held_out.loss,
            "alpha": found.law.parameter_exponent,
            "beta": found.law.token_exponent,
            "runs": float(len(trained)),
            "largest_parameters": float(found.held_out.parameters),
            "largest_tokens": float(found.held_out.tokens),
            "tokens_a_parameter": found.optima[1].tokens_a_parameter,
        }

    artifact = store.publish(
        "scaling_report", write, code_version=CODE, inputs=versions(knowledge_documents=knowledge_documents)
    )
    return artifact_result(
        artifact,
        headline=f"held-out loss {found.held_out.loss:.3f}, predicted {found.predicted:.3f} ({found.error:.1%} off)",
        metadata={**_pictures(found, trained), **_tables(found), **hardware.metadata(chosen)},
    )


def _pictures(found: "Scaling", trained: "list[Trained]") -> dict[str, Any]:
    from releaf.reporting.language_plots import iso_compute, law_fits, loss_curves
    from releaf.reporting.pictures import markdown_image

    points = [(run.parameters, run.tokens, run.loss) for run in (*found.grid, found.held_out)]
    longest = {cell.run.parameters: cell for cell in trained}  # the last of a size reads most
    lines = {f"{size:,} parameters": cell.curve for size, cell in longest.items()}
    laws = [law.loss for law in found.laws]
    best = [(optimum.parameters, optimum.loss) for optimum in found.optima]
    budgets = [optimum.compute for optimum in found.optima]
    pictures = {
        "loss_curves": loss_curves(lines),
        "fits": law_fits(points[:-1], points[-1], found.law.loss, laws),
        "iso_compute": iso_compute(points[:-1], found.law.loss, budgets, best),
    }
    return {name: dg.MetadataValue.md(markdown_image(data, name)) for name, data in pictures.items()}


def _tables(found: "Scaling") -> dict[str, Any]:
    from releaf.language.scaling.optimum import (
        CHINCHILLA,
        CHINCHILLA_EXPONENTS,
        CHINCHILLA_TOKENS_A_PARAMETER,
        KAPLAN,
        exponents,
    )

    ours, spread = exponents(found.law), found.intervals
    middle = {name: f"{low:.3f} to {high:.3f}" for name, (low, high) in spread.items()}
    laws = [
        ("α of N", f"{found.law.parameter_exponent:.3f}", middle["alpha"], f"{CHINCHILLA.parameter_exponent}"),
        ("β of D", f"{found.law.token_exponent:.3f}", middle["beta"], f"{CHINCHILLA.token_exponent}"),
        ("best N grows with C to the", f"{ours[0]:.2f}", middle["size_exponent"], f"{CHINCHILLA_EXPONENTS['N']}"),
        ("best D grows with C to the", f"{ours[1]:.2f}", middle["token_exponent"], f"{CHINCHILLA_EXPONENTS['D']}"),
        ("irreducible loss E", f"{found.law.offset:.2f}", middle["offset"], f"{CHINCHILLA.offset}"),
        ("L(N), exponent", _exponent(found.by_parameters), "", f"{KAPLAN['α_N']} (N_c = {KAPLAN['N_c']:.1e})"),
        ("L(D), exponent", _exponent(found.by_tokens), "", f"{KAPLAN['α_D']} (D_c = {KAPLAN['D_c']:.1e})"),
        ("L(C) split best, exponent", f"{found.by_compute:.3f}", middle["compute"], f"{KAPLAN['α_C']}"),
    ]
    best = [
        {
            "budget C": f"{o.compute:.2e}",
            "N": f"{o.parameters:,.0f}",
            "D": f"{o.tokens:,.0f}",
            "D / N": f"{o.tokens_a_parameter:.1f} (published: about {CHINCHILLA_TOKENS_A_PARAMETER:g})",
            "loss": f"{o.loss:.3f}",
        }
        for o in found.optima
    ]
    rows = [dict(zip(("constant", "here", "middle 90 %", "published"), row, strict=True)) for row in laws]
    return {
        "how_to_read": READING,
        "law": dg.MetadataValue.md(markdown_table(rows)),
        "best_of_a_budget": dg.MetadataValue.md(markdown_table(best)),
    }


def _exponent(law: Any) -> str:
    return "too few runs" if law is None else f"{law.exponent:.2f} above {law.offset:.2f} nats"
