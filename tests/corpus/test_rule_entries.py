from __future__ import annotations

import pytest

from releaf.corpus.column_map import read_column_map
from releaf.corpus.rule_entries import read_entries
from releaf.corpus.validation import Quarantine
from releaf.errors import InputError
from tests.corpus.rule_table import ROWS, row, write_map, write_table


def read(folder, taxonomy, rows=None, **changes):
    quarantine = Quarantine("rules")
    found = read_entries(write_table(folder, rows), read_column_map(write_map(folder, **changes), taxonomy), quarantine)
    return found, quarantine.rows


def test_an_entry_holds_what_its_row_says_in_plain_words(tmp_path, taxonomy):
    found, bad = read(tmp_path, taxonomy)
    jars, peel, bottles, *_ = found.entries
    assert (jars.title, jars.category, jars.text, jars.line) == ("Jars", "Yellow", "Into the Yellow Bin.", 2)
    assert jars.keywords == ("jam jars", "Mason jar", "jars of glass")
    assert peel.addresses == ("https://t.example/peel",)
    assert (bottles.category, bottles.text) == ("Yellow", "- Rinse.\n- Yellow Bin")
    assert (found.read, found.repeated, bad) == (5, 0, [])


def test_an_id_is_taken_from_the_row_or_made_of_what_it_says_and_never_of_its_place(tmp_path, taxonomy):
    ids = [entry.id for entry in read(tmp_path, taxonomy)[0].entries]
    assert ids[0] == "testville-leaflet-17"
    assert ids[1].startswith("testville-leaflet-peel-")  # `Xy_$Z` is no part of an id, its hash is
    assert ids[2].startswith("testville-leaflet-bottles-")
    again = [entry.id for entry in read(tmp_path, taxonomy, ROWS[::-1])[0].entries]
    assert again == ids[::-1]


def test_an_edit_changes_the_id_of_a_row_without_one_alone(tmp_path, taxonomy):
    before = [entry.id for entry in read(tmp_path, taxonomy)[0].entries]
    edited = [{**entry, "text": entry["text"] + " New."} for entry in ROWS]
    after = [entry.id for entry in read(tmp_path, taxonomy, edited)[0].entries]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False, False, False]


def test_rows_that_differ_in_their_address_alone_are_one_entry_with_both(tmp_path, taxonomy):
    rows = [row("Jar", "Yellow", page="http://a.example"), row("Jar", "Yelow", page="http://b.example")]
    found, bad = read(tmp_path, taxonomy, [*rows, rows[0]])
    assert [entry.addresses for entry in found.entries] == [("http://a.example", "http://b.example")]
    assert (found.read, found.repeated, bad) == (3, 2, [])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (row("Jar", "Yello"), "category 'Yello' is not in the column map, which knows: Yellow, Yelow, Brown"),
        (row("Jar", " "), "no category"),
        (row(" ", "Yellow"), "no title"),
        ({"bin": "Yellow"}, "no title"),
        (row("Jar", "Yellow", colour="red"), "unknown column 'colour'; name it under `columns` or `ignore`"),
        (row("Jar", "Yellow", text=["a"]), "the body is list, not a text"),
        ({**row("Jar", "Yellow"), "words": 7}, "the keywords are neither a text nor a list of texts"),
        (row("Jar", "Yellow", key={"a": 1}), "the id is dict, not a text"),
        (row("Jar", "Yellow", key="17"), "its id was given before, on line 2"),
        (["Jar"], "expected an object with keys and values, found list"),
    ],
)
def test_a_row_that_the_map_does_not_fit_is_set_aside_with_its_line(tmp_path, taxonomy, entry, reason):
    found, bad = read(tmp_path, taxonomy, [ROWS[0], entry, ROWS[1]])
    assert [entry.title for entry in found.entries] == ["Jars", "Peel"]
    assert reason in bad[0]["reason"]
    assert (bad[0]["line"], bad[0]["dataset"], found.read) == (3, "rules", 3)


def test_a_column_to_be_ignored_is_ignored(tmp_path, taxonomy):
    found, bad = read(tmp_path, taxonomy, [row("Jar", "Yellow", key="1", page="p", group="x")], ignore=["group"])
    assert (len(found.entries), bad) == (1, [])


def test_a_list_of_keywords_is_read_as_it_is_and_another_separator_where_declared(tmp_path, taxonomy):
    rows = [{**row("A", "Yellow"), "words": ["jar, large", "Jar,  large"]}, row("B", "Yellow", "jar, small| cup |")]
    found, _ = read(tmp_path, taxonomy, rows, separator="|")
    assert [entry.keywords for entry in found.entries] == [("jar, large",), ("jar, small", "cup")]


def test_a_map_for_another_table_is_one_error_with_the_columns_there_are(tmp_path, taxonomy):
    columns = {"title": "item", "category": "bin", "body": "body"}
    with pytest.raises(InputError) as caught:
        read(tmp_path, taxonomy, columns=columns, ignore=["group"])
    message = str(caught.value)
    assert "'item' (declared as the title), 'body' (declared as the body), 'group' (declared as" in message
    assert message.endswith("its columns: name, bin, words, text, key, page")
