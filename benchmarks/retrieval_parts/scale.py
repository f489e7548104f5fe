"""`scale`: both indexes over a growing collection. Made data, so that any size can be had; see `made`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from retrieval_parts.child import CHUNKS, DENSE, QUERIES, SPARSE, VECTORS
from retrieval_parts.made import write_chunks, write_vectors
from retrieval_parts.measure import MIB, BenchmarkError, Child, Row, Table, disk_bytes, run_child

Say = Callable[[str], None]
_Measured = dict[str, float]


def scale(
    sizes: Sequence[int], folder: Path, say: Say, *, indexes: Sequence[str] = (DENSE, SPARSE), limit_bytes: int
) -> list[Table]:
    """A table an index, a column a size. A build that fails leaves its column empty and says why below."""
    return [_table(index, sizes, folder, say, limit_bytes) for index in indexes]


def _table(index: str, sizes: Sequence[int], folder: Path, say: Say, limit_bytes: int) -> Table:
    measured: list[_Measured] = []
    failed: list[str] = []
    for size in sizes:
        say(f"scale: {index} index of {size:,} chunks")
        work = folder / f"{index}-{size}"
        work.mkdir(parents=True)
        try:
            measured.append(_one(index, size, work, limit_bytes))
        except BenchmarkError as error:
            measured.append({})
            failed.append(f"{size:,} chunks: {error}")
        finally:
            shutil.rmtree(work)
    return Table(
        "scale",
        f"{index} index of a growing collection, {QUERIES} queries one at a time",
        tuple(_row(what, key, measured, **asked) for what, key, asked in _figures(index)),
        tuple(f"{size:,}" for size in sizes),
        tuple(failed),
    )


def _figures(index: str) -> list[tuple[str, str, dict[str, object]]]:
    common: list[tuple[str, str, dict[str, object]]] = [
        ("build", "build_s", {"unit": "s"}),
        ("build, peak memory", "peak_mib", {"unit": "MiB"}),
        ("of it not mapped from files", "own_mib", {"unit": "MiB"}),
        ("before the build began", "start_mib", {"unit": "MiB"}),
        ("input on disk", "input_mib", {"unit": "MiB"}),
        ("index on disk", "disk_mib", {"unit": "MiB"}),
        ("open", "open_s", {"unit": "s"}),
        ("query p50", "p50_ms", {"unit": "ms"}),
        ("query p95", "p95_ms", {"unit": "ms"}),
        ("query p99", "p99_ms", {"unit": "ms"}),
        ("searching, peak memory", "search_mib", {"unit": "MiB"}),
    ]
    if index == DENSE:
        common.append(("recall@10 against exact", "recall", {"at_least": 0.99}))
        common.append(("graph (1) or scan (0)", "hnsw", {}))
    return common


def _row(what: str, key: str, measured: Sequence[_Measured], **asked: object) -> Row:
    return Row(what, tuple(found.get(key) for found in measured), **asked)  # type: ignore[arg-type]


def _one(index: str, size: int, work: Path, limit_bytes: int) -> _Measured:
    data = work / (VECTORS if index == DENSE else CHUNKS)
    if index == DENSE:
        write_vectors(data, size)
    else:
        write_chunks(data, size)
    built = run_child(f"build_{index}", str(work), limit_bytes=limit_bytes)
    asked = run_child(f"ask_{index}", str(work), limit_bytes=limit_bytes)
    given = {**built.given, **asked.given}
    return {
        **{name: float(value) for name, value in given.items()},
        **_memory(built, asked),
        "input_mib": (data.stat().st_size if data.is_file() else disk_bytes(data)) / MIB,
        "disk_mib": disk_bytes(work / index) / MIB,
    }


def _memory(built: Child, asked: Child) -> _Measured:
    own = {} if built.own is None else {"own_mib": built.own / MIB}
    start = built.given["start_bytes"] / MIB
    return {"peak_mib": built.peak / MIB, "start_mib": start, "search_mib": asked.peak / MIB, **own}
