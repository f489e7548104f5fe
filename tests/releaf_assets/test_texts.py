"""The assets of instructions and preferences: what they hand over, and what stops what is below them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from releaf_assets.datasets.instructions import instructions
from releaf_assets.datasets.preferences import preferences
from releaf_assets.gates import GATES
from resources.settings import Settings, load_settings
from resources.sources import imports_root
from resources.warehouse import Dataset, Warehouse


@pytest.fixture
def settings(tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over the authored data and an empty home."""
    for variable in [name for name in os.environ if name.startswith("RELEAF_")]:
        monkeypatch.delenv(variable)
    return load_settings(home=tmp_path / "home", data_dir=project_root / "data")


def made(asset: Any, settings: Settings) -> dg.MaterializeResult[Dataset]:
    result: Any = asset(settings=settings, warehouse=Warehouse(home=str(settings.home), queries=""))
    return result  # type: ignore[no-any-return]


def shown(result: dg.MaterializeResult[Dataset], name: str) -> str:
    entry: Any = (result.metadata or {})[name]
    return str(getattr(entry, "md_str", entry))


def failed(result: dg.MaterializeResult[Dataset], asset: str) -> list[str]:
    return [gate.name for gate in GATES if gate.asset == asset and not gate.verdict(result.value.metrics)[0]]


def imported(settings: Settings, rows: list[dict[str, str]]) -> None:
    folder = imports_root(settings.home) / "preferences"
    folder.mkdir(parents=True)
    (folder / "mine.json").write_text(json.dumps(rows))


def pair(
    number: int, chosen: str = "Take jar {} to the bottle bank.", rejected: str = "Jar {} goes nowhere at all."
) -> Any:
    return {
        "prompt": f"Where does jar {number} go?",
        "chosen": chosen.format(number),
        "rejected": rejected.format(number),
    }


def test_the_authored_preferences_pass_their_gates_and_show_examples(settings: Settings) -> None:
    result = made(preferences, settings)
    assert failed(result, "preferences") == []
    assert set(result.value.tables) == {"preferences", "preferences_quarantine"}
    assert "pairs, " in shown(result, "headline")
    assert "| shortest | pref-" in shown(result, "examples")
    assert result.value.metrics["length_bias"] <= 0.05


def test_equal_files_give_equal_versions(settings: Settings) -> None:
    first, second = made(preferences, settings), made(preferences, settings)
    assert first.value.version == second.value.version
    assert first.value.metrics == second.value.metrics


def test_imported_pairs_stand_beside_the_authored_ones(settings: Settings) -> None:
    before = made(preferences, settings).value.read("preferences").height
    imported(settings, [pair(1)])
    assert made(preferences, settings).value.read("preferences").height == before + 1


def test_pairs_in_which_length_tells_the_answer_show_it_in_a_figure(settings: Settings, tmp_path: Path) -> None:
    imported(settings, [pair(number, "Jar {} is " + "very " * 50 + "welcome.") for number in range(40)])
    alone = settings.model_copy(update={"data_dir": tmp_path})
    result = made(preferences, alone)
    assert result.value.metrics["length_bias"] > 1
    assert failed(result, "preferences") == []


def test_too_many_rows_set_aside_fail_the_gate_and_are_shown(settings: Settings, tmp_path: Path) -> None:
    imported(settings, [pair(1), pair(2, "the same", "The same!")])
    result = made(preferences, settings.model_copy(update={"data_dir": tmp_path}))
    assert failed(result, "preferences")[:1] == ["rows_kept"]
    assert "differ in case and punctuation alone" in shown(result, "preferences_quarantine")


def test_no_preferences_at_all_are_an_empty_table(settings: Settings, tmp_path: Path) -> None:
    result = made(preferences, settings.model_copy(update={"data_dir": tmp_path}))
    assert result.value.read("preferences").height == 0
    assert failed(result, "preferences") == []
    assert shown(result, "examples") == "_no rows_"


def test_instructions_show_examples_of_each_kind(settings: Settings) -> None:
    result = made(instructions, settings)
    assert failed(result, "instructions") == []
    assert "| longest | ins-" in shown(result, "examples")
