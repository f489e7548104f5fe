from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from releaf.errors import DataError, InputError
from releaf.retrieval.choice import Method
from releaf.retrieval.collection import Judged, evaluate_collection

from .conftest import WordEncoder, WordScorer

DOCUMENTS = pl.DataFrame(
    {
        "id": ["1", "2", "3"],
        "title": ["Cork", "", "Empty"],
        "text": ["Cork is bark.", "Glass is sand.", ""],
    }
)
QUERIES = pl.DataFrame({"id": ["a", "b", "c"], "query": ["cork bark", "sand", "no judgement"]})
QRELS = pl.DataFrame({"query_id": ["a", "b"], "document_id": ["1", "2"], "grade": [1, 1]})


@pytest.mark.parametrize("method", ["sparse", "rrf"])
def test_a_collection_whose_answers_are_plain_scores_one(method: Method, tmp_path: Path) -> None:
    report = evaluate_collection(
        DOCUMENTS, Judged(QUERIES, QRELS), dataset="tiny", method=method, encoder=WordEncoder(), workdir=tmp_path
    )
    assert report.pop("seconds") >= 0
    assert report == {
        "dataset": "tiny",
        "queries": 2,
        "documents": 3,
        "method": method,
        "metrics": {"ndcg@10": 1.0, "recall@100": 1.0, "mrr@10": 1.0},
    }


def test_vectors_are_kept_for_the_next_run_and_indexes_are_not(tmp_path: Path) -> None:
    encoder = WordEncoder()
    for _ in range(2):
        search(encoder, tmp_path)
    assert encoder.encoded.count("Glass is sand.") == 1
    assert [entry.name.split("-")[0] for entry in tmp_path.iterdir()] == ["vectors"]


def test_each_encoder_keeps_vectors_of_its_own(tmp_path: Path) -> None:
    first, second = WordEncoder(), WordEncoder("words-2")
    for encoder in (first, second, first, second):
        search(encoder, tmp_path)
    assert first.encoded.count("Glass is sand.") == second.encoded.count("Glass is sand.") == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_changed_documents_are_encoded_alone_in_the_next_run(tmp_path: Path) -> None:
    encoder = WordEncoder()
    search(encoder, tmp_path)
    encoder.encoded.clear()
    changed = DOCUMENTS.with_columns(text=pl.Series(["Cork is bark.", "Glass is melted sand.", ""]))
    search(encoder, tmp_path, changed)
    assert [text for text in encoder.encoded if text not in QUERIES["query"].to_list()] == ["Glass is melted sand."]


def search(encoder: WordEncoder, workdir: Path, documents: pl.DataFrame = DOCUMENTS) -> None:
    evaluate_collection(
        documents, Judged(QUERIES, QRELS), dataset="tiny", method="dense", encoder=encoder, workdir=workdir
    )


def test_unusable_collections_are_refused(tmp_path: Path) -> None:
    def run(
        documents: pl.DataFrame, qrels: pl.DataFrame, method: str = "sparse", encoder: WordEncoder | None = None
    ) -> None:
        evaluate_collection(
            documents,
            Judged(QUERIES, qrels),
            dataset="tiny",
            method=method,  # type: ignore[arg-type]
            encoder=encoder,
            workdir=tmp_path,
        )

    with pytest.raises(InputError, match="documents lack the column 'title'; found id, text"):
        run(DOCUMENTS.drop("title"), QRELS)
    with pytest.raises(InputError, match="qrels lack the column 'grade'"):
        run(DOCUMENTS, QRELS.drop("grade"))
    with pytest.raises(InputError, match="unknown search method 'bm42'; choose one of sparse"):
        run(DOCUMENTS, QRELS, "bm42")
    with pytest.raises(InputError, match="'dense' needs an encoder; give one or use sparse"):
        run(DOCUMENTS, QRELS, "dense")
    with pytest.raises(InputError, match="'reranked' needs a reranker: train one here with --train"):
        run(DOCUMENTS, QRELS, "reranked", WordEncoder())
    with pytest.raises(DataError, match="no documents"):
        run(DOCUMENTS.clear(), QRELS)
    with pytest.raises(DataError, match="none of 3 queries has a relevant document"):
        run(DOCUMENTS, QRELS.clear())
    with pytest.raises(DataError, match="'1' stands in the table twice"):
        run(pl.concat([DOCUMENTS, DOCUMENTS.head(1)]), QRELS)
    assert list(tmp_path.iterdir()) == []


def test_judgements_of_documents_that_are_not_there_count_as_not_found(tmp_path: Path) -> None:
    gone = pl.DataFrame({"query_id": ["a"], "document_id": ["elsewhere"], "grade": [1]})
    report = evaluate_collection(
        DOCUMENTS,
        Judged(QUERIES, pl.concat([QRELS, gone])),
        dataset="tiny",
        method="sparse",
        encoder=None,
        workdir=tmp_path,
    )
    assert report["metrics"]["recall@100"] == pytest.approx((1 / 2 + 1) / 2)


def test_a_given_reranker_orders_the_results(tmp_path: Path) -> None:
    scorer = WordScorer()
    report = evaluate_collection(
        DOCUMENTS,
        Judged(QUERIES, QRELS),
        dataset="tiny",
        method="reranked",
        encoder=WordEncoder(),
        workdir=tmp_path,
        reranker=scorer,
    )
    assert report["metrics"]["ndcg@10"] == 1.0
    assert ("sand", "Glass is sand.") in scorer.read


def test_bm25_reaches_the_published_figure_on_scifact(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "scifact"
    documents = pl.read_ndjson(folder / "corpus.jsonl").rename({"_id": "id"})
    queries = pl.read_ndjson(folder / "queries.jsonl").select(pl.col("_id").alias("id"), pl.col("text").alias("query"))
    names = {"query-id": "query_id", "corpus-id": "document_id", "score": "grade"}
    kinds = {"query-id": pl.String, "corpus-id": pl.String}
    qrels = pl.read_csv(folder / "qrels" / "test.tsv", separator="\t", schema_overrides=kinds).rename(names)
    report = evaluate_collection(
        documents, Judged(queries, qrels), dataset="scifact", method="sparse", encoder=None, workdir=tmp_path
    )
    # BM25 with Lucene's formula, k1 = 1.5 and b = 0.75: 0.687 in the table of the bm25-benchmarks project.
    assert report["metrics"]["ndcg@10"] == pytest.approx(0.687, abs=0.01)
    assert report["metrics"]["recall@100"] > 0.91
    assert report["queries"] == 300
