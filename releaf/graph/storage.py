"""Arrays on disk as safetensors, read without torch and without unpickling anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from releaf.artifacts import atomic_write_bytes
from releaf.errors import ArtifactError

Array: TypeAlias = npt.NDArray[Any]


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays to one safetensors file, atomically."""
    from safetensors.numpy import save

    atomic_write_bytes(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Read the arrays that `names` asks for; raises `ArtifactError` when the file or one of them is not there."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.is_file():
        raise ArtifactError(f"{path} is missing; it has to be made again")
    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise ArtifactError(f"{path} is no safetensors file ({error}); it has to be made again") from error
    missing = sorted(set(names) - set(arrays))
    if missing:
        raise ArtifactError(f"{path} has no {', '.join(missing)}; it was written by another version")
    return {name: arrays[name] for name in names}
