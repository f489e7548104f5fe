"""The base and adapter of published directories: the one door through which whoever answers or measures opens them.

What such a directory holds is written by the pipeline; models themselves are opened in `decoder` and `adapters`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from releaf.artifacts import read_json, write_json
from releaf.errors import ModelSourceError

if TYPE_CHECKING:
    from releaf.language.decoder import Base
    from releaf.language.settings import Quantize
    from releaf.training.device import Hardware

POINTER = "source.json"
"""What is on disk of a base that was not trained here: where it comes from, how it is held, and its fingerprint."""


def write_pointer(directory: Path, base: Base, source: str, quantize: Quantize) -> None:
    """Remember a base from elsewhere."""
    write_json(directory / POINTER, {"source": source, "quantize": quantize, "fingerprint": base.fingerprint})


def open_published_base(directory: Path, hardware: Hardware | None = None) -> Base:
    """The base that is in `directory`, or that it points to, held as it was when the pointer was written.

    Raises `ModelSourceError` when it cannot be opened, or when what it points to has changed since.
    """
    from releaf.language.decoder import open_base

    file = directory / POINTER
    if not file.is_file():
        return open_base(f"path:{directory}", hardware)
    pointer = read_json(file)
    base = open_base(pointer["source"], hardware, quantize=pointer["quantize"])
    if base.fingerprint != pointer["fingerprint"]:
        raise ModelSourceError(
            f"{pointer['source']} holds other weights or another vocabulary than when {file} was written "
            f"({base.fingerprint[:12]}…, not {pointer['fingerprint'][:12]}…, computing in "
            f"{hardware.precision if hardware else 'fp32'}); `releaf run` takes it up anew"
        )
    return base
