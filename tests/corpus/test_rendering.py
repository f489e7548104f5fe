from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from releaf.artifacts import sha256_file
from releaf.corpus.rendering import render_image, render_images
from releaf.corpus.rendering.canvas import (
    Canvas,
    box,
    cone,
    ellipse,
    flowing,
    on_face,
    relief,
    revolved,
    rounded_box,
    smooth,
)
from releaf.corpus.rendering.png import encode_png
from releaf.corpus.rendering.render import DRAWINGS
from releaf.corpus.rendering.sketch import Sketch
from releaf.corpus.rendering.textures import TEXTURES, surface
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


def test_pictures_are_the_same_bytes_on_every_machine(taxonomy: Taxonomy):
    """One hash over each item in each material, at one version of the drawings.

    Where a change of the pictures is meant, renew the hash and raise the code version of the asset `rendered_images`.
    """
    pairs = [(item.id, material) for item in taxonomy.items for material in item.materials]
    pictures = [encode_png(render_image(item, material, size=64, seed=7)) for item, material in pairs]
    assert hashlib.sha256(b"".join(pictures)).hexdigest()[:16] == "54524a02991f7ca0"


def test_a_picture_keeps_its_coarse_values():
    grey = render_image("newspaper", "paper", size=64, seed=3).mean(axis=2).reshape(4, 16, 4, 16).mean(axis=(1, 3))
    expected = [[153, 161, 177, 178], [125, 119, 156, 169], [126, 125, 148, 163], [116, 114, 132, 152]]
    np.testing.assert_allclose(grey, expected, atol=2.0)


def _block(material: str, seed: int) -> Canvas:
    canvas = Canvas(48, angle=0, scale=0.5, centre=(0.5, 0.5))
    rng = np.random.default_rng(seed)
    Sketch(material, canvas, surface(material, canvas, rng), rng, 0.5).rounded(box(-0.8, -0.8, 0.8, 0.8), 0.8)
    return canvas


def test_the_ground_shows_through_clear_plastic_glass_and_film_alone():
    cover = {m: min(_block(m, seed).alpha[24, 24] for seed in range(12)) for m in TEXTURES}
    assert max(cover[m] for m in ("pet", "glass", "ldpe")) < 0.85
    assert {m for m, value in cover.items() if value < 0.99} == {"pet", "glass", "ldpe", "hdpe", "polypropylene"}


def test_gloss_sets_glass_and_plastic_apart_from_foam_paper_and_cloth():
    def peak(material: str) -> float:  # of the brightness along the curve, over its median
        grey = np.mean([_block(material, seed).colour.mean(axis=(0, 1)) for seed in range(12)], axis=0)[8:40]
        return float(grey.max() - np.median(grey))

    dull = [peak(m) for m in ("polystyrene", "paper", "cardboard", "textile", "wood")]
    assert min(peak(m) for m in ("pet", "glass", "laminate", "polypropylene")) > 2 * max(dull)


def test_no_two_pictures_share_their_ground_or_place():
    """The mean of many pictures is nearly flat at the border: no colour or frame gives an item away."""
    for item, material in (("battery", "steel"), ("fruit_peel", "food_scraps")):
        mean = np.stack([render_image(item, material, size=24, seed=2, number=k) for k in range(120)]).mean(axis=0)
        border = np.concatenate([mean[0], mean[-1], mean[:, 0], mean[:, -1]])
        assert border.std(axis=0).max() < 15


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
    np.testing.assert_allclose(canvas.colour[:, 0, 0], [0.75, 0.0, 0.25])
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


def test_a_sleeve_narrows_from_one_radius_to_the_other():
    sleeve = cone(0.5, 0.3, -0.2, 0.4, 0.0)
    assert np.abs(sleeve[sleeve[:, 1] < 0, 0]).max() == pytest.approx(0.5)
    assert np.abs(sleeve[sleeve[:, 1] > 0, 0]).max() == pytest.approx(0.3)


def test_a_flowing_profile_passes_through_its_points():
    profile = [(-0.9, 0.1), (-0.4, 0.12), (0.0, 0.4), (0.8, 0.4)]
    curve = np.array(flowing(profile))
    assert all(np.abs(curve - p).sum(axis=1).min() < 1e-12 for p in np.array(profile))


def test_a_face_maps_the_corners_of_the_unit_square():
    face = on_face(box(0, 0, 1, 1), (1.0, 2.0), (0.5, -0.1), (0.0, 0.8))
    np.testing.assert_allclose(face, [[1.0, 2.0], [1.5, 1.9], [1.5, 2.7], [1.0, 2.8]])


def test_the_relief_of_bumps_has_no_side_brighter_than_the_other():
    slope = relief(np.random.default_rng(0), 96, 6)
    assert slope.shape == (96, 96)
    assert abs(float(slope.mean())) < 0.05
    assert 0.3 < float(np.abs(slope).max()) < 2.0
