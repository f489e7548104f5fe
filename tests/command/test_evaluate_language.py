"""`releaf evaluate language` on Alpaca files that somebody else holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command.main import app
from releaf.errors import InputError
from tests.command.conftest import Command

GOOD = {"instruction": "Where do empty paint tins go?", "input": "", "output": "To the hazardous waste counter."}


def test_a_file_is_measured_with_what_was_left_out(releaf_json: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "held.jsonl"
    records = [
        GOOD,
        {"instruction": "Sortér dåsen \x1b♻ 缶はどこ?", "output": "Metal og glas skal i den blå spand."},
        {"instruction": "Where does a jar go?", "output": ""},
        {"instruction": "What now? " + "Tell me more about this. " * 90, "output": "Nothing more can be said of it."},
    ]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = releaf_json("evaluate", "language", str(file), "--answers", "1")

    assert found["records"] + found["too_long"] + found["set_aside"] == 4
    assert found["set_aside"] >= 1
    assert found["seen"] == 0
    assert found["perplexity"]["base"] > 1
    assert found["perplexity"]["adapter"] > 1
    assert 0 <= found["token_accuracy"] <= 1
    assert 0 <= found["rouge_l"] <= 1
    assert found["answered"] == 1
    assert found["seconds"] > 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.json", "[]", "no record that can be measured"),
        ("empty.jsonl", "", "no record that can be measured"),
        ("blank.json", '[{"instruction": "Where?", "output": " "}]', "the first of 1 was refused"),
        ("table.csv", "a,b", "no .json or .jsonl"),
        ("absent.json", None, "no .json or .jsonl"),
    ],
)
def test_a_file_that_cannot_be_measured_is_refused_before_a_model_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str | None, message: str
) -> None:
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, ["evaluate", "language", str(tmp_path / name)], catch_exceptions=False)


def test_without_an_adapter_the_command_says_what_to_run(releaf: Command, tmp_path: Path) -> None:
    (tmp_path / "held.json").write_text(json.dumps([GOOD]))
    done = releaf("evaluate", "language", str(tmp_path / "held.json"), root=tmp_path)

    assert done.returncode != 0
    assert "releaf run" in done.stderr
