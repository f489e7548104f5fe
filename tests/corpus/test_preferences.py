from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from releaf.corpus.preference_quality import PreferenceLimits, quality_report
from releaf.corpus.preferences import PREFERENCE_SCHEMA, read_preferences
from releaf.errors import InputError

WORDS = [
    *("bottle", "jar", "can", "tray", "box", "bag", "cup", "lid", "crate", "peel", "battery", "phone", "shirt"),
    *("rinse", "crush", "sort", "dry", "fold", "cut", "keep", "drop", "return", "repair", "lend", "donate", "label"),
]


def pair(number: int, **changes: Any) -> dict[str, Any]:
    words = random.Random(number).choices(WORDS, k=40)
    row = {
        "id": f"pref-{number:04d}",
        "prompt": " ".join(["Explain", *words[:8]]) + "?",
        "chosen": " ".join(["First", *words[8:24]]) + ".",
        "rejected": " ".join(["Perhaps", *words[24:]]) + ".",
        "topic": "reuse" if number % 3 else "recycling",
        "fault": "evasive",
        "source": "authors",
    }
    return row | changes


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "a.yaml"
    path.write_text(yaml.safe_dump(rows, sort_keys=False, width=10_000))
    return path


def test_authored_pairs_are_read_with_all_columns(tmp_path: Path) -> None:
    result = read_preferences([write(tmp_path / "preferences", [pair(1, input="a jar"), pair(2)])])
    assert result.frame.schema == pl.Schema(PREFERENCE_SCHEMA)
    row = result.frame.row(0, named=True)
    assert (row["id"], row["input"], row["topic"], row["fault"]) == ("pref-0001", "a jar", "reuse", "evasive")
    assert (row["file"], row["line"]) == ("preferences/a.yaml", 1)
    assert result.frame["input"][1] == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chosen": ""}, "chosen is empty"),
        ({"rejected": " \n "}, "rejected is empty"),
        ({"prompt": "Jars?"}, "prompt has 1 words, at least 2 are expected"),
        ({"chosen": "Yes."}, "chosen has 1 words, at least 2 are expected"),
        ({"rejected": "no " * 1025}, "rejected has 1025 words, at most 1024 are expected"),
        (
            {"prompt": "why " * 1500, "input": "so " * 600},
            "prompt and input have 2100 words, at most 2048 are expected",
        ),
        ({"rejected": pair(2)["chosen"]}, "chosen and rejected are the same; one must be better"),
        ({"rejected": pair(2)["chosen"].upper()}, "chosen and rejected differ in case and punctuation alone"),
        ({"chosen": "It is\x85 fine\x7f here"}, "chosen holds the control character '\\x7f'; remove it"),
        ({"id": "pref-0001"}, "id 'pref-0001' was given before, at"),
        ({key: pair(1)[key].upper() for key in ("prompt", "chosen", "rejected")}, "the same pair was read before, at"),
        (
            {"prompt": pair(1)["prompt"], "chosen": pair(1)["rejected"], "rejected": pair(1)["chosen"]},
            "prefers what is rejected at",
        ),
        ({"fault": "boring"}, "fault: input should be 'unsafe', 'wrong_bin'"),
        ({"topic": ""}, "topic: "),
        ({"colour": "red"}, "colour: extra inputs"),
        ({"chosen": None}, "chosen: input should be a valid string"),
    ],
)
def test_a_bad_pair_is_quarantined_with_its_line(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    result = read_preferences([write(tmp_path, [pair(1), pair(2, **changes), pair(3)])])
    assert result.frame["id"].to_list() == ["pref-0001", "pref-0003"]
    row = result.quarantine.row(0, named=True)
    assert reason in row["reason"]
    assert row["dataset"] == "preferences"
    assert 8 <= row["line"] <= 16
    assert (result.read, result.lost_share) == (3, pytest.approx(1 / 3))


def test_pairs_that_differ_in_an_emoji_alone_are_pairs(tmp_path: Path) -> None:
    rows = [pair(1, chosen="👍 👍", rejected="👎 👎")]
    assert read_preferences([write(tmp_path, rows)]).frame.height == 1


def test_splits_follow_the_content_and_not_the_order_or_the_ids(tmp_path: Path) -> None:
    rows = [pair(number) for number in range(100)]
    first = read_preferences([write(tmp_path, rows)]).frame
    renamed = [row | {"id": f"other-{number}"} for number, row in enumerate(reversed(rows))]
    second = read_preferences([write(tmp_path, renamed)]).frame
    assert first.sort("chosen")["split"].to_list() == second.sort("chosen")["split"].to_list()
    counts = dict(first.group_by("split").len().rows())
    assert (counts["train"], counts["validation"], counts["test"]) == pytest.approx((70, 10, 20), abs=2)


@pytest.mark.parametrize("side", ["chosen", "rejected", "prompt"])
def test_pairs_that_share_a_text_stay_on_one_side_and_nothing_leaks(tmp_path: Path, side: str) -> None:
    rows = [pair(number) for number in range(60)]
    rows += [pair(number + 500, **{side: pair(number)[side] + " Now."}) for number in range(30)]
    frame = read_preferences([write(tmp_path, rows)]).frame
    splits = dict(frame.select("id", "split").iter_rows())
    assert all(splits[f"pref-{number:04d}"] == splits[f"pref-{number + 500:04d}"] for number in range(30))
    report = quality_report(frame)
    assert (report["leakage"], report["near_duplicates"]) == (0.0, pytest.approx(60 / 90))


def test_a_short_answer_in_common_makes_no_near_duplicates(tmp_path: Path) -> None:
    rows = [pair(number, rejected="I do not know that.") for number in range(20)]
    frame = read_preferences([write(tmp_path, rows)]).frame
    assert quality_report(frame)["near_duplicates"] == 0.0
    assert frame["split"].n_unique() == 3


def test_no_pairs_give_an_empty_table_and_a_report_of_zeros(tmp_path: Path) -> None:
    frame = read_preferences([write(tmp_path, [])]).frame
    assert (frame.height, frame.columns) == (0, list(PREFERENCE_SCHEMA))
    assert set(quality_report(frame).values()) == {0.0}


def test_other_files_missing_ones_and_impossible_limits_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv is neither \.yaml nor \.json or \.jsonl"):
        read_preferences([tmp_path / "a.csv"])
    with pytest.raises(InputError, match="no file at"):
        read_preferences([tmp_path / "a.json"])
    with pytest.raises(InputError, match="shortest text that is longer than the longest"):
        PreferenceLimits(shortest_answer=10, longest_answer=9)


def test_an_imported_file_beside_authored_ones_keeps_its_own_names(tmp_path: Path) -> None:
    authored = write(tmp_path, [pair(1)])
    imported = tmp_path / "mine.json"
    imported.write_text(json.dumps([{key: pair(2)[key] for key in ("prompt", "chosen", "rejected")}]))
    frame = read_preferences([authored, imported]).frame
    assert frame["id"].str.contains(r"^(pref-0001|mine-[0-9a-f]{12})$").all()
    assert frame["topic"].to_list() == ["reuse", None]
    assert frame["fault"].to_list() == ["evasive", None]


def test_a_real_file_in_sharegpt_form_is_read_but_for_one_word_answers_and_repeats(shared_data: Path) -> None:
    result = read_preferences([shared_data / "preference_dpo_en_demo" / "train.json"])
    assert result.read == 240
    assert result.lost_share <= 0.05
    frame = result.frame
    # 67 of the 240 begin with the system and 84 have earlier turns.
    assert frame.filter(pl.col("input").str.starts_with("System: ")).height >= 60
    assert frame.filter(pl.col("input").str.starts_with("Human: ")).height >= 75
    report = quality_report(frame)
    assert report["leakage"] == 0.0
    assert report["length_difference"] < 0
