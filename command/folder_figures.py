"""What `releaf evaluate vision` found, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from command.output import err, out

_SHOWN = 20  # refused pictures that are listed


def print_folder_figures(result: Mapping[str, Any]) -> None:
    """Say how the classifier did on someone's pictures, label by label, then class by class, then what was left out."""
    out.print(f"{result['images']} pictures, {result['not_known']} of them not known to the classifier")
    labels = Table(box=None, pad_edge=False, header_style="bold")
    classes = Table(box=None, pad_edge=False, header_style="bold")
    _headings(labels, "label", "n", "accuracy", "top 3", "macro F1", "ECE")
    _headings(classes, result["labels"], "n", "precision", "recall", "F1")
    for label in (name for name, figures in result.items() if isinstance(figures, Mapping)):
        figures = result[label]
        values = (figures[name] for name in ("accuracy", "top3", "macro_f1", "ece"))
        labels.add_row(label, str(figures["n"]), *(f"{value:.4f}" for value in values))
    for name, figures in result[result["labels"]]["per_class"].items():
        values = (figures[figure] for figure in ("precision", "recall", "f1"))
        classes.add_row(name, str(figures["support"]), *(f"{value:.4f}" for value in values))
    for table in (labels, classes):
        out.print()
        out.print(table)
    if result["empty_folders"]:
        err.print(f"without a picture: {escape(', '.join(result['empty_folders']))}", soft_wrap=True)
    if result["refused"]:
        err.print(f"{len(result['refused'])} not counted:")
    for entry in result["refused"][:_SHOWN]:
        err.print(f"  [red]{escape(entry['name'])}[/]: {escape(entry['reason'])}", soft_wrap=True)
    if len(result["refused"]) > _SHOWN:
        err.print(f"  and {len(result['refused']) - _SHOWN} more (--json shows them)")


def _headings(table: Table, first: str, *figures: str) -> None:
    table.add_column(first)
    for figure in figures:
        table.add_column(figure, justify="right")
