"""`releaf evaluate`: measures on data that someone else made."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command.folder_figures import print_folder_figures
from command.found import shown
from command.output import Bar, out, print_json, progress_bar, stdout_kept_clean
from command.searching import METHOD_HELP
from command.session import settings
from releaf.errors import InputError
from resources.settings import Settings

if TYPE_CHECKING:
    from releaf.retrieval.collection import Fitting
    from releaf.retrieval.encode import TextEncoder

TRAIN = "train"

app = typer.Typer(help="Measure on data that someone else made.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def retrieval(
    directory: Annotated[Path, typer.Argument(help="A judged collection: BEIR, TREC, CSV or JSONL files.")],
    method: Annotated[str, typer.Option(help=METHOD_HELP)] = "rrf",
    split: Annotated[str, typer.Option(help="Which judgements: qrels/<split>.tsv.")] = "test",
    train: Annotated[
        bool, typer.Option("--train", help="Fit the learned parts on the collection's own train judgements first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """NDCG@10, recall@100 and MRR@10 of a search method on a judged collection."""
    from releaf.artifacts import content_hash
    from releaf.corpus.collections import read_collection
    from releaf.retrieval.choice import METHODS
    from releaf.retrieval.collection import Judged, evaluate_collection
    from resources.references import load_artifact
    from resources.searching import open_reranker

    if method not in METHODS:
        raise InputError(f"unknown search method {method!r}; choose one of {', '.join(METHODS)}")
    effective = settings()
    collection = read_collection(directory, split)
    cache = effective.home / "cache" / "collections" / content_hash(str(directory.resolve()))[:16]
    with stdout_kept_clean(), progress_bar() as bars:
        fitting = _fitting(directory, split, effective) if train else None
        reranker = None
        if method == "reranked" and fitting is None:
            reranker = open_reranker(load_artifact(effective.home, "reranker_checkpoint"))
        result = evaluate_collection(
            collection.documents,
            Judged(collection.queries, collection.qrels),
            dataset=directory.resolve().name,
            method=method,
            encoder=None if method == "sparse" else _encoder(effective),
            workdir=cache,
            reranker=reranker,
            fitting=fitting,
            progress=Bar(bars, "retrieval"),
        )
    _show(result, as_json)


def _encoder(effective: Settings) -> TextEncoder:
    """The encoder of the settings; its export is kept in the home's cache."""
    from resources.models import exported_encoder, open_onnx_encoder, open_torch_encoder

    if effective.retrieval.runtime == "onnx":
        return open_onnx_encoder(exported_encoder(effective.retrieval, effective.home / "cache" / "encoders"))
    from releaf.training.device import detect

    return open_torch_encoder(effective.retrieval, detect(effective.device, effective.precision))


def _fitting(directory: Path, split: str, effective: Settings) -> Fitting:
    from releaf.corpus.collections import read_collection, read_splits
    from releaf.retrieval.collection import Fitting, Judged
    from releaf.retrieval.settings import RerankerSettings
    from releaf.training.device import detect

    splits = read_splits(directory)
    if TRAIN not in splits or split == TRAIN:
        raise InputError(
            f"--train needs judgements of a split {TRAIN!r} beside those of {split!r}; "
            f"{directory} has {', '.join(splits) or 'none'}"
        )
    collection = read_collection(directory, TRAIN)
    return Fitting(
        Judged(collection.queries, collection.qrels),
        effective.retrieval.encoder,
        # Not the profile's, which is cut down so that a cold run stays short.
        RerankerSettings(),
        detect(effective.device, effective.precision),
    )


