from __future__ import annotations

import pytest

from releaf.corpus.column_map import read_column_map
from releaf.corpus.rule_conflicts import find_contradictions, make_rules, unused_names
from releaf.corpus.rule_entries import read_entries
from releaf.corpus.validation import Quarantine
from tests.corpus.rule_table import row, write_map, write_table


def rules(folder, taxonomy, rows=None, **changes):
    column_map = read_column_map(write_map(folder, **changes), taxonomy)
    entries = read_entries(write_table(folder, rows), column_map, Quarantine("rules")).entries
    found = find_contradictions(entries, column_map)
    return found, make_rules(entries, found, column_map, taxonomy), unused_names(entries, column_map)


def targets(made):
    return [(entry["item"], entry["material"], entry["stream"]) for entry in made.rows]


def test_what_is_named_in_one_way_gets_a_rule_and_what_has_no_bin_does_not(tmp_path, taxonomy):
    found, made, unused = rules(tmp_path, taxonomy)
    assert found == ()
    assert targets(made) == [
        ("plastic_bottle", None, "Yellow Bin"),
        ("glass_jar", None, "Yellow Bin"),
        ("fruit_peel", None, "Brown Bin"),
        ("battery", None, "Depot"),
    ]
    assert made.left_out == ("egg_carton: 'egg carton' is under Ask, and no one bin takes all of these",)
    assert unused == ("newsprint sheet",)


def test_a_rule_quotes_its_entry_and_names_it(tmp_path, taxonomy):
    bottle = rules(tmp_path, taxonomy)[1].rows[0]
    assert bottle["reason"] == "'PET bottles' is listed under Yellow: Rinse. Yellow Bin."
    assert (bottle["place"], bottle["bin"]) == ("Bottles", "recycle")


def test_a_long_text_is_quoted_by_its_first_sentences(tmp_path, taxonomy):
    text = " ".join(["Twelve words that say nothing new are in this very sentence here."] * 9)
    reason = rules(tmp_path, taxonomy, [row("Jars", "Yellow", "jam jar", text)])[1].rows[0]["reason"]
    assert reason.endswith("here.")
    assert reason.count("Twelve") == 3  # of 66 characters each, and 240 at most


def test_a_keyword_under_two_categories_is_reported_and_makes_no_rule(tmp_path, taxonomy):
    rows = [row("Glass", "Yellow", "Jam  jars"), row("Rest", "Grey", "jam-jar"), row("More", "Grey", "jam jar")]
    found, made, _ = rules(tmp_path, taxonomy, rows)
    assert [(c.kind, c.keyword, c.categories, c.entries) for c in found] == [
        ("keyword", "Jam  jars".replace("  ", " "), ("Yellow", "Grey"), ("Glass", "Rest", "More"))
    ]
    assert len(set(found[0].documents)) == 3
    assert made.rows == ()
    assert made.left_out == ("glass_jar: the table contradicts itself about Jam jars, jam-jar, jam jar",)


def test_a_keyword_in_two_entries_of_one_category_is_no_contradiction(tmp_path, taxonomy):
    rows = [row("Glass", "Yellow", "jam jar"), row("Jars", "Yelow", "jam jars")]
    found, made, _ = rules(tmp_path, taxonomy, rows)
    assert found == ()
    assert made.rows[0]["place"] == "Glass; Jars"


def test_a_title_counts_as_a_keyword(tmp_path, taxonomy):
    found, made, _ = rules(tmp_path, taxonomy, [row("Newspaper", "Yellow"), row("Paper", "Grey", "newspapers")])
    assert [c.keyword for c in found] == ["Newspaper"]
    assert made.rows == ()


def test_a_text_that_names_another_stream_than_its_category_is_reported_and_makes_no_rule(tmp_path, taxonomy):
    rows = [row("Jars", "Yellow", "jam jar", "Put it into the\nGrey  bin.")]
    found, made, _ = rules(tmp_path, taxonomy, rows)
    assert [(c.kind, c.keyword, c.categories) for c in found] == [("text", "Jars", ("Yellow", "Grey Bin"))]
    assert made.rows == ()
    assert made.left_out == ("glass_jar: the table contradicts itself about jam jar",)


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("Yellow", "Into the Yellow Bin; its lid goes in the Grey Bin."),
        ("Yellow", "Into the Greyish Bin."),
        ("Yellow", ""),
        ("Poison", "Not in the Grey Bin: take it to the depot."),
        ("Ask", "Into the Grey Bin, perhaps."),
    ],
)
def test_a_text_that_names_its_own_stream_or_none_or_belongs_to_none_is_no_contradiction(
    tmp_path, taxonomy, category, text
):
    assert rules(tmp_path, taxonomy, [row("Jars", category, "jam jar", text)])[0] == ()


def test_two_aliases_of_one_item_in_two_streams_make_no_rule(tmp_path, taxonomy):
    rows = [row("A", "Yellow", "jam jar"), row("B", "Grey", "Mason jar")]
    found, made, _ = rules(tmp_path, taxonomy, rows)
    assert found == ()
    assert made.left_out == ("glass_jar: 'jam jar' is under Yellow, 'Mason jar' is under Grey",)


def test_declared_keywords_alone_count_where_there_are_some(tmp_path, taxonomy):
    rows = [row("A", "Yellow", "jam jar"), row("B", "Grey", "Mason jar, plain glass")]
    names = {"Mason jar": {"item": "glass jar"}, "plain glass": {"item": "glass jar", "material": "glass"}}
    made = rules(tmp_path, taxonomy, rows, names=names)[1]
    assert targets(made) == [("glass_jar", None, "Grey Bin"), ("glass_jar", "glass", "Grey Bin")]


def test_an_alias_declared_for_another_item_no_longer_names_its_own(tmp_path, taxonomy):
    made = rules(tmp_path, taxonomy, [row("A", "Yellow", "jam jar")], names={"jam jar": {"item": "glass bottle"}})[1]
    assert targets(made) == [("glass_bottle", None, "Yellow Bin")]


def test_an_alias_sends_nothing_hazardous_to_another_bin_unless_it_was_declared(tmp_path, taxonomy):
    rows = [row("Alkaline batteries", "Grey")]
    made = rules(tmp_path, taxonomy, rows)[1]
    assert made.rows == ()
    assert "the taxonomy calls it hazardous; declare the keyword" in made.left_out[0]
    declared = rules(tmp_path, taxonomy, rows, names={"alkaline battery": {"item": "battery"}})[1]
    assert targets(declared) == [("battery", None, "Grey Bin")]


def test_the_order_of_the_rows_decides_nothing(tmp_path, taxonomy):
    rows = [
        row("A", "Yellow", "jam jar, beer can"),
        row("B", "Grey", "Jam jars, egg carton"),
        row("C", "Yellow", "wine bottle", "Grey Bin"),
        row("D", "Ask", "newspaper"),
    ]
    one, other = rules(tmp_path, taxonomy, rows), rules(tmp_path, taxonomy, rows[::-1])
    assert (
        targets(one[1]) == targets(other[1]) == [("beverage_can", None, "Yellow Bin"), ("egg_carton", None, "Grey Bin")]
    )
    assert {(c.kind, frozenset(c.categories)) for c in one[0]} == {(c.kind, frozenset(c.categories)) for c in other[0]}
