"""The tokenizer, the small decoder and the adapter on it."""

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

CODE = "3"
# Tokens of a document that its page shows cut.
SHOWN_TOKENS = 60


@dg.asset(
    **stage(
        "checkpoints",
        code=CODE,
        kinds={"transformers"},
        reads=["language.source", "language.base.tokenizer", "language.base.held_out_share"],
    )
)
def language_tokenizer(
    knowledge_documents: Dataset, settings: dg.ResourceParam[Settings], store: ArtifactStore
) -> dg.MaterializeResult[Artifact]:
    """Byte-level BPE learned from the documents, or that of a base from elsewhere; any text comes back whole."""
    from releaf.language.pretraining import document_texts, hold_out, learn_tokenizer
    from releaf.language.tokenizer import decode, encode, open_tokenizer, save_tokenizer, text_figures

    wanted = settings.language
    documents = knowledge_documents.read("documents")
    _, held_out = hold_out(document_texts(documents), wanted.base.held_out_share)
    if wanted.source == "scratch":
        tokenizer, figures = learn_tokenizer(documents, wanted.base)
    else:
        tokenizer = open_tokenizer(wanted.source)
        figures = text_figures(tokenizer, held_out)

    def write(directory: Path) -> dict[str, float]:
        save_tokenizer(tokenizer, directory)
        return {
            "vocabulary": float(figures.vocabulary),
            "bytes_per_token": figures.bytes_per_token,
            "round_trip": figures.round_trip,
        }

    artifact = store.publish(
        "language_tokenizer", write, code_version=CODE, inputs=versions(knowledge_documents=knowledge_documents)
    )
    pieces = [decode(tokenizer, [token]) for token in encode(tokenizer, held_out[0])[:SHOWN_TOKENS]]
    return artifact_result(
        artifact,
        headline=f"{figures.vocabulary:,} tokens, {figures.bytes_per_token:.2f} bytes each on held-out documents",
        metadata={"held_out_document_cut": dg.MetadataValue.md(f"```\n{'│'.join(pieces)}\n```")},
    )


@dg.asset(
    **stage(
        "checkpoints",
        code=CODE,
        kinds={"pytorch", "transformers"},
        reads=["language.source", "language.quantize", "language.base"],
    )
)
def language_base(
    context: dg.AssetExecutionContext,
    knowledge_documents: Dataset,
    language_tokenizer: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """A decoder of the Llama family trained on the documents, authored and imported, or one from elsewhere."""
    from releaf.language.decoder import open_base, save_base
    from releaf.language.pretraining import pretrain
    from releaf.language.published import write_pointer
    from releaf.language.tokenizer import load_tokenizer

    chosen, wanted = hardware.choose(), settings.language
    shown: dict[str, Any] = {}
    if wanted.source == "scratch":
        state = (knowledge_documents.version, language_tokenizer.version, wanted.base, chosen.device)
        pretrained = pretrain(
            knowledge_documents.read("documents"),
            wanted.base,
            chosen,
            tokenizer=load_tokenizer(language_tokenizer.path),
            state_dir=store.training_state("language_base", CODE, *state),
            progress=reporter.of(context),
        )
        shown = {**curves(pretrained.history, "validation_loss"), **pretrained.counts}

        def write(directory: Path) -> dict[str, float]:
            save_base(pretrained.base, directory)
            figures = save_history(directory, pretrained.history, "validation_loss")
            return {**figures, **{name: float(value) for name, value in pretrained.counts.items()}}
    else:
        base = open_base(wanted.source, chosen, quantize=wanted.quantize)

        def write(directory: Path) -> dict[str, float]:
            write_pointer(directory, base, wanted.source, wanted.quantize)
            return {}

    artifact = store.publish(
        "language_base",
        write,
        code_version=CODE,
        inputs=versions(knowledge_documents=knowledge_documents, language_tokenizer=language_tokenizer),
    )
    loss = artifact.metrics.get("validation_loss")
    headline = f"validation loss {loss:.3f} nats a token" if loss is not None else wanted.source
    return artifact_result(artifact, headline=headline, metadata={**shown, **hardware.metadata(chosen)})


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "peft"}, reads=["language.tuning"]))
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
    from releaf.language.adapter_card import card_of, write_card
    from releaf.language.adapters import save_adapter
    from releaf.language.published import open_published_base
    from releaf.language.tuning import tune

    chosen, wanted = hardware.choose(), settings.language.tuning
    base = open_published_base(language_base.path, chosen)
    state = (language_base.version, instructions.version, wanted, chosen.device)
    tuned = tune(
        base,
        instructions.read("instructions"),
        wanted,
        chosen,
        state_dir=store.training_state("language_adapter", CODE, *state),
        progress=reporter.of(context),
    )
    inputs = versions(language_base=language_base, instructions=instructions)

    def write(directory: Path) -> dict[str, float]:
        save_adapter(tuned.model, base, directory)
        write_json(directory / "example.json", {"decoded": tuned.example, "counts": tuned.counts})
        figures = save_history(directory, tuned.history, "validation_loss")
        card = card_of(base, wanted, data=inputs, counts=tuned.counts, figures=figures)
        write_card(card, directory)
        return {**figures, **{name: float(value) for name, value in tuned.counts.items()}}

    artifact = store.publish("language_adapter", write, code_version=CODE, inputs=inputs)
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
