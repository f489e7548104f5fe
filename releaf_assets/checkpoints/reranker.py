"""The cross-encoder that may order the first results anew."""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.gates import RERANKER_INT8_LOSS
from releaf_assets.results import artifact_result, curves, save_history, versions
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.hardware import HardwareResource
from resources.models import open_encoder, processors
from resources.reporting import ProgressReporter
from resources.searching import open_search
from resources.settings import Settings
from resources.warehouse import Dataset

if TYPE_CHECKING:
    from releaf.retrieval.candidates import CandidateList
    from releaf.retrieval.reranker import Group
    from releaf.training.device import Hardware

# The threshold decides the precision of what is written, so that another one asks for another checkpoint.
CODE = f"3+{RERANKER_INT8_LOSS:g}"


@dg.asset(**stage("checkpoints", code=CODE, kinds={"pytorch", "onnx"}, reads=["retrieval", "reranker"]))
def reranker_checkpoint(
    context: dg.AssetExecutionContext,
    text_encoder: Artifact,
    dense_index: Artifact,
    sparse_index: Artifact,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    settings: dg.ResourceParam[Settings],
    hardware: HardwareResource,
    store: ArtifactStore,
    reporter: dg.ResourceParam[ProgressReporter],
) -> dg.MaterializeResult[Artifact]:
    """A cross-encoder trained on the training queries and on titles, against what search confuses with the answers.

    Where the settings name a trained one, that is taken as it is. Its weights are in int8 where these order the
    development queries' candidates about as well as fp32 weights do, otherwise in fp32.
    """
    from releaf.retrieval.pretrained_reranker import export_reranker
    from releaf.retrieval.rerank import DESCRIPTION
    from releaf.retrieval.reranker import MONITOR, TrainedReranker, train_reranker
    from releaf.retrieval.reranker_export import Int8Trial

    chosen = hardware.choose()
    reranker = settings.reranker
    runs: list[TrainedReranker] = []

    def write(directory: Path) -> dict[str, float]:
        learned, checked, lists = _material(
            text_encoder, dense_index, sparse_index, knowledge_chunks, retrieval_judgements, settings, chosen
        )
        trial = Int8Trial(lists, RERANKER_INT8_LOSS, processors())
        if reranker.source is not None:
            precision, longest = reranker.precision, reranker.max_tokens
            parameters, exported = export_reranker(
                reranker.source, directory, precision=precision, max_tokens=longest, trial=trial
            )
            return {"groups": 0, "parameters": parameters, **exported.metrics()}
        trained = train_reranker(
            learned,
            checked,
            settings.retrieval.encoder,
            directory,
            reranker,
            chosen,
            trial=trial,
            state_dir=store.training_state(
                "reranker", CODE, settings.retrieval, reranker, [group.query for group in learned]
            ),
            progress=reporter.of(context),
        )
        runs.append(trained)
        figures = save_history(directory, trained.history, MONITOR)
        return {**figures, "groups": trained.groups, "parameters": trained.parameters, **trained.exported.metrics()}

    artifact = store.publish(
        "reranker_checkpoint",
        write,
        code_version=CODE,
        inputs=versions(
            text_encoder=text_encoder,
            dense_index=dense_index,
            sparse_index=sparse_index,
            knowledge_chunks=knowledge_chunks,
            retrieval_judgements=retrieval_judgements,
        ),
    )
    shown = curves(runs[0].history, MONITOR) if runs else {"source": str(reranker.source)}
    precision = artifact.read_json(DESCRIPTION)["precision"]
    return artifact_result(
        artifact,
        headline=f"{artifact.metrics['parameters'] / 1e6:.1f} M parameters in {precision}, "
        f"{artifact.metrics['groups']:.0f} groups",
        metadata={**shown, "precision": precision, **hardware.metadata(chosen)},
    )


def _material(
    text_encoder: Artifact,
    dense_index: Artifact,
    sparse_index: Artifact,
    knowledge_chunks: Dataset,
    retrieval_judgements: Dataset,
    settings: Settings,
    chosen: "Hardware",
) -> tuple[list["Group"], list["Group"], list["CandidateList"]]:
    """What to learn from (training queries and titles), what to pick the best epoch by, and what to try int8 on.

    The latter two are development queries; nothing to learn from where a trained reranker is taken as it is.
    """
    from releaf.retrieval.candidates import candidate_lists
    from releaf.retrieval.evaluation import grades_by_query, scored_queries
    from releaf.retrieval.mining import judged_groups, title_groups

    chunks = knowledge_chunks.read("chunks")
    judged = grades_by_query(retrieval_judgements.read("qrels"))
    encoder = open_encoder(text_encoder, settings.retrieval, chosen)
    with open_search(settings, encoder, dense_index, sparse_index, chunks) as searcher:
        texts = {
            split: scored_queries(part, judged)[0]
            for (split,), part in retrieval_judgements.read("queries").group_by("split", maintain_order=True)
            if split != "test"
        }
        lists = candidate_lists(searcher, texts.get("dev", {}), judged)
        if settings.reranker.source is not None:
            return [], [], lists
        groups = {split: list(judged_groups(searcher, chunks, part, judged).values()) for split, part in texts.items()}
        titles = title_groups(searcher, chunks, settings.reranker.titles)
    return groups.get("train", []) + titles, groups.get("dev", []), lists
