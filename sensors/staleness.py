"""What is stale, why, and what can be brought up to date next. Reads the asset graph and the event log, runs nothing.

An asset is fresh when its latest materialization has today's code version, consumed exactly its inputs' current data
versions, its files are whole, and every check on it passed for that very materialization.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from resources.observing import DATA_VERSION_TAG, observed_version

CODE_VERSION_TAG = "dagster/code_version"
INPUT_VERSION_TAG = "dagster/input_data_version/"


@dataclass(frozen=True)
class Verdict:
    """The latest verdict of one check on the asset's current materialization; `passed` is None while there is none."""

    name: str
    passed: bool | None
    value: float | None = None
    threshold: float | None = None
    comparison: str | None = None
    metric: str | None = None


@dataclass(frozen=True)
class AssetState:
    """Where one asset stands. `reasons` say why it is stale; empty means its materialization is up to date."""

    key: str
    reasons: tuple[str, ...]
    data_version: str | None = None
    materialized_at: float | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def state(self) -> str:
        """`missing`, `stale`, `unchecked`, `failed` (a check on it failed) or `fresh`."""
        if self.materialized_at is None:
            return "missing"
        if self.reasons:
            return "stale"
        if any(verdict.passed is None for verdict in self.verdicts):
            return "unchecked"
        return "failed" if any(verdict.passed is False for verdict in self.verdicts) else "fresh"


@dataclass
class Wave:
    """What one run can bring up to date: assets to make, and checks to give on assets that are up to date."""

    assets: set[str] = field(default_factory=set)
    checks: set[dg.AssetCheckKey] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.assets or self.checks)


def inspect(
    graph: Any,
    instance: dg.DagsterInstance,
    *,
    damage: Callable[[str], str | None],
    rules: Mapping[dg.AssetCheckKey, Mapping[str, str | float]],
) -> dict[str, AssetState]:
    """State of every materializable asset, in lineage order.

    `graph` is the definitions' asset graph. `damage` tells what is wrong with an asset's files, None when
    they are whole.
    A verdict given by another metric, comparison or threshold than those in `rules` does not count.
    """
    records = {
        record.asset_entry.asset_key: record.asset_entry
        for record in instance.get_asset_records(list(graph.get_all_asset_keys()))
    }
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(graph.asset_check_keys))
    versions = {key: _current_version(key, records.get(key), instance) for key in graph.get_all_asset_keys()}
    states: dict[str, AssetState] = {}
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        if not node.is_materializable:
            continue
        entry = records.get(key)
        last = entry.last_materialization if entry else None
        verdicts = tuple(
            _verdict(check, checks.get(check), entry, rules.get(check, {}))
            for check in sorted(graph.asset_check_keys, key=lambda check: check.name)
            if check.asset_key == key
        )
        if last is None:
            states[key.to_user_string()] = AssetState(key.to_user_string(), ("it was never made",), verdicts=verdicts)
            continue
        reasons = _reasons(node, _tags(last), versions)
        broken = damage(key.to_user_string())
        states[key.to_user_string()] = AssetState(
            key.to_user_string(),
            (*reasons, *([broken] if broken else [])),
            versions[key],
            last.timestamp,
            verdicts,
        )
    return states


def next_wave(graph: Any, states: Mapping[str, AssetState], attempted: Iterable[str] = ()) -> Wave:
    """The largest set that can run now without guessing.

    An asset below one that will be made but is not itself known to be stale has to wait: its input may come out
    unchanged. So has everything below it. What is below a failed check does not run. `attempted` assets are not tried
    again.
    """
    tried = set(attempted)
    stale = {key for key, state in states.items() if state.reasons}
    wave = Wave()
    waiting: set[str] = set()
    for key, state in states.items():
        parents = {parent.to_user_string() for parent in graph.get(dg.AssetKey(key)).parent_keys} & set(states)
        held = any(
            parent in waiting or states[parent].state == "failed" or (parent in tried and parent in stale)
            for parent in parents
        )
        if held or (key in stale and key in tried):
            waiting.add(key)
        elif key in stale:
            wave.assets.add(key)
        elif any(parent in wave.assets for parent in parents):
            waiting.add(key)
        else:
            wave.checks |= {
                dg.AssetCheckKey(dg.AssetKey(key), verdict.name)
                for verdict in state.verdicts
                if verdict.passed is None and key not in tried
            }
    return wave


def _current_version(key: dg.AssetKey, entry: Any, instance: dg.DagsterInstance) -> str | None:
    event = entry.last_materialization if entry else None
    if event is not None:
        return _tags(event).get(DATA_VERSION_TAG)
    return observed_version(instance, key)


def _tags(event: dg.EventLogEntry) -> Mapping[str, str]:
    materialization = event.asset_materialization
    return (materialization.tags or {}) if materialization else {}


def _reasons(node: Any, tags: Mapping[str, str], versions: Mapping[dg.AssetKey, str | None]) -> list[str]:
    reasons = []
    if tags.get(CODE_VERSION_TAG) != node.code_version:
        reasons.append("its code or settings changed")
    for parent in sorted(node.parent_keys):
        consumed = tags.get(INPUT_VERSION_TAG + parent.to_user_string())
        if versions.get(parent) != consumed:
            reasons.append(f"{parent.to_user_string()} changed")
    return reasons


def _verdict(key: dg.AssetCheckKey, record: Any, entry: Any, rule: Mapping[str, str | float]) -> Verdict:
    evaluation = _evaluation(record)
    none = Verdict(
        key.name,
        None,
        threshold=_number(rule.get("threshold")),
        comparison=_text(rule, "comparison"),
        metric=_text(rule, "metric"),
    )
    if evaluation is None or entry is None or evaluation.target_materialization_data is None:
        return none
    metadata = {name: item.value for name, item in evaluation.metadata.items()}
    same = evaluation.target_materialization_data.storage_id == entry.last_materialization_storage_id
    if not same or any(metadata.get(name) != value for name, value in rule.items()):
        return none
    return Verdict(
        key.name,
        evaluation.passed,
        _number(metadata.get("value")),
        _number(metadata.get("threshold")),
        _text(metadata, "comparison"),
        _text(metadata, "metric"),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(mapping: Mapping[str, Any], name: str) -> str | None:
    value = mapping.get(name)
    return value if isinstance(value, str) else None


def _evaluation(record: Any) -> Any:
    """The evaluation inside a check record; None for one that was planned and never given (a killed run)."""
    if record is None or record.event is None or record.event.dagster_event is None:
        return None
    data = record.event.dagster_event.event_specific_data
    return data if isinstance(data, dg.AssetCheckEvaluation) else None


def latest_evaluations(instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]) -> dict[dg.AssetCheckKey, Any]:
    """The latest evaluation of each check that has one."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found = {key: _evaluation(record) for key, record in records.items()}
    return {key: evaluation for key, evaluation in found.items() if evaluation is not None}
