from __future__ import annotations

import json
from typing import Any

import pytest

from releaf.corpus.native import NativeImage, load_native, native_dict, read_native, read_native_folder
from releaf.corpus.validation import Quarantine
from releaf.errors import InputError


def raw(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    images = [{"id": number, "file_name": f"{number}.jpg", "width": 4, "height": 3} for number in range(2)]
    return {"images": images, "annotations": [{"image_id": 0} | annotation for annotation in annotations], **more}


def read(content: dict[str, Any], taxonomy) -> tuple[list[dict], list[str]]:
    quarantine = Quarantine("images")
    rows = read_native(content, taxonomy, "train.json", quarantine)
    return [row.names for row in rows], [row["reason"] for row in quarantine.rows]


def test_class_indices_are_positions_in_the_taxonomy(taxonomy):
    names, bad = read(raw({"item_type": 0, "material_type": 1, "family_type": 0, "bin_type": 3}), taxonomy)
    assert names == [
        {"item": "plastic_bottle", "material": "hdpe", "family": "plastic", "bin": "hazardous"},
        {},
    ]
    assert bad == []


@pytest.mark.parametrize("nothing", [None, -1])
def test_a_kind_may_be_unlabelled(taxonomy, nothing):
    assert read(raw({"item_type": nothing, "bin_type": 1}), taxonomy)[0][0] == {"bin": "compost"}


def test_stated_categories_win_over_the_order_of_the_taxonomy(taxonomy):
    content = raw({"family_type": 1}, categories={"family": ["glass", "papers"]})
    assert read(content, taxonomy)[0][0] == {"family": "paper"}


def test_two_annotations_of_one_picture_are_joined(taxonomy):
    assert read(raw({"item_type": 0}, {"bin_type": 0}), taxonomy)[0][0] == {"item": "plastic_bottle", "bin": "recycle"}


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"item_type": 20}, "item_type 20 is no class index from 0 to 19"),
        ({"item_type": -2}, "item_type -2 is no class index"),
        ({"item_type": 1.0}, "item_type 1.0 is no class index"),
        ({"item_type": True}, "item_type True is no class index"),
        ({"material_type": 0, "family_type": 1}, "material pet is plastic, and not metal"),
        ({"image_id": 9}, "annotation of image 9, which is not listed"),
        ({"image_id": None}, "annotation without image_id"),
    ],
)
def test_an_annotation_that_cannot_stand_is_set_aside(taxonomy, annotation, reason):
    _, bad = read(raw(annotation), taxonomy)
    assert len(bad) == 1
    assert reason in bad[0]


def test_annotations_that_contradict_each_other_are_set_aside(taxonomy):
    names, bad = read(raw({"item_type": 0}, {"item_type": 1}), taxonomy)
    assert len(names) == 1
    assert bad == ["annotated as item plastic_bottle and as plastic_bag"]


def test_a_name_that_the_taxonomy_no_longer_has_is_set_aside(taxonomy):
    _, bad = read(raw({"item_type": 0}, categories={"item": ["cassette"]}), taxonomy)
    assert "unknown item 'cassette'" in bad[0]


@pytest.mark.parametrize(
    ("image", "reason"), [({}, "image without id"), ({"id": 1}, "image without file_name"), (5, "id")]
)
def test_an_image_without_id_or_file_is_set_aside(taxonomy, image, reason):
    _, bad = read({"images": [image], "annotations": []}, taxonomy)
    assert reason in bad[0]


def test_what_is_written_is_read_back(taxonomy):
    rows = [
        NativeImage({"id": 0, "file_name": "a.jpg"}, {"item": "glass_jar", "bin": "recycle"}),
        NativeImage({"id": 1, "file_name": "b.jpg"}, {}),
    ]
    content = json.loads(json.dumps(native_dict(rows, taxonomy)))
    assert read_native(content, taxonomy, "x", Quarantine("images")) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"a\.json:1: not valid JSON"),
        ("[]", "expected an object with the lists images and annotations"),
        ('{"images": [], "annotations": [], "categories": {"item": "x"}}', "expected lists of names under categories"),
    ],
)
def test_a_file_of_another_form_is_an_error(tmp_path, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=message):
        load_native(tmp_path / "a.json")


def test_a_folder_may_hold_one_file_per_split(tmp_path, taxonomy):
    (tmp_path / "train.json").write_text(json.dumps(raw({"item_type": 0})))
    second = raw({"image_id": 5})
    second["images"] = [{"id": 5, "file_name": "../x.jpg"}, {"id": 6, "file_name": "deep/6.jpg"}]
    (tmp_path / "test.json").write_text(json.dumps(second))
    quarantine = Quarantine("images")
    found = read_native_folder(tmp_path, taxonomy, quarantine)
    assert [(one.file, one.folder) for one in found] == [
        ("deep/6.jpg", "test"), ("0.jpg", "train"), ("1.jpg", "train"),
    ]  # fmt: skip
    assert "leads out of the dataset" in quarantine.rows[0]["reason"]
    with pytest.raises(InputError, match="no annotation file"):
        read_native_folder(tmp_path / "absent", taxonomy, quarantine)
