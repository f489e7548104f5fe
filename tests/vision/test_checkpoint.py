from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from releaf.artifacts import sha256_file
from releaf.errors import ArtifactError, InputError
from releaf.taxonomy import Taxonomy
from releaf.vision.checkpoint import DESCRIPTION, WEIGHTS, load, save
from releaf.vision.training import TrainedVision


@pytest.fixture
def saved(trained: TrainedVision, tmp_path: Path) -> Path:
    save(trained.checkpoint, tmp_path)
    return tmp_path


def test_a_saved_checkpoint_comes_back_whole(saved: Path, trained: TrainedVision, taxonomy: Taxonomy):
    loaded = load(saved, taxonomy)
    assert loaded.names == trained.checkpoint.names
    assert not loaded.model.training
    pixels = torch.randn(2, 3, 32, 32)
    for head, logits in trained.checkpoint.model.eval()(pixels).items():
        assert torch.equal(loaded.model(pixels)[head], logits)


def test_settings_come_back_as_they_were_used(saved: Path, trained: TrainedVision):
    described = json.loads((saved / DESCRIPTION).read_text())
    assert described["settings"]["backbone"] == "resnet10t"
    loaded = load(saved).settings
    assert replace(loaded, backbone_options={}) == replace(trained.checkpoint.settings, backbone_options={})


def test_saving_twice_gives_the_same_bytes(saved: Path, tmp_path: Path, taxonomy: Taxonomy):
    again = tmp_path / "again"
    again.mkdir()
    save(load(saved), again)
    assert [sha256_file(again / name) for name in (WEIGHTS, DESCRIPTION)] == [
        sha256_file(saved / name) for name in (WEIGHTS, DESCRIPTION)
    ]


def test_a_checkpoint_of_another_taxonomy_is_refused_with_the_names(saved: Path, taxonomy: Taxonomy):
    renamed = (replace(taxonomy.items[0], id="bathtub"), *taxonomy.items[1:])
    with pytest.raises(
        InputError, match=r"only in the checkpoint: \['plastic_bottle'\]; only in the taxonomy: \['bathtub'\]"
    ):
        load(saved, replace(taxonomy, items=renamed))


def test_a_taxonomy_in_another_order_is_refused(saved: Path, taxonomy: Taxonomy):
    with pytest.raises(InputError, match="bin: the order differs: recycle, compost, landfill, hazardous"):
        load(saved, replace(taxonomy, bins=taxonomy.bins[::-1]))


def test_a_material_that_moved_to_another_family_is_refused(saved: Path, taxonomy: Taxonomy):
    moved = tuple(replace(m, family="organic") if m.id == "textile" else m for m in taxonomy.materials)
    with pytest.raises(InputError, match="family of textile"):
        load(saved, replace(taxonomy, materials=moved))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "made by another version"),
        ({"preprocessing": {"version": 0}}, "made by another version"),
        ({"names": {"item": []}}, "lacks what a vision checkpoint needs"),
        ({"settings": {"backbone": "resnet10t", "colour": "red"}}, "lacks what a vision checkpoint needs"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(saved: Path, change: dict[str, Any], message: str):
    described = json.loads((saved / DESCRIPTION).read_text())
    (saved / DESCRIPTION).write_text(json.dumps({**described, **change}))
    with pytest.raises(ArtifactError, match=message):
        load(saved)


def test_missing_and_damaged_files_are_refused(saved: Path, tmp_path: Path):
    with pytest.raises(ArtifactError, match="is missing"):
        load(tmp_path / "nothing")
    (saved / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match="cannot be read into resnet10t"):
        load(saved)
