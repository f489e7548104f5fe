"""`releaf run`: brings every asset up to date, in lineage order, and says what it did."""

from __future__ import annotations

import re
import time
import uuid
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
    import dagster as dg

    from command.watch import Watcher
    from releaf_assets.gates import Gate
    from resources.settings import Settings
    from sensors.staleness import AssetState, Wave


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
        # Views hold absolute paths; a home that was moved gets new ones.
        Warehouse(home=str(effective.home), queries=str(PROJECT_ROOT / "duckdb")).refresh_views()
        lineage = Lineage(definitions, instance, effective.home, chosen)
        wanted = lineage.select(select)
        states = lineage.states()
        attempted: set[str] = set()
        while wave := lineage.wave(states, attempted, wanted, force=force):
            watcher.expect(wave.assets)
            attempted |= lineage.execute(wave, watcher, outcome)
            states = lineage.states()
        _conclude(outcome, states, wanted)
    # Only what was asked for: a study that nobody wanted is no gap, and its gates are nobody's concern.
    return outcome, {key: state for key, state in states.items() if key in wanted}


class Lineage:
    """The definitions and the event log side by side."""

    def __init__(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path, gates: Sequence[Gate]
    ) -> None:
        self._gates = gates
        self._definitions = definitions
        self._instance = instance
        self._home = home
        self._graph: Any = definitions.resolve_asset_graph()
        self._job = definitions.resolve_implicit_global_asset_job_def()

    def select(self, selection: str | None) -> set[str]:
        """The names of the materializable assets that a selection string means; raises `InputError`.

        Without one: everything but the studies, which are made on request.
        """
        import dagster as dg

        from sensors.on_request import on_request_keys

        every = {key.to_user_string() for key in self._graph.materializable_asset_keys}
        if selection is None:
            return every - {key.to_user_string() for key in on_request_keys(self._graph)}
        # Dagster reads a bare `+name` as one layer; spelled out it means everything above, as the help says.
        spelled = re.sub(r"^(\+?)(\w+)(\+?)$", r'\1key:"\2"\3', selection.strip())
        try:
            chosen = dg.AssetSelection.from_string(spelled).resolve(self._graph)
        except (dg.DagsterError, ValueError) as error:
            raise InputError(
                f"--select {selection!r} is no selection of assets: {error}; known: {', '.join(sorted(every))}"
            ) from error
        names = {key.to_user_string() for key in chosen} & every
        if not names:
            raise InputError(f"--select {selection!r} selects nothing; known assets: {', '.join(sorted(every))}")
        return names

    def states(self) -> dict[str, AssetState]:
        """Where every asset stands now."""
        from releaf_assets.definitions import inspect_assets

        return inspect_assets(self._definitions, self._instance, self._home, self._gates)

    def wave(self, states: dict[str, AssetState], attempted: set[str], wanted: set[str], *, force: bool) -> Wave:
        """What to run next, limited to the selection."""
        import dataclasses

        from sensors.staleness import next_wave

        if force:
            states = {
                key: dataclasses.replace(state, reasons=("it was asked for",)) if key in wanted - attempted else state
                for key, state in states.items()
            }
        wave = next_wave(self._graph, states, attempted)
        wave.assets &= wanted
        wave.checks = {check for check in wave.checks if check.asset_key.to_user_string() in wanted}
        return wave

    def execute(self, wave: Wave, watcher: Watcher, outcome: Outcome) -> set[str]:
        """Run one wave in this process and note what happened; returns the assets that were attempted."""
        import dagster as dg

        keys = {dg.AssetKey(name) for name in wave.assets}
        checks = wave.checks | {check for check in self._graph.asset_check_keys if check.asset_key in keys}
        job = self._job.get_subset(asset_selection=keys, asset_check_selection=checks)
        run_id = str(uuid.uuid4())
        self._instance.add_event_listener(run_id, watcher.event)
        job.execute_in_process(
            instance=self._instance,
            run_id=run_id,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        outcome.materialized += watcher.materialized
        outcome.failed += watcher.failures
        outcome.compute_seconds = round(outcome.compute_seconds + watcher.compute_seconds, 2)
        watcher.reset()
        return wave.assets | {check.asset_key.to_user_string() for check in wave.checks}


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
