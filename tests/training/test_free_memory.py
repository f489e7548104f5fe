from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from releaf.training.free_memory import free_main_memory

AVAILABLE = 6 << 30


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a busy disk leaves: little is free, but most of what is used is files that give way.
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(free=1 << 30, available=AVAILABLE))


def group(folder: Path, limit: str, used: int, files: int) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon {used - files}\ninactive_file {files}\nactive_file 0\n")
    return folder


def test_files_kept_in_memory_count_as_free(tmp_path: Path) -> None:
    assert free_main_memory(tmp_path / "none") == AVAILABLE


def test_a_container_leaves_what_is_below_its_limit(tmp_path: Path) -> None:
    assert free_main_memory(group(tmp_path, str(4 << 30), 3 << 30, 1 << 30)) == 2 << 30
    assert free_main_memory(group(tmp_path, str(64 << 30), 3 << 30, 0)) == AVAILABLE
    assert free_main_memory(group(tmp_path, "max", 3 << 30, 0)) == AVAILABLE
    assert free_main_memory(group(tmp_path, str(1 << 30), 2 << 30, 0)) == 0


def test_a_group_that_cannot_be_read_is_no_limit(tmp_path: Path) -> None:
    (group(tmp_path, str(4 << 30), 3 << 30, 0) / "memory.current").write_text("?\n")
    assert free_main_memory(tmp_path) == AVAILABLE
