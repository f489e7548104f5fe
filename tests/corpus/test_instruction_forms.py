from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from releaf.corpus.instructions import quality_report, read_instructions
from releaf.corpus.validation import Validated


def read(folder: Path, rows: list[Any], name: str = "talks.json") -> Validated:
    path = folder / name
    path.write_text(json.dumps(rows, indent=1) if name.endswith("json") else "\n".join(map(json.dumps, rows)))
    return read_instructions([path])


def talk(*texts: str, **more: Any) -> dict[str, Any]:
    """A conversation that a person begins."""
    turns = [{"from": "gpt" if at % 2 else "human", "value": text} for at, text in enumerate(texts)]
    return {"conversations": turns, **more}


ASKED = ("Where do jars go?", "To glass they go.", "And their steel lids?", "With the cans, please.")


@pytest.mark.parametrize("name", ["talks.json", "talks.jsonl"])
def test_each_answered_turn_becomes_a_record_with_what_was_said_before(tmp_path: Path, name: str) -> None:
    result = read(tmp_path, [talk(*ASKED)], name)
    assert result.quarantine.rows() == []
    first, second = result.frame.to_dicts()
    assert (first["instruction"], first["input"], first["output"]) == (ASKED[0], "", ASKED[1])
    assert (second["instruction"], second["output"]) == (ASKED[2], ASKED[3])
    assert second["input"] == "Human: Where do jars go?\nAssistant: To glass they go."
    assert second["id"] == f"{first['id']}.2"
    assert first["line"] == second["line"]
    assert (result.read, result.lost_share) == (2, 0.0)


@pytest.mark.parametrize("as_key", [False, True])
def test_what_the_system_says_is_kept_as_input(tmp_path: Path, as_key: bool) -> None:
    row = talk(*ASKED[:2])
    if as_key:
        row["system"] = "You sort waste."
    else:
        row["conversations"].insert(0, {"from": "system", "value": "You sort waste."})
    assert read(tmp_path, [row]).frame["input"].to_list() == ["System: You sort waste."]


def test_an_assistant_that_speaks_first_and_a_last_word_of_a_person_cost_nothing(tmp_path: Path) -> None:
    row = talk(*ASKED[:2], "Thank you very much!")
    row["conversations"].insert(0, {"from": "gpt", "value": "How can I help?"})
    frame = read(tmp_path, [row]).frame
    assert frame["input"].to_list() == ["Assistant: How can I help?"]
    assert frame["instruction"].to_list() == [ASKED[0]]


def test_a_conversation_never_straddles_a_split(tmp_path: Path) -> None:
    words = [f"thing{number}" for number in range(60)]
    rows = [talk(f"Where does a {w} go?", f"To bin {w}.", f"And a red {w} too?", f"Bin {w} again.") for w in words]
    frame = read(tmp_path, rows).frame
    sides = frame.with_columns(talk=frame["id"].str.strip_suffix(".2")).group_by("talk").n_unique()["split"]
    assert frame.height == 120
    assert set(sides) == {1}
    assert frame["split"].n_unique() == 3
    assert quality_report(frame)["leakage"] == 0.0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (talk(ASKED[0]), "no turn of a person (human) is answered by the assistant (gpt)"),
        ({"conversations": []}, "conversations: expected a list of turns, found an empty list"),
        (talk(ASKED[0], ""), "the output is empty"),
        (talk(*ASKED[:2], chosen={}, rejected={}), "expected an Alpaca record (instruction, output) or a ShareGPT one"),
        ({"prompt": "a b", "completion": "c d"}, "found the keys 'prompt', 'completion'"),
        (
            {"instruction": "Sort this", "output": "To glass."},
            "a record in Alpaca form, in a file that began with ShareGPT",
        ),
        ("Sort this", "found str"),
        (None, "found NoneType"),
    ],
)
def test_what_is_no_record_is_quarantined_with_the_reason(tmp_path: Path, row: Any, reason: str) -> None:
    result = read(tmp_path, [talk("Explain glass to me", "It is molten sand."), row])
    assert result.frame.height == 1
    assert reason in result.quarantine.row(0, named=True)["reason"]
    assert (result.read, result.lost_share) == (2, 0.5)


def test_an_alpaca_record_without_an_output_is_told_so(tmp_path: Path) -> None:
    result = read(tmp_path, [{"instruction": "Sort this"}])
    assert "output: field required" in result.quarantine.row(0, named=True)["reason"]
