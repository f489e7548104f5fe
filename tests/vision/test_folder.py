from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from releaf.errors import DataError, InputError, UnknownNameError
from releaf.taxonomy import Taxonomy
from releaf.vision.folder import evaluate_folder
from releaf.vision.inference import Classifier, Prediction
from releaf.vision.predictor import Predictor
from tests.vision.colours import SURE, colour_predictor

FAMILIES = ["plastic", "textile", "paper", "metal"]  # of the squares, in the order of their paths


@pytest.fixture(scope="module")
def classifier(predictor: Predictor) -> Classifier:
    return Classifier(predictor)


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
    assert set(by_bin) == {"images", "not_known", "refused", "labels", "bin"}


def colours(folder: Path, *names: str) -> list[Path]:
    """Pictures of one colour; without one of the three colours the classifier by colour does not know it."""
    paths = [folder / f"{number}-{name}.png" for number, name in enumerate(names)]
    for path, name in zip(paths, names, strict=True):
        Image.new("RGB", (20, 20), name).save(path)
    return paths


def test_pictures_that_are_not_known_are_counted_and_their_labels_too(taxonomy: Taxonomy, tmp_path: Path):
    by_colour = Classifier(colour_predictor(taxonomy))
    paths = colours(tmp_path, "red", "red", "grey", "blue")
    found = evaluate_folder(
        by_colour,
        list(zip(paths, ["t_shirt", "battery", "egg_carton", "plastic_bottle"], strict=True)),
        taxonomy,
        "item",
    )
    assert (found["images"], found["not_known"]) == (4, 1)
    # Of a grey picture all classes are equally likely, so the first of them is taken: plastic_bottle, which it is not.
    assert (found["item"]["n"], found["item"]["accuracy"]) == (4, 0.5)


def test_the_calibration_error_is_over_the_whole_probability_of_the_best_class(taxonomy: Taxonomy, tmp_path: Path):
    by_colour = Classifier(colour_predictor(taxonomy))
    paths = colours(tmp_path, "red", "red", "red", "grey")
    labelled = list(zip(paths, ["t_shirt", "t_shirt", "battery", "egg_carton"], strict=True))
    found = evaluate_folder(by_colour, labelled, taxonomy, "item")
    sure, unsure = np.exp(SURE) / (np.exp(SURE) + 19), 1 / 20
    # Two bins: three pictures of which two are right, one that is wrong.
    assert found["item"]["ece"] == pytest.approx(3 / 4 * (sure - 2 / 3) + 1 / 4 * unsure)
    assert found["bin"]["n"] == 4
    assert found["bin"]["ece"] == pytest.approx(
        3 / 4 * (np.exp(SURE) / (np.exp(SURE) + 3) - 2 / 3) + 1 / 4 * (1 - 1 / 4)
    )


def test_pictures_of_one_class_alone_have_figures_and_no_nan(taxonomy: Taxonomy, tmp_path: Path):
    by_colour = Classifier(colour_predictor(taxonomy))
    labelled = [(path, "textile") for path in colours(tmp_path, "red", "red", "red")]
    found = evaluate_folder(by_colour, labelled, taxonomy)
    assert (found["family"]["accuracy"], found["family"]["macro_f1"], found["not_known"]) == (1.0, 1.0, 0)
    assert list(found["family"]["per_class"]) == ["textile"]
    wrong = evaluate_folder(by_colour, [(path, "glass") for path, _ in labelled], taxonomy)
    assert (wrong["family"]["accuracy"], wrong["family"]["macro_f1"]) == (0.0, 0.0)
    json.dumps([found, wrong], allow_nan=False)


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
