from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import PositiveInt

from releaf.corpus.reading import check_row, display_name, parse_yaml, read_text, read_yaml_list
from releaf.corpus.validation import LineError, Quarantine, Row
from releaf.errors import InputError

GOOD = """# first line
- id: a
  names: [x, y]
- id: b
  names:
    - p
    - q
"""


class Sample(Row):
    id: str
    minutes: PositiveInt


def read(tmp_path: Path, content: str | bytes) -> tuple[list, list]:
    path = tmp_path / "list.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    quarantine = Quarantine("sample")
    entries = read_yaml_list(path, "list.yaml", quarantine)
    return entries, quarantine.rows


def test_entries_know_their_lines_and_their_text(tmp_path):
    entries, bad = read(tmp_path, GOOD)
    assert [(entry.value["id"], entry.line) for entry in entries] == [("a", 2), ("b", 4)]
    assert entries[0].text == "- id: a\n  names: [x, y]"
    assert bad == []


def test_nested_values_know_their_lines(tmp_path):
    entries, _ = read(tmp_path, GOOD)
    assert [entries[1].line_of("names", position) for position in (0, 1)] == [6, 7]
    assert entries[1].line_of("id") == 4
    assert entries[1].line_of("absent") == 4


def test_one_unclosed_quote_costs_one_entry(tmp_path):
    entries, bad = read(tmp_path, '- id: a\n- id: "b\n- id: c\n  names:\n    - z\n')
    assert [(entry.value["id"], entry.line) for entry in entries] == [("a", 1), ("c", 3)]
    assert entries[1].line_of("names", 0) == 5
    assert [(row["line"] >= 2, row["content"]) for row in bad] == [(True, '- id: "b')]
    assert "not valid YAML" in bad[0]["reason"]


def test_a_key_given_twice_is_refused_with_its_line(tmp_path):
    entries, bad = read(tmp_path, "- id: a\n  id: b\n- id: c\n")
    assert [entry.value["id"] for entry in entries] == ["c"]
    assert [(row["line"], row["reason"]) for row in bad] == [(2, "key 'id' is given twice")]


def test_a_file_that_is_no_yaml_at_all_is_one_quarantined_row(tmp_path):
    entries, bad = read(tmp_path, 'id: "open\nmore: text\n')
    assert (entries, len(bad)) == ([], 1)
    assert "not valid YAML" in bad[0]["reason"]


@pytest.mark.parametrize("value", ["2024-13-45", "!!bool maybe", '!!int ""', "!!timestamp soon", "!!python/name:os.x"])
def test_a_value_that_cannot_be_built_costs_its_entry(tmp_path, value):
    entries, bad = read(tmp_path, f"- id: {value}\n- id: c\n")
    assert len(entries) == 1
    assert "not valid YAML" in bad[0]["reason"]


def test_trouble_outside_the_entries_is_not_lost(tmp_path):
    entries, bad = read(tmp_path, "key: value\n- id: a\n")
    assert len(entries) == 1
    assert len(bad) == 1


@pytest.mark.parametrize(("content", "found"), [("id: a\n", "dict"), ("just words\n", "str")])
def test_a_file_that_is_no_list_is_quarantined(tmp_path, content, found):
    entries, bad = read(tmp_path, content)
    assert entries == []
    assert bad[0]["reason"] == f"expected a list of entries, found {found}"


def test_an_empty_file_holds_no_entries(tmp_path):
    assert read(tmp_path, "# nothing yet\n") == ([], [])


def test_a_file_that_is_not_utf8_is_quarantined_with_the_line(tmp_path):
    entries, bad = read(tmp_path, b"- id: a\n- id: caf\xe9\n")
    assert entries == []
    assert (bad[0]["line"], "not UTF-8" in bad[0]["reason"], "0xe9" in bad[0]["reason"]) == (2, True, True)


@pytest.mark.parametrize("opening", ["[", "- "])
def test_nesting_that_would_overflow_the_stack_is_refused(tmp_path, opening):
    entries, bad = read(tmp_path, f"- id: a\n- names:\n   {opening * 100_000}")
    assert [entry.value for entry in entries] == [{"id": "a"}]
    assert bad[0]["reason"] == "nested more than 100 levels deep"


def test_an_alias_that_leads_back_to_itself_is_no_endless_loop(tmp_path):
    entries, bad = read(tmp_path, "- &a {id: *a, minutes: 5}\n")
    assert bad == []
    with pytest.raises(LineError, match="id: "):
        check_row(Sample, entries[0])


def test_text_loses_its_byte_order_mark_and_its_windows_line_ends(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree")
    assert read_text(path, "a.txt") == "one\ntwo\nthree"


def test_control_characters_are_refused_with_the_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntw\x00o")
    with pytest.raises(LineError, match=r"a\.txt:2: control character"):
        read_text(path, "a.txt")


def test_a_missing_file_is_an_input_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match=r"no file at .*nowhere\.yaml"):
        read_yaml_list(tmp_path / "nowhere.yaml", "nowhere.yaml", Quarantine("sample"))


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(LineError, match="cannot be read"):
        read_text(tmp_path, "folder")


def test_a_row_tells_every_problem_at_the_line_of_the_first(tmp_path):
    entries, _ = read(tmp_path, "- id: a\n  minutes: soon\n  colour: red\n- id: b\n  minutes: 5\n- word\n")
    with pytest.raises(LineError) as caught:
        check_row(Sample, entries[0])
    assert caught.value.line == 2
    assert "minutes: " in caught.value.reason
    assert "colour: extra inputs are not permitted" in caught.value.reason
    assert check_row(Sample, entries[1]).minutes == 5
    with pytest.raises(LineError, match="expected keys and values, found str"):
        check_row(Sample, entries[2])


def test_nothing_is_coerced_in_a_row(tmp_path):
    entries, _ = read(tmp_path, '- id: a\n  minutes: "5"\n- id: 7\n  minutes: 5\n')
    for entry in entries:
        with pytest.raises(LineError):
            check_row(Sample, entry)


def test_parsed_yaml_counts_lines_from_the_given_one():
    entry = parse_yaml("\nid: a\nnames: [b]\n", "doc.md", first_line=2)
    assert entry is not None
    assert (entry.line, entry.line_of("names", 0)) == (3, 4)
    assert parse_yaml("# only a comment", "doc.md") is None


def test_files_are_named_by_folder_and_name():
    assert display_name(Path("/somewhere/facts/items.yaml")) == "facts/items.yaml"
