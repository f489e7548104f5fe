from __future__ import annotations

import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from releaf.errors import InputError
from releaf.vision.data import ClassNames, Pixels
from releaf.vision.explanation import (
    Faithfulness,
    Floats,
    class_scorer,
    deletion_insertion,
    mean_faithfulness,
    overlay,
    saliency,
    smooth_masks,
)
from releaf.vision.network import Outputs

SIZE = 48
ROWS, COLUMNS = slice(6, 18), slice(24, 36)


def redness(pixels: Pixels) -> npt.NDArray[np.float64]:
    """A network that looks at one square alone and says how red it is."""
    return pixels[:, ROWS, COLUMNS, 0].mean(axis=(1, 2)) / 255


def ignorant(pixels: Pixels) -> npt.NDArray[np.float64]:
    return np.full(len(pixels), 0.7)


@pytest.fixture
def picture() -> Pixels:
    """A red square on grey with some grain."""
    pixels = np.random.default_rng(0).integers(60, 100, size=(SIZE, SIZE, 3), dtype=np.uint8)
    pixels[ROWS, COLUMNS] = (240, 20, 20)
    return pixels


def inside(values: Floats) -> float:
    return float(values[ROWS, COLUMNS].mean())


def outside(values: Floats) -> Floats:
    kept = np.ones(values.shape, dtype=bool)
    kept[ROWS, COLUMNS] = False
    return values[kept]


def test_the_map_peaks_in_the_square_that_the_class_depends_on(picture: Pixels) -> None:
    found = saliency(redness, picture)
    assert found.shape == (SIZE, SIZE)
    assert found.dtype == np.float32
    assert (float(found.min()), float(found.max())) == (0.0, 1.0)
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    assert ROWS.start <= row < ROWS.stop
    assert COLUMNS.start <= column < COLUMNS.stop
    assert inside(found) > 3 * float(outside(found).mean())
    # The square is 6 % of the picture: all but a rim of it is among the 15 % that matter most.
    assert float((found[ROWS, COLUMNS] >= np.quantile(found, 0.85)).mean()) > 0.9


def test_evidence_against_the_class_lies_at_the_bottom_of_the_map(picture: Pixels) -> None:
    found = saliency(lambda pixels: 1 - redness(pixels), picture)
    row, column = np.unravel_index(int(found.argmin()), found.shape)
    assert ROWS.start <= row < ROWS.stop
    assert COLUMNS.start <= column < COLUMNS.stop


def test_a_network_that_ignores_its_input_gives_a_map_of_zeros(picture: Pixels) -> None:
    assert not saliency(ignorant, picture).any()
    noise = np.random.default_rng(1)
    trembling = saliency(lambda pixels: 0.7 + 1e-6 * noise.random(len(pixels)), picture)
    assert not trembling.any()


def test_a_picture_of_one_colour_gives_a_map_of_zeros() -> None:
    assert not saliency(redness, np.full((SIZE, SIZE, 3), 90, dtype=np.uint8)).any()


def test_the_same_seed_gives_the_same_map_and_another_one_a_similar_map(picture: Pixels) -> None:
    first = saliency(redness, picture, seed=1)
    np.testing.assert_array_equal(first, saliency(redness, picture, seed=1))
    other = saliency(redness, picture, seed=2)
    assert not np.array_equal(first, other)
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] > 0.8


def test_the_map_does_not_depend_on_the_scale_of_the_score_or_a_constant_in_it(picture: Pixels) -> None:
    plain = saliency(redness, picture)
    np.testing.assert_allclose(saliency(lambda pixels: 3 * redness(pixels) - 5, picture), plain, atol=1e-5)


def test_a_square_that_moves_takes_the_peak_with_it(picture: Pixels) -> None:
    moved = np.roll(picture, 20, axis=0)
    found = saliency(lambda pixels: redness(np.roll(pixels, -20, axis=1)), moved)
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    assert ROWS.start + 20 <= row < ROWS.stop + 20
    assert COLUMNS.start <= column < COLUMNS.stop


