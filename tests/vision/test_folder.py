from __future__ import annotations

import json
from pathlib import Path

import pytest

from releaf.errors import DataError, InputError, UnknownNameError
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.folder import evaluate_folder
from releaf.vision.inference import Classifier, Prediction
from releaf.vision.training import TrainedVision

FAMILIES = ["plastic", "textile", "paper", "metal"]  # of the squares, in the order of their paths


@pytest.fixture(scope="module")
def classifier(trained: TrainedVision, hardware: Hardware) -> Classifier:
    return Classifier(trained.checkpoint, hardware)


def test_family_accuracy_is_the_share_of_right_families(
    classifier: Classifier, square_paths: list[Path], taxonomy: Taxonomy
):
    answers = classifier.classify(square_paths)
    right = [isinstance(a, Prediction) and a.family[0].id == f for a, f in zip(answers, FAMILIES, strict=True)]
    found = evaluate_folder(classifier, list(zip(square_paths, FAMILIES, strict=True)), taxonomy)
    assert found["images"] == 4
    assert found["family"]["accuracy"] == sum(right) / 4
    assert found["family"]["n"] == 4
    assert "item" not in found
    json.dumps(found, allow_nan=False)


def test_refused_files_are_listed_and_not_counted_as_wrong(
    classifier: Classifier, square_paths: list[Path], taxonomy: Taxonomy, tmp_path: Path
):
    (tmp_path / "bad.png").write_bytes(b"bad")
    labelled = [*zip(square_paths, FAMILIES, strict=True), (tmp_path / "bad.png", "glass")]
    found = evaluate_folder(classifier, labelled, taxonomy)
    assert found["images"] == 4
    assert [entry["name"] for entry in found["refused"]] == [str(tmp_path / "bad.png")]
    assert "glass" not in found["family"]["per_class"]


def test_what_follows_from_a_label_is_measured_too(
    classifier: Classifier, square_paths: list[Path], taxonomy: Taxonomy
):
    by_material = evaluate_folder(classifier, [(square_paths[3], "tin")], taxonomy, "material")
    assert {"material", "family"} <= set(by_material)
    assert list(by_material["material"]["per_class"]) == ["steel"]
    by_item = evaluate_folder(classifier, [(square_paths[3], "AA battery"), (square_paths[1], "tee")], taxonomy, "item")
    assert {"item", "bin", "family"} <= set(by_item)
    assert by_item["family"]["n"] == 1  # a battery's materials are of two families, a shirt's of one
    by_bin = evaluate_folder(classifier, [(square_paths[3], "hazardous")], taxonomy, "bin")
    assert set(by_bin) == {"images", "refused", "labels", "bin"}


def test_labels_that_name_nothing_are_refused(classifier: Classifier, square_paths: list[Path], taxonomy: Taxonomy):
    with pytest.raises(UnknownNameError, match="unknown family 'kryptonite'"):
        evaluate_folder(classifier, [(square_paths[0], "kryptonite")], taxonomy)
    with pytest.raises(InputError, match="labels of kind 'colour'"):
        evaluate_folder(classifier, [(square_paths[0], "red")], taxonomy, "colour")


def test_a_folder_of_which_nothing_can_be_read_is_refused(classifier: Classifier, taxonomy: Taxonomy, tmp_path: Path):
    (tmp_path / "bad.png").write_bytes(b"bad")
    with pytest.raises(DataError, match=r"none of 1 files could be classified; first reason: .*not a picture"):
        evaluate_folder(classifier, [(tmp_path / "bad.png", "glass")], taxonomy)
    with pytest.raises(DataError, match="the list is empty"):
        evaluate_folder(classifier, [], taxonomy)
