from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaf.corpus.chunking import CHUNK_SCHEMA, chunk_documents, chunk_spans
from releaf.corpus.documents import DOCUMENT_SCHEMA
from releaf.errors import InputError
from releaf.sentences import sentences

WORD = st.text(alphabet="abcdefgXYZ-°é", min_size=1, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=12).map(" ".join)
SENTENCE = st.builds(lambda words, stop: words.capitalize() + stop, WORDS, st.sampled_from(".!?"))
# The first words keep a paragraph from being a list, whose entries belong together.
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=6).map(lambda said: " ".join(["It reads:", *said]))
TEXT = st.lists(PARAGRAPH, min_size=1, max_size=5).map("\n\n".join)


def documents(*texts: str, title: str = "Title") -> pl.DataFrame:
    rows = [
        {
            "id": f"doc-{number}",
            "title": title,
            "topic": "reuse",
            "items": ["glass_jar"],
            "materials": [],
            "jurisdictions": [],
            "source": "s",
            "text": text,
            "file": "f",
            "sha256": "0",
        }
        for number, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=DOCUMENT_SCHEMA)


def cut(text: str, **options: int) -> list[str]:
    return chunk_documents(documents(text), **options)["text"].to_list()


def split(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Heat to 70 °C. Then rinse.", ["Heat to 70 °C.", "Then rinse."]),
        ("Use film, e.g. PET. It is 3.5 mm thick.", ["Use film, e.g. PET.", "It is 3.5 mm thick."]),
        ("Resin code No. 5 floats. Say no. Then stop.", ["Resin code No. 5 floats.", "Say no.", "Then stop."]),
        ("Dr. A. Smith of the U.S. Bureau wrote it.", ["Dr. A. Smith of the U.S. Bureau wrote it."]),
        ("Is it clean? Yes! Good…  Go.", ["Is it clean?", "Yes!", "Good…", "Go."]),
        ('He said "stop." Then it ran.', ['He said "stop."', "Then it ran."]),
        ("Wait ... and see. Done.", ["Wait ... and see.", "Done."]),
        ("In 2019. 40 cities did.", ["In 2019.", "40 cities did."]),
        ("# Heading\nText here.", ["# Heading", "Text here."]),
        ("Steps\n1. Rinse it\n2. Crush it", ["Steps", "1. Rinse it", "2. Crush it"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text, expected):
    assert split(text) == expected


def test_sentences_are_packed_up_to_the_limit_and_overlap_by_one():
    text = "One two three. Four five six. Seven eight nine. Ten."
    assert cut(text, max_words=6) == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
        "Seven eight nine. Ten.",
    ]
    assert cut(text, max_words=6, overlap_sentences=0) == ["One two three. Four five six.", "Seven eight nine. Ten."]


def test_an_overlap_that_leaves_no_room_is_dropped():
    text = "One two three four. Five six seven eight."
    assert cut(text, max_words=5) == ["One two three four.", "Five six seven eight."]


def test_a_long_sentence_is_cut_between_words():
    assert cut("a b c d e f g.", max_words=3) == ["a b c", "d e f", "g."]


def test_chunks_do_not_cross_paragraphs_but_a_heading_keeps_its_paragraph():
    assert cut("First one.\n\nSecond one.") == ["First one.", "Second one."]
    assert cut("## Rinsing\n\nUse cold water.") == ["## Rinsing\n\nUse cold water."]
    assert cut("You need:\n\n- a jar\n\n- a lid\n\nThen start.") == ["You need:\n\n- a jar\n\n- a lid", "Then start."]


def test_ids_are_the_documents_and_the_texts_hash_and_repeats_are_numbered():
    chunks = chunk_documents(documents("Same words.\n\nOther words.\n\nSame words.\n\nSame words."))
    ids = chunks["id"].to_list()
    assert ids[2:] == [f"{ids[0]}-1", f"{ids[0]}-2"]
    assert ids[0].startswith("doc-0#")
    assert len(ids[0]) == len("doc-0#") + 8
    assert chunks["position"].to_list() == [0, 1, 2, 3]


def test_chunks_carry_what_their_document_says_about_them():
    chunks = chunk_documents(documents("Some words."))
    assert chunks.columns == list(CHUNK_SCHEMA)
    row = chunks.row(0, named=True)
    assert (row["document_id"], row["title"], row["topic"], row["items"]) == ("doc-0", "Title", "reuse", ["glass_jar"])


def test_the_hash_changes_with_the_title_and_the_id_does_not():
    old, new = (chunk_documents(documents("Some words.", title=title)) for title in ("Old", "New"))
    assert old["id"].to_list() == new["id"].to_list()
    assert old["sha256"].to_list() != new["sha256"].to_list()


def test_no_documents_give_an_empty_table():
    chunks = chunk_documents(documents())
    assert (chunks.height, chunks.columns) == (0, list(CHUNK_SCHEMA))


@pytest.mark.parametrize("options", [{"max_words": 0}, {"overlap_sentences": -1}])
def test_impossible_limits_are_refused(options):
    with pytest.raises(InputError, match="at least"):
        chunk_documents(documents("Text."), **options)


@settings(max_examples=150, deadline=None)
@given(TEXT, st.integers(1, 30), st.integers(0, 3))
def test_no_text_is_lost_and_no_chunk_is_too_long(text, max_words, overlap):
    spans = chunk_spans(text, max_words, overlap)
    covered = set().union(*(range(start, end) for start, end in spans))
    assert all(at in covered for at, character in enumerate(text) if not character.isspace())
    assert all(len(text[start:end].split()) <= max_words for start, end in spans)
    assert spans == sorted(spans)
    assert len(set(spans)) == len(spans)


@settings(max_examples=100, deadline=None)
@given(st.lists(PARAGRAPH, min_size=2, max_size=6), PARAGRAPH, st.data())
def test_chunks_of_other_paragraphs_keep_their_ids_when_one_changes(paragraphs, new, data):
    changed = data.draw(st.integers(0, len(paragraphs) - 1))
    before = chunk_documents(documents("\n\n".join(paragraphs)), max_words=15)
    paragraphs_after = [*paragraphs[:changed], new, *paragraphs[changed + 1 :]]
    after = chunk_documents(documents("\n\n".join(paragraphs_after)), max_words=15)
    texts_of_changed = [*cut(paragraphs[changed], max_words=15), *cut(new, max_words=15)]
    kept = before.filter(~pl.col("text").is_in(texts_of_changed))
    assert set(kept["id"].to_list()) <= set(after["id"].to_list())


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=" \n.!?#-*1aB°\"'()", max_size=200), st.integers(1, 10))
def test_any_text_is_cut_the_same_way_twice_with_unique_ids(text, max_words):
    first = chunk_documents(documents(text), max_words=max_words)
    assert first.equals(chunk_documents(documents(text), max_words=max_words))
    assert first["id"].is_unique().all()
    words = " ".join(cut(text, max_words=max_words, overlap_sentences=0)).split()
    assert words == text.split()
