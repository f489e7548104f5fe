from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from releaf.corpus.documents import read_documents
from releaf.corpus.judgements import Judgements, read_judgements
from releaf.errors import InputError

GOOD = """- id: q-001
  query: how do I recycle a bottle
  split: dev
  relevant: {doc-a: 3, doc-b: 1, doc-c: 0}
- id: q-002
  query: where do batteries go
  split: test
  relevant: {doc-c: 2}
"""


def read(folder: Path, content: str) -> Judgements:
    (folder / "queries.yaml").write_text(content)
    return read_judgements(folder, ["doc-a", "doc-b", "doc-c"])


def test_queries_and_grades_become_two_tables(tmp_path):
    result = read(tmp_path, GOOD)
    assert result.queries.rows() == [
        ("q-001", "how do I recycle a bottle", "dev", "question", True),
        ("q-002", "where do batteries go", "test", "question", True),
    ]
    assert result.qrels.rows() == [
        ("q-001", "doc-a", 3), ("q-001", "doc-b", 1), ("q-001", "doc-c", 0), ("q-002", "doc-c", 2),
    ]  # fmt: skip
    assert (result.read, result.quarantine.height, result.lost_share) == (6, 0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("doc-b: 1", "doc-x: 1", 4, "document 'doc-x' is not among the documents"),
        ("doc-b: 1", "doc-b: 4", 4, "grade 4 is no whole number from 0 to 3"),
        ("doc-b: 1", "doc-b: -1", 4, "grade -1 is no whole number"),
        ("doc-b: 1", "doc-b: 1.5", 4, "grade 1.5 is no whole number"),
        ("doc-b: 1", "doc-b: yes", 4, "grade True is no whole number"),
    ],
)
def test_a_bad_grade_is_quarantined_alone(tmp_path, old, new, line, reason):
    result = read(tmp_path, GOOD.replace(old, new))
    assert result.queries.height == 2
    assert result.qrels.height == 3
    row = result.quarantine.row(0, named=True)
    assert reason in row["reason"]
    assert (row["dataset"], row["line"]) == ("judgements", line)
    assert result.lost_share == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("old", "new", "reason", "lost"),
    [
        ("q-002", "q-001", "id 'q-001' was read before, at", 2),
        ("where do batteries go", "How do I  recycle a bottle", "was read before, at", 2),
        ("split: test", "split: validation", "split: ", 2),
        ("split: test", "split: test\n  kind: poem", "kind: ", 2),
        ("split: test", "split: test\n  kind: unanswerable", "'q-002' is of kind unanswerable, but a document is", 2),
        ("{doc-c: 2}", "{doc-c: 0}", "query 'q-002' has no relevant document; one that nothing answers is of kind", 2),
        ("{doc-c: 2}", "{}", "query 'q-002' has no relevant document", 1),
        ("{doc-c: 2}", "[doc-c]", "relevant: ", 1),
    ],
)
def test_a_bad_query_is_quarantined_with_its_grades(tmp_path, old, new, reason, lost):
    result = read(tmp_path, GOOD.replace(old, new))
    assert result.queries["id"].to_list() == ["q-001"]
    assert set(result.qrels["query_id"]) == {"q-001"}
    assert reason in result.quarantine["reason"][0]
    assert result.read - result.queries.height - result.qrels.height == lost


UNANSWERABLE = """- id: q-003
  query: how is a theorem proved
  split: train
  kind: unanswerable
  relevant: %s
"""


@pytest.mark.parametrize("relevant", ["{}", "{doc-a: 0}"])
def test_a_query_that_nothing_answers_is_kept_and_marked(tmp_path, relevant):
    result = read(tmp_path, GOOD + UNANSWERABLE % relevant)
    assert result.quarantine.height == 0
    assert result.queries.row(2) == ("q-003", "how is a theorem proved", "train", "unanswerable", False)
    assert result.qrels.filter(pl.col("query_id") == "q-003").height == relevant.count("doc")
    assert (result.read, result.lost_share) == (7 + relevant.count("doc"), 0.0)


def test_a_grade_of_an_unknown_document_does_not_make_a_query_answerable(tmp_path):
    result = read(tmp_path, GOOD + UNANSWERABLE % "{doc-x: 3}")
    assert result.queries["answerable"].to_list() == [True, True, False]
    assert "document 'doc-x' is not among the documents" in result.quarantine["reason"][0]


@pytest.mark.parametrize("kind", ["question", "keyword", "paraphrase"])
def test_how_a_query_is_put_is_kept(tmp_path, kind):
    result = read(tmp_path, GOOD.replace("split: dev", f"split: train\n  kind: {kind}"))
    assert result.queries.row(0) == ("q-001", "how do I recycle a bottle", "train", kind, True)


def test_a_query_repeated_in_another_file_is_quarantined(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    result = read(tmp_path, GOOD)
    assert result.queries.height == 2
    assert result.quarantine.height == 2
    assert result.lost_share == pytest.approx(0.5)


def test_no_judgements_are_two_empty_tables(tmp_path):
    result = read(tmp_path, "")
    assert (result.queries.height, result.qrels.height, result.lost_share) == (0, 0, 0.0)


def test_a_missing_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no folder of judgements"):
        read_judgements(tmp_path / "absent", [])


def test_no_authored_judgement_is_lost(project_root, taxonomy):
    documents = read_documents([project_root / "data" / "knowledge"], taxonomy).frame
    result = read_judgements(project_root / "data" / "judgements", documents["id"].to_list())
    assert result.quarantine.rows() == []
    assert {"dev", "test"} <= set(result.queries["split"]) <= {"train", "dev", "test"}
    relevant = set(result.qrels.filter(pl.col("grade") > 0)["query_id"])
    assert relevant == set(result.queries.filter(pl.col("answerable"))["id"])
