from __future__ import annotations

import io

from PIL import Image

from releaf.reporting.alignment_plots import alignment_curves, reward_histogram, win_rates


def size(image: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(image)) as opened:
        return opened.size


def test_curves_of_rounds_the_last_of_which_only_measures() -> None:
    rounds = [
        {"reward": 0.1, "kl": 0.0, "entropy": 3.0, "clip_share": 0.1},
        {"reward": 0.3, "kl": 1.0, "entropy": 2.9},
    ]
    picture = alignment_curves(rounds, 1)

    assert size(picture)[0] > 1000
    assert picture == alignment_curves(rounds, 1)


def test_curves_of_a_run_that_stopped_at_once() -> None:
    assert size(alignment_curves([{"reward": 0.1, "kl": 99.0, "entropy": 3.0}], 0))[0] > 1000


def test_win_rates_and_rewards_are_pictures() -> None:
    assert size(win_rates({"judge": (0.6, 0.5, 0.7), "words": (0.5, 0.4, 0.6)}))[1] > 100
    assert size(reward_histogram({"tuned": [0.0, 0.0], "aligned": [0.0]}))[1] > 100
