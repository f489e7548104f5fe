from __future__ import annotations

import numpy as np
import torch

from releaf.training.device import Hardware
from releaf.vision.prediction import TorchNetwork, channels_last, predict_logits
from releaf.vision.preprocessing import normalize, to_tensor
from releaf.vision.training import TrainedVision


def some_pixels(count: int = 7) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(count, 32, 32, 3), dtype=np.uint8)


def test_logits_do_not_depend_on_the_batch_size(trained: TrainedVision, hardware: Hardware):
    model = trained.checkpoint.model.eval()
    together, apart = (predict_logits(model, some_pixels(), hardware, batch_size=size) for size in (7, 2))
    for head, logits in together.items():
        assert logits.shape[0] == 7
        torch.testing.assert_close(apart[head], logits, rtol=1e-4, atol=1e-5)


def test_the_network_gives_the_models_logits_and_the_features_they_come_from(
    trained: TrainedVision, hardware: Hardware
):
    model, pixels = trained.checkpoint.model.eval(), some_pixels(66)
    found = TorchNetwork(model, hardware)(pixels)
    for head, logits in predict_logits(model, pixels, hardware).items():
        np.testing.assert_allclose(found.logits[head], logits.numpy(), rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        features = model.features(channels_last(normalize(to_tensor(pixels))))
    np.testing.assert_allclose(found.features, features.numpy(), rtol=1e-4, atol=1e-5)


def test_the_memory_layout_changes_no_value():
    pixels = torch.randn(2, 3, 4, 4)
    assert torch.equal(channels_last(pixels), pixels)
