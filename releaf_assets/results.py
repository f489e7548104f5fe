"""How assets hand over what they made: value, data version, and metadata that a person can read in the UI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from releaf.artifacts import Artifact, write_json
from releaf_assets.columns import COLUMNS
from resources.warehouse import QUARANTINE, Dataset

if TYPE_CHECKING:
    from releaf.training.loop import History

SAMPLE_ROWS = 5
THROUGHPUT = "samples_per_second"


def dataset_result(
    dataset: Dataset, *, headline: str = "", metadata: Mapping[str, Any] | None = None
) -> dg.MaterializeResult[Dataset]:
    """Hand over tables: schema, row count, sample rows and the quarantine of the first table are on the metadata."""
    main = next(iter(dataset.tables.values()))
    frame = main.read()
    quarantined = {name: t.rows for name, t in dataset.tables.items() if name.endswith(QUARANTINE)}
    shown: dict[str, Any] = {
        "headline": headline or f"{main.rows:,} rows",
        "dagster/row_count": main.rows,
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, str(kind), COLUMNS.get(name)) for name, kind in frame.schema.items()]
        ),
        "sample": dg.MetadataValue.md(markdown_table(frame.head(SAMPLE_ROWS).to_dicts())),
        "tables": dg.MetadataValue.json({name: table.rows for name, table in dataset.tables.items()}),
        "quarantined": sum(quarantined.values()),
        **{name: float(value) for name, value in dataset.metrics.items()},
        **(metadata or {}),
    }
    for name, rows in quarantined.items():
        if rows:
            shown[name] = dg.MetadataValue.md(markdown_table(dataset.read(name).head(20).to_dicts()))
    return dg.MaterializeResult(value=dataset, data_version=dg.DataVersion(dataset.version), metadata=shown)


def artifact_result(
    artifact: Artifact, *, headline: str, metadata: Mapping[str, Any] | None = None
) -> dg.MaterializeResult[Artifact]:
    """Hand over a published directory: its figures, size and place are on the metadata."""
    size = sum(entry.size for entry in artifact.manifest.files.values())
    shown: dict[str, Any] = {
        "headline": headline,
        **(metadata or {}),
        "path": dg.MetadataValue.path(str(artifact.path)),
        "size": f"{size / 2**20:.2f} MiB in {len(artifact.manifest.files)} files",
        **{name: float(value) for name, value in artifact.metrics.items()},
    }
    return dg.MaterializeResult(value=artifact, data_version=dg.DataVersion(artifact.version), metadata=shown)


def save_history(directory: Path, history: History, monitor: str) -> dict[str, float]:
    """Write a run's curves beside its weights, and return its headline figures.

    Throughput is left out: it differs from run to run, and equal weights must have equal versions.
    """
    epochs = [{name: v for name, v in epoch.items() if name != THROUGHPUT} for epoch in history.epochs]
    write_json(directory / "history.json", {"epochs": epochs, "best_epoch": history.best_epoch, "monitor": monitor})
    best = history.epochs[history.best_epoch - 1]
    return {f"validation_{monitor.removeprefix('validation_')}": best[monitor], "best_epoch": history.best_epoch}


def curves(history: History, monitor: str) -> dict[str, Any]:
    """A run's curves as a picture, and its throughput."""
    from releaf.reporting.pictures import markdown_image
    from releaf.reporting.plots import training_curves

    picture = training_curves(history.epochs, monitor, history.best_epoch)
    throughput = sorted(epoch[THROUGHPUT] for epoch in history.epochs)[len(history.epochs) // 2]
    return {"curves": dg.MetadataValue.md(markdown_image(picture, "curves")), "samples_per_second": throughput}


def markdown_table(rows: list[dict[str, Any]], width: int = 90) -> str:
    """Rows as a Markdown table; long cells are cut at `width` characters."""
    if not rows:
        return "_no rows_"
    columns = list(rows[0])
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for row in rows:
        cells = (str(row[column]).replace("|", "\\|").replace("\n", " ") for column in columns)
        lines.append("| " + " | ".join(c if len(c) <= width else c[: width - 1] + "…" for c in cells) + " |")
    return "\n".join(lines)


def versions(**values: Artifact | Dataset) -> dict[str, str]:
    """The version of each upstream value by asset name, as manifests record them."""
    return {name: value.version for name, value in values.items()}