def test_the_network_is_asked_as_often_as_there_are_masks_in_batches_of_64(picture: Pixels) -> None:
    asked: list[int] = []

    def counting(pixels: Pixels) -> npt.NDArray[np.float64]:
        assert pixels.dtype == np.uint8
        assert pixels.shape[1:] == (SIZE, SIZE, 3)
        asked.append(len(pixels))
        return redness(pixels)

    saliency(counting, picture, masks=150)
    assert asked == [64, 64, 22]


def test_masks_lie_between_0_and_1_and_show_each_place_half_of_the_time() -> None:
    masks = smooth_masks(np.random.default_rng(0), 3000, 20, 5)
    assert masks.min() >= 0
    assert masks.max() <= 1
    np.testing.assert_allclose(masks.mean(axis=0), 0.5, atol=0.05)
    spread = masks.std(axis=0)
    assert spread.max() < 1.15 * spread.min()  # the edges are hidden like the middle
    assert np.abs(np.diff(masks, axis=1)).max() <= 5 / 20 + 1e-6  # one cell of 4 pixels from 0 to 1


@pytest.mark.parametrize("shape", [(8, 8), (8, 9, 3), (8, 8, 4), (1, 8, 8, 3)])
def test_pixels_of_another_form_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"must be \(S, S, 3\) of uint8"):
        saliency(ignorant, np.zeros(shape, dtype=np.uint8))
    with pytest.raises(InputError, match=r"must be \(S, S, 3\) of uint8"):
        deletion_insertion(ignorant, np.zeros(shape, dtype=np.uint8), np.zeros((8, 8), dtype=np.float32))


@pytest.mark.parametrize("masks", [0, 7])
def test_masks_come_in_pairs(masks: int, picture: Pixels) -> None:
    with pytest.raises(InputError, match=f"masks {masks} must be an even number"):
        saliency(redness, picture, masks=masks)


def test_the_true_place_is_faithful_its_opposite_is_not_and_the_found_map_is_nearly_as_good(picture: Pixels) -> None:
    truth = np.zeros((SIZE, SIZE), dtype=np.float32)
    truth[ROWS, COLUMNS] = 1
    best, found = (deletion_insertion(redness, picture, one) for one in (truth, saliency(redness, picture)))
    worst = deletion_insertion(redness, picture, 1 - truth)
    assert worst.gain < 0 < 0.8 * best.gain < found.gain
    assert best.deletion < best.chance_deletion
    assert best.insertion > best.chance_insertion
    # The blurred picture is all that is left in the end, the picture all that was there at first.
    assert best.chance_deletion == worst.chance_deletion


def test_areas_by_hand_for_a_score_that_counts_what_is_shown() -> None:
    # White and black pixels in turn: blurring moves every one off 0 and 255.
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[np.indices((8, 8)).sum(axis=0) % 2 == 0] = 255

    def shown(batch: Pixels) -> npt.NDArray[np.float64]:
        return (batch[:, :, :, 0] == pixels[None, :, :, 0]).mean(axis=(1, 2))

    order = np.arange(64, dtype=np.float32).reshape(8, 8)
    figures = deletion_insertion(shown, pixels, order, steps=4)
    # 1, ¾, ½, ¼, 0 of the pixels are left; the area of that line is one half, and so is its mirror image's.
    assert figures == Faithfulness(0.5, 0.5, 0.5, 0.5)
    assert figures.gain == 0


def test_a_network_that_ignores_its_input_has_no_faithful_map(picture: Pixels) -> None:
    ramp = np.linspace(0, 1, SIZE * SIZE, dtype=np.float32).reshape(SIZE, SIZE)
    figures = deletion_insertion(ignorant, picture, ramp)
    assert figures.gain == pytest.approx(0, abs=1e-12)
    assert figures.deletion == pytest.approx(0.7)


