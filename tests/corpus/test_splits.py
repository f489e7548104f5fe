from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from releaf.corpus.image_table import IMAGE_SCHEMA
from releaf.corpus.splits import (
    assign_splits,
    drop_contradictions,
    group_images,
    near_duplicate_groups,
    perceptual_hash,
    straddling_pairs,
)
from releaf.errors import InputError


def noise(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A smooth coloured picture."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


def distance(left: Image.Image, right: Image.Image) -> int:
    return (perceptual_hash(left) ^ perceptual_hash(right)).bit_count()


def rows(*values: dict) -> pl.DataFrame:
    blank = dict.fromkeys(IMAGE_SCHEMA)
    return pl.DataFrame([blank | {"id": f"i{n}"} | value for n, value in enumerate(values)], schema=IMAGE_SCHEMA)


def test_the_hash_of_a_ramp_is_known_by_hand():
    ramp = Image.fromarray(np.tile(np.arange(0, 240, 4, dtype=np.uint8), (60, 1)))
    assert perceptual_hash(ramp) == ((1 << 30) - 1) << 30  # brighter to the right, level downwards
    assert perceptual_hash(ramp.transpose(Image.Transpose.ROTATE_270)) == (1 << 30) - 1
    assert perceptual_hash(Image.new("RGB", (50, 50), "white")) == 0


def test_the_hash_hardly_moves_with_size_brightness_and_compression():
    picture = noise(1)
    assert distance(picture, picture.resize((40, 30), Image.Resampling.LANCZOS)) <= 3
    assert distance(picture, picture.point(lambda value: value * 0.8)) <= 3
    assert distance(picture, noise(2)) > 10


def test_the_hash_fits_in_64_bits_for_every_mode():
    picture = noise(4)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"):
        assert 0 <= perceptual_hash(picture.convert(mode)) < 1 << 64
    assert distance(picture, picture.convert("RGBA")) == 0
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    assert distance(picture, deep) <= 2


def test_transparent_parts_count_as_white():
    clear = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 30, 60))
    solid = Image.new("RGB", (60, 60), "white")
    solid.paste((0, 0, 0), (0, 0, 30, 60))
    assert distance(clear, solid) == 0


def test_hashes_within_the_distance_are_joined_in_chains():
    assert near_duplicate_groups([0b0000, 0b0111, 0b111111, 0b1111 << 60], 3) == [0, 0, 0, 3]
    assert near_duplicate_groups([0b0000, 0b0111, 0b111111], 2) == [0, 1, 2]
    assert near_duplicate_groups([5, 5], 0) == [0, 0]
    assert near_duplicate_groups([]) == []


def test_groups_are_the_same_across_the_blocks_they_are_computed_in():
    rng = np.random.default_rng(0)
    hashes = [int(value) for value in rng.integers(0, 2**63, 2500)]
    hashes[2400] = hashes[7] ^ 0b101
    found = near_duplicate_groups(hashes, 3)
    assert found[2400] == 7
    assert sum(first != index for index, first in enumerate(found)) == 1


def test_a_group_is_named_after_its_smallest_hash():
    images = rows({"sha256": "b" * 64}, {"sha256": "a" * 64}, {"sha256": "c" * 64})
    assert group_images(images, [1, 3, 0b11111 << 40])["group"].to_list() == ["a" * 16, "a" * 16, "c" * 16]


def test_one_picture_under_two_labels_is_dropped_under_both():
    images = rows(
        {"sha256": "x", "family": "glass"},
        {"sha256": "x", "family": "metal"},
        {"sha256": "y", "family": "glass"},
    )
    result = drop_contradictions(images)
    assert result.frame["id"].to_list() == ["i2"]
    assert result.read == 3
    assert result.quarantine.select("dataset", "file", "reason", "content").rows() == [
        ("images", "i0", "the same picture carries other labels as i1", "family glass"),
        ("images", "i1", "the same picture carries other labels as i0", "family metal"),
    ]


def test_a_missing_label_contradicts_nothing():
    images = rows(
        {"sha256": "x", "family": "glass", "item": "glass_jar"},
        {"sha256": "x", "family": "glass"},
        {"sha256": "y"},
        {"sha256": "y"},
    )
    assert drop_contradictions(images).frame.height == 4


def frame(labels: list[str | None], groups: list[int]) -> pl.DataFrame:
    keys = [f"{value:032x}" for value in np.random.default_rng(len(labels)).permutation(len(labels))]
    return pl.DataFrame({"label": labels, "group": groups, "sha256": keys}, schema_overrides={"label": pl.String})


def test_shares_are_met_within_each_label():
    split = assign_splits(frame(["a"] * 100 + ["b"] * 20, list(range(120))), by="label", group="group")
    counts = {(label, name): count for label, name, count in split.group_by("label", "split").len().rows()}
    assert counts == {
        ("a", "train"): 70, ("a", "validation"): 15, ("a", "test"): 15,
        ("b", "train"): 14, ("b", "validation"): 3, ("b", "test"): 3,
    }  # fmt: skip


def test_a_row_added_later_moves_few_others():
    before = frame(["a"] * 200, list(range(200)))
    added = pl.concat([before, pl.DataFrame({"label": ["a"], "group": [200], "sha256": ["0" * 31 + "5"]})])
    old = assign_splits(before, by="label", group="group")["split"]
    new = assign_splits(added, by="label", group="group")["split"][:200]
    assert (old != new).sum() <= 2


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_shares_that_are_no_shares_are_refused(shares):
    with pytest.raises(InputError, match="must not be negative and add to 1"):
        assign_splits(frame(["a"], [0]), by="label", group="group", shares=shares)


def test_an_empty_table_has_an_empty_split():
    assert assign_splits(frame([], []), by="label", group="group")["split"].to_list() == []


LABELLED = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 15)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=100)
@given(LABELLED, st.randoms(use_true_random=False))
def test_groups_never_straddle_and_the_order_of_rows_does_not_matter(case, rng):
    table = frame([label for label, _ in case], [group for _, group in case])
    split = assign_splits(table, by="label", group="group")
    assert split.columns == ["label", "group", "sha256", "split"]
    assert split["sha256"].to_list() == table["sha256"].to_list()
    assert split.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    order = list(range(len(case)))
    rng.shuffle(order)
    again = assign_splits(table[order], by="label", group="group")
    assert again.sort("sha256").equals(split.sort("sha256"))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 30), min_size=20, max_size=200))
def test_a_split_is_right_to_within_its_largest_group(groups):
    split = assign_splits(frame(["a"] * len(groups), groups), by="label", group="group")
    largest = max(np.bincount(groups))
    for name, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
        assert abs((split["split"] == name).sum() - share * len(groups)) <= largest + 1e-9


def test_near_duplicates_in_two_splits_are_found_from_their_hashes_whatever_their_groups() -> None:
    def image(name: str, split: str, value: int | None, sha256: str = "") -> dict[str, object]:
        perceptual = None if value is None else f"{value:015x}"
        return {"id": name, "split": split, "perceptual_hash": perceptual, "sha256": sha256 or name, "group": name}

    near = [image("a", "train", 0b0000), image("b", "test", 0b0111), image("c", "train", 0b0001)]
    assert straddling_pairs(rows(*near)) == 2  # a and b, b and c
    far = [image("a", "train", 0), image("b", "test", 0b1111_1111)]
    assert straddling_pairs(rows(*far)) == 0
    drawn = [image("a", "train", None, "x"), image("b", "test", None, "x"), image("c", "test", None, "y")]
    assert straddling_pairs(rows(*drawn)) == 1
