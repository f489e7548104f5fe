from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from releaf.errors import InputError
from releaf.vision.settings import VisionSettings


def test_settings_survive_a_round_trip_through_plain_data():
    settings = VisionSettings(source="scratch", backbone_options={"channels": [8, 16]}, photograph_epochs=4)
    assert VisionSettings(**asdict(settings)) == settings


def test_photographs_get_their_own_number_of_epochs_where_one_is_given():
    special = VisionSettings(epochs=5, image_size=64, photograph_epochs=9, photograph_image_size=112)
    assert (special.with_photographs().epochs, special.with_photographs().image_size) == (9, 112)
    assert (special.epochs, special.image_size) == (5, 64)
    assert VisionSettings(epochs=5).with_photographs() == VisionSettings(epochs=5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "download"}, "source 'download' must be scratch, path:<folder>"),
        ({"source": "path:"}, "source 'path:' must be"),
        ({"source": "scratch:resnet"}, "source 'scratch:resnet' must be"),
        ({"image_size": 8}, "image_size 8 must be 16 to 1024"),
        ({"epochs": 0}, "epochs 0 and photograph_epochs None"),
        ({"photograph_epochs": 0}, "photograph_epochs 0 must be at least 1"),
        ({"batch_size": 1}, "batch_size 1 must be at least 2"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing -0.1"),
    ],
)
def test_contradictory_settings_are_refused(change: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        VisionSettings(**change)
