"""Models that assets share within one process: the text encoder is opened once, whoever asks for it."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from releaf.artifacts import Artifact, content_hash, staged_directory
from releaf.retrieval.settings import RetrievalSettings
from releaf.training.device import Hardware
from resources.settings import Settings

# What stands in a `text_encoder` artifact whose encoder runs in torch.
TORCH_SOURCE = "source.json"

if TYPE_CHECKING:
    from releaf.retrieval.encode import Encoder, TextEncoder
    from releaf.retrieval.onnx_encoder import OnnxEncoder


def open_encoder(text_encoder: Artifact, settings: RetrievalSettings, hardware: Hardware) -> TextEncoder:
    """The encoder of a `text_encoder` artifact, in the runtime it was made for.

    Raises `ModelSourceError` saying what to set when it cannot be opened, `ArtifactError` for a damaged export.
    """
    if not (text_encoder.path / TORCH_SOURCE).is_file():
        return open_onnx_encoder(text_encoder.path)
    described = text_encoder.read_json(TORCH_SOURCE)
    kept = replace(settings, encoder=described["source"], max_tokens=described["max_tokens"])
    return open_torch_encoder(kept, hardware)


def open_onnx_encoder(folder: Path) -> OnnxEncoder:
    """An exported encoder, with a text on every processor at once."""
    from releaf.retrieval.onnx_encoder import OnnxEncoder

    return OnnxEncoder.open(folder, threads=processors())


def open_served_encoder(settings: Settings, text_encoder: Artifact) -> TextEncoder:
    """`open_encoder` for a command: torch is imported only where the encoder runs in it."""
    if not (text_encoder.path / TORCH_SOURCE).is_file():
        return open_onnx_encoder(text_encoder.path)
    from releaf.training.device import detect

    return open_encoder(text_encoder, settings.retrieval, detect(settings.device, settings.precision))


def processors() -> int:
    """Processors that this process may use: each runs a text of its own."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def exported_encoder(settings: RetrievalSettings, cache: Path) -> Path:
    """The encoder of the settings exported for ONNX Runtime below a folder, made where it is not there yet."""
    from releaf.retrieval.onnx_encoder import export_encoder

    key = content_hash([settings.encoder, settings.precision, settings.max_tokens])[:16]
    target = cache / f"encoder-{key}"
    if not target.is_dir():
        with staged_directory(cache) as staging:
            export_encoder(settings.encoder, staging, precision=settings.precision, max_tokens=settings.max_tokens)
            staging.rename(target)
    return target


@lru_cache(maxsize=1)
def open_torch_encoder(settings: RetrievalSettings, hardware: Hardware) -> Encoder:
    """The encoder that the settings name, in torch on the device.

    Raises `ModelSourceError` saying what to set when it cannot be opened, `HardwareError` where not one text fits.
    """
    from releaf.retrieval.encode import Encoder

    return Encoder.open(
        settings.encoder, hardware=hardware, batch_size=settings.batch_size, max_tokens=settings.max_tokens
    )
