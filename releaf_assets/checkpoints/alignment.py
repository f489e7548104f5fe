"""The reward model of the preferences, and the adapter that learned from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

if TYPE_CHECKING:
    from releaf.language.alignment.reward import Trial

CODE = "1"
READS = ["alignment", "retrieval"]


@dg.asset(
    **stage("checkpoints", code=CODE, kinds={"numpy", "sentence-transformers"}, reads=["retrieval"], on_request=True)
)
def reward_model(
    language_base: Artifact,
    language_adapter: Artifact,
    text_encoder: Artifact,
    preferences: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
) -> dg.MaterializeResult[Artifact]:
    """A score of answers by which preferred ones come first: its features chosen by cross-validation, then held out."""
    from releaf.artifacts import write_json
    from releaf.language.adapters import load_adapter
    from releaf.language.alignment.features import Features, decoder_block, encoder_block
    from releaf.language.alignment.pairs import read_pairs
    from releaf.language.alignment.reward import RewardModel, choose_head, every_combination, save_head, sides_of
    from releaf.language.alignment.reward_evaluation import evaluate_reward
    from releaf.language.published import open_published_base

    table = preferences.read("preferences")
    training, held = read_pairs(table, "train"), read_pairs(table, "validation", "test")
    chosen = hardware.choose()
    base = open_published_base(language_base.path, chosen)
    tuned = load_adapter(base, language_adapter.path)
    encoder = open_encoder(text_encoder, settings.retrieval, chosen)
    features = Features({"encoder": encoder_block(encoder.encode), "decoder": decoder_block(tuned, base)})
    head, trials = choose_head(sides_of(training, features), every_combination(list(features.blocks)))
    evaluation = evaluate_reward(RewardModel(head, features), held)

    def write(directory: Path) -> dict[str, float]:
        save_head(head, directory)
        write_json(
            directory / "evaluation.json",
            {"held_out": evaluation.as_json(), "tried": [vars(trial) for trial in trials]},
        )
        return {
            "reward_accuracy": evaluation.accuracy,
            "reward_loss": evaluation.loss,
            "reward_calibration_error": evaluation.calibration_error,
            "reward_length_correlation": evaluation.length_correlation,
            "longer_wins": evaluation.longer_wins,
            "preference_length_bias": preferences.metrics["length_bias"],
            "training_pairs": len(training),
            "held_out_pairs": len(held),
        }

    artifact = store.publish(
        "reward_model",
        write,
        code_version=CODE,
        inputs=versions(
            language_base=language_base,
            language_adapter=language_adapter,
            text_encoder=text_encoder,
            preferences=preferences,
        ),
    )
    faults = [{"fault": n, "pairs": s.pairs, "accuracy": f"{s.accuracy:.2f}"} for n, s in evaluation.faults.items()]
    return artifact_result(
        artifact,
        headline=f"{evaluation.accuracy:.0%} of {evaluation.pairs} held-out pairs ordered rightly",
        metadata={
            "features": ", ".join(head.blocks),
            "faults": dg.MetadataValue.md(markdown_table(faults)),
            "tried": dg.MetadataValue.md(trials_table(trials)),
            **hardware.metadata(chosen),
        },
    )


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "peft"}, reads=READS, on_request=True))
def aligned_adapter(
    context: dg.AssetExecutionContext,
    language_base: Artifact,
    language_adapter: Artifact,
    text_encoder: Artifact,
    reward_model: Artifact,
    preferences: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """The tuned adapter taught to earn more from the reward model, held near where it came from by a KL penalty."""
    from releaf.artifacts import write_json
    from releaf.language.alignment.features import Features, encoder_block
    from releaf.language.alignment.pairs import questions_of, read_pairs
    from releaf.language.alignment.policy import Policy, reference_block
    from releaf.language.alignment.reward import RewardModel, anchored, load_head
    from releaf.language.alignment.training import align
    from releaf.language.published import open_published_base
    from releaf.reporting.alignment_plots import alignment_curves
    from releaf.reporting.pictures import markdown_image

    pairs = read_pairs(preferences.read("preferences"), "train")
    chosen, wanted = hardware.choose(), settings.alignment
    tuned, base = language_adapter.path, open_published_base(language_base.path, chosen)
    policy = Policy(base, tuned, tuned, temperature=wanted.temperature, seed=wanted.seed)
    encoder = open_encoder(text_encoder, settings.retrieval, chosen)
    features = Features({"encoder": encoder_block(encoder.encode), "decoder": reference_block(policy)})
    reward = RewardModel(load_head(reward_model.path), features)
    curves = align(policy, questions_of(pairs), anchored(reward, pairs), wanted, progress=reporter.of(context))

    def write(directory: Path) -> dict[str, float]:
        policy.save(directory)
        write_json(directory / "curves.json", vars(curves))
        first, kept = curves.rounds[0], curves.rounds[curves.kept]
        return {
            "rounds": float(curves.kept),
            "training_reward_first": first["reward"],
            "training_reward_kept": kept["reward"],
            "training_kl": kept["kl"],
            "stopped_by_drift": float(curves.stopped),
        }

    artifact = store.publish(
        "aligned_adapter",
        write,
        code_version=CODE,
        inputs=versions(
            language_base=language_base,
            language_adapter=language_adapter,
            text_encoder=text_encoder,
            reward_model=reward_model,
            preferences=preferences,
        ),
    )
    figures = artifact.metrics
    return artifact_result(
        artifact,
        headline=f"{wanted.algorithm}, {curves.kept} rounds, reward {figures['training_reward_first']:.2f} → "
        f"{figures['training_reward_kept']:.2f} at {figures['training_kl']:.1f} nats",
        metadata={
            "curves": dg.MetadataValue.md(markdown_image(alignment_curves(curves.rounds, curves.kept), "curves")),
            **hardware.metadata(chosen),
        },
    )


def trials_table(trials: "list[Trial]") -> str:
    """The best λ of each choice of features, by cross-validated loss."""
    best: dict[tuple[str, ...], Any] = {}
    for trial in sorted(trials, key=lambda trial: trial.loss):
        best.setdefault(trial.blocks, trial)
    rows = [
        {
            "features": " + ".join(trial.blocks),
            "λ": f"{trial.ridge:g}",
            "loss": f"{trial.loss:.3f}",
            "accuracy": f"{trial.accuracy:.3f}",
        }
        for trial in best.values()
    ]
    return markdown_table(rows)
