from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import releaf.corpus.other_pictures as module
from releaf.corpus.other_pictures import (
    PARTS,
    PHOTOGRAPH_CROP,
    PHOTOGRAPHS,
    SYNTHETIC,
    SYNTHETIC_FAMILIES,
    Part,
    Photograph,
    other_pictures,
)
from releaf.errors import DataError, InputError


@pytest.mark.parametrize("part", PARTS)
def test_kinds_alternate_and_pictures_have_the_size_asked_for(part: Part) -> None:
    pixels, kinds = other_pictures(24, seed=0, count=11, part=part)
    assert pixels.shape == (11, 24, 24, 3)
    assert pixels.dtype == np.uint8
    assert kinds == (PHOTOGRAPH_CROP, SYNTHETIC) * 5 + (PHOTOGRAPH_CROP,)


@pytest.mark.parametrize("part", PARTS)
def test_the_same_seed_gives_the_same_pictures_and_more_of_them_begin_alike(part: Part) -> None:
    few, many = (other_pictures(16, seed=4, count=count, part=part)[0] for count in (6, 20))
    np.testing.assert_array_equal(many[:6], few)
    other = other_pictures(16, seed=5, count=6, part=part)[0]
    assert all((few[i] != other[i]).any() for i in range(6))


@pytest.mark.parametrize("part", PARTS)
def test_no_two_of_many_pictures_are_equal_and_none_is_of_one_colour(part: Part) -> None:
    pixels, _ = other_pictures(32, seed=0, count=80, part=part)
    assert len({picture.tobytes() for picture in pixels}) == 80
    assert all(picture.max() > picture.min() for picture in pixels)


def test_the_parts_share_neither_a_photograph_nor_a_family_of_drawings() -> None:
    files = {part: {one.file for one in PHOTOGRAPHS if one.part == part} for part in PARTS}
    assert files["choose"]
    assert files["report"]
    assert not files["choose"] & files["report"]
    families = {part: set(SYNTHETIC_FAMILIES[part]) for part in PARTS}
    assert not families["choose"] & families["report"]
    draws = {part: set(SYNTHETIC_FAMILIES[part].values()) for part in PARTS}
    assert not draws["choose"] & draws["report"]


def test_every_photograph_is_installed_and_stands_in_the_table_of_licences() -> None:
    assert module.__doc__ is not None
    for photograph in PHOTOGRAPHS:
        assert photograph.path.is_file()
        assert re.search(rf"{photograph.part}\s+{Path(photograph.file).name}\s.*{photograph.licence}", module.__doc__)


def test_a_photograph_that_is_not_installed_is_named() -> None:
    with pytest.raises(DataError, match=r"'sklearn' has no images/nothing\.jpg"):
        _ = Photograph("choose", "sklearn", "images/nothing.jpg", "nobody", "none").path
    with pytest.raises(DataError, match=r"'no_such_package' has no a\.jpg"):
        _ = Photograph("choose", "no_such_package", "a.jpg", "nobody", "none").path


def test_a_checkerboard_has_two_colours_and_a_gradient_none_that_jumps() -> None:
    rng = np.random.default_rng(0)
    board = np.asarray(SYNTHETIC_FAMILIES["choose"]["checkerboard"](rng)).reshape(-1, 3)
    assert len(np.unique(board, axis=0)) == 2
    gradient = np.asarray(SYNTHETIC_FAMILIES["choose"]["gradient"](rng)).astype(int)
    assert max(np.abs(np.diff(gradient, axis=axis)).max() for axis in (0, 1)) <= 2


@pytest.mark.parametrize(("size", "count"), [(7, 1), (16, 0)])
def test_sizes_and_counts_that_are_too_small_are_refused(size: int, count: int) -> None:
    with pytest.raises(InputError, match=f"size {size} must be at least 8 pixels and count {count} at least 1"):
        other_pictures(size, 0, count, "choose")


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="part 'test' must be one of choose, report"):
        other_pictures(16, 0, 1, "test")  # type: ignore[arg-type]
