from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from releaf.errors import InputError
from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision import inference
from releaf.vision.checkpoint import save
from releaf.vision.inference import Classifier, Prediction, Refusal
from releaf.vision.prediction import label_probabilities, predict_logits
from releaf.vision.preprocessing import preprocess
from releaf.vision.training import TrainedVision


@pytest.fixture(scope="module")
def classifier(trained: TrainedVision, hardware: Hardware) -> Classifier:
    return Classifier(trained.checkpoint, hardware)


def test_answers_hold_the_best_classes_of_each_kind_in_falling_order(classifier: Classifier, square_paths: list[Path]):
    answer = classifier.classify(square_paths[:1], top_k=3)[0]
    assert isinstance(answer, Prediction)
    for scores in (answer.item, answer.material, answer.family, answer.bin):
        assert len(scores) == 3
        values = [score.probability for score in scores]
        assert values == sorted(values, reverse=True)
        assert 0 < sum(values) <= 1 + 1e-9
    assert answer.milliseconds > 0


def test_serving_gives_the_calibrated_probabilities_of_the_training_pixels(
    classifier: Classifier, square_paths: list[Path], hardware: Hardware
):
    checkpoint = classifier.checkpoint
    pixels = preprocess(square_paths[0], 32)[None]
    logits = predict_logits(checkpoint.model, pixels, hardware)
    expected = label_probabilities(logits, checkpoint.names, checkpoint.temperatures)["item"][0]
    answer = classifier.classify(square_paths[:1], top_k=20)[0]
    assert isinstance(answer, Prediction)
    assert {s.id: s.probability for s in answer.item} == pytest.approx(
        dict(zip(checkpoint.names.item, expected.tolist(), strict=True))
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


def test_a_picture_over_the_pixel_limit_is_refused(
    trained: TrainedVision, hardware: Hardware, square_paths: list[Path]
):
    strict = Classifier(trained.checkpoint, hardware, max_pixels=100)
    answer = strict.classify(square_paths[:1])[0]
    assert isinstance(answer, Refusal)
    assert "at most 100 are accepted" in answer.reason


def test_a_classifier_opens_a_saved_checkpoint(
    trained: TrainedVision, hardware: Hardware, taxonomy: Taxonomy, square_paths: list[Path], tmp_path: Path
):
    save(trained.checkpoint, tmp_path)
    loaded = Classifier.load(tmp_path, hardware, taxonomy)
    first, second = (c.classify(square_paths[:1])[0] for c in (loaded, Classifier(trained.checkpoint, hardware)))
    assert isinstance(first, Prediction)
    assert isinstance(second, Prediction)
    assert first.item == second.item
