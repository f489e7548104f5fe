from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.errors import DataError, InputError, UnknownNameError
from releaf.taxonomy import Taxonomy
from releaf.vision.data import ClassNames, encode_labels, epoch_order, load_pixels, sampling_weights
from releaf.vision.preprocessing import preprocess


@pytest.fixture
def names(taxonomy: Taxonomy) -> ClassNames:
    return ClassNames.of(taxonomy)


def table(**columns: list[str | None]) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    empty: dict[str, list[str | None]] = {label: [None] * n for label in ("item", "material", "family", "bin")}
    return pl.DataFrame(
        {"path": [f"{k}.png" for k in range(n)], **empty, **columns}, schema_overrides=dict.fromkeys(empty, pl.String)
    )


def test_labels_are_class_indices_and_missing_ones_minus_one(names: ClassNames):
    labels = encode_labels(table(item=["battery", None], bin=[None, "compost"]), names)
    assert labels.tolist() == [[names.item.index("battery"), -1, -1, -1], [-1, -1, -1, 1]]


def test_a_material_gives_its_family_and_a_family_alone_stays_coarse(names: ClassNames):
    labels = encode_labels(table(material=["pet", None], family=[None, "metal"]), names)
    assert labels[:, 1].tolist() == [names.material.index("pet"), -1]
    assert labels[:, 2].tolist() == [names.family.index("plastic"), names.family.index("metal")]


def test_a_family_that_contradicts_its_material_is_refused(names: ClassNames):
    with pytest.raises(DataError, match=r"0\.png: material 'pet' is not of the family 'glass'"):
        encode_labels(table(material=["pet"], family=["glass"]), names)


def test_an_unknown_id_is_refused_with_close_names(names: ClassNames):
    with pytest.raises(UnknownNameError, match="did you mean glass_bottle"):
        encode_labels(table(item=["glas_bottle"]), names)


def test_pixels_come_in_table_order_and_equal_serving_pixels(squares: pl.DataFrame):
    pixels = load_pixels(squares, 16)
    assert pixels.shape == (squares.height, 16, 16, 3)
    for row in (0, 50, 95):
        np.testing.assert_array_equal(pixels[row], preprocess(Path(squares["path"][row]), 16))


def test_pixels_are_decoded_once_and_read_from_the_cache_from_then_on(squares: pl.DataFrame, tmp_path: Path):
    calls: list[int] = []
    first = load_pixels(squares, 16, cache=tmp_path, progress=lambda done, total, note="": calls.append(done))
    decoded = len(calls)
    again = load_pixels(squares, 16, cache=tmp_path, progress=lambda done, total, note="": calls.append(done))
    assert decoded == 1
    assert len(calls) == decoded
    np.testing.assert_array_equal(first, again)
    assert isinstance(again, np.memmap)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_another_size_or_other_images_get_their_own_cache_file(squares: pl.DataFrame, tmp_path: Path):
    for images, size in ((squares, 16), (squares, 24), (squares.head(5), 16)):
        assert load_pixels(images, size, cache=tmp_path).shape == (images.height, size, size, 3)
    assert len(list(tmp_path.iterdir())) == 3


def test_an_undecodable_image_is_named_and_leaves_no_cache(squares: pl.DataFrame, tmp_path: Path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    broken = squares.head(2).with_columns(path=pl.lit(str(tmp_path / "broken.png")))
    with pytest.raises(InputError, match=r"broken\.png is not a picture"):
        load_pixels(broken, 16, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_weights_are_inversely_proportional_to_class_counts():
    labels = np.array([[0, -1, -1, -1]] * 3 + [[1, -1, -1, -1]])
    # N / count: 4/3 for each of three, 4 for one; each class is drawn half the time
    assert sampling_weights(labels, ["rendered"] * 4).tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])


def test_an_images_class_is_its_finest_label():
    labels = np.array([[-1, 3, 1, -1], [-1, 4, 1, -1], [-1, -1, 1, -1], [-1, -1, -1, 0]])
    assert sampling_weights(labels, ["photograph"] * 4).tolist() == pytest.approx([0.25] * 4)


def test_sources_are_drawn_equally_often():
    labels = np.array([[0, -1, -1, -1], [1, -1, -1, -1], [1, -1, -1, -1], [-1, -1, 0, -1]])
    weights = sampling_weights(labels, ["rendered"] * 3 + ["photograph"])
    assert weights.tolist() == pytest.approx([1 / 4, 1 / 8, 1 / 8, 1 / 2])


def test_a_few_photographs_are_drawn_at_most_four_times_an_epoch():
    labels = np.array([[k % 20, -1, -1, -1] for k in range(98)] + [[-1, -1, 0, -1]] * 2)
    weights = sampling_weights(labels, ["rendered"] * 98 + ["photograph"] * 2)
    assert weights[98:].tolist() == pytest.approx([4 / 100, 4 / 100])
    assert weights.sum() == pytest.approx(1.0)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone():
    weights = np.full(50, 1 / 50)
    assert epoch_order(weights, 1, 2).tolist() == epoch_order(weights, 1, 2).tolist()
    assert epoch_order(weights, 1, 2).tolist() != epoch_order(weights, 1, 3).tolist()
    assert epoch_order(weights, 1, 2).tolist() != epoch_order(weights, 2, 2).tolist()


def test_a_balanced_table_is_seen_whole_once_an_epoch():
    assert sorted(epoch_order(np.full(37, 1 / 37), 0, 0).tolist()) == list(range(37))


def test_an_unbalanced_table_is_drawn_balanced():
    labels = np.array([[0, -1, -1, -1]] * 90 + [[1, -1, -1, -1]] * 10)
    drawn = epoch_order(sampling_weights(labels, ["rendered"] * 100), 0, 0)
    assert (labels[drawn, 0] == 1).sum() in (49, 50, 51)
    assert set(drawn[drawn >= 90]) == set(range(90, 100))  # each of the rare ones about five times
