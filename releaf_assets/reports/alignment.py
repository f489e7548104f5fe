"""Whether alignment helped, by judges that had no part in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.checkpoints.alignment import READS
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder
from resources.reporting import ProgressReporter
from resources.settings import Settings
from resources.warehouse import Dataset

if TYPE_CHECKING:
    from releaf.language.alignment.evaluation import AlignmentEvaluation

CODE = "1"


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=READS, on_request=True))
def alignment_report(
    context: dg.AssetExecutionContext,
    language_base: Artifact,
    language_adapter: Artifact,
    text_encoder: Artifact,
    reward_model: Artifact,
    aligned_adapter: Artifact,
    preferences: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """Aligned against tuned on held-out questions: win rate by judges of held-out pairs, drift, length, answers."""
    from releaf.artifacts import write_json
    from releaf.language.alignment.evaluation import compare
    from releaf.language.alignment.features import Features, encoder_block, sentence_block, words_block
    from releaf.language.alignment.judge import fit_judge
    from releaf.language.alignment.pairs import read_pairs
    from releaf.language.alignment.policy import Policy, reference_block
    from releaf.language.alignment.reward import RewardModel, load_head
    from releaf.language.published import open_published_base

    held = read_pairs(preferences.read("preferences"), "validation", "test")
    chosen, wanted = hardware.choose(), settings.alignment
    base = open_published_base(language_base.path, chosen)
    policy = Policy(base, aligned_adapter.path, language_adapter.path, temperature=wanted.temperature)
    embed = open_encoder(text_encoder, settings.retrieval, chosen).encode
    features = Features({"encoder": encoder_block(embed), "decoder": reference_block(policy)})
    reward = RewardModel(load_head(reward_model.path), features)
    # Other features than the reward model may read, and another seed; `words` alone shares not even the encoder.
    judge = fit_judge(held, Features({"sentences": sentence_block(embed), "words": words_block}), seed=wanted.seed + 1)
    by_words = fit_judge(held, Features({"words": words_block}), seed=wanted.seed + 1)
    evaluation = compare(
        policy, held, reward, {"judge": judge.model, "words": by_words.model}, wanted, progress=reporter.of(context)
    )
    won = evaluation.judges["judge"]
    accuracies = {
        "judge": judge.accuracy,
        "words": by_words.accuracy,
        "reward": reward_model.metrics["reward_accuracy"],
    }

    def write(directory: Path) -> dict[str, float]:
        write_json(
            directory / "evaluation.json",
            {
                **evaluation.as_json(),
                "judge_accuracy": accuracies,
                "judge_features": list(judge.model.head.blocks),
                "reward": reward_model.read_json("evaluation.json"),
                "curves": aligned_adapter.read_json("curves.json"),
            },
        )
        return _figures(evaluation, accuracies)

    artifact = store.publish(
        "alignment_report",
        write,
        code_version=CODE,
        inputs=versions(
            language_base=language_base,
            language_adapter=language_adapter,
            text_encoder=text_encoder,
            reward_model=reward_model,
            aligned_adapter=aligned_adapter,
            preferences=preferences,
        ),
    )
    return artifact_result(
        artifact,
        headline=f"aligned wins {won.rate:.0%} ({won.low:.0%}–{won.high:.0%}) at {evaluation.kl:.1f} nats",
        metadata={
            **_pictures(evaluation, accuracies, aligned_adapter.read_json("curves.json")),
            "answers": dg.MetadataValue.md(markdown_table([vars(one) for one in evaluation.samples], width=300)),
            **hardware.metadata(chosen),
        },
    )


def _figures(evaluation: "AlignmentEvaluation", accuracies: Mapping[str, float]) -> dict[str, float]:
    won = evaluation.judges["judge"]
    return {
        "aligned_win_rate": won.rate,
        "aligned_win_rate_low": won.low,
        "aligned_win_rate_high": won.high,
        "aligned_win_rate_words": evaluation.judges["words"].rate,
        "aligned_win_rate_reward": evaluation.judges["reward"].rate,
        "aligned_kl": evaluation.kl,
        **{f"{name}_accuracy": accuracy for name, accuracy in accuracies.items()},
        "reward_tuned": evaluation.tuned.reward,
        "reward_aligned": evaluation.aligned.reward,
        "words_tuned": evaluation.tuned.words,
        "words_aligned": evaluation.aligned.words,
        "shorter_win_rate": evaluation.shorter_wins.rate,
    }


def _pictures(
    evaluation: "AlignmentEvaluation", accuracies: Mapping[str, float], curves: Mapping[str, Any]
) -> dict[str, dg.MarkdownMetadataValue]:
    from releaf.reporting.alignment_plots import alignment_curves, reward_histogram, win_rates
    from releaf.reporting.pictures import markdown_image

    rates = {f"{name} ({accuracies[name]:.0%} right)": rate for name, rate in evaluation.judges.items()}
    pictures = {
        "curves": alignment_curves(curves["rounds"], curves["kept"]),
        "wins": win_rates({name: (rate.rate, rate.low, rate.high) for name, rate in rates.items()}),
        "rewards": reward_histogram({"tuned": evaluation.tuned.rewards, "aligned": evaluation.aligned.rewards}),
    }
    return {name: dg.MetadataValue.md(markdown_image(image, name)) for name, image in pictures.items()}
