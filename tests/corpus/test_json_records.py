from __future__ import annotations

import json
from pathlib import Path

import pytest

from releaf.corpus.json_records import read_json_list
from releaf.corpus.validation import Quarantine
from releaf.errors import InputError

RECORDS = [{"a": 1}, {"a": {"b": [2]}}, {"a": "x\ny"}]


def read(tmp_path: Path, content: str) -> tuple[list, list]:
    path = tmp_path / "list.json"
    path.write_text(content)
    quarantine = Quarantine("sample")
    entries = read_json_list(path, "list.json", quarantine)
    return [(entry.value, entry.line) for entry in entries], quarantine.rows


def test_an_array_is_read_with_the_line_of_each_record(tmp_path):
    entries, bad = read(tmp_path, json.dumps(RECORDS, indent=1))
    assert [value for value, _ in entries] == RECORDS
    assert [line for _, line in entries] == [2, 5, 12]
    assert bad == []


def test_lines_are_read_with_their_numbers(tmp_path):
    entries, bad = read(tmp_path, "\n".join(map(json.dumps, RECORDS)) + "\n\n")
    assert entries == list(zip(RECORDS, [1, 2, 3], strict=True))
    assert bad == []


@pytest.mark.parametrize("content", ["[]", "", "[\n]"])
def test_nothing_is_no_records(tmp_path, content):
    assert read(tmp_path, content) == ([], [])


def test_a_broken_line_costs_one_record(tmp_path):
    entries, bad = read(tmp_path, '{"a": 1}\n{"a": \n{"a": 3}\n')
    assert [line for _, line in entries] == [1, 3]
    assert [(row["line"], row["content"]) for row in bad] == [(2, '{"a": ')]


def test_a_broken_record_of_an_array_costs_one_record(tmp_path):
    entries, bad = read(tmp_path, '[\n {"a": 1},\n {"a": oops},\n {"a": 3}\n]')
    assert entries == [({"a": 1}, 2), ({"a": 3}, 4)]
    assert len(bad) == 1
    assert bad[0]["line"] == 3
    assert "not valid JSON" in bad[0]["reason"]


@pytest.mark.parametrize("content", ['[\n {"a": 1},\n {"a"', '[\n {"a": 1},\n'])
def test_a_file_that_ends_too_early_keeps_what_is_whole(tmp_path, content):
    entries, bad = read(tmp_path, content)
    assert entries == [({"a": 1}, 2)]
    assert len(bad) == 1


@pytest.mark.parametrize("start", ['[{"a": ', '{"a": '])
def test_nesting_without_end_is_quarantined(tmp_path, start):
    entries, bad = read(tmp_path, start + "[" * 100_000 + "]" * 100_000)
    assert entries == []
    assert "nested too deeply" in bad[0]["reason"]


def test_an_object_around_the_list_is_one_quarantined_row(tmp_path):
    entries, bad = read(tmp_path, '{\n "data": []\n}')
    assert entries == []
    assert bad[0]["reason"] == "expected a list of records, found one object with 'data'"


def test_a_missing_file_is_an_input_error_and_bad_bytes_are_quarantined(tmp_path):
    with pytest.raises(InputError, match="no file at"):
        read_json_list(tmp_path / "absent.json", "absent.json", Quarantine("sample"))
    (tmp_path / "bad.json").write_bytes(b'[{"a": "\xff"}]')
    quarantine = Quarantine("sample")
    assert read_json_list(tmp_path / "bad.json", "bad.json", quarantine) == []
    assert "not UTF-8" in quarantine.rows[0]["reason"]


@pytest.mark.parametrize("content", ['[\n {"a": "\\ud800"},\n {"a": 2}\n]', '{"a": "\\ud800"}\n{"a": 2}\n'])
def test_half_a_surrogate_pair_costs_one_record(tmp_path, content):
    entries, bad = read(tmp_path, content)
    assert [value for value, _ in entries] == [{"a": 2}]
    assert [row["reason"] for row in bad] == ["half of a surrogate pair (\\ud800 to \\udfff); no text"]


@pytest.mark.parametrize("content", ['[\n {"a": %s},\n {"a": 2}\n]', '{"a": %s}\n{"a": 2}\n'])
def test_a_number_beyond_what_python_reads_costs_one_record(tmp_path, content):
    entries, bad = read(tmp_path, content % ("9" * 5000))
    assert [value for value, _ in entries] == [{"a": 2}]
    assert bad[0]["reason"].startswith("not valid JSON: Exceeds the limit")
