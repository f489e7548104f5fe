"""Models that assets share within one process: the text encoder is opened once, whoever asks for it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from releaf.retrieval.settings import RetrievalSettings
from releaf.training.device import Hardware

# Upper bounds for the largest encoder of the profiles (335 M parameters in fp32, 24 layers of 1024): attention scores
# and activations of one token, all layers kept.
MODEL_BYTES = 335_000_000 * 4
BYTES_A_TOKEN = 24 * 1024 * 4 * 12

if TYPE_CHECKING:
    from releaf.retrieval.encode import Encoder


@lru_cache(maxsize=1)
def open_encoder(settings: RetrievalSettings, hardware: Hardware) -> Encoder:
    """The encoder that the settings name; raises `ModelSourceError` saying what to set when it cannot be opened."""
    from releaf.retrieval.encode import Encoder

    return Encoder.open(
        settings.encoder,
        hardware=hardware,
        batch_size=encoder_batch_size(settings, hardware),
        max_tokens=settings.max_tokens,
    )


def encoder_batch_size(settings: RetrievalSettings, hardware: Hardware) -> int:
    """The batch that is set, or the largest that fits what is free; vectors do not depend on it.

    Raises `HardwareError` when not even one text fits.
    """
    return hardware.batch_size(MODEL_BYTES, BYTES_A_TOKEN * settings.max_tokens, limit=settings.batch_size)
