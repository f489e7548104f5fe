from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from releaf.errors import ArtifactError, InputError
from releaf.language.alignment.features import Features, encoder_block, words_block
from releaf.language.alignment.pairs import Answered, Pair
from releaf.language.alignment.reward import (
    RewardModel,
    Sides,
    accuracy,
    anchored,
    choose_head,
    cross_validated,
    every_combination,
    fit_head,
    folds_of,
    load_head,
    preference_loss,
    save_head,
    sides_of,
)
from tests.language.alignment.conftest import embed


def random_sides(n: int = 30, width: int = 6) -> Sides:
    random = np.random.default_rng(0)
    shift = np.linspace(0, 1, width)
    chosen, rejected = random.normal(shift, 1, (n, width)), random.normal(0, 1, (n, width))
    return Sides({"x": chosen}, {"x": rejected}, tuple((f"q{i // 2}", "") for i in range(n)))


def test_the_loss_by_hand() -> None:
    # σ(2 − 0) = 0.8808, σ(1 − 1) = ½
    expected = -(math.log(1 / (1 + math.exp(-2))) + math.log(0.5)) / 2

    assert preference_loss(np.array([2.0, 1.0]), np.array([0.0, 1.0])) == pytest.approx(expected)


def test_the_head_is_where_an_independent_optimizer_ends() -> None:
    sides, ridge = random_sides(), 0.5
    head = fit_head(sides, ["x"], ridge)
    delta = (sides.chosen["x"] - sides.rejected["x"]) / head.scale

    def objective(w: np.ndarray) -> float:
        return float(np.logaddexp(0, -delta @ w).sum() + ridge / 2 * w @ w)

    independent = minimize(objective, np.zeros(delta.shape[1]), method="BFGS", options={"gtol": 1e-7})

    np.testing.assert_allclose(head.weights, independent.x, atol=1e-5)


def test_scores_are_of_features_less_their_mean() -> None:
    sides = random_sides()
    head = fit_head(sides, ["x"], 1.0)
    everything = np.concatenate([head.score(sides.chosen), head.score(sides.rejected)])

    assert everything.mean() == pytest.approx(0, abs=1e-12)


def test_a_feature_that_never_varies_gets_no_say() -> None:
    sides = random_sides()
    constant = np.ones((30, 1))
    wider = Sides(
        {"x": np.hstack([sides.chosen["x"], constant])},
        {"x": np.hstack([sides.rejected["x"], constant])},
        sides.questions,
    )

    assert fit_head(wider, ["x"], 1.0).weights[-1] == 0


def test_a_ridge_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="ridge 0 must be above 0"):
        fit_head(random_sides(), ["x"], 0)


def test_pairs_of_one_question_share_a_fold() -> None:
    questions = [("a", ""), ("b", ""), ("a", ""), ("c", ""), ("b", "")]
    folds = folds_of(questions, 3, seed=0)

    assert folds[0] == folds[2]
    assert folds[1] == folds[4]
    assert sorted(set(folds)) == [0, 1, 2]


def test_fewer_questions_than_folds_are_refused() -> None:
    with pytest.raises(InputError, match="2 different questions cannot be put into 5 folds"):
        folds_of([("a", ""), ("b", ""), ("a", "")], 5, seed=0)


def test_cross_validation_never_scores_a_pair_by_a_head_that_saw_its_question() -> None:
    # Features that only name the question: what one pair teaches holds for its twin, and for nobody else.
    names = np.repeat(np.eye(10), 2, axis=0)
    sides = Sides({"x": names}, {"x": -names}, tuple((f"q{i // 2}", "") for i in range(20)))

    np.testing.assert_allclose(cross_validated(sides, ["x"], 1.0, folds=5, seed=0), 0, atol=1e-9)


def test_the_block_that_tells_the_sides_apart_is_chosen() -> None:
    sides = random_sides(60)
    noise = np.random.default_rng(1).normal(size=(2, 60, 4))
    both = Sides(
        {"x": sides.chosen["x"], "noise": noise[0]}, {"x": sides.rejected["x"], "noise": noise[1]}, sides.questions
    )

    head, trials = choose_head(both, every_combination(["noise", "x"]), seed=0)

    assert "x" in head.blocks
    assert {trial.blocks for trial in trials} == {("noise",), ("x",), ("noise", "x")}
    assert min(trials, key=lambda trial: trial.loss).blocks == head.blocks


def test_a_model_of_a_few_pairs_is_right_on_held_out_ones(training_pairs: list[Pair], held_pairs: list[Pair]) -> None:
    features = Features({"encoder": encoder_block(embed), "words": words_block})
    head, _ = choose_head(sides_of(training_pairs, features), every_combination(["encoder", "words"]), folds=4)
    model = RewardModel(head, features)
    margins = model([pair.better for pair in held_pairs]) - model([pair.worse for pair in held_pairs])

    assert accuracy(margins) == 1.0
    assert model([]).shape == (0,)


def test_a_tie_counts_half() -> None:
    assert accuracy(np.array([1.0, 0.0, -1.0, 2.0])) == 0.625


def test_an_anchored_reward_is_zero_half_way_between_the_authored_answers(training_pairs: list[Pair]) -> None:
    def length(answers: list[Answered]) -> np.ndarray:
        return np.array([float(len(answer.text)) for answer in answers])

    pair = training_pairs[0]
    relative = anchored(length, training_pairs)
    better, worse = relative([pair.better, pair.worse])

    assert better == -worse
    assert better == (len(pair.chosen) - len(pair.rejected)) / 2


def test_a_saved_head_scores_the_same(tmp_path: Path) -> None:
    sides = random_sides()
    head = fit_head(sides, ["x"], 0.3)
    save_head(head, tmp_path)
    again = load_head(tmp_path)

    assert again.blocks == ("x",)
    assert again.ridge == 0.3
    np.testing.assert_array_equal(again.score(sides.chosen), head.score(sides.chosen))


def test_a_damaged_head_is_refused(tmp_path: Path) -> None:
    save_head(fit_head(random_sides(), ["x"], 0.3), tmp_path)
    (tmp_path / "reward.safetensors").write_bytes(b"broken")

    with pytest.raises(ArtifactError, match="holds no reward model"):
        load_head(tmp_path)


def test_a_model_whose_features_are_not_given_is_refused() -> None:
    with pytest.raises(InputError, match="reads x, which is not given"):
        RewardModel(fit_head(random_sides(), ["x"], 1.0), Features({"words": words_block}))
