from __future__ import annotations

import pytest

from releaf.corpus.beir import read_beir
from releaf.corpus.cranfield import read_cranfield
from releaf.errors import InputError

DOCUMENTS = """.I 1
.T
flow past
 a plate .
.A
ting-yili
.W
flow past a plate .
  it is viscous .
.I 2
.T
shear
.W
shear flow .
.W
more of it .
"""
QUERIES = ".I 001\n.W\nwhat is\nshear\n.I 004\n.W\nwhat is flow\n"
QRELS = "1 2 1 \n1 1 -1\n2 1 5\n2 2 3\n"


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "cran"
    target.mkdir()
    for name, content in {"cran.all.1400": DOCUMENTS, "cran.qry": QUERIES, "cranqrel": QRELS}.items():
        (target / name).write_text(content)
    return target


def test_documents_queries_and_grades_are_read(folder):
    result = read_cranfield(folder)
    assert result.name == "cran"
    assert result.documents.rows() == [
        ("1", "flow past a plate .", "it is viscous ."),
        ("2", "shear", "flow . more of it ."),
    ]


def test_a_query_is_known_by_its_place_and_the_best_code_is_the_highest_grade(folder):
    result = read_cranfield(folder)
    assert result.queries.rows() == [("1", "what is shear"), ("2", "what is flow")]
    assert result.qrels.rows() == [("1", "2", 4), ("2", "1", 0), ("2", "2", 2)]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("cran.all.1400", "nothing", r"cran\.all\.1400: no record; expected lines such as `\.I 1`"),
        ("cran.qry", ".I 1\n.A\nx\n", r"cran\.qry:1: record 1 has no field \.W"),
        ("cranqrel", "1 2 1\n1 2\n", r"cranqrel:2: expected query, document and a code from 1 to 5, found 1 2"),
        ("cranqrel", "1 2 7\n", r"cranqrel:1: expected query, document and a code"),
        ("cranqrel", "3 2 1\n", r"cranqrel:1: query '3' is not among the 2 queries"),
    ],
)
def test_a_broken_file_is_named_with_the_line(folder, file, content, message):
    (folder / file).write_text(content)
    with pytest.raises(InputError, match=message):
        read_cranfield(folder)


def test_the_original_says_what_its_conversion_to_beir_says(shared_data):
    original = read_cranfield(shared_data / "cranfield" / "original")
    converted = read_beir(shared_data / "cranfield" / "beir")
    assert original.queries.equals(converted.queries)
    order = ["query_id", "document_id"]
    assert original.qrels.sort(order).equals(converted.qrels.sort(order))
    assert original.documents.equals(converted.documents)
