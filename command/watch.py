"""Follows a run while it happens: a line for each asset and check, a bar for the one at work."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import TaskID

from command.output import err, progress_bar
from releaf import errors

if TYPE_CHECKING:
    from dagster import DagsterEvent, EventLogEntry


INTERRUPTED = "it was interrupted"


class Watcher:
    """Takes Dagster's events and the assets' progress, shows them, and keeps what the outcome needs."""

    def __init__(self, *, quiet: bool) -> None:
        self.materialized: list[str] = []
        self.failures: list[dict[str, str]] = []
        self.compute_seconds = 0.0
        self.interrupted = False
        self._quiet = quiet
        self._bars = progress_bar()
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._made: dict[str, str] = {}
        self._verdicts: dict[str, tuple[bool, str]] = {}
        self._one_at_a_time = threading.Lock()  # lanes report from threads of their own

    def __enter__(self) -> Watcher:
        if not self._quiet:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def expect(self, assets: Iterable[str]) -> None:
        """Say how many assets the next wave will make."""
        count = len(set(assets))
        if count and not self._quiet:
            err.print(f"[dim]{count} {'asset' if count == 1 else 'assets'} to make[/]")

    def reset(self) -> None:
        """Forget what the finished wave did."""
        self.materialized, self.failures, self.compute_seconds = [], [], 0.0

    def progress(self, asset: str, done: int, total: int, note: str = "") -> None:
        """Move the bar of an asset."""
        if asset in self._tasks:
            self._bars.update(self._tasks[asset], completed=done, total=total, note=escape(note))

    def event(self, entry: EventLogEntry) -> None:
        """Take one event of the run."""
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        handler = {
            "STEP_START": self._on_start,
            "ASSET_MATERIALIZATION": self._on_made,
            "ASSET_CHECK_EVALUATION": self._on_verdict,
            "STEP_SUCCESS": self._on_end,
            "STEP_FAILURE": self._on_end,
        }.get(event.event_type_value)
        if handler is not None:
            with self._one_at_a_time:
                handler(event, entry.timestamp)

    def lost(self, asset: str, reason: str) -> None:
        """Note that an asset's process ended before the asset was made."""
        with self._one_at_a_time:
            self._started.pop(asset, None)
            if asset in self._tasks:
                self._bars.remove_task(self._tasks.pop(asset))
            self._fail(asset, reason)

    def _on_start(self, event: DagsterEvent, timestamp: float) -> None:
        step = str(event.step_key)
        self._started[step] = timestamp
        self._tasks[step] = self._bars.add_task(step, total=None, note="")

    def _on_made(self, event: DagsterEvent, _: float) -> None:
        materialization = event.step_materialization_data.materialization
        headline = materialization.metadata.get("headline")
        self._made[str(event.step_key)] = str(headline.value) if headline else ""
        self.materialized.append(materialization.asset_key.to_user_string())

    def _on_verdict(self, event: DagsterEvent, _: float) -> None:
        evaluation: Any = event.event_specific_data
        self._verdicts[str(event.step_key)] = (evaluation.passed, evaluation.description or "")

    def _on_end(self, event: DagsterEvent, timestamp: float) -> None:
        step = str(event.step_key)
        seconds = timestamp - self._started.pop(step, timestamp)
        self.compute_seconds += seconds
        self._bars.remove_task(self._tasks.pop(step))
        if step in self._verdicts:
            self._show_verdict(*self._verdicts.pop(step))
        elif event.event_type_value == "STEP_FAILURE":
            message = failure_message(event)
            self.interrupted |= message == INTERRUPTED
            self._fail(step, message)
        else:
            self._say(f"[green]✓[/] {step:<24} [dim]{seconds:6.1f} s[/]  {escape(self._made.pop(step, ''))}")

    def _fail(self, asset: str, message: str) -> None:
        self.failures.append({"asset": asset, "error": message})
        self._say(f"[red]✗[/] {asset}  {escape(message)}")

    def _show_verdict(self, passed: bool, description: str) -> None:
        if not passed:
            self._say(f"[red]✗ gate[/] {escape(description)}")

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._bars.console.print(text, soft_wrap=True)


def failure_message(event: DagsterEvent) -> str:
    """The error that a step ended with, without the layers that Dagster wrapped around it."""
    error = event.step_failure_data.error
    if error is not None and "DagsterExecutionInterruptedError" in (
        error.cls_name,
        error.cause and error.cause.cls_name,
    ):
        return INTERRUPTED
    # The first error of our own says it best; without one, the cause below all layers does.
    while error is not None and error.cls_name not in vars(errors) and error.cause is not None:
        error = error.cause
    if error is None:
        return "it was stopped"
    name = error.cls_name or "error"
    text = error.message.strip()
    head, separator, rest = text.partition(": ")
    if separator and head.rpartition(".")[2] == name:
        text = rest
    return text if name in vars(errors) else f"{name}: {text} (the whole trace is in `releaf ui`)"
