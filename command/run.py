"""`releaf run`: brings every asset up to date, in lineage order, and says what it did."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command.output import err, print_json, stdout_kept_clean
from command.session import open_instance, settings
from releaf.errors import InputError

if TYPE_CHECKING:
    from command.watch import Watcher
    from releaf_assets.gates import Gate
    from resources.settings import Settings
    from sensors.staleness import AssetState


@dataclass
class Outcome:
    """What one `releaf run` did. `seconds` is the whole run, `compute_seconds` the time inside assets and checks."""

    materialized: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    compute_seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed and all(gate["passed"] for gate in self.gates)

    def take(self, watcher: Watcher) -> None:
        """Add what a watcher saw, and let it start anew."""
        self.materialized += watcher.materialized
        self.failed += watcher.failures
        self.compute_seconds = round(self.compute_seconds + watcher.compute_seconds, 2)
        watcher.reset()


def run(
    select: Annotated[
        str | None,
        typer.Option(help="Only these assets, in Dagster's selection syntax; '+vision_report' is it and all above it."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make the selected assets again even if they are up to date.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
) -> None:
    """Bring every stale asset up to date, in lineage order, and release if every gate is green."""
    started = time.perf_counter()
    if force and select is None:
        raise InputError("--force needs --select, so that nothing is made again by accident; try --select '*' for all")
    from command.watch import Watcher

    watcher = Watcher(quiet=as_json)
    with stdout_kept_clean() if as_json else nullcontext(), watcher:
        outcome, states = refresh(settings(), watcher, select=select, force=force)
    outcome.seconds = round(time.perf_counter() - started, 2)
    if as_json:
        print_json(vars(outcome))
    else:
        from command.tables import print_outcome

        print_outcome(outcome, states)
    if not outcome.ok:
        raise typer.Exit(1)


def refresh(
    effective: Settings,
    watcher: Watcher,
    *,
    select: str | None = None,
    force: bool = False,
    gates: Sequence[Gate] | None = None,
) -> tuple[Outcome, dict[str, AssetState]]:
    """Run wave after wave until nothing more can be brought up to date; `gates` default to those of the project.

    Returns what was done, and the states of the assets that were asked for.
    """
    from command.lanes import make
    from command.lineage import Lineage
    from releaf.artifacts import sweep
    from releaf_assets.definitions import build_definitions
    from releaf_assets.gates import GATES
    from resources.observing import observe_sources
    from resources.settings import PROJECT_ROOT
    from resources.warehouse import Warehouse

    chosen = GATES if gates is None else gates
    outcome = Outcome()
    with only_run(effective.home), open_instance(effective.home) as instance:
        sweep(effective.home)
        definitions = build_definitions(effective, gates=chosen, listener=watcher.progress)
        observe_sources(instance, effective.data_dir, effective.home)
        warehouse = Warehouse(home=str(effective.home), queries=str(PROJECT_ROOT / "duckdb"))
        # Views hold absolute paths; a home that was moved gets new ones.
        warehouse.refresh_views()
        lineage = Lineage(definitions, instance, effective.home, chosen)
        wanted = lineage.select(select)
        states = lineage.states()
        attempted: set[str] = set()
        while wave := lineage.wave(states, attempted, wanted, force=force):
            watcher.expect(wave.assets)
            make(wave, lineage, watcher, effective, chosen)
            attempted |= wave.assets | {check.asset_key.to_user_string() for check in wave.checks}
            outcome.take(watcher)
            states = lineage.states()
        # Of two lanes that replace the views at once, the later may have looked first.
        warehouse.refresh_views()
        _conclude(outcome, states, wanted)
    # Only what was asked for: a study that nobody wanted is no gap, and its gates are nobody's concern.
    return outcome, {key: state for key, state in states.items() if key in wanted}


def _conclude(outcome: Outcome, states: dict[str, AssetState], wanted: set[str]) -> None:
    made = set(outcome.materialized)
    broken = {failure["asset"] for failure in outcome.failed}
    outcome.skipped = [key for key in states if key in wanted and key not in made | broken]
    for key in wanted & set(states):
        outcome.gates += [
            {
                "asset": key,
                "name": verdict.name,
                "metric": verdict.metric,
                "value": verdict.value,
                "comparison": verdict.comparison,
                "threshold": verdict.threshold,
                "passed": verdict.passed,
            }
            for verdict in states[key].verdicts
            if verdict.passed is not None
        ]


@contextmanager
def only_run(home: Path) -> Iterator[None]:
    """Let one `releaf run` at a time work on a home; a second one waits.

    The lock ends with its process, however that ends.
    """
    from filelock import FileLock, Timeout

    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        err.print(f"another `releaf run` works on {home}; waiting for it to finish")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
