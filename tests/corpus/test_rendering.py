from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from releaf.artifacts import sha256_file
from releaf.corpus.rendering import render_image, render_images
from releaf.corpus.rendering.canvas import Canvas, box, ellipse, revolved, rounded_box, smooth
from releaf.corpus.rendering.png import encode_png
from releaf.corpus.rendering.render import DRAWINGS
from releaf.corpus.rendering.textures import TEXTURES
from releaf.errors import InputError
from releaf.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def rendered(taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return render_images(tmp_path_factory.mktemp("images"), taxonomy, per_item=3, size=32, seed=5)


def test_every_item_and_material_of_the_taxonomy_can_be_drawn(taxonomy: Taxonomy):
    assert set(DRAWINGS) == set(taxonomy.item_ids)
    assert set(TEXTURES) == set(taxonomy.material_ids)


def test_every_item_appears_in_each_of_its_materials(rendered: pl.DataFrame, taxonomy: Taxonomy):
    pairs = set(rendered.select("item", "material").iter_rows())
    assert pairs == {(item.id, material) for item in taxonomy.items for material in item.materials}


def test_labels_agree_with_the_taxonomy(rendered: pl.DataFrame, taxonomy: Taxonomy):
    for row in rendered.iter_rows(named=True):
        assert row["bin"] == taxonomy.item(row["item"]).bin
        assert row["family"] == taxonomy.material(row["material"]).family


def test_every_row_says_rendered(rendered: pl.DataFrame):
    assert rendered["source"].unique().to_list() == ["rendered"]
    assert rendered["dataset"].unique().to_list() == ["rendered"]


def test_rows_describe_the_files(rendered: pl.DataFrame):
    assert rendered.height == 60
    assert rendered["id"].n_unique() == 60
    assert rendered["sha256"].n_unique() == 60
    for row in rendered.sample(8, seed=0).iter_rows(named=True):
        assert sha256_file(Path(row["path"])) == row["sha256"]
        with Image.open(row["path"]) as image:
            assert image.size == (row["width"], row["height"]) == (32, 32)


def test_one_seed_gives_the_same_bytes_and_another_seed_others(
    rendered: pl.DataFrame, taxonomy: Taxonomy, tmp_path: Path
):
    again = render_images(tmp_path / "again", taxonomy, per_item=3, size=32, seed=5)
    other = render_images(tmp_path / "other", taxonomy, per_item=3, size=32, seed=6)
    assert again["sha256"].to_list() == rendered["sha256"].to_list()
    assert not set(other["sha256"]) & set(rendered["sha256"])


def test_more_pictures_keep_the_first_ones(rendered: pl.DataFrame, taxonomy: Taxonomy, tmp_path: Path):
    more = render_images(tmp_path, taxonomy, per_item=4, size=32, seed=5)
    assert set(rendered["sha256"]) <= set(more["sha256"])


def test_too_few_pictures_for_an_items_materials_are_refused(taxonomy: Taxonomy, tmp_path: Path):
    with pytest.raises(InputError, match="per_item is 2: at least 3"):
        render_images(tmp_path, taxonomy, per_item=2, size=32, seed=0)


def test_an_item_without_a_drawing_is_refused_before_any_file_is_written(taxonomy: Taxonomy, tmp_path: Path):
    unknown = replace(taxonomy.items[0], id="bathtub")
    with pytest.raises(InputError, match="no drawing for item 'bathtub'"):
        render_images(tmp_path, replace(taxonomy, items=(*taxonomy.items, unknown)), per_item=3, size=32, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_shows_nothing_is_refused():
    with pytest.raises(InputError, match="24 to 1024 pixels wide, not 8"):
        render_image("battery", "steel", size=8, seed=0)


def test_progress_reaches_the_total(taxonomy: Taxonomy, tmp_path: Path):
    seen: list[tuple[int, int]] = []
    render_images(
        tmp_path,
        taxonomy,
        per_item=3,
        size=24,
        seed=0,
        progress=lambda done, total, note="": seen.append((done, total)),
    )
    assert seen[-1] == (60, 60)


def test_materials_look_different():
    looks = {m: render_image("takeaway_tray", m, size=48, seed=1) for m in ("polystyrene", "aluminium")}
    assert np.abs(looks["polystyrene"].astype(int) - looks["aluminium"]).mean() > 5


def test_png_bytes_decode_to_the_pixels_they_were_made_from():
    pixels = np.random.default_rng(0).integers(0, 256, size=(190, 130, 3), dtype=np.uint8)  # over one stored block
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_png_needs_three_channels():
    with pytest.raises(ValueError, match=r"\(4, 4, 1\)"):
        encode_png(np.zeros((4, 4, 1), dtype=np.uint8))


def test_a_mask_covers_the_area_of_its_shape():
    canvas = Canvas(100, angle=30, scale=0.4, centre=(0.5, 0.5))
    square = canvas.mask(box(-0.5, -0.5, 0.5, 0.5)).sum()
    disc = canvas.mask(ellipse(0, 0, 0.5, 0.5)).sum()
    assert square == pytest.approx(40 * 40, rel=0.06)
    assert disc / square == pytest.approx(np.pi / 4, rel=0.03)


def test_object_coordinates_turn_with_the_object():
    canvas = Canvas(64, angle=90, scale=0.5, centre=(0.5, 0.5))
    right = canvas.mask(box(0.5, -0.1, 0.9, 0.1)) > 0.5
    assert canvas.u[right].min() > 0.4  # what was drawn on the object's right has coordinates on its right
    assert np.argwhere(right)[:, 0].mean() > 40  # a clockwise quarter turn takes right to the bottom


def test_a_half_transparent_layer_mixes_with_what_is_below():
    canvas = Canvas(8, angle=0, scale=0.5, centre=(0.5, 0.5))
    everywhere = np.ones((8, 8), dtype=np.float32)
    canvas.paint(everywhere, (1.0, 0.0, 0.0))
    canvas.paint(everywhere, (0.0, 0.0, 1.0), 0.25)
    np.testing.assert_allclose(canvas.colour[0, 0], [0.75, 0.0, 0.25])
    np.testing.assert_allclose(canvas.alpha, 1.0)


def test_a_spline_passes_through_its_points():
    points = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    for closed in (True, False):
        curve = smooth(points, closed=closed, steps=4)
        assert all(np.abs(curve - p).sum(axis=1).min() < 1e-12 for p in np.array(points))


def test_outlines_keep_their_measures():
    assert np.abs(rounded_box(-0.4, -0.6, 0.4, 0.6, 0.1)).max(axis=0).tolist() == pytest.approx([0.4, 0.6])
    bottle = revolved([(-1.0, 0.1), (0.8, 0.5)], tilt=0.2)
    assert bottle[:, 0].min() == pytest.approx(-0.5)
    assert bottle[:, 1].max() == pytest.approx(0.9)  # 0.8 and half an ellipse of height 0.5 x 0.2
