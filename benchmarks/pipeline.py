"""Speed and size of the pipeline: every figure from one run on one machine, quoted as a ratio where it can be.

    python benchmarks/pipeline.py [--home DIR]

Makes everything from nothing in a fresh home, runs again with nothing changed, makes everything once more one asset at
a time, and loads the definitions beside Dagster alone. Takes about three times as long as a cold `releaf run`. Prints
one JSON document. Memory is that of the command with its other lanes, looked at twice a second.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

RELEAF = [sys.executable, "-c", "from command.main import main; main()"]
REPEATS = 5


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Wall seconds and stdout of a command that must succeed."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return time.perf_counter() - started, done.stdout


def peak_memory(process: subprocess.Popen[str]) -> int:
    """Most bytes that a process and its descendants held together, until it ends."""
    top = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            peak = max(peak, sum(one.memory_info().rss for one in [top, *top.children(recursive=True)]))
        time.sleep(0.5)
    return peak


def cold_run(environment: dict[str, str]) -> tuple[float, int, dict[str, Any]]:
    """Wall seconds, peak memory in bytes and outcome of `releaf run` in a home that does not exist yet."""
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen([*RELEAF, "run", "--json"], env=environment, stdout=told, text=True) as process,
    ):
        peak = peak_memory(process)
        seconds = time.perf_counter() - started
        told.seek(0)
        outcome = json.load(told)
    if process.returncode:
        raise SystemExit(f"the cold run failed: {outcome['failed']}")
    return seconds, peak, outcome


def median_import(statement: str, environment: dict[str, str]) -> float:
    """Median wall seconds of a fresh interpreter that runs one statement."""
    return statistics.median(timed([sys.executable, "-c", statement], environment)[0] for _ in range(REPEATS))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a folder that does not exist yet; a temporary one by default")
    chosen = parser.parse_args().home
    with tempfile.TemporaryDirectory() as temporary:
        home = chosen or Path(temporary) / "home"
        environment = os.environ | {"RELEAF_HOME": str(home)}
        cold, peak, outcome = cold_run(environment)
        again = statistics.median(timed([*RELEAF, "run", "--json"], environment)[0] for _ in range(3))
        alone, alone_peak, one = cold_run(
            environment | {"RELEAF_HOME": str(Path(temporary) / "alone"), "RELEAF_LANES": "1"}
        )
        dagster = median_import("import dagster", environment)
        definitions = median_import(
            "from releaf_assets.definitions import build_definitions; build_definitions()", environment
        )
    print(
        json.dumps(
            {
                "cold_seconds": round(cold, 1),
                "unchanged_seconds": round(again, 2),
                "unchanged_over_cold": round(again / cold, 4),
                "peak_memory_gib": round(peak / 2**30, 2),
                "one_lane_seconds": round(alone, 1),
                "cold_over_one_lane": round(cold / alone, 3),
                "one_lane_seconds_over_compute_seconds": round(one["seconds"] / one["compute_seconds"], 4),
                "one_lane_peak_memory_gib": round(alone_peak / 2**30, 2),
                "import_dagster_seconds": round(dagster, 2),
                "definitions_over_dagster": round(definitions / dagster, 3),
                "assets_made": len(outcome["materialized"]),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
