from __future__ import annotations

import copy
from datetime import date

import pytest

from releaf.corpus.column_map import read_column_map, word_key
from releaf.errors import InputError
from tests.corpus.rule_table import MAP, write_map


def categories(**changes):
    """The categories with keys of one of them replaced."""
    changed = copy.deepcopy(MAP["categories"])
    for name, keys in changes.items():
        changed[name] = {key: value for key, value in {**changed.get(name, {}), **keys}.items() if value is not None}
    return changed


def test_names_become_ids_of_the_taxonomy_and_unsaid_things_their_defaults(tmp_path, taxonomy):
    found = read_column_map(
        write_map(tmp_path, names={"Pop can": {"item": "soda can", "material": "aluminum"}}), taxonomy
    )
    target = found.targets["pop can"]
    assert (target.item, target.material) == ("beverage_can", "aluminium")
    assert (found.effective, found.version, found.separator, found.ignore) == (date(2024, 7, 1), "1.0.0", ",", [])
    assert found.categories["Yellow"].named == ["Yellow Bin"]
    assert found.categories["Poison"].named == ["to the depot"]
    assert found.categories["Ask"].named == ["Ask"]


def test_every_spelling_leads_to_its_category_and_streams_are_those_with_a_bin(tmp_path, taxonomy):
    found = read_column_map(write_map(tmp_path), taxonomy)
    assert found.category_names["Yelow"] == found.category_names["Yellow"] == "Yellow"
    assert found.streams == {
        "Yellow Bin": "recycle",
        "Brown Bin": "compost",
        "Grey Bin": "landfill",
        "Depot": "hazardous",
    }


def test_two_categories_may_share_a_stream(tmp_path, taxonomy):
    leaves = {"Leaves": {"stream": "Brown Bin", "bin": "compost", "topic": "composting"}}
    assert (
        read_column_map(write_map(tmp_path, categories=categories(**leaves)), taxonomy).streams["Brown Bin"]
        == "compost"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "xlsx"}, "map.yaml:1: format: input should be 'json', 'jsonl', 'csv' or 'tsv'"),
        ({"source": None}, "source: field required"),
        ({"colums": {}}, "colums: extra inputs are not permitted"),
        ({"columns": {"title": "name"}}, "columns.category: field required"),
        ({"effective": "next year"}, "effective: "),
        ({"version": "2"}, "version: "),
        ({"jurisdiction": {"id": "Test Ville", "name": "T"}}, "jurisdiction.id: "),
        ({"categories": {}}, "categories: "),
        ({"categories": categories(Yellow={"bin": "yelow"})}, "unknown bin 'yelow'"),
        ({"categories": categories(Yellow={"topic": "stars"})}, "categories.Yellow.topic: "),
        ({"categories": categories(Yellow={"bin": None})}, "'Yellow' needs a stream and a bin, or `complicated: true`"),
        ({"categories": categories(Ask={"bin": "landfill"})}, "'Ask' is complicated and has the bin 'landfill'"),
        ({"categories": categories(Grey={"stream": "Brown Bin"})}, "'Brown Bin' has the bins 'compost' and 'landfill'"),
        ({"categories": categories(Grey={"aliases": ["Yelow"]})}, "'Yelow' stands for 'Yellow' already"),
        ({"names": {"jar": {"item": "glas jar"}}}, "unknown item 'glas jar'; did you mean glass_jar"),
        ({"names": {"jar": {"material": "mithril"}}}, "unknown material 'mithril'"),
        ({"names": {"jar": {}}}, "'jar' needs an item, a material or both"),
        ({"names": {"jar": {"item": "glass jar"}, "Jars": {"item": "glass jar"}}}, "'Jars' is the keyword 'jar' again"),
    ],
)
def test_a_map_that_says_too_little_too_much_or_two_things_is_refused(tmp_path, taxonomy, changes, message):
    with pytest.raises(InputError) as caught:
        read_column_map(write_map(tmp_path, **changes), taxonomy)
    assert message in str(caught.value)


def test_the_message_names_the_line(tmp_path, taxonomy):
    path = write_map(tmp_path, names={"jar": {"item": "glas jar"}})
    line = next(number for number, text in enumerate(path.read_text().split("\n"), start=1) if "glas jar" in text)
    with pytest.raises(InputError, match=rf"map\.yaml:{line}: unknown item"):
        read_column_map(path, taxonomy)


def test_no_map_and_an_empty_one_are_told_apart(tmp_path, taxonomy):
    with pytest.raises(InputError, match="no file at"):
        read_column_map(tmp_path / "absent.yaml", taxonomy)
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    with pytest.raises(InputError, match="the column map is empty"):
        read_column_map(tmp_path / "empty.yaml", taxonomy)


@pytest.mark.parametrize("name", ["toronto_waste_wizard", "seattle_look_it_up"])
def test_the_maps_that_ship_are_read_and_their_ids_are_free(project_root, taxonomy, name):
    found = read_column_map(project_root / "data" / "column_maps" / f"{name}.yaml", taxonomy)
    assert not (project_root / "data" / "policies" / f"{found.jurisdiction.id}.json").exists()
    assert found.jurisdiction.id.startswith(found.jurisdiction.within[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pizza  Box", "pizza boxes"),
        ("AA-battery", "aa batteries"),
        ("Round-up", "round up"),
        ("cans", "CAN"),
        ("paper towels", "paper_towel"),
        ("toothbrushes", "toothbrush"),
    ],
)
def test_case_spaces_hyphens_and_the_plural_make_no_other_word(one, other):
    assert word_key(one) == word_key(other)


@pytest.mark.parametrize(("one", "other"), [("glass", "glas"), ("bus", "bu"), ("gas", "ga"), ("boxes (full)", "box")])
def test_words_that_only_look_alike_stay_two(one, other):
    assert word_key(one) != word_key(other)
