from __future__ import annotations

import json
from pathlib import Path

import pytest

from releaf.corpus.beir import read_beir
from releaf.errors import InputError

DOCUMENTS = [
    {"_id": "d1", "title": "Glass", "text": "It is inert."},
    {"_id": "d2", "title": "", "text": "No title here."},
    {"_id": "d3", "text": "No title key."},
]
QUERIES = [{"_id": "q1", "text": "what is glass"}, {"_id": "q2", "text": "never judged"}]


def collection(folder: Path, documents=DOCUMENTS, queries=QUERIES, split="test") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "qrels").mkdir(exist_ok=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents))
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n")
    return folder


def test_a_collection_holds_documents_judged_queries_and_grades(tmp_path):
    result = read_beir(collection(tmp_path / "mini"))
    assert result.name == "mini"
    assert result.documents.rows() == [
        ("d1", "Glass", "It is inert."), ("d2", "", "No title here."), ("d3", "", "No title key."),
    ]  # fmt: skip
    assert result.queries.rows() == [("q1", "what is glass")]
    assert result.qrels.rows() == [("q1", "d1", 2), ("q1", "d2", 0)]


def test_judgements_are_read_without_a_header_and_negative_ones_count_as_none(tmp_path):
    folder = collection(tmp_path / "mini")
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t-1\n\nq1\td2\t1\n")
    assert read_beir(folder).qrels.rows() == [("q1", "d1", 0), ("q1", "d2", 1)]


def test_the_only_split_there_is_stands_in_for_the_one_asked_for(tmp_path):
    assert read_beir(collection(tmp_path / "mini", split="dev"), "test").qrels.height == 2


def test_a_split_that_is_absent_among_others_is_an_error_that_lists_them(tmp_path):
    folder = collection(tmp_path / "mini", split="dev")
    collection(folder, split="train")
    with pytest.raises(InputError, match=r"no judgements for split 'test' .*splits found: dev, train"):
        read_beir(folder)


def test_titles_that_begin_their_texts_are_taken_out_of_them(tmp_path):
    documents = [
        {"_id": "d1", "title": "on glass .", "text": "on glass . it is inert ."},
        {"_id": "d2", "title": "on steel .", "text": "on steel . it rusts ."},
        {"_id": "d3", "title": "on tin", "text": "on tinplate and its uses ."},
    ]
    texts = read_beir(collection(tmp_path / "mini", documents)).documents["text"].to_list()
    assert texts == ["it is inert .", "it rusts .", "on tinplate and its uses ."]


def test_one_text_that_begins_with_its_title_among_many_is_left_alone(tmp_path):
    documents = [
        {"_id": f"d{number}", "title": "Glass", "text": text}
        for number, text in enumerate(["Glass is inert.", "It melts.", "Sand becomes glass."], start=1)
    ]
    assert read_beir(collection(tmp_path / "mini", documents)).documents["text"][0] == "Glass is inert."


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", "{broken\n", r"corpus\.jsonl:1: expected one JSON object a line, found \{broken"),
        ("corpus.jsonl", '{"id": "d1", "text": "x"}\n', r'corpus\.jsonl:1: expected an object with "_id" and "text"'),
        ("corpus.jsonl", '{"_id": 1, "text": "x"}\n{"_id": "1", "text": "y"}\n', r"corpus\.jsonl:2: id '1' was given"),
        ("corpus.jsonl", "\n", r"corpus\.jsonl is empty"),
        ("queries.jsonl", "[1]\n", r"queries\.jsonl:1: expected an object"),
        ("qrels/test.tsv", "q1 d1 1\n", r"test\.tsv:1: expected query-id, corpus-id and score with tabs between"),
        ("qrels/test.tsv", "q1\td1\thigh\n", r"test\.tsv:1: expected a whole number as score, found 'high'"),
        ("qrels/test.tsv", "q9\td1\t1\n", r"test\.tsv:1: query 'q9' is not among the 2 queries"),
        ("qrels/test.tsv", "q1\td9\t1\n", r"test\.tsv:1: document 'd9' is not among the 3 documents"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td1\t2\n", r"test\.tsv:2: document 'd1' has two grades"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "has no judgements"),
    ],
)
def test_a_broken_collection_is_an_error_that_says_where_and_what(tmp_path, file, content, message):
    folder = collection(tmp_path / "mini")
    (folder / file).write_text(content)
    with pytest.raises(InputError, match=message):
        read_beir(folder)


def test_a_missing_file_is_named_with_what_is_there_instead(tmp_path):
    folder = collection(tmp_path / "mini")
    (folder / "queries.jsonl").unlink()
    with pytest.raises(InputError, match=r"no queries\.jsonl in .*mini, which holds corpus\.jsonl, qrels; expected"):
        read_beir(folder)
    with pytest.raises(InputError, match=r"no corpus\.jsonl in .*absent, which holds nothing"):
        read_beir(tmp_path / "absent")


def test_scifact_is_read_with_its_published_counts(shared_data):
    result = read_beir(shared_data / "scifact")
    assert (result.documents.height, result.queries.height, result.qrels.height) == (5183, 300, 339)


def test_cranfield_is_read_without_its_titles_in_the_texts(shared_data):
    result = read_beir(shared_data / "cranfield" / "beir")
    assert (result.documents.height, result.queries.height, result.qrels.height) == (1400, 225, 1612)
    repeating = [row[0] for row in result.documents.iter_rows() if row[1] and row[2].startswith(row[1])]
    assert repeating == ["410"]  # the original gives this title twice
