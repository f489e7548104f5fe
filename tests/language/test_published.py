from __future__ import annotations

import json
from pathlib import Path

import pytest

from releaf.errors import HardwareError, ModelSourceError
from releaf.language.decoder import Base
from releaf.language.published import POINTER, open_published_base, write_pointer
from releaf.training.device import Hardware


def test_a_base_in_its_own_folder_is_opened(base_directory: Path, base: Base) -> None:
    assert open_published_base(base_directory).fingerprint == base.fingerprint


def test_a_base_from_elsewhere_is_opened_where_it_is(base_directory: Path, base: Base, tmp_path: Path) -> None:
    write_pointer(tmp_path, base, f"path:{base_directory}", "none")

    assert open_published_base(tmp_path).fingerprint == base.fingerprint


def test_a_base_that_changed_since_is_refused(base_directory: Path, base: Base, tmp_path: Path) -> None:
    write_pointer(tmp_path, base, f"path:{base_directory}", "none")
    pointer = json.loads((tmp_path / POINTER).read_text())
    (tmp_path / POINTER).write_text(json.dumps(pointer | {"fingerprint": "0" * 64}))

    with pytest.raises(ModelSourceError, match="holds other weights"):
        open_published_base(tmp_path)


def test_a_base_held_in_nf4_needs_the_device_again(
    base_directory: Path, base: Base, hardware: Hardware, tmp_path: Path
) -> None:
    write_pointer(tmp_path, base, f"path:{base_directory}", "nf4")

    with pytest.raises(HardwareError, match="needs CUDA"):
        open_published_base(tmp_path, hardware)
