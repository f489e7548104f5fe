from __future__ import annotations

from releaf.sentences import split_sentences


def test_sentences_come_in_order_without_white_space():
    assert split_sentences("  Rinse it.  Dry it!\n\nThen sort. ") == ["Rinse it.", "Dry it!", "Then sort."]


def test_a_heading_and_list_entries_stand_alone():
    assert split_sentences("# Jars\nWash them.\n\n- lids\n- rings") == ["# Jars", "Wash them.", "- lids", "- rings"]


def test_a_text_without_words_has_no_sentence():
    assert split_sentences(" \n\n ") == []


def test_an_abbreviation_ends_nothing():
    assert split_sentences("Use e.g. A jar. Done.") == ["Use e.g. A jar.", "Done."]