def test_a_found_map_beats_pointing_at_the_middle_where_the_square_is_not_there(picture: Pixels) -> None:
    at = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) ** 2
    middle = np.exp(-2 * (at[:, None] + at[None, :])).astype(np.float32)
    found = deletion_insertion(redness, picture, saliency(redness, picture))
    assert found.gain > deletion_insertion(redness, picture, middle).gain + 0.1


def test_a_map_of_another_size_is_refused(picture: Pixels) -> None:
    with pytest.raises(InputError, match=r"a map \(3, 3\) must be \(48, 48\)"):
        deletion_insertion(redness, picture, np.zeros((3, 3), dtype=np.float32))


def test_the_summary_averages_areas_and_counts_the_pictures_that_beat_chance() -> None:
    good, bad = Faithfulness(0.2, 0.8, 0.5, 0.5), Faithfulness(0.6, 0.4, 0.5, 0.5)
    summary = mean_faithfulness([good, good, good, bad])
    assert good.gain == pytest.approx(0.6)
    assert bad.gain == pytest.approx(-0.2)
    assert summary.mean.gain == pytest.approx(0.4)
    assert summary.mean.deletion == pytest.approx(0.3)
    assert summary.better_share == 0.75
    assert summary.pictures == 4
    assert -0.2 <= summary.low < 0.4 < summary.high <= 0.6 + 1e-9
    with pytest.raises(InputError, match="0 values"):
        mean_faithfulness([])


def test_the_overlay_keeps_the_size_of_the_picture_and_draws_a_white_line_in_black_around_the_best_places() -> None:
    heat = np.zeros((16, 16), dtype=np.float32)
    heat[4:10, 4:10] = 1  # 14 % of the picture
    drawn = overlay(Image.new("RGBA", (160, 96), (90, 120, 200, 255)), heat)
    assert (drawn.mode, drawn.size) == ("RGB", (160, 96))
    values = np.asarray(drawn).astype(int)
    white, black = (values == 255).all(axis=2), (values == 0).all(axis=2)
    rows, columns = np.nonzero(white)
    # The square covers rows 24 to 60 and columns 40 to 100 of the picture.
    assert (rows.min(), rows.max()) == (pytest.approx(24, abs=4), pytest.approx(60, abs=4))
    assert (columns.min(), columns.max()) == (pytest.approx(40, abs=6), pytest.approx(100, abs=6))
    assert black.any()
    assert not white[42, 70]
    assert not black[42, 70]
    assert values[42, 70].sum() > values[5, 5].sum()  # magma is brightest where it matters most


def test_an_overlay_of_a_flat_map_is_the_picture() -> None:
    plain = Image.new("RGB", (30, 20), (10, 200, 30))
    assert overlay(plain, np.zeros((8, 8), dtype=np.float32)).tobytes() == plain.tobytes()


def test_the_scorer_gives_the_calibrated_probability_of_one_class_and_sums_materials_to_a_family() -> None:
    names = ClassNames(("a", "b"), ("x", "y", "z"), ("f", "g"), ("bin",), (0, 0, 1))

    def network(pixels: Pixels) -> Outputs:
        n = len(pixels)
        logits = {"item": [2.0, 0.0], "material": [0.0, 0.0, 0.0], "bin": [0.0]}
        tiled = {head: np.tile(np.array(row, dtype=np.float32), (n, 1)) for head, row in logits.items()}
        return Outputs(tiled, np.zeros((n, 4), dtype=np.float32))

    pixels = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    item = class_scorer(network, names, "item", 0)(pixels)
    np.testing.assert_allclose(item, np.full(3, 1 / (1 + np.exp(-2.0))))
    family = class_scorer(network, names, "family", 0)(pixels)
    np.testing.assert_allclose(family, np.full(3, 2 / 3))


def test_an_explanation_and_a_novelty_score_need_no_torch() -> None:
    code = "import sys, releaf.vision.explanation, releaf.vision.novelty; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
