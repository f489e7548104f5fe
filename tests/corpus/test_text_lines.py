from __future__ import annotations

from pathlib import Path

import pytest

from releaf.corpus.text_lines import LONGEST, read_lines
from releaf.errors import InputError


@pytest.fixture
def lines(tmp_path: Path):  # type: ignore[no-untyped-def]
    def read(data: bytes) -> list[tuple[int, str, str]]:
        (tmp_path / "x.csv").write_bytes(data)
        return [(line.number, line.text, line.problem) for line in read_lines(tmp_path / "x.csv")]

    return read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_every_encoding_gives_the_same_lines(lines, encoding):
    text = "plastic bottle,made of,café\r\nÄste,made of,wood\n\nlast line without an end"
    assert [(n, t) for n, t, _ in lines(text.encode(encoding))] == [
        (1, "plastic bottle,made of,café"), (2, "Äste,made of,wood"), (3, ""), (4, "last line without an end"),
    ]  # fmt: skip


def test_lines_of_two_encodings_in_one_file_are_each_read(lines):
    assert [t for _, t, _ in lines("é\n".encode() + "é\n".encode("latin-1") + b"e\n")] == ["é", "é", "e"]


def test_broken_bytes_cost_one_line(lines):
    found = lines(b"good\ncaf\xc3\nbad \x9f\nnul\x00\nfine\n")
    assert [(n, bool(p)) for n, _, p in found] == [(1, False), (2, True), (3, True), (4, True), (5, False)]
    assert found[1][2] == "encoding: neither UTF-8 nor Latin-1 (byte 0xc3 at column 4)"
    assert found[3][2] == r"control character: '\x00'"


def test_an_endless_line_is_one_problem_and_what_follows_is_read(lines):
    found = lines(b"a\n" + b"x" * (3 * LONGEST) + b"\nb\n")
    assert [(n, p.split(":")[0]) for n, _, p in found] == [(1, ""), (2, "too long"), (3, "")]
    assert found[2][1] == "b"
    wide = lines(("a\n" + "x" * (3 * LONGEST) + "\nb\n").encode("utf-16"))
    assert [bool(p) for *_, p in wide] == [False, True, False]


def test_half_a_character_of_utf_16_is_a_problem(lines):
    found = lines("ab\ncd\n".encode("utf-16") + b"\x00\xd8\n\x00ef"[:5])
    assert [t for _, t, p in found if not p] == ["ab", "cd"]


def test_an_empty_file_has_no_lines_and_a_missing_one_is_named(lines, tmp_path):
    assert lines(b"") == []
    with pytest.raises(InputError, match=r"gone\.csv cannot be read: No such file"):
        list(read_lines(tmp_path / "gone.csv"))
