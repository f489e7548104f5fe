from __future__ import annotations

import json

import pytest

from releaf.corpus.collections import read_collection, read_splits
from releaf.errors import InputError
from tests.corpus import test_trec
from tests.corpus.test_beir import collection as beir

DOCUMENTS = [("d1", "Glass", "It is inert."), ("d2", "", "Steel, rusting.")]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def csv_collection(folder):
    folder.mkdir()
    (folder / "documents.csv").write_text('id,title,text\nd1,Glass,It is inert.\nd2,,"Steel, rusting."\n')
    (folder / "queries.csv").write_text("id,query\nq1,what is glass\nq2,never judged\n")
    (folder / "qrels.csv").write_text("query_id,document_id,grade\nq1,d1,2\nq1,d2,-1\n")
    return folder


def jsonl_collection(folder):
    folder.mkdir()
    (folder / "documents.jsonl").write_text(
        lines([{"_id": "d1", "title": "Glass", "text": "It is inert."}, {"_id": "d2", "text": "Steel, rusting."}])
    )
    (folder / "queries.jsonl").write_text(lines([{"_id": "q1", "text": "what is glass"}]))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n")
    return folder


def trec_collection(folder):
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "1.txt").write_text(
        "<DOC><DOCNO>d1</DOCNO><TITLE>Glass</TITLE><TEXT>It is inert.</TEXT></DOC>"
        "<DOC><DOCNO>d2</DOCNO><TEXT>Steel, rusting.</TEXT></DOC>"
    )
    (folder / "topics.txt").write_text("<top> <num> Number: q1 <title> what is glass </top>")
    (folder / "qrels.txt").write_text("q1 0 d1 2\nq1 0 d2 0\n")
    return folder


@pytest.mark.parametrize("make", [csv_collection, jsonl_collection, trec_collection])
def test_a_collection_is_the_same_in_every_layout(tmp_path, make):
    result = read_collection(make(tmp_path / "mini"))
    assert result.name == "mini"
    assert result.documents.rows() == DOCUMENTS
    assert result.queries.rows() == [("q1", "what is glass")]
    assert result.qrels.rows() == [("q1", "d1", 2), ("q1", "d2", 0)]
    assert read_splits(tmp_path / "mini") == ["test"]


def test_beir_is_recognised_with_its_splits(tmp_path):
    folder = beir(tmp_path / "mini")
    beir(tmp_path / "mini", split="train")
    assert read_splits(folder) == ["test", "train"]
    assert read_collection(folder, "train").qrels.height == 2


def test_trec_files_need_no_ending(tmp_path):
    folder = tmp_path / "mini"
    folder.mkdir()
    for name, content in (("documents.sgml", test_trec.DOCUMENTS), ("topics", test_trec.TOPICS)):
        (folder / name).write_text(content)
    (folder / "qrels").write_text("301 0 AP-1 2\n")
    assert read_collection(folder).qrels.rows() == [("301", "AP-1", 2)]


@pytest.mark.parametrize("names", [("qrels.dev.csv", "qrels.test.csv"), ("qrels/dev.csv", "qrels/test.csv")])
def test_judgements_of_a_table_may_come_in_splits(tmp_path, names):
    folder = csv_collection(tmp_path / "mini")
    (folder / "qrels.csv").unlink()
    for grade, name in enumerate(names, start=1):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"query_id,document_id,grade\nq1,d1,{grade}\n")
    assert read_splits(folder) == ["dev", "test"]
    assert read_collection(folder).qrels.rows() == [("q1", "d1", 2)]
    assert read_collection(folder, "dev").qrels.rows() == [("q1", "d1", 1)]
    with pytest.raises(InputError, match=r"no judgements for split 'train' in .*; splits found: dev, test"):
        read_collection(folder, "train")


def test_a_folder_in_no_layout_is_told_what_it_holds_and_what_was_expected(tmp_path):
    folder = csv_collection(tmp_path / "mini")
    (folder / "queries.csv").rename(folder / "questions.csv")
    for read in (read_collection, read_splits):
        with pytest.raises(InputError, match=r"it holds documents\.csv, qrels\.csv, questions\.csv; expected BEIR"):
            read(folder)
    with pytest.raises(InputError, match=r"no folder at .*absent; expected BEIR .* or Cranfield"):
        read_collection(tmp_path / "absent")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("documents.csv", "id,body\nd1,x\n", r"documents\.csv has no column 'text'; its columns: id, body"),
        ("documents.csv", "id,text\nd1,x\nd1,y\n", r"documents\.csv:3: id 'd1' was given before"),
        ("documents.csv", "id,text\nd1,x,y\n", r"documents\.csv:2: 3 cells where the header has 2"),
        ("queries.csv", "id,query\nq1, \n", r"queries\.csv:2: no query, expected in the column query or text"),
        ("qrels.csv", "query_id,document_id,grade\nq1,d1,high\n", r"qrels\.csv:2: expected a whole number .* 'high'"),
        ("qrels.csv", "query_id,document_id,grade\nq9,d1,1\n", r"qrels\.csv:2: query 'q9' is not among the 2 queries"),
    ],
)
def test_a_broken_table_is_an_error_that_says_where_and_what(tmp_path, file, content, message):
    folder = csv_collection(tmp_path / "mini")
    (folder / file).write_text(content)
    with pytest.raises(InputError, match=message):
        read_collection(folder)


def test_real_collections_are_recognised(shared_data):
    assert read_splits(shared_data / "scifact") == ["test", "train"]
    assert read_collection(shared_data / "scifact", "train").qrels.height == 919
    assert read_splits(shared_data / "cranfield" / "original") == ["test"]
    assert read_collection(shared_data / "cranfield" / "original").queries.height == 225
