from __future__ import annotations

from pathlib import Path

from releaf.retrieval.dense import copy_sparse
from releaf.retrieval.dense.files import Description, read_description, write_description


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
    write_description(tmp_path, description, ["x", "y"])
    assert read_description(tmp_path) == (description, ("x", "y"))
