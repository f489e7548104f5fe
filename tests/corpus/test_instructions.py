from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest
import yaml

from releaf.corpus.instructions import INSTRUCTION_SCHEMA, quality_report, read_instructions
from releaf.errors import InputError

WORDS = [
    *("bottle", "jar", "can", "tray", "box", "bag", "cup", "lid", "crate", "peel", "battery", "phone", "shirt"),
    *("rinse", "crush", "sort", "dry", "fold", "cut", "keep", "drop", "return", "repair", "lend", "donate", "label"),
]


def record(number: int, **changes: str) -> dict[str, str]:
    rng = random.Random(number)
    words = [rng.choice(WORDS) for _ in range(24)]
    row = {
        "id": f"ins-{number:04d}",
        "instruction": " ".join(["Explain how to", *words[:10]]),
        "output": " ".join(["First", *words[10:]]) + ".",
        "topic": "reuse" if number % 3 else "recycling",
        "source": "authors",
    }
    return row | changes


def write(folder: Path, rows: list[dict[str, str]]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "a.yaml"
    path.write_text(yaml.safe_dump(rows, sort_keys=False, width=10_000))
    return path


def test_authored_records_are_read_with_all_columns(tmp_path):
    result = read_instructions([write(tmp_path / "instructions", [record(1, input="a jar"), record(2)])])
    assert result.frame.schema == pl.Schema(INSTRUCTION_SCHEMA)
    row = result.frame.row(0, named=True)
    assert (row["id"], row["input"], row["topic"]) == ("ins-0001", "a jar", "reuse")
    assert (row["file"], row["line"]) == ("instructions/a.yaml", 1)
    assert result.frame["input"][1] == ""
    assert result.frame["line"][1] == 7


@pytest.mark.parametrize("name", ["train.json", "train.jsonl"])
def test_alpaca_files_are_read_and_named_after_their_content(tmp_path, name):
    rows = [
        {"instruction": "Sort this jar", "input": None, "output": "To glass it goes.", "history": []},
        {"instruction": "Sort this can", "input": "steel", "output": "To metal it goes."},
    ]
    path = tmp_path / name
    path.write_text(json.dumps(rows, indent=1) if name.endswith("json") else "\n".join(map(json.dumps, rows)))
    result = read_instructions([path])
    assert result.frame["input"].to_list() == ["", "steel"]
    assert result.frame["id"].str.contains(r"^train-[0-9a-f]{12}$").all()
    assert result.frame["topic"].to_list() == [None, None]
    assert result.frame["source"].to_list() == [f"{tmp_path.name}/{name}"] * 2
    path.write_text("\n".join(map(json.dumps, reversed(rows))))
    assert set(read_instructions([path]).frame["id"]) == set(result.frame["id"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"output": ""}, "the output is empty"),
        ({"instruction": "Explain"}, "the instruction has 1 words"),
        ({"output": "word " * 2000}, "the output has 2000 words"),
        ({"instruction": record(2)["output"], "output": record(2)["output"]}, "the output repeats the instruction"),
        ({"id": "ins-0001"}, "id 'ins-0001' was given before, at"),
        ({"topic": ""}, "topic: "),
        ({"colour": "red"}, "colour: extra inputs"),
        (
            {key: record(1)[key].upper() for key in ("instruction", "output")},
            "the same record was read before, at",
        ),
    ],
)
def test_a_bad_record_is_quarantined_with_its_line(tmp_path, changes, reason):
    result = read_instructions([write(tmp_path, [record(1), record(2, **changes), record(3)])])
    assert result.frame["id"].to_list() == ["ins-0001", "ins-0003"]
    row = result.quarantine.row(0, named=True)
    assert reason in row["reason"]
    assert row["dataset"] == "instructions"
    assert 6 <= row["line"] <= 12
    assert (result.read, result.lost_share) == (3, pytest.approx(1 / 3))


def test_splits_follow_the_content_and_not_the_order_or_the_ids(tmp_path):
    rows = [record(number) for number in range(100)]
    first = read_instructions([write(tmp_path, rows)]).frame
    renamed = [row | {"id": f"other-{number}"} for number, row in enumerate(reversed(rows))]
    second = read_instructions([write(tmp_path, renamed)]).frame
    assert first.sort("output")["split"].to_list() == second.sort("output")["split"].to_list()
    counts = dict(first.group_by("split").len().rows())
    assert (counts["train"], counts["validation"], counts["test"]) == pytest.approx((80, 10, 10), abs=2)


def test_near_duplicates_stay_on_one_side_and_nothing_leaks(tmp_path):
    rows = [record(number) for number in range(60)]
    rows += [row | {"id": f"copy-{n}", "output": row["output"] + " Then stop."} for n, row in enumerate(rows[:30])]
    frame = read_instructions([write(tmp_path, rows)]).frame
    splits = dict(frame.select("id", "split").iter_rows())
    assert all(splits[f"copy-{number}"] == splits[f"ins-{number:04d}"] for number in range(30))
    report = quality_report(frame)
    assert report["leakage"] == 0.0
    assert report["near_duplicates"] == pytest.approx(60 / 90)


def test_leakage_shows_when_a_copy_is_moved_across(tmp_path):
    rows = [record(0), record(0, id="copy", output=record(0)["output"] + " Stop.")]
    frame = read_instructions([write(tmp_path, rows)]).frame.with_columns(split=pl.Series(["train", "test"]))
    assert quality_report(frame)["leakage"] == 1.0


def test_the_report_counts_what_stands_in_the_table():
    texts = [("Sort this jar", "To glass it goes."), ("", "x y z"), ("Sort", "x y z"), ("a " * 600, "x y z")]
    frame = pl.DataFrame(
        [{"instruction": prompt, "input": "", "output": output, "split": "train"} for prompt, output in texts * 2],
        schema=INSTRUCTION_SCHEMA,
    )
    report = quality_report(frame)
    assert report["records"] == 8
    assert (report["empty"], report["too_short"], report["too_long"]) == (0.25, 0.25, 0.25)
    assert report["exact_duplicates"] == 0.5
    assert report["mean_output_words"] == pytest.approx((4 + 3 + 3 + 3) / 4)


def test_no_records_give_an_empty_table_and_a_report_of_zeros(tmp_path):
    frame = read_instructions([write(tmp_path, [])]).frame
    assert (frame.height, frame.columns) == (0, list(INSTRUCTION_SCHEMA))
    assert set(quality_report(frame).values()) == {0.0}


def test_other_files_and_missing_ones_are_input_errors(tmp_path):
    with pytest.raises(InputError, match=r"a\.csv is neither \.yaml nor \.json or \.jsonl"):
        read_instructions([tmp_path / "a.csv"])
    with pytest.raises(InputError, match="no file at"):
        read_instructions([tmp_path / "a.json"])


def test_no_authored_instruction_is_lost_and_none_leaks(project_root):
    result = read_instructions(sorted((project_root / "data" / "instructions").glob("*.yaml")))
    assert result.quarantine.rows() == []
    report = quality_report(result.frame)
    assert report["leakage"] == 0.0
    assert report["english"] > 0.95


def test_a_real_alpaca_file_is_read_whole(shared_data):
    result = read_instructions([shared_data / "instruct_gsm8k_alpaca" / "train.json"])
    assert (result.read, result.frame.height) == (2000, 2000)
    assert dict(result.frame.group_by("split").len().rows()) == {"train": 1600, "validation": 200, "test": 200}
    assert quality_report(result.frame)["leakage"] == 0.0
