"""A classifier that needs no training: it goes by a picture's mean colour, so every answer is known beforehand.

Red is a shirt, green a battery, blue a plastic bottle; anything else it does not know.
"""

from __future__ import annotations

import numpy as np

from releaf.taxonomy import Taxonomy
from releaf.vision.blend import Weights
from releaf.vision.data import LABELS, ClassNames, Pixels
from releaf.vision.network import Outputs
from releaf.vision.novelty import Novelty
from releaf.vision.predictor import Predictor

ITEMS = {"red": "t_shirt", "green": "battery", "blue": "plastic_bottle"}
MATERIALS = {"red": "textile", "green": "steel", "blue": "pet"}
BINS = {"red": "landfill", "green": "hazardous", "blue": "recycle"}
SURE = 12.0  # logit of the colour's class; the others have 0
SIZE = 16


class ColourNetwork:
    """Gives the class of a colour the logit SURE where that colour is brighter by 100 than both others."""

    def __init__(self, names: ClassNames) -> None:
        self._names = names

    def __call__(self, pixels: Pixels) -> Outputs:
        colour = pixels.mean(axis=(1, 2)).astype(np.float32)
        brightest = colour.argmax(axis=1)
        clear = np.sort(colour, axis=1)[:, 2] - np.sort(colour, axis=1)[:, 1] > 100
        logits = {}
        for head, classes in (("item", ITEMS), ("material", MATERIALS), ("bin", BINS)):
            ids = self._names.ids(head)
            places = np.array([ids.index(name) for name in classes.values()])
            logits[head] = np.zeros((len(pixels), len(ids)), dtype=np.float32)
            logits[head][np.flatnonzero(clear), places[brightest[clear]]] = SURE
        return Outputs(logits, colour)


def colour_predictor(taxonomy: Taxonomy) -> Predictor:
    """The network as a predictor; what has no clear colour is novel."""
    names = ClassNames.of(taxonomy)
    novelty = Novelty("probability", 0.5, {})
    return Predictor(names, SIZE, ColourNetwork(names), None, dict.fromkeys(LABELS, Weights()), novelty)
