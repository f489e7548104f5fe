from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from releaf.retrieval.dense import copy_sparse
from releaf.retrieval.dense.files import Description, Rows, private_copy, read_description, write_description


def test_a_sparse_copy_holds_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "from" / "sub").mkdir(parents=True)
    block = 1 << 20
    contents = {"a": b"", "sub/b": bytes(2 * block), "sub/c": bytes(block) + b"x" + bytes(block), "d": b"y" * 10}
    for name, content in contents.items():
        (tmp_path / "from" / name).write_bytes(content)
    (tmp_path / "to").mkdir()
    copy_sparse(tmp_path / "from", tmp_path / "to", linked={"d"})
    assert {name: (tmp_path / "to" / name).read_bytes() for name in contents} == contents
    assert (tmp_path / "to" / "sub" / "b").stat().st_blocks == 0
    assert [file.name for file in (tmp_path / "to").rglob("*") if file.is_symlink()] == ["d"]


def test_a_description_comes_back_as_it_was_written(tmp_path: Path) -> None:
    description = Description("embedded", 3, "r", 2, hnsw=False, files={"a/b": 7})
    write_description(tmp_path, description, Rows(("x", "y"), np.array([5, 1]), (b"\0", b"m")))
    for marks in (False, True):
        found, rows = read_description(tmp_path, marks=marks)
        assert (found, rows.ids, rows.points.tolist()) == (description, ("x", "y"), [5, 1])
        assert rows.marks == ((b"\0", b"m") if marks else ())
    write_description(tmp_path, description, Rows.whole(["x", "y"]))
    assert read_description(tmp_path, marks=True)[1].marks == ()


def test_a_private_copy_is_made_in_memory_where_it_is_small_beside_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a").write_bytes(b"y" * 10_000)
    memory = tmp_path / "memory"
    memory.mkdir()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("releaf.retrieval.dense.files.MEMORY", memory)
    for free, most, inside in ((1 << 20, 1 << 20, True), (30_000, 1 << 20, False), (1 << 20, 8_000, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(0, 0, free))
        monkeypatch.setattr("releaf.retrieval.dense.files._IN_MEMORY", most)
        with private_copy(tmp_path / "from") as copy:
            assert (copy.parent == memory) == inside
            assert (copy / "a").read_bytes() == b"y" * 10_000
        shutil.rmtree(copy)
