"""How verbs speak: one JSON document on stdout, or a human view; everything else goes to stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

# What reads a pipe or a file has no width; tables keep theirs.
PIPE_WIDTH = 150


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=PIPE_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


def print_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send what libraries print to stderr, so that stdout holds the result alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def progress_bar() -> Progress:
    """A bar on stderr; on something that is no terminal it stays silent."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


class Bar:
    """A `releaf.progress.Progress` shown as one bar."""

    def __init__(self, bars: Progress, label: str) -> None:
        self._bars = bars
        self._task = bars.add_task(label, total=None, note="")

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        self._bars.update(self._task, completed=done, total=total, note=note)
