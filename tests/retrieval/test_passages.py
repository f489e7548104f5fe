from __future__ import annotations

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import DataError, InputError
from releaf.retrieval.passages import Filters, Payload, normalize, passage, passages, payloads

PAYLOAD = Payload("policy", items=("bottle", "jar"), materials=("pet",), jurisdictions=("berlin",))


def test_control_characters_surrogates_and_white_space_become_one_space() -> None:
    assert normalize("  a\x00b\t\r\nc\ud800d\x9f ") == "a b c d"


def by_definition(text: str) -> str:
    """What `normalize` promises, step by step."""
    visible = re.sub("[\u00ad\u200b\ufeff]", "", text)
    return re.sub("[\\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+", " ", unicodedata.normalize("NFKC", visible)).strip()


def test_every_character_is_normalized_by_definition() -> None:
    for code in (*range(0x3100), *range(0xA000, 0x11000), *range(0x1D100, 0x1FBFF), *range(0xE0000, 0xE0200)):
        for text in (chr(code), f"a{chr(code)} b", f"{chr(code)}\u0301"):
            assert normalize(text) == by_definition(text), hex(code)


@given(st.text(st.sampled_from(["a", " ", "\t", "\u00ad", "\u00a8", "\u0301", "\u3000", "ﬁ", "\ud800", "\x9f"])))
def test_texts_are_normalized_by_definition(text: str) -> None:
    assert normalize(text) == by_definition(text)


def test_spellings_of_one_thing_are_normalized_alike() -> None:
    assert normalize("CO₂ oﬃce ｂｉｎ com\u00adpost") == "CO2 office bin compost"


@given(st.text())
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


def test_a_passage_opens_with_the_title_once() -> None:
    assert passage("Jars", "Rinse them.") == "Jars Rinse them."
    assert passage("Jars", "Jars are rinsed.") == "Jars are rinsed."
    assert passage("", "Rinse.") == "Rinse."
    assert passage("Jars", "") == "Jars"


def test_passages_are_in_the_order_of_the_table(chunks: pl.DataFrame) -> None:
    assert passages(chunks)[3] == "Batteries Never put a battery into a bin."


def test_payloads_survive_json(chunks: pl.DataFrame) -> None:
    for payload in payloads(chunks).values():
        assert Payload.from_json(payload.to_json()) == payload


def test_a_repeated_chunk_id_is_refused_by_name(chunks: pl.DataFrame) -> None:
    with pytest.raises(DataError, match=r"'batteries#1' stands in the table twice"):
        payloads(pl.concat([chunks, chunks.filter(pl.col("topic") == "hazardous")]))


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        (Filters(), True),
        (Filters(topics=("policy", "reuse")), True),
        (Filters(topics=("reuse",)), False),
        (Filters(items=("jar",)), True),
        (Filters(items=("battery",)), False),
        (Filters(items=("jar",), materials=("glass",)), False),
        (Filters(jurisdictions=("berlin",)), True),
        (Filters(jurisdictions=("seattle",)), False),
        (Filters(jurisdictions=("seattle",), general=True), False),
    ],
)
def test_a_chunk_passes_when_every_named_field_meets(filters: Filters, passes: bool) -> None:
    assert filters.allow(PAYLOAD) is passes


def test_general_lets_chunks_without_a_jurisdiction_through() -> None:
    anywhere = Payload("recycling")
    assert not Filters(jurisdictions=("berlin",)).allow(anywhere)
    assert Filters(jurisdictions=("berlin",), general=True).allow(anywhere)


def test_filters_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(InputError, match="none is given"):
        Filters(general=True)
    with pytest.raises(InputError, match="'items' must be a tuple of ids, not 'jar'"):
        Filters(items="jar")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'items' must be a tuple of ids"):
        Filters(items=("jar", ""))
    with pytest.raises(InputError, match=r"'materials' holds half a character .* decode it as UTF-8 first"):
        Filters(materials=("pet", "\ud83d"))
    assert not Filters()
    assert Filters(topics=("policy",))
