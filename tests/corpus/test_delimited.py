from __future__ import annotations

import pytest

from releaf.corpus.delimited import format_of, read_records, require_columns
from releaf.corpus.validation import Quarantine
from releaf.errors import InputError


def read(tmp_path, content, kind="csv"):
    path = tmp_path / f"table.{kind}"
    path.write_text(content, newline="")
    quarantine = Quarantine("sample")
    columns, entries = read_records(path, kind, quarantine)
    return columns, [(entry.value, entry.line) for entry in entries], quarantine.rows


def test_a_row_knows_the_line_it_starts_on_after_cells_of_several_lines(tmp_path):
    columns, entries, bad = read(tmp_path, '\ufeffid,text\r\n1,"two\r\nlines, one cell"\r\n\r\n2,"say ""hi"""\r\n')
    assert columns == ("id", "text")
    assert entries == [({"id": "1", "text": "two\nlines, one cell"}, 2), ({"id": "2", "text": 'say "hi"'}, 5)]
    assert bad == []


def test_tabs_separate_the_cells_of_a_tsv(tmp_path):
    assert read(tmp_path, "id\ttext\n1\ta, b\n", "tsv")[1] == [({"id": "1", "text": "a, b"}, 2)]


def test_a_row_of_another_width_is_set_aside_and_the_next_one_read(tmp_path):
    _, entries, bad = read(tmp_path, "id,text\n1,a,b\n2,c\n3\n")
    assert entries == [({"id": "2", "text": "c"}, 3)]
    assert [(row["line"], row["reason"].split(";")[0]) for row in bad] == [
        (2, "3 cells where the header has 2"),
        (4, "1 cells where the header has 2"),
    ]


def test_a_quote_that_is_never_closed_costs_what_follows_it_alone(tmp_path):
    _, entries, bad = read(tmp_path, 'id,text\n1,a\n2,"open\n3,c\n')
    assert entries == [({"id": "1", "text": "a"}, 2)]
    assert [(row["line"], row["reason"]) for row in bad] == [(3, "not valid CSV: unexpected end of data")]


def test_a_cell_may_be_longer_than_the_libraries_limit(tmp_path):
    assert len(read(tmp_path, f"id,text\n1,{'x' * 200_000}\n")[1][0][0]["text"]) == 200_000


def test_columns_of_json_are_all_keys_in_order_of_appearance(tmp_path):
    columns, entries, bad = read(tmp_path, '{"a": 1}\n[2]\n{"b": 2, "a": 3}\n', "jsonl")
    assert columns == ("a", "b")
    assert [line for _, line in entries] == [1, 3]
    assert [(row["line"], row["reason"]) for row in bad] == [(2, "expected an object with keys and values, found list")]


@pytest.mark.parametrize(
    ("header", "message"), [("id,,text", "a column without a name"), ("id,text,id", "two columns called 'id'")]
)
def test_a_header_that_names_no_column_or_one_twice_is_an_error(tmp_path, header, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, f"{header}\n1,2,3\n")


def test_a_declared_column_that_is_absent_is_told_with_those_there_are(tmp_path):
    with pytest.raises(InputError, match=r"no column 'titel' \(declared as the title\); its columns: title, body$"):
        require_columns(tmp_path, ["title", "body"], {"title": "titel", "body": "body", "id": None})


def test_an_ending_that_tells_no_format_is_refused_with_those_that_do(tmp_path):
    assert format_of(tmp_path / "A.CSV") == "csv"
    with pytest.raises(InputError, match=r"a\.xlsx is no table: its name must end in \.json, \.jsonl, \.csv, \.tsv"):
        format_of(tmp_path / "a.xlsx")


def test_a_missing_table_is_an_input_error_and_one_in_other_bytes_is_set_aside(tmp_path):
    with pytest.raises(InputError, match="no file at"):
        read_records(tmp_path / "absent.csv", "csv", Quarantine("sample"))
    (tmp_path / "bytes.csv").write_bytes(b"id,text\n1,caf\xe9\n")
    quarantine = Quarantine("sample")
    assert read_records(tmp_path / "bytes.csv", "csv", quarantine) == ((), [])
    assert quarantine.rows[0]["line"] == 2
