"""What every form of the trained network gives, whatever runs it: torch in training, ONNX Runtime in serving.

Knows arrays alone, so that serving need not import torch.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from releaf.vision.data import Pixels

Floats = npt.NDArray[np.float32]


class Outputs(NamedTuple):
    """What the network says of N pictures.

    logits: by head (`item`, `material`, `bin`), each (N, classes) float32. features: the pooled features that all heads
    read, (N, width) float32.
    """

    logits: dict[str, Floats]
    features: Floats


class Network(Protocol):
    """A trained network ready to run; safe to share between threads."""

    def __call__(self, pixels: Pixels) -> Outputs:
        """Return the outputs for (N, size, size, 3) uint8 RGB pixels, N at least 1."""
