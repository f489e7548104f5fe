from __future__ import annotations

import json
from pathlib import Path

import pytest

from releaf.corpus.coco import CocoLabels, read_category_map, read_coco
from releaf.corpus.validation import Quarantine
from releaf.errors import InputError

COCO = {
    "categories": [{"id": 1, "name": "Clear bottle"}, {"id": 2, "name": "Bag"}, {"id": 3, "name": "Litter"}],
    "images": [{"id": number, "file_name": f"batch/{number}.jpg"} for number in range(5)],
    "annotations": [
        {"image_id": 0, "category_id": 1},
        {"image_id": 0, "category_id": 1},
        {"image_id": 0, "category_id": 3},
        {"image_id": 1, "category_id": 1},
        {"image_id": 1, "category_id": 2},
        {"image_id": 2, "category_id": 3},
        {"image_id": 4, "category_id": 2},
    ],
}
MAP = "Clear bottle,plastic_bottle\nBag,plastic_bag\nLitter,\n"


@pytest.fixture
def labels(tmp_path: Path) -> CocoLabels:
    (tmp_path / "coco.json").write_text(json.dumps(COCO))
    (tmp_path / "map.csv").write_text(MAP)
    return CocoLabels(tmp_path / "coco.json", tmp_path / "map.csv")


def test_pictures_carry_what_their_annotations_agree_on(tmp_path, taxonomy, labels):
    quarantine = Quarantine("images")
    found = {one.file: one.names for one in read_coco(tmp_path, taxonomy, labels, quarantine)}
    assert found == {
        "batch/0.jpg": {"item": "plastic_bottle", "family": "plastic", "bin": "recycle"},
        "batch/1.jpg": {"family": "plastic"},
        "batch/4.jpg": {"item": "plastic_bag", "family": "plastic", "bin": "landfill"},
    }
    assert [(row["file"], row["reason"]) for row in quarantine.rows] == [
        ("batch/2.jpg", "no mapped annotation"),
        ("batch/3.jpg", "no mapped annotation"),
    ]


def test_a_picture_of_things_that_have_nothing_in_common_is_set_aside(tmp_path, taxonomy, labels):
    labels.category_map.write_text("Clear bottle,plastic_bottle\nBag,textile\nLitter,")
    quarantine = Quarantine("images")
    read_coco(tmp_path, taxonomy, labels, quarantine)
    assert quarantine.rows[0]["reason"] == "shows Bag, Clear bottle, which agree on nothing"


def test_a_file_name_that_leaves_the_dataset_is_set_aside(tmp_path, taxonomy, labels):
    changed = COCO | {"images": [{"id": 0, "file_name": "../../secret.jpg"}]}
    labels.annotations.write_text(json.dumps(changed))
    quarantine = Quarantine("images")
    assert read_coco(tmp_path, taxonomy, labels, quarantine) == []
    assert quarantine.rows[0]["reason"] == "the file name leads out of the dataset"


def test_a_category_that_the_map_leaves_out_is_an_error(tmp_path, taxonomy, labels):
    labels.category_map.write_text("Bag,plastic_bag\n")
    with pytest.raises(InputError, match=r"map\.csv leaves out Clear bottle, Litter; map each"):
        read_coco(tmp_path, taxonomy, labels, Quarantine("images"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"coco\.json is no COCO instances file"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', r"images\.0\.file_name: field required"),
    ],
)
def test_a_file_of_another_form_is_an_error(tmp_path, taxonomy, labels, content, message):
    labels.annotations.write_text(content)
    with pytest.raises(InputError, match=message):
        read_coco(tmp_path, taxonomy, labels, Quarantine("images"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "map.csv",
            "Can,beverage_can\n\nPaper,Paper\n",
            {"Can": {"item": "beverage_can"}, "Paper": {"material": "paper"}},
        ),
        (
            "map.csv",
            "category,family,bin\nCan,metal,recycle\nJunk,,landfill\n",
            {"Can": {"family": "metal", "bin": "recycle"}, "Junk": {"bin": "landfill"}},
        ),
        ("map.csv", '"Cup, paper",paper cup\n', {"Cup, paper": {"item": "paper_cup"}}),
        ("map.json", '{"Can": "drink can", "Junk": null}', {"Can": {"item": "beverage_can"}, "Junk": {}}),
        ("map.json", '{"Can": {"family": "metal"}}', {"Can": {"family": "metal"}}),
    ],
)
def test_a_map_may_be_csv_or_json(tmp_path, taxonomy, name, content, expected):
    (tmp_path / name).write_text(content)
    assert read_category_map(tmp_path / name, taxonomy) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("map.csv", "Can,beverage_can\nCup,sofa\n", r"map\.csv:2: unknown name 'sofa'"),
        ("map.csv", "Can\n", r"map\.csv:1: expected a category and a name, found 1 columns"),
        ("map.csv", "category,colour\nCan,red\n", r"map\.csv:2: expected the kinds item, .*, found colour"),
        ("map.json", '{"Can": {"family": "sofa"}}', r"map\.json: unknown family 'sofa'"),
        ("map.json", "[1]", "expected an object from category to name, found list"),
        ("map.json", "{", r"map\.json:1: not valid JSON"),
    ],
)
def test_a_map_that_cannot_be_read_says_why(tmp_path, taxonomy, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_category_map(tmp_path / name, taxonomy)


def test_the_categories_of_taco_can_be_mapped(tmp_path, taxonomy, shared_data):
    annotations = shared_data / "taco_annotations" / "annotations.json"
    names = [category["name"] for category in json.loads(annotations.read_text())["categories"]]
    known = {"Drink can": "beverage_can", "Food Can": "food_can", "Clear plastic bottle": "pet"}
    (tmp_path / "map.json").write_text(json.dumps(dict.fromkeys(names, "") | known))
    quarantine = Quarantine("images")
    found = read_coco(tmp_path, taxonomy, CocoLabels(annotations, tmp_path / "map.json"), quarantine)
    assert len(found) + len(quarantine) == 1500
    assert {name for one in found for name in one.names.values()} == {
        "beverage_can", "food_can", "pet", "metal", "plastic", "recycle",
    }  # fmt: skip
