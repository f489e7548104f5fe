from __future__ import annotations

import polars as pl
import pytest

from releaf.errors import DataError, InputError
from releaf.language.alignment.pairs import Pair, questions_of, read_pairs


def changed(table: pl.DataFrame, **values: str) -> pl.DataFrame:
    """The table with other values in its first row."""
    first = pl.int_range(pl.len()) == 0
    return table.with_columns(
        pl.when(first).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )


def test_pairs_of_splits_come_by_id_whatever_the_order_on_disk(preferences: pl.DataFrame) -> None:
    pairs = read_pairs(preferences.reverse(), "validation", "test")

    assert [pair.id for pair in pairs] == ["pref-08", "pref-09", "pref-10", "pref-11"]
    assert pairs[0] == Pair(
        "pref-08",
        "Where does the cap go?",
        "",
        "Put the cap in the recycling bin.",
        "Who knows. It depends on so many things, cap or not.",
        "unsafe",
    )
    assert pairs[0].better.text == pairs[0].chosen
    assert pairs[0].worse.text == pairs[0].rejected


def test_preferences_without_a_training_split_are_refused(preferences: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="no train split"):
        read_pairs(preferences.filter(pl.col("split") != "train"), "train")


def test_a_pair_whose_sides_are_the_same_is_refused_by_name(preferences: pl.DataFrame) -> None:
    same = changed(preferences, chosen="Tape it.", rejected=" Tape  it. ")

    with pytest.raises(InputError, match=r"pref-00 prefers 'Tape it\.' to itself"):
        read_pairs(same, "train")


@pytest.mark.parametrize("name", ["prompt", "chosen", "rejected"])
def test_an_empty_text_is_refused(preferences: pl.DataFrame, name: str) -> None:
    with pytest.raises(InputError, match=f"pref-00 has an empty {name}"):
        read_pairs(changed(preferences, **{name: "  "}), "train")


@pytest.mark.parametrize("name", ["prompt", "input", "chosen", "rejected"])
def test_control_characters_are_refused(preferences: pl.DataFrame, name: str) -> None:
    with pytest.raises(InputError, match=rf"control character U\+0007 in its {name}"):
        read_pairs(changed(preferences, **{name: "ring \a the bell"}), "train")


def test_line_breaks_and_tabs_are_no_control_characters_that_matter(preferences: pl.DataFrame) -> None:
    assert read_pairs(changed(preferences, chosen="Rinse.\n\tDry."), "train")[0].chosen == "Rinse.\n\tDry."


def test_a_question_of_two_pairs_is_asked_once() -> None:
    pairs = [Pair("a", "Why?", "", "x", "y"), Pair("b", "Why?", "", "x", "z"), Pair("c", "Why?", "Context.", "x", "y")]

    assert questions_of(pairs) == [("Why?", ""), ("Why?", "Context.")]
