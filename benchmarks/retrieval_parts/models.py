"""`encode` and `rerank`: both models in ONNX Runtime beside sentence-transformers on the same weights and texts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from releaf.artifacts import read_json
from releaf.retrieval.settings import RerankerSettings, RetrievalSettings
from retrieval_parts.measure import Row, Table, in_turns, median_ratio, seconds
from retrieval_parts.workshop import ENCODER, MAX_TOKENS, PRECISIONS, Precision, Workshop, quiet

if TYPE_CHECKING:
    from releaf.retrieval.onnx_encoder import OnnxEncoder

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 100
# What is asked is asked of the precision that is served.
SERVED = {"encoder": RetrievalSettings().precision, "reranker": RerankerSettings().precision}
ASKED = 2.5


def knowledge() -> pl.DataFrame:
    """The chunks of the authored knowledge documents."""
    from releaf.corpus.chunking import chunk_documents
    from releaf.corpus.documents import read_documents
    from releaf.corpus.settings import CorpusSettings
    from releaf.taxonomy import load_taxonomy

    settings = CorpusSettings()
    read = read_documents([ROOT / "data" / "knowledge"], load_taxonomy(ROOT / "data" / "taxonomy.yaml"))
    return chunk_documents(read.frame, max_words=settings.chunk_words, overlap_sentences=settings.chunk_overlap)


def questions(chunks: pl.DataFrame) -> list[str]:
    """The authored queries."""
    from releaf.corpus.judgements import read_judgements

    known = chunks["document_id"].unique().to_list()
    return read_judgements(ROOT / "data" / "judgements", known).queries["query"].to_list()


def collections(directory: Path | None, count: int) -> dict[str, list[str]]:
    """Texts by where they come from: the knowledge passages, and the first documents of a BEIR folder where given."""
    from releaf.corpus.beir import read_beir
    from releaf.retrieval.passages import passage, passages

    found = {"knowledge": passages(knowledge())[:count]}
    if directory is not None:
        documents = read_beir(directory).documents.head(400)
        found[directory.name] = [passage(title, text) for title, text in documents.select("title", "text").iter_rows()]
    return found


def encode(workshop: Workshop, directory: Path | None, *, count: int = 300, rounds: int = 3) -> Table:
    """Texts a second of the encoder here, in both precisions, and of `SentenceTransformer.encode`."""
    from sentence_transformers import SentenceTransformer

    from releaf.retrieval.model_source import resolve

    with quiet():
        peer = SentenceTransformer(str(resolve(ENCODER)), device="cpu", local_files_only=True)
    peer.max_seq_length = MAX_TOKENS
    ours = {precision: workshop.encoder(precision) for precision in PRECISIONS}
    rows = [
        row
        for name, texts in collections(directory, count).items()
        for row in _encoded(name, texts, partial(peer.encode, show_progress_bar=False), ours, rounds)
    ]
    return Table("encode", f"sentence encoder, {MAX_TOKENS} tokens, {_threads()}", tuple(rows))


def _encoded(
    name: str,
    texts: Sequence[str],
    peer: Callable[..., Any],
    ours: Mapping[Precision, OnnxEncoder],
    rounds: int,
) -> Iterator[Row]:
    sides = {"sentence-transformers": partial(seconds, partial(peer, texts))}
    sides |= {precision: partial(seconds, partial(model.encode, texts)) for precision, model in ours.items()}
    spent = in_turns(sides, rounds)
    reference = peer(texts[:32], normalize_embeddings=True)
    plain = spent["sentence-transformers"]
    yield Row(f"{name}: sentence-transformers", (len(texts) / statistics.median(plain),), "texts/s")
    for precision, model in ours.items():
        worst = float((reference * model.encode(texts[:32])).sum(axis=1).min())
        ratio, note = median_ratio(plain, spent[precision])
        note = f"{note}; least cosine between the two {worst:.4f}"
        yield Row(f"{name}: ours, {precision}", (len(texts) / statistics.median(spent[precision]),), "texts/s")
        asked = _asked("encoder", precision)
        yield Row(f"{name}: {precision}, times as fast", (ratio,), "×", at_least=asked, note=note)


def rerank(workshop: Workshop, *, pairs: int = PAIRS, rounds: int = 5) -> Table:
    """One question with its passages through the reranker here and through `CrossEncoder.predict`."""
    from releaf.retrieval.passages import passages

    chunks = knowledge()
    query, texts = questions(chunks)[0], passages(chunks)[:pairs]
    given = workshop.open_given()
    tokens = RerankerSettings().max_tokens
    if workshop.reranker is not None:
        tokens = int(read_json(workshop.reranker / "reranker.json")["max_tokens"])
    peer = workshop.cross_encoder(tokens)
    ours = {"checkpoint": given} if given else {name: workshop.open_reranker(name) for name in PRECISIONS}
    asked: Any = [(query, text) for text in texts]
    reference = np.asarray(peer.predict(asked, show_progress_bar=False))
    sides = {"CrossEncoder": partial(seconds, partial(peer.predict, asked, show_progress_bar=False))}
    sides |= {name: partial(seconds, partial(model.score, query, texts)) for name, model in ours.items()}
    spent = in_turns(sides, rounds)
    rows = [Row("CrossEncoder.predict", (1000 * statistics.median(spent["CrossEncoder"]),), "ms")]
    for name, model in ours.items():
        rows.append(Row(f"ours, {name}", (1000 * statistics.median(spent[name]),), "ms"))
        ratio, note = median_ratio(spent["CrossEncoder"], spent[name])
        if given is None:
            worst = float(np.abs(np.asarray(model.score(query, texts)) - reference).max())
            note = f"{note}; logits differ by {worst:.1e} at most and spread over {np.ptp(reference):.1e}"
        rows.append(Row(f"{name}, times as fast", (ratio,), "×", at_least=_asked("reranker", name), note=note))
    remark = (
        "the same weights on both sides, with a head that was not trained"
        if given is None
        else "CrossEncoder runs other weights of the same geometry: those of a checkpoint exist as ONNX only"
    )
    title = f"{len(texts)} pairs of up to {tokens} tokens, {_threads()}"
    return Table("rerank", title, tuple(rows), remarks=(remark,))


def _asked(model: str, name: str) -> float | None:
    return ASKED if name in (SERVED[model], "checkpoint") else None


def _threads() -> str:
    import torch

    from resources.models import processors

    return f"torch on {torch.get_num_threads()} threads, ONNX Runtime on {processors()}"
