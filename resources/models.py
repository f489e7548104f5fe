"""Models that assets share within one process: the text encoder is opened once, whoever asks for it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from releaf.retrieval.settings import RetrievalSettings
from releaf.training.device import Hardware

if TYPE_CHECKING:
    from releaf.retrieval.encode import Encoder


@lru_cache(maxsize=1)
def open_encoder(settings: RetrievalSettings, hardware: Hardware) -> Encoder:
    """The encoder that the settings name; raises `ModelSourceError` saying what to set when it cannot be opened."""
    from releaf.retrieval.encode import Encoder

    return Encoder.open(
        settings.encoder, hardware=hardware, batch_size=settings.batch_size, max_tokens=settings.max_tokens
    )
