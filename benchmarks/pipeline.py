"""Speed and size of the pipeline: every figure from one run on one machine, quoted as a ratio where it can be.

    python benchmarks/pipeline.py [--home DIR]

Makes everything from nothing in a fresh home, runs again with nothing changed, and loads the definitions beside Dagster
alone. Takes about twice as long as a cold `releaf run`. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RELEAF = [sys.executable, "-c", "from command.main import main; main()"]
REPEATS = 5


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Wall seconds and stdout of a command that must succeed."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return time.perf_counter() - started, done.stdout


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
        cold, told = timed([*RELEAF, "run", "--json"], environment)
        # The largest child so far is the cold run.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        outcome = json.loads(told)
        again = statistics.median(timed([*RELEAF, "run", "--json"], environment)[0] for _ in range(3))
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
                "seconds_over_compute_seconds": round(outcome["seconds"] / outcome["compute_seconds"], 4),
                "peak_memory_gib": round(peak / 2**30, 2),
                "import_dagster_seconds": round(dagster, 2),
                "definitions_over_dagster": round(definitions / dagster, 3),
                "assets_made": len(outcome["materialized"]),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
