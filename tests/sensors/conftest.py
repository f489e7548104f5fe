"""A lineage of four: the file `source`, and the assets `a`, `b` below it and `c` below `b`; a gate stands on `a`."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from resources.observing import DATA_VERSION_TAG
from sensors.on_request import ON_REQUEST, TAG
from sensors.staleness import AssetState, Wave, inspect, next_wave

GATE = dg.AssetCheckKey(dg.AssetKey("a"), "good")
JOB = "everything"


class Values(dg.IOManager):
    """Keeps the value of each asset in memory, whichever run made it."""

    def __init__(self) -> None:
        self._values: dict[dg.AssetKey, Any] = {}

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        self._values[context.asset_key] = obj

    def load_input(self, context: dg.InputContext) -> Any:
        return self._values[context.asset_key]


class Small:
    """The small lineage and its event log. Change `data`, `code`, `figure` or `threshold`, then run or look."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.data = {"a": "a1", "b": "b1", "c": "c1"}
        self.code = {"a": "1", "b": "1", "c": "1"}
        self.figure = 0.9
        self.threshold = 0.5
        self.comparison = ">="
        self.crashing = False
        self.studies: set[str] = set()
        self.condition: dg.AutomationCondition[dg.AssetKey] | None = None
        self.ran: list[str] = []
        self._values = Values()

    @property
    def rule(self) -> dict[str, str | float]:
        """What the gate's verdicts are given by now."""
        return {"metric": "share", "comparison": self.comparison, "threshold": self.threshold}

    def definitions(self) -> dg.Definitions:
        """Everything as it stands now."""
        return dg.Definitions(
            assets=[dg.AssetSpec("source"), *self._assets()],
            asset_checks=[self._check()],
            jobs=[dg.define_asset_job(JOB, executor_def=dg.in_process_executor)],
            resources={"io_manager": self._values},
        )

    def _assets(self) -> list[dg.AssetsDefinition]:
        def declared(name: str) -> dict[str, Any]:
            return {
                "code_version": self.code[name],
                "automation_condition": self.condition,
                "tags": {TAG: ON_REQUEST} if name in self.studies else {},
            }

        def made(name: str) -> dg.MaterializeResult[str]:
            self.ran.append(name)
            return dg.MaterializeResult(value=self.data[name], data_version=dg.DataVersion(self.data[name]))

        @dg.asset(deps=["source"], **declared("a"))
        def a() -> dg.MaterializeResult[str]:
            return made("a")

        @dg.asset(**declared("b"))
        def b(a: str) -> dg.MaterializeResult[str]:
            return made("b")

        @dg.asset(**declared("c"))
        def c(b: str) -> dg.MaterializeResult[str]:
            return made("c")

        return [a, b, c]

    def _check(self) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset="a", name=GATE.name, blocking=True)
        def good(a: str) -> dg.AssetCheckResult:
            if self.crashing:
                raise RuntimeError("the check itself is broken")
            self.ran.append("good")
            figures = {**self.rule, "value": self.figure}
            return dg.AssetCheckResult(passed=self.figure >= self.threshold, metadata=figures)

        return good

    def observe(self, version: str) -> None:
        """Say that the file is at `version` now."""
        self.instance.report_runless_asset_event(dg.AssetObservation("source", tags={DATA_VERSION_TAG: version}))

    def run(self, *assets: str, check: bool = True) -> bool:
        """Make assets (all when none is named), with the gate unless told otherwise; returns whether all went well."""
        names = assets or tuple(self.data)
        checks = {GATE} if check and "a" in names else set()
        return self._execute(set(names), checks)

    def run_wave(self, wave: Wave) -> bool:
        """Run what a wave asks for."""
        return self._execute(wave.assets, wave.checks | ({GATE} if "a" in wave.assets else set()))

    def _execute(self, assets: set[str], checks: set[dg.AssetCheckKey]) -> bool:
        self.ran.clear()
        keys = {dg.AssetKey(name) for name in assets}
        job = self.definitions().resolve_job_def(JOB).get_subset(asset_selection=keys, asset_check_selection=checks)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with contextlib.redirect_stderr(None):
            return job.execute_in_process(instance=self.instance, run_config=quiet, raise_on_error=False).success

    def inspect(self, damage: Callable[[str], str | None] = lambda _: None) -> dict[str, AssetState]:
        """Where every asset stands, in full."""
        graph = self.definitions().resolve_asset_graph()
        return inspect(graph, self.instance, damage=damage, rules={GATE: self.rule})

    def states(self) -> dict[str, str]:
        """Where every asset stands, in one word each."""
        return {key: state.state for key, state in self.inspect().items()}

    def wave(self, attempted: set[str] | None = None) -> Wave:
        """What would run next."""
        return next_wave(self.definitions().resolve_asset_graph(), self.inspect(), attempted or ())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def small(instance: dg.DagsterInstance) -> Small:
    """The small lineage, nothing made yet."""
    small = Small(instance)
    small.observe("s1")
    return small


@pytest.fixture
def made(small: Small) -> Small:
    """The small lineage, everything made once."""
    assert small.run()
    return small
