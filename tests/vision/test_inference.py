from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from releaf.errors import InputError, UnknownNameError
from releaf.vision import inference
from releaf.vision.inference import Classifier, Prediction, Refusal
from releaf.vision.predictor import Predictor


@pytest.fixture(scope="module")
def classifier(predictor: Predictor) -> Classifier:
    return Classifier(predictor)


def test_answers_hold_the_best_classes_of_each_kind_in_falling_order(classifier: Classifier, square_paths: list[Path]):
    answer = classifier.classify(square_paths[:1], top_k=3)[0]
    assert isinstance(answer, Prediction)
    for scores in (answer.item, answer.material, answer.family, answer.bin):
        assert len(scores) == 3
        values = [score.probability for score in scores]
        assert values == sorted(values, reverse=True)
        assert 0 < sum(values) <= 1 + 1e-9
    assert answer.milliseconds > 0


def test_serving_gives_the_joined_probabilities_of_both_models(classifier: Classifier, square_paths: list[Path]):
    predictor = classifier.predictor
    seen = predictor.see([predictor.open(square_paths[0])])
    expected = predictor.probabilities(seen)["item"][0]
    answer = classifier.classify(square_paths[:1], top_k=20)[0]
    assert isinstance(answer, Prediction)
    assert {s.id: s.probability for s in answer.item} == pytest.approx(
        dict(zip(predictor.names.item, expected.tolist(), strict=True))
    )


def test_order_is_kept_and_a_bad_picture_leaves_the_others_alone(
    classifier: Classifier, square_paths: list[Path], tmp_path: Path
):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    answers = classifier.classify([square_paths[0], tmp_path / "bad.jpg", square_paths[1].read_bytes(), b""])
    assert [type(answer) for answer in answers] == [Prediction, Refusal, Prediction, Refusal]
    assert [answer.name for answer in answers] == [
        str(square_paths[0]),
        str(tmp_path / "bad.jpg"),
        "image 3",
        "image 4",
    ]
    assert isinstance(answers[1], Refusal)
    assert "is not a picture" in answers[1].reason


def test_a_batch_gives_what_single_pictures_give(
    classifier: Classifier, square_paths: list[Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inference, "BATCH_SIZE", 3)
    together = classifier.classify(square_paths)
    alone = [classifier.classify([path])[0] for path in square_paths]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert [s.id for s in one.item] == [s.id for s in other.item]
        np.testing.assert_allclose(
            [s.probability for s in one.item], [s.probability for s in other.item], rtol=1e-4, atol=1e-6
        )


def test_nothing_in_gives_nothing_out(classifier: Classifier):
    assert classifier.classify([]) == []


def test_more_classes_than_there_are_gives_all_of_them(classifier: Classifier, square_paths: list[Path]):
    answer = classifier.classify(square_paths[:1], top_k=99)[0]
    assert isinstance(answer, Prediction)
    assert (len(answer.item), len(answer.material), len(answer.family), len(answer.bin)) == (20, 15, 9, 4)


def test_top_k_below_one_is_refused(classifier: Classifier):
    with pytest.raises(InputError, match="top_k must be at least 1, not 0"):
        classifier.classify([], top_k=0)


def test_a_picture_over_the_pixel_limit_is_refused(predictor: Predictor, square_paths: list[Path]):
    answer = Classifier(predictor, max_pixels=1100).classify(square_paths[:1])[0]
    assert isinstance(answer, Refusal)
    assert "at most 1,100 are accepted" in answer.reason


def test_without_fitted_novelty_everything_counts_as_known(classifier: Classifier, square_paths: list[Path]):
    answer = classifier.classify(square_paths[:1])[0]
    assert isinstance(answer, Prediction)
    assert answer.known


def test_an_explanation_is_as_large_as_the_picture_and_asks_for_a_known_item(
    classifier: Classifier, square_paths: list[Path]
):
    assert classifier.explain(square_paths[0], "battery").size == (40, 40)
    large = io.BytesIO()
    Image.new("RGB", (3000, 1500), "teal").save(large, "PNG")
    assert classifier.explain(large.getvalue(), "battery").size == (1024, 512)
    with pytest.raises(UnknownNameError, match="bathtub"):
        classifier.explain(square_paths[0], "bathtub")
    with pytest.raises(InputError, match="is empty"):
        classifier.explain(b"", "battery")
