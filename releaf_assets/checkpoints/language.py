"""The small decoder and the adapter on it."""

from pathlib import Path
from typing import Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, curves, markdown_table, save_history, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

CODE = "2"
# What is on disk of a base that was not trained here: where it comes from.
POINTER = "source.json"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "transformers"}, reads=["language"]))
def language_base(
    context: dg.AssetExecutionContext,
    knowledge_documents: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """A decoder of the Llama family with its own tokenizer, trained on the documents, or one from elsewhere."""
    from releaf.artifacts import write_json
    from releaf.language.decoder import open_base, save_base
    from releaf.language.pretraining import pretrain

    chosen, wanted = hardware.choose(), settings.language
    shown: dict[str, Any] = {}
    if wanted.source == "scratch":
        pretrained = pretrain(
            knowledge_documents.read("documents"),
            wanted.base,
            chosen,
            state_dir=store.training_state(
                "language_base", CODE, knowledge_documents.version, wanted.base, chosen.device
            ),
            progress=reporter.of(context),
        )
        shown = {**curves(pretrained.history, "validation_loss"), **pretrained.counts}

        def write(directory: Path) -> dict[str, float]:
            save_base(pretrained.base, directory)
            figures = save_history(directory, pretrained.history, "validation_loss")
            return {**figures, **{name: float(value) for name, value in pretrained.counts.items()}}
    else:
        base = open_base(wanted.source, chosen)

        def write(directory: Path) -> dict[str, float]:
            write_json(directory / POINTER, {"source": wanted.source, "fingerprint": base.fingerprint})
            return {}

    artifact = store.publish(
        "language_base", write, code_version=CODE, inputs=versions(knowledge_documents=knowledge_documents)
    )
    loss = artifact.metrics.get("validation_loss")
    headline = f"validation loss {loss:.3f} nats a token" if loss is not None else wanted.source
    return artifact_result(artifact, headline=headline, metadata={**shown, **hardware.metadata(chosen)})


def base_source(language_base: Artifact) -> str:
    """The source string that opens the base: its own folder, or where it was taken from."""
    pointer = language_base.path / POINTER
    return str(language_base.read_json(POINTER)["source"]) if pointer.is_file() else f"path:{language_base.path}"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "peft"}, reads=["language"]))
def language_adapter(
    context: dg.AssetExecutionContext,
    language_base: Artifact,
    instructions: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """LoRA on all seven projections of every block, tuned on the answers of the training instructions."""
    from releaf.artifacts import write_json
    from releaf.language.adapters import save_adapter
    from releaf.language.decoder import open_base
    from releaf.language.tuning import tune

    chosen, wanted = hardware.choose(), settings.language.tuning
    base = open_base(base_source(language_base), chosen)
    tuned = tune(
        base,
        instructions.read("instructions"),
        wanted,
        chosen,
        state_dir=store.training_state(
            "language_adapter", CODE, language_base.version, instructions.version, wanted, chosen.device
        ),
        progress=reporter.of(context),
    )

    def write(directory: Path) -> dict[str, float]:
        save_adapter(tuned.model, base, directory)
        write_json(directory / "example.json", {"decoded": tuned.example, "counts": tuned.counts})
        figures = save_history(directory, tuned.history, "validation_loss")
        return {**figures, **{name: float(value) for name, value in tuned.counts.items()}}

    artifact = store.publish(
        "language_adapter",
        write,
        code_version=CODE,
        inputs=versions(language_base=language_base, instructions=instructions),
    )
    rows = [{"what": name.replace("_", " "), "count": f"{value:,}"} for name, value in tuned.counts.items()]
    return artifact_result(
        artifact,
        headline=f"validation loss {artifact.metrics['validation_loss']:.3f} nats an answer token",
        metadata={
            **curves(tuned.history, "validation_loss"),
            "masked_example": dg.MetadataValue.md(f"```\n{tuned.example}\n```"),
            "counts": dg.MetadataValue.md(markdown_table(rows)),
            **hardware.metadata(chosen),
        },
    )
