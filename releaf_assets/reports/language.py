"""What the adapter is worth on instructions it never saw, and which answerer the evidence lets speak."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.gates import LEAST_SUPPORT
from releaf_assets.results import artifact_result, markdown_table, versions
from releaf_assets.stage import stage
from resources.answering import study_answers
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder
from resources.searching import open_search
from resources.settings import Settings
from resources.warehouse import Dataset

if TYPE_CHECKING:
    from releaf.language.answer_study import AnswerStudy
    from releaf.language.evaluation import LanguageEvaluation

CODE = "3"


@dg.asset(**stage("reports", code=CODE, kinds={"report"}, reads=["language.tuning.seed"]))
def language_report(
    language_base: Artifact,
    language_adapter: Artifact,
    instructions: Dataset,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    text_encoder: Artifact,
    dense_index: Artifact,
    sparse_index: Artifact,
    search_choice: Artifact,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
) -> dg.MaterializeResult[Artifact]:
    """Perplexity, token accuracy, ROUGE-L, supported sentences and refusals of base, adapter and quoted answers."""
    from releaf.artifacts import write_json
    from releaf.language.adapters import load_adapter
    from releaf.language.evaluation import evaluate
    from releaf.language.published import open_published_base

    chosen = hardware.choose()
    base = open_published_base(language_base.path, chosen)
    model = load_adapter(base, language_adapter.path)
    records = instructions.read("instructions")
    evaluation = evaluate(model, base, records)
    encoder = open_encoder(text_encoder, settings.retrieval, chosen)
    chunks = knowledge_chunks.read("chunks")
    with open_search(settings, encoder, dense_index, sparse_index, chunks, search_choice=search_choice) as searcher:
        study = study_answers(
            searcher,
            encoder,
            chunks,
            records,
            retrieval_judgements.read("queries"),
            model,
            base,
            least_support=LEAST_SUPPORT,
            seed=settings.language.tuning.seed,
        )

    def write(directory: Path) -> dict[str, float]:
        write_json(directory / "evaluation.json", {**evaluation.as_json(), "answers": study.as_json()})
        write_json(directory / "answerer.json", study.served)
        return {**_model_figures(evaluation), **study.metrics()}

    artifact = store.publish(
        "language_report",
        write,
        code_version=CODE,
        inputs=versions(
            language_base=language_base,
            language_adapter=language_adapter,
            instructions=instructions,
            knowledge_chunks=knowledge_chunks,
            retrieval_judgements=retrieval_judgements,
            text_encoder=text_encoder,
            dense_index=dense_index,
            sparse_index=sparse_index,
            search_choice=search_choice,
        ),
    )
    return artifact_result(
        artifact,
        headline=f"perplexity {evaluation.base.perplexity:.1f} → {evaluation.adapter.perplexity:.1f} with the adapter; "
        f"{study.choice.serves} answers are served",
        metadata={**_pictures(evaluation, study), **hardware.metadata(chosen)},
    )


def _model_figures(evaluation: "LanguageEvaluation") -> dict[str, float]:
    return {
        "perplexity_base": evaluation.base.perplexity,
        "perplexity_adapter": evaluation.adapter.perplexity,
        "perplexity_ratio": evaluation.perplexity_ratio,
        "token_accuracy_base": evaluation.base.token_accuracy,
        "token_accuracy_adapter": evaluation.adapter.token_accuracy,
    }


def _pictures(evaluation: "LanguageEvaluation", study: "AnswerStudy") -> dict[str, Any]:
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import grouped_bars

    perplexity = grouped_bars(
        {"perplexity": {"base": evaluation.base.perplexity, "adapter": evaluation.adapter.perplexity}},
        f"{evaluation.n} held-out instructions (lower is better)",
    )
    answerers = grouped_bars(
        {
            name: {
                "ROUGE-L": one.rouge_l,
                "supported": one.supported,
                "refused, unanswerable": one.refused_unanswerable,
            }
            for name, one in study.choice.figures.items()
        },
        f"{study.answerable} answerable and {study.unanswerable} unanswerable questions",
    )
    figures = [
        {"answerer": name, **{key: _shown(value) for key, value in asdict(one).items()}}
        for name, one in study.choice.figures.items()
    ]
    return {
        "bars": dg.MetadataValue.md(markdown_image(perplexity, "perplexity")),
        "answerers": dg.MetadataValue.md(markdown_image(answerers, "answerers")),
        "answerer_figures": dg.MetadataValue.md(markdown_table(figures)),
        "choice": f"{study.choice.serves}: {study.choice.reason}",
        "support_judge": dg.MetadataValue.md(markdown_table([_rounded(asdict(study.judged))])),
        "samples": dg.MetadataValue.md(markdown_table(_sample_rows(study.samples), width=160)),
    }


def _sample_rows(samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"question": one["question"], "reference": one["reference"], **one["answers"]} for one in samples]


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _shown(value) if isinstance(value, int | float) else value for name, value in row.items()}
