"""The authored preferences are whole, rest on documents that ship, and nothing but what they say tells the sides apart.

How pairs are read, refused and split in general is in `test_preferences`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from releaf.corpus.preference_quality import quality_report
from releaf.corpus.preferences import Fault, read_preferences
from releaf.corpus.text_quality import count_words
from releaf.corpus.validation import Validated
from releaf.taxonomy import Taxonomy

CARD = re.compile(r"Bin: (?P<bin>\w+)\. Material: [^.]+\. Prepare: (?:(?!\. ).)+\. Why: [^:]+\.")
FAULTS = get_args(Fault)
IN_A_CARD = ("wrong_bin", "unsafe", "unsupported")


@pytest.fixture(scope="module")
def read(project_root: Path) -> Validated:
    return read_preferences(sorted((project_root / "data" / "preferences").glob("*.yaml")))


@pytest.fixture(scope="module")
def pairs(read: Validated) -> pl.DataFrame:
    return read.frame


def test_there_are_enough_pairs_and_none_is_refused(read: Validated) -> None:
    assert read.quarantine.rows() == []
    assert read.frame.height >= 260


def test_every_topic_of_the_instructions_has_pairs_in_a_file_of_its_name(
    pairs: pl.DataFrame, project_root: Path
) -> None:
    counts = dict(pairs.group_by("topic").len().iter_rows())
    text = "".join(file.read_text() for file in (project_root / "data" / "instructions").glob("*.yaml"))
    assert set(counts) == set(re.findall(r"^  topic: (\w+)$", text, re.MULTILINE))
    assert min(counts.values()) >= 15
    assert {(Path(file).stem, topic) for file, topic in pairs.select("file", "topic").rows()} == {
        (topic, topic) for topic in counts
    }


def test_every_fault_is_frequent_enough_to_be_learned(pairs: pl.DataFrame) -> None:
    counts = dict(pairs.group_by("fault").len().iter_rows())
    assert set(counts) == set(FAULTS)
    assert min(counts.values()) >= 30
    assert max(counts.values()) <= 1.5 * min(counts.values())


def test_the_test_holds_every_fault(pairs: pl.DataFrame) -> None:
    test = pairs.filter(split="test")
    assert test.height >= 50
    assert set(test["fault"]) == set(FAULTS)


def test_every_source_is_a_document_that_ships(pairs: pl.DataFrame, project_root: Path) -> None:
    documents = {f"knowledge/{path.stem}" for path in (project_root / "data" / "knowledge").glob("*.md")}
    assert set(pairs["source"]) - documents == set()


def test_answers_have_twelve_to_sixty_words(pairs: pl.DataFrame) -> None:
    words = [count_words(text) for side in ("chosen", "rejected") for text in pairs[side]]
    assert (min(words) >= 12, max(words) <= 60) == (True, True)


def test_length_alone_predicts_nothing(pairs: pl.DataFrame) -> None:
    report = quality_report(pairs)
    assert report["length_bias"] <= 0.05
    assert 0.4 <= report["chosen_longer"] <= 0.6


def test_form_alone_predicts_nothing(pairs: pl.DataFrame) -> None:
    cards = {side: pairs[side].str.starts_with("Bin:") for side in ("chosen", "rejected")}
    assert (cards["chosen"] == cards["rejected"]).mean() >= 0.98
    faulty = pairs.with_columns(card=cards["rejected"]).filter(pl.col("fault").is_in(IN_A_CARD))
    assert faulty["card"].mean() == pytest.approx(0.5, abs=0.05)


def test_cards_have_their_four_fields_and_a_bin_of_the_taxonomy(pairs: pl.DataFrame, taxonomy: Taxonomy) -> None:
    bins = {one.id for one in taxonomy.bins}
    for row in pairs.iter_rows(named=True):
        for side in ("chosen", "rejected"):
            if row[side].startswith("Bin:"):
                card = CARD.fullmatch(row[side])
                assert card, (row["id"], row[side])
                assert card["bin"] in bins, row["id"]


def test_what_is_called_a_wrong_bin_names_another_bin_than_the_right_answer(pairs: pl.DataFrame) -> None:
    for row in pairs.filter(fault="wrong_bin").iter_rows(named=True):
        chosen, rejected = (CARD.fullmatch(row[side]) for side in ("chosen", "rejected"))
        assert rejected, row["id"]
        assert chosen is None or chosen["bin"] != rejected["bin"], row["id"]


def test_no_two_pairs_are_near_and_none_leaks(pairs: pl.DataFrame) -> None:
    report = quality_report(pairs)
    assert (report["near_duplicates"], report["leakage"], report["english"]) == (0.0, 0.0, 1.0)
