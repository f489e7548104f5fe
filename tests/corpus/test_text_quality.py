from __future__ import annotations

import pytest

from releaf.corpus.text_quality import control_character, count_words, fold, is_english, leakage, mean, overlap


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rinse the jar, then dry it.", 6),
        ("", 0),
        (" \n\t", 0),
        ("玻璃瓶放在哪里？", 8),
        ("ガラス瓶 PET", 5),
        ("유리병은 어디에 버리나요", 3),
        ("إلى أين يذهب الزجاج", 4),
        ("♻️ 👍", 2),
    ],
)
def test_words_are_counted_in_scripts_with_and_without_spaces(text: str, words: int) -> None:
    assert count_words(text) == words


def test_folding_takes_away_case_and_punctuation() -> None:
    assert fold("Rinse it -- THEN dry!") == "rinse it then dry"


def test_what_is_punctuation_alone_is_not_folded_to_nothing() -> None:
    assert fold(" 👍 ") == "👍"
    assert fold("👍") != fold("👎")


def test_overlap_is_the_share_of_the_outputs_runs_of_three_words() -> None:
    assert overlap("rinse the jar and dry it", "rinse the jar now") == pytest.approx(1 / 2)
    assert overlap("Rinse the jar!", "rinse, the jar") == 1.0
    assert overlap("rinse the jar", "the jar") == 0.0
    assert overlap("", "one two three") == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Which bin does a glass jar go to, and is the lid recycled with it?", True),
        ("In welche Tonne kommt ein Glas, und was passiert mit dem Deckel danach?", False),
        ("Dans quelle poubelle va un bocal en verre et que devient le couvercle?", False),
        ("¿En qué contenedor va un tarro de vidrio y qué se hace con la tapa?", False),
        ("玻璃瓶放在哪里？", False),
    ],
)
def test_english_is_told_by_its_function_words(text: str, expected: bool) -> None:
    assert is_english(text) is expected


@pytest.mark.parametrize(
    ("text", "found"), [("a\x00b", "\x00"), ("\x1b[0m", "\x1b"), ("a\tb\nc", None), ("é 😀", None)]
)
def test_control_characters_are_found_and_line_ends_are_none(text: str, found: str | None) -> None:
    assert control_character(text) == found


def test_leakage_counts_held_out_records_whose_group_is_elsewhere_too() -> None:
    assert leakage([0, 0, 2, 3], ["train", "test", "test", "validation"]) == pytest.approx(1 / 3)
    assert leakage([0, 1], ["train", "test"]) == 0.0
    assert leakage([0, 0], ["train", "train"]) == 0.0


def test_a_mean_of_nothing_is_zero() -> None:
    assert (mean([]), mean([], 0), mean([1, 2]), mean([1, 2], 4)) == (0.0, 0.0, 1.5, 0.75)
