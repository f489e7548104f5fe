"""Makes a wave of assets, several at once where the settings say so: one here, each other one in a lane of its own.

A training that keeps one core busy leaves the others idle; a second process does not. `lane` is what runs there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from command.lineage import Lineage
    from command.schedule import Schedule
    from command.watch import Watcher
    from releaf_assets.gates import Gate
    from resources.settings import Settings
    from sensors.staleness import Wave

# A process is worth its start only where work has been waiting for this many seconds.
PATIENCE = 2.0
COMMAND = (sys.executable, "-m", "command.lane")
_SECRETS = {"qdrant_api_key"}  # the environment hands it on


def make(
    wave: Wave,
    lineage: Lineage,
    watcher: Watcher,
    settings: Settings,
    gates: Sequence[Gate],
    *,
    patience: float | None = None,
) -> None:
    """Make a wave in lineage order. With one lane it is one Dagster run, with more each asset is one.

    Another lane is started when work has waited for `patience` seconds, by default `PATIENCE`.
    """
    from threadpoolctl import threadpool_limits

    from command.schedule import Schedule
    from resources.models import processors
    from sensors.staleness import Wave as Part

    count = min(settings.lanes, processors(), len(wave.assets))
    if count < 2 or wave.checks:
        lineage.execute(wave, watcher.event)
        return
    # Two lanes of two threads on two cores took twenty times as long as of one thread each: one waits for another that
    # the system has put aside. The variable is read when torch is first imported, here and in the other lanes; what
    # NumPy multiplies with is there already.
    share = max(1, processors() // count)
    os.environ.setdefault("OMP_NUM_THREADS", str(share))
    schedule = Schedule(lineage.parents(wave.assets))
    first = {
        "settings": settings.model_dump(mode="json", exclude=_SECRETS),
        "gates": [asdict(gate) for gate in gates],
    }
    wait = PATIENCE if patience is None else patience
    lanes = [_Lane(schedule, watcher, json.dumps(first), wait) for _ in range(count - 1)]
    with threadpool_limits(share), ThreadPoolExecutor(len(lanes), thread_name_prefix="lane") as pool:
        ends = [pool.submit(lane.run) for lane in lanes]
        try:
            while (name := schedule.take()) is not None:
                schedule.done(name, passed=lineage.execute(Part({name}), watcher.event))
                if watcher.interrupted:  # Dagster takes Ctrl-C for the failure of a step
                    schedule.close()
            for end in () if watcher.interrupted else ends:
                end.result()
        finally:
            schedule.close()
            for lane in lanes:
                lane.stop()


class _Lane:
    """Takes assets from the schedule and has them made in a process, which it starts when it has one for it."""

    def __init__(self, schedule: Schedule, watcher: Watcher, first: str, patience: float) -> None:
        self._schedule = schedule
        self._watcher = watcher
        self._first = first
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(self) -> None:
        """Make assets until there are none left, and end the process."""
        try:
            while (name := self._schedule.take(0.0 if self._process else self._patience)) is not None:
                passed = False
                try:
                    passed = self._make(name)
                finally:
                    self._schedule.done(name, passed=passed)
        finally:
            self._end()

    def stop(self) -> None:
        """Let the process end now, in the middle of what it does."""
        self._stopped = True
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()  # it ends when nobody can tell it anything any more

    def _end(self) -> int:
        """End the process, if there is one; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        return process.wait()

    def _make(self, name: str) -> bool:
        import dagster as dg

        if self._stopped:
            return False
        process = self._process = self._process or self._start()
        with suppress(BrokenPipeError):  # it ended: what it says below is over at once
            self._tell(process, json.dumps(name))
        for line in process.stdout or ():
            kind, *values = json.loads(line)
            if kind == "event":
                self._watcher.event(dg.EventLogEntry.from_json(values[0]))
            elif kind == "progress":
                self._watcher.progress(*values)
            else:
                return bool(values[0])
        code = self._end()
        if not self._stopped:
            self._watcher.lost(
                name,
                f"the process that made it ended with exit code {code}; if memory is short, make one asset at a time "
                f"with RELEAF_LANES=1",
            )
        return False

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        with suppress(BrokenPipeError):
            self._tell(process, self._first)
        return process

    @staticmethod
    def _tell(process: subprocess.Popen[str], line: str) -> None:
        stdin: Any = process.stdin
        stdin.write(line + "\n")
        stdin.flush()
