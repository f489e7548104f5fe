from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.corpus.documents import Header, read_documents
from releaf.corpus.front_matter import slug, write_document
from tests.corpus.test_documents import read_one

LINE = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=60)


def header(**changes) -> Header:
    fields = {
        "id": "a-document",
        "title": "A document",
        "topic": "recycling",
        "items": ["glass_jar"],
        "materials": [],
        "jurisdictions": ["toronto"],
        "source": "A book",
    }
    return Header.model_validate(fields | changes)


@pytest.mark.parametrize("title", ["Yes", "12", "2024-01-01", "a: b", "--- x", "# x", "'\"'", "[a, b]", "null", "é ☃"])
def test_what_yaml_could_take_for_something_else_is_read_back_as_text(tmp_path, taxonomy, title):
    (tmp_path / "a-document.md").write_text(write_document(header(title=title, source=title), "Text."))
    result = read_documents([tmp_path], taxonomy)
    assert result.quarantine.rows() == []
    row = result.frame.row(0, named=True)
    assert (row["title"], row["source"], row["text"]) == (title, title, "Text.")
    assert (row["items"], row["materials"], row["jurisdictions"]) == (["glass_jar"], [], ["toronto"])


@given(title=LINE, body=LINE)
def test_any_visible_title_and_body_are_read_back(tmp_path_factory, taxonomy, title, body):
    folder = tmp_path_factory.mktemp("written")
    (folder / "a-document.md").write_bytes(write_document(header(title=title), body).encode())
    row = read_documents([folder], taxonomy).frame.row(0, named=True)
    assert (row["title"], row["text"]) == (title, body.strip())


def test_a_body_of_white_space_is_no_document(tmp_path, taxonomy):
    (tmp_path / "a-document.md").write_text(write_document(header(), "  \n"))
    assert read_one(tmp_path, taxonomy)["reason"] == "the body is empty"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blue Bin (metal lid)", "blue-bin-metal-lid"),
        ("City's Drop-Off  Depots!", "citys-drop-off-depots"),
        ("Café Müller", "cafe-muller"),
        ("ごみ", ""),
    ],
)
def test_a_slug_is_words_of_ascii_with_hyphens_between(text, expected):
    assert slug(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("one two three", "one-two"), ("incomprehensible", "incompre")])
def test_a_long_slug_ends_with_a_whole_word_unless_it_is_the_first(text, expected):
    assert slug(text, longest=8) == expected
