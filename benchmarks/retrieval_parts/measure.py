"""How things are measured: sides in turns, children whose memory is watched, rows of a table."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from releaf.errors import ReleafError

MIB = 2**20
# Between two looks at the memory of a child: often at first, then so that looking takes no time from a long build.
_LOOK_S, _LATER_S, _SOON_S = 0.02, 0.2, 5.0
_HERE = Path(__file__).resolve().parent.parent


class BenchmarkError(ReleafError):
    """A measurement could not be made."""


@dataclass(frozen=True)
class Row:
    """One figure: a value for each column of its table (None: not measured), and what is asked of each value."""

    what: str
    values: tuple[float | None, ...]
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def asked(self) -> str:
        """What is asked, as text; empty where nothing is."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}".strip()
        return "" if self.at_most is None else f"≤ {self.at_most:g} {self.unit}".strip()

    @property
    def met(self) -> bool | None:
        """Whether every value is what was asked; None where nothing is asked or nothing was measured."""
        values = [value for value in self.values if value is not None]
        if not values or (self.at_least is None and self.at_most is None):
            return None
        return all(
            value >= (-np.inf if self.at_least is None else self.at_least)
            and value <= (np.inf if self.at_most is None else self.at_most)
            for value in values
        )


@dataclass(frozen=True)
class Table:
    """The figures of one part, with what a reader must know about how they came about."""

    part: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ("measured",)
    remarks: tuple[str, ...] = ()


def in_turns(sides: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """What each side gives in each round, all sides once a round, the order reversed in every other one."""
    given: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            given[name].append(sides[name]())
    return given


def seconds(call: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def milliseconds_each(call: Callable[[Any], object], inputs: Sequence[Any]) -> NDArray[np.float64]:
    """Wall milliseconds of the call on each input, one after another."""
    return np.asarray([1000 * seconds(partial(call, given)) for given in inputs])


def median_ratio(slow: Sequence[float], fast: Sequence[float]) -> tuple[float, str]:
    """The median of slow/fast over the rounds, and the range as a note: both sides of a ratio are of the same round."""
    ratios = [one / other for one, other in zip(slow, fast, strict=True)]
    return statistics.median(ratios), f"{min(ratios):,.1f} to {max(ratios):,.1f} in {len(ratios)} rounds"


def disk_bytes(folder: Path) -> int:
    """What the files below a folder occupy: their blocks, holes left out."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def exact_nearest(queries: NDArray[np.float32], matrix: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The rows (Q, k) with the greatest dot product, in no order; the matrix may be mapped, it is read in blocks."""
    best = np.full((len(queries), 0), -np.inf, dtype=np.float32)
    rows = np.zeros((len(queries), 0), dtype=np.intp)
    block = 8192
    for start in range(0, len(matrix), block):
        scores = queries @ np.asarray(matrix[start : start + block]).T
        best = np.concatenate([best, scores], axis=1)
        new = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
        rows = np.concatenate([rows, new], axis=1)
        kept = np.argpartition(-best, min(k, best.shape[1]) - 1, axis=1)[:, :k]
        best, rows = np.take_along_axis(best, kept, axis=1), np.take_along_axis(rows, kept, axis=1)
    return rows


def recall(found: Sequence[Sequence[int]], exact: NDArray[np.intp]) -> float:
    """Mean share of the exact rows that were found."""
    return float(
        np.mean([len(set(ours) & set(true.tolist())) / len(true) for ours, true in zip(found, exact, strict=True)])
    )


@dataclass(frozen=True)
class Child:
    """What a child process gave, and its greatest memory in bytes: all of it, and what is not mapped from files.

    `own` is looked at every 20 to 200 ms; None where the system does not tell it.
    """

    given: dict[str, float]
    peak: int
    own: int | None


def run_child(*arguments: str, limit_bytes: int | None = None, module: str = "retrieval_parts.child") -> Child:
    """Run a module with the arguments in a process of its own.

    Raises `BenchmarkError` with its last words when it fails, or when it holds more than the limit: it is then stopped.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", module, *arguments]
    own: int | None = None
    started = time.monotonic()
    # Files, not pipes: a pipe that nobody reads stops a child that says much.
    with TemporaryFile("w+") as told, TemporaryFile("w+") as complaint:
        with subprocess.Popen(command, env=environment, stdout=told, stderr=complaint) as child:
            while child.poll() is None:
                held = _own_bytes(child.pid)
                own = max(own or 0, held) if held is not None else own
                if limit_bytes is not None and held is not None and held > limit_bytes:
                    child.kill()
                    raise BenchmarkError(
                        f"{' '.join(arguments)} was stopped: it holds more than {limit_bytes / 2**30:.2g} GiB; "
                        "raise --memory-gib where there is more"
                    )
                time.sleep(_LOOK_S if time.monotonic() - started < _SOON_S else _LATER_S)
        told.seek(0)
        complaint.seek(0)
        if child.returncode:
            raise BenchmarkError(f"{' '.join(arguments)} failed:\n{complaint.read()[-2000:]}")
        given = json.loads(told.read())
    return Child(given, int(given.pop("peak_bytes")), own)


def peak_bytes() -> int:
    """The greatest resident memory of this process so far.

    Linux's VmHWM where there is one: `ru_maxrss` of a child starts at what its parent held when it was forked.
    """
    status = _status("self")
    if "VmHWM" in status:
        return status["VmHWM"]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _own_bytes(process: int) -> int | None:
    return _status(str(process)).get("RssAnon")


def _status(process: str) -> dict[str, int]:
    """The sizes, in bytes, that Linux tells of a process; empty elsewhere, and once it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    pairs = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(size) * 1024 for name, size, _ in pairs}
