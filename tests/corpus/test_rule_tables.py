from __future__ import annotations

import pytest

from releaf.corpus.chunking import chunk_documents
from releaf.corpus.column_map import read_column_map
from releaf.corpus.documents import read_documents
from releaf.corpus.rule_tables import read_rule_table
from releaf.errors import InputError
from tests.corpus.rule_table import ROWS, row, write_map, write_table

TORONTO = ("toronto_waste_wizard", "rules_toronto/swm_waste_wizard_APR.json")
SEATTLE = ("seattle_look_it_up", "rules_seattle/seattle_items.csv")


def read(folder, taxonomy, rows=None, **changes):
    return read_rule_table(write_table(folder, rows), read_column_map(write_map(folder, **changes), taxonomy), taxonomy)


def as_documents(table, folder, taxonomy):
    """The table's documents, read back."""
    folder.mkdir()
    for name, text in table.documents.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    result = read_documents([folder], taxonomy)
    assert result.quarantine.rows() == []
    assert result.frame.height == len(table.documents)
    return result.frame


def test_every_entry_becomes_a_document_that_is_read_back(tmp_path, taxonomy):
    frame = as_documents(read(tmp_path, taxonomy), tmp_path / "out", taxonomy)
    by_title = {found["title"]: found for found in frame.iter_rows(named=True)}
    peel = by_title["Testville: Peel"]
    assert (peel["topic"], peel["items"], peel["materials"]) == ("composting", ["fruit_peel"], [])
    assert peel["jurisdictions"] == ["testville", "testville-leaflet"]
    assert peel["source"] == "Town hall, Leaflet (2024), https://t.example/peel"
    assert peel["text"] == (
        "Goes to Brown Bin (compost) in Testville: fruit peel, apple cores.\nEmptied weekly.\nInto the Brown Bin."
    )
    assert by_title["Testville: Bottles"]["items"] == ["plastic_bottle"]
    assert by_title["Testville: Cells"]["text"].startswith("Goes to Depot (category Poison, hazardous) in Testville: ")
    assert by_title["Testville: Cartons"]["text"].startswith(
        "No single bin takes these in Testville (Ask): egg carton."
    )


def test_an_entry_without_text_or_keywords_is_a_document_too(tmp_path, taxonomy):
    frame = as_documents(read(tmp_path, taxonomy, [row("Old jars", "Yellow")]), tmp_path / "out", taxonomy)
    assert frame["text"].to_list() == ["Goes to Yellow Bin (recycle) in Testville: Old jars."]


def test_many_keywords_are_told_in_sentences_that_each_name_the_bin(tmp_path, taxonomy):
    words = ", ".join(f"thing {letter}{number}" for letter in "abcdefghij" for number in range(10))
    frame = as_documents(read(tmp_path, taxonomy, [row("Things", "Yellow", words)]), tmp_path / "out", taxonomy)
    texts = chunk_documents(frame)["text"].to_list()
    assert len(texts) == 3
    assert all(text.startswith("Goes to Yellow Bin (recycle) in Testville: thing ") for text in texts)


def test_the_links_of_a_text_are_listed_below_it(tmp_path, taxonomy):
    text = 'Take it to the <a href="http://d.example">depot</a>.'
    frame = as_documents(read(tmp_path, taxonomy, [row("Paint", "Poison", "", text)]), tmp_path / "out", taxonomy)
    assert frame["text"][0].endswith("Take it to the depot.\n\nLinks:\n- depot: http://d.example")


def test_documents_of_contradicting_entries_point_at_each_other(tmp_path, taxonomy):
    table = read(tmp_path, taxonomy, [row("Glass", "Yellow", "jam jar"), row("Rest", "Grey", "jam jars, cups")])
    texts = as_documents(table, tmp_path / "out", taxonomy).sort("title")["text"].to_list()
    assert "The same table also lists “jam jar” under Grey (“Rest”)." in texts[0]
    assert "The same table also lists “jam jar” under Yellow (“Glass”)." in texts[1]
    assert table.rules == ()


def test_a_bad_row_costs_itself(tmp_path, taxonomy):
    table = read(tmp_path, taxonomy, [*ROWS, row("Odd", "Purple")])
    assert (len(table.documents), table.quarantine.height, table.read) == (5, 1, 6)
    assert table.quarantine["line"].to_list() == [7]


def test_a_table_that_is_not_there_is_an_input_error(tmp_path, taxonomy):
    with pytest.raises(InputError, match="no file at"):
        read_rule_table(tmp_path / "absent.json", read_column_map(write_map(tmp_path), taxonomy), taxonomy)


@pytest.fixture(scope="module")
def city(shared_data, project_root, taxonomy):
    """Read a city's table by the map that ships."""

    def read_city(name, file):
        column_map = read_column_map(project_root / "data" / "column_maps" / f"{name}.yaml", taxonomy)
        return read_rule_table(shared_data / file, column_map, taxonomy)

    return read_city


def test_torontos_table_is_read_whole(city, tmp_path, taxonomy):
    table = city(*TORONTO)
    assert (table.read, len(table.documents), table.quarantine.height, table.repeated) == (188, 188, 0, 0)
    assert table.unused_names == ()
    frame = as_documents(table, tmp_path / "out", taxonomy)
    assert not frame.filter(frame["text"].str.contains(r"&\w+;|</?\w+>")).height


def test_torontos_five_known_contradictions_are_found_and_two_that_differ_in_the_plural(city):
    found = {entry.keyword: set(entry.categories) for entry in city(*TORONTO).contradictions if entry.kind == "keyword"}
    known = {
        "hemp": {"Garbage", "Yard Waste"},
        "sparklers": {"Not Accepted", "Garbage"},
        "carcass": {"Garbage", "Not Accepted"},
        "remains": {"Garbage", "Not Accepted"},
        "cream": {"Green Bin", "HHW"},
    }
    plural = {"plastic drum": {"Garbage", "Blue Bin"}, "nuts": {"Green Bin", "Garbage"}}
    assert found == known | plural


def test_torontos_texts_that_name_another_bin_are_found(city):
    found = {entry.keyword: set(entry.categories) for entry in city(*TORONTO).contradictions if entry.kind == "text"}
    assert found["Blue Bin (plastic shopping bags)"] == {"Blue Bin", "Garbage Bin"}
    assert len(found) == 3


def test_seattles_rows_that_differ_in_their_page_alone_are_one_document(city, tmp_path, taxonomy):
    table = city(*SEATTLE)
    assert (table.read, len(table.documents), table.repeated, table.quarantine.height) == (383, 291, 92, 0)
    assert [(entry.keyword, set(entry.categories)) for entry in table.contradictions] == [
        ("Carpet and Padding", {"Trash", "Complicated"})
    ]
    frame = as_documents(table, tmp_path / "out", taxonomy)
    iron = frame.filter(frame["title"] == "Seattle: Iron and Steel").row(0, named=True)
    assert iron["text"] == "Goes to Recycle in Seattle: Iron and Steel."  # spelled `recyce` in the table


def test_seattle_makes_no_rule_that_sends_a_cell_or_a_spray_can_to_the_trash(city):
    items = {rule["item"] for rule in city(*SEATTLE).rules}
    assert not items & {"battery", "smartphone", "aerosol_can"}
    assert {"newspaper", "beverage_can", "plastic_bottle"} <= items
