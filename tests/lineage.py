"""A lineage small enough to run whole inside a test: a few documents, tiny models, the same code."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import yaml

from command.run import Outcome, refresh
from command.watch import Watcher
from releaf_assets.gates import GATES, Gate
from resources.settings import Settings, load_settings
from sensors.staleness import AssetState

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = 14


def small_data(target: Path) -> Path:
    """Authored data cut down: all facts and policies, a few documents, and the judgements and instructions on them."""
    source = ROOT / "data"
    for name in ("facts", "policies"):
        shutil.copytree(source / name, target / name)
    shutil.copy2(source / "taxonomy.yaml", target / "taxonomy.yaml")
    (target / "knowledge").mkdir()
    records = yaml.safe_load((source / "instructions" / "composting.yaml").read_text())
    records += yaml.safe_load((source / "instructions" / "hazardous.yaml").read_text())
    # Every third record's document is there, so that each split has answers that rest on one.
    rested_on = {f"{row['source'].removeprefix('knowledge/')}.md" for row in records[::3]}
    every = sorted((source / "knowledge").glob("*.md"))
    chosen = {file.name for file in every[:: 143 // DOCUMENTS][:DOCUMENTS]} | rested_on
    kept = [file for file in every if file.name in chosen]
    for file in kept:
        shutil.copy2(file, target / "knowledge" / file.name)
    ids = {file.stem for file in kept}
    for file in sorted((source / "judgements").glob("*.yaml")):
        rows = yaml.safe_load(file.read_text())
        for row in rows:
            row["relevant"] = {name: grade for name, grade in row["relevant"].items() if name in ids}
        _write(target / "judgements" / file.name, [r for r in rows if any(g > 0 for g in r["relevant"].values())])
    _write(target / "instructions" / "few.yaml", records)
    return target


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(rows, sort_keys=False, allow_unicode=True))


def tiny_settings(home: Path, data_dir: Path, *, lanes: int = 1) -> Settings:
    """Settings with which the whole lineage takes seconds, in this process unless there are more `lanes`."""
    return load_settings(
        home=home,
        data_dir=data_dir,
        device="cpu",
        lanes=lanes,
        rendering={"per_item": 8, "size": 32},
        vision={"backbone": "resnet10t", "source": "scratch", "image_size": 32, "epochs": 1, "batch_size": 32},
        descriptors={"words": 2, "pictures": 20, "patches": 20, "gradient_axes": 4, "colour_axes": 4},
        graph={"epochs": 3, "hidden": 32, "output": 16},
        retrieval={"runtime": "torch"},
        reranker={"layers": 1, "epochs": 1, "negatives": 2, "titles": 8, "max_tokens": 48},
        language={
            "base": {
                "tokenizer": {"vocabulary": 400},
                "decoder": {"width": 32, "layers": 1, "heads": 2, "key_value_heads": 1, "feed_forward": 64},
                "window": 64,
                "epochs": 1,
            },
            "tuning": {"adapter": {"rank": 4, "alpha": 8}, "epochs": 1},
        },
    )


def passing(gates: tuple[Gate, ...] = GATES) -> tuple[Gate, ...]:
    """The gates with thresholds that models this small meet; data quality stays as it is."""
    return tuple(
        gate
        if gate.metric in ("lost_share", "leaking_groups", "leaking_pairs", "same_text")
        else dataclasses.replace(gate, threshold=-1e9 if gate.comparison == ">=" else 1e9)
        for gate in gates
    )


def failing(name: str, gates: tuple[Gate, ...] | None = None) -> tuple[Gate, ...]:
    """Passing gates, but for the one called `name`, which no model meets."""
    return tuple(
        dataclasses.replace(gate, threshold=1e9 if gate.comparison == ">=" else -1e9) if gate.name == name else gate
        for gate in (gates or passing())
    )


def run(
    settings: Settings, gates: tuple[Gate, ...] | None = None, **options: Any
) -> tuple[Outcome, dict[str, AssetState]]:
    """`releaf run` inside this process, silent."""
    with Watcher(quiet=True) as watcher:
        return refresh(settings, watcher, gates=gates or passing(), **options)
