from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from releaf.corpus.preference_quality import asked, folded, pair_groups, problem_of, quality_examples, quality_report
from releaf.corpus.preferences import PREFERENCE_SCHEMA


def pair(
    chosen: str, rejected: str, prompt: str = "Where does it go?", input_: str = "", **more: Any
) -> dict[str, Any]:
    return {"id": chosen[:8], "prompt": prompt, "input": input_, "chosen": chosen, "rejected": rejected, **more}


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"split": "train"} | row for row in rows], schema=PREFERENCE_SCHEMA)


def test_what_is_asked_is_prompt_and_input_on_two_lines() -> None:
    assert asked(pair("a b", "c d", "Which bin?", "a jar")) == "Which bin?\na jar"
    assert asked(pair("a b", "c d", "Which bin?")) == "Which bin?"


def test_pairs_that_differ_in_case_and_punctuation_are_exact_duplicates() -> None:
    assert folded(pair("To glass.", "to paper")) == folded(pair("to GLASS", "To paper!"))
    assert folded(pair("to glass", "to paper")) != folded(pair("to paper", "to glass"))


def test_an_answer_without_words_is_empty_before_it_is_anything_else() -> None:
    assert problem_of(pair("", "")) == ("empty", "chosen is empty")
    assert problem_of(pair("to glass", "to paper")) is None


def test_length_bias_is_the_difference_of_means_over_their_mean() -> None:
    # Chosen: 4 and 8 words, mean 6. Rejected: 2 and 6 words, mean 4. |6 − 4| / 5 = 0.4.
    frame = table(
        pair("one two three four", "one two", "Which bin is it?"),
        pair("a b c d e f g h", "z y x w v u", "How are cans sorted?"),
    )
    report = quality_report(frame)
    assert (report["mean_chosen_words"], report["mean_rejected_words"]) == (6.0, 4.0)
    assert (report["length_difference"], report["length_bias"]) == (2.0, pytest.approx(0.4))
    assert report["chosen_longer"] == 1.0


def test_a_tie_in_length_is_no_longer_chosen_answer() -> None:
    report = quality_report(table(pair("one two", "three four")))
    assert (report["chosen_longer"], report["length_bias"]) == (0.0, 0.0)


def test_the_report_counts_what_stands_in_the_table() -> None:
    rows = [
        pair("to glass", "to paper"),
        pair("", "to paper"),
        pair("glass", "to paper"),
        pair("same thing", "Same thing!"),
    ]
    report = quality_report(table(*rows, *rows))
    assert report["records"] == 8
    assert (report["empty"], report["too_short"], report["too_long"], report["equal_sides"]) == (0.25, 0.25, 0.0, 0.25)
    assert report["exact_duplicates"] == 0.5


def test_leakage_shows_when_a_copy_is_moved_across() -> None:
    text = "Rinse the jar and put it in the bottle bank today"
    rows = [pair(text, "no idea at all", "Which bin is it?"), pair(text + " please", "ask me later", "How about jars?")]
    frame = table(*rows).with_columns(split=pl.Series(["train", "test"]))
    assert quality_report(frame)["leakage"] == 1.0


def test_pairs_with_one_long_answer_or_one_prompt_form_a_group() -> None:
    long = "Rinse the jar and put it in the bottle bank today"
    prompt = "Explain in one paragraph why glass jars are rinsed before recycling"
    rows = [
        pair(long, "no idea", "Which bin?"),
        pair("it is elsewhere", long, "What now?"),
        pair("because of smells", "who knows", prompt),
        pair("food spoils paper", "no idea", prompt),
    ]
    assert pair_groups(rows) == [0, 0, 2, 2]
    assert pair_groups([]) == []


def test_examples_name_the_side() -> None:
    rows = quality_examples(table(pair("to glass it goes", "ask", "Which bin is it?")))
    shortest = [row["record"] for row in rows if row["kind"] == "shortest"]
    assert shortest == ["to glass (rejected)", "to glass (chosen)"]