@app.command()
def vision(
    directory: Annotated[Path, typer.Argument(help="A folder of pictures, one folder a class.")],
    labels: Annotated[str, typer.Option(help="What the folders name: family, item, material or bin.")] = "family",
    as_json: Json = False,
) -> None:
    """Accuracy, macro F1 and calibration of the current classifier on any class-per-folder tree."""
    from releaf.corpus.labels import labelled_files
    from releaf.taxonomy import load_taxonomy
    from releaf.vision.folder import evaluate_folder
    from releaf.vision.inference import Classifier
    from releaf.vision.published import open_published
    from resources.references import load_artifact

    effective = settings()
    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    labelled = labelled_files(directory, taxonomy, labels)
    with stdout_kept_clean(), progress_bar() as bars, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow about odd metadata: a picture has an answer or an error
        classifier = Classifier(open_published(load_artifact(effective.home, "waste_classifier").path, taxonomy))
        result = evaluate_folder(classifier, labelled.files, taxonomy, labels, progress=Bar(bars, "vision"))
    result["refused"] += [{"name": str(path), "reason": "stands in no class folder"} for path in labelled.stray]
    result["refused"] = [{key: shown(text) for key, text in entry.items()} for entry in result["refused"]]
    result["empty_folders"] = [shown(name) for name in labelled.empty]
    if as_json:
        print_json(result)
    else:
        print_folder_figures(result)


@app.command()
def graph(
    file: Annotated[Path, typer.Argument(help="A citation graph as .npz: edges, and features if it has any.")],
    seed: Annotated[int, typer.Option(help="Of the 85/5/10 split and of training; the first of several.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds: the mean, the deviation and each are told.")] = 1,
    as_json: Json = False,
) -> None:
    """AUC and average precision of link prediction on a citation graph, beside baselines that learn nothing."""
    from releaf.graph.citation import CITATION_SETTINGS, evaluate_npz
    from releaf.training.device import detect

    effective = settings()
    with stdout_kept_clean(), progress_bar() as bars:
        hardware = detect(effective.device, effective.precision)
        result = evaluate_npz(file, CITATION_SETTINGS, hardware, seed=seed, seeds=seeds, progress=Bar(bars, "graph"))
    _show(result, as_json)


@app.command()
def language(
    file: Annotated[Path, typer.Argument(help="Alpaca records that were held out, a .json or .jsonl file.")],
    answers: Annotated[
        int, typer.Option(min=0, help="Records, from the first on, that the adapter answers for ROUGE-L; 0 asks none.")
    ] = 32,
    as_json: Json = False,
) -> None:
    """Perplexity of base and adapter, token accuracy and ROUGE-L on any Alpaca file.

    Perplexity and accuracy are over the answers' tokens of all records that fit the context; `seen` says how many of
    them the adapter was trained on.
    """
    from releaf.corpus.instructions import read_instructions
    from releaf.language.adapters import load_adapter
    from releaf.language.held_out import evaluate_held_out
    from releaf.language.published import open_published_base
    from releaf.training.device import detect
    from resources.references import load_artifact, load_dataset

    if not file.is_file() or file.suffix not in (".json", ".jsonl"):
        raise InputError(f"{file} is no .json or .jsonl file of Alpaca records")
    effective = settings()
    started = time.perf_counter()
    read = read_instructions([file])
    if read.frame.is_empty():
        first = read.quarantine.head(1).to_dicts()
        why = f"; the first of {read.read} was refused because {first[0]['reason']}" if first else ""
        raise InputError(f"{file} holds no record that can be measured{why}")
    with stdout_kept_clean(), progress_bar() as bars:
        hardware = detect(effective.device, effective.precision)
        base = open_published_base(load_artifact(effective.home, "language_base").path, hardware)
        model = load_adapter(base, load_artifact(effective.home, "language_adapter").path)
        known = load_dataset(effective.home, "instructions").read("instructions")
        found = evaluate_held_out(model, base, read.frame, known, answers=answers, progress=Bar(bars, "language"))
    result = {**found.as_json(), "set_aside": read.quarantine.height, "seconds": time.perf_counter() - started}
    _show(result, as_json)


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    for name, value in _flat(result):
        out.print(f"{name:<36} {value:.4f}" if isinstance(value, float) else f"{name:<36} {value}")


def _flat(value: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, entry in value.items():
        if isinstance(entry, dict):
            rows += _flat(entry, f"{prefix}{name}.")
        elif isinstance(entry, list):
            rows.append((f"{prefix}{name}", f"{len(entry)} entries (--json shows them)"))
        else:
            rows.append((f"{prefix}{name}", entry))
    if not rows and not prefix:
        raise InputError("there is nothing to show")
    return rows
