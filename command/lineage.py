"""The definitions beside the event log: what is selected, where it stands, what runs next, and running it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.errors import InputError

if TYPE_CHECKING:
    import dagster as dg

    from releaf_assets.gates import Gate
    from sensors.staleness import AssetState, Wave


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

    def parents(self, assets: set[str]) -> dict[str, set[str]]:
        """The assets among `assets` that each of them is made from."""
        import dagster as dg

        above = {name: self._graph.get(dg.AssetKey(name)).parent_keys for name in assets}
        return {name: {key.to_user_string() for key in keys} & assets for name, keys in above.items()}

    def execute(self, wave: Wave, listener: Callable[[dg.EventLogEntry], None]) -> bool:
        """Make a wave in one Dagster run in this process, its events handed on; returns whether all of it passed."""
        import dagster as dg

        keys = {dg.AssetKey(name) for name in wave.assets}
        checks = wave.checks | {check for check in self._graph.asset_check_keys if check.asset_key in keys}
        job = self._job.get_subset(asset_selection=keys, asset_check_selection=checks)
        run_id = str(uuid.uuid4())
        self._instance.add_event_listener(run_id, listener)
        done = job.execute_in_process(
            instance=self._instance,
            run_id=run_id,
            raise_on_error=False,
            # Of many runs the UI's list tells by this which is which.
            tags={"releaf/asset": next(iter(wave.assets))} if len(wave.assets) == 1 else None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        return bool(done.success)
