"""Instructions and preferences from files that are broken, foreign or huge: one clear reason each, never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from releaf.corpus.instructions import quality_examples as instruction_examples
from releaf.corpus.instructions import quality_report as instruction_report
from releaf.corpus.instructions import read_instructions
from releaf.corpus.preference_quality import quality_examples as preference_examples
from releaf.corpus.preference_quality import quality_report as preference_report
from releaf.corpus.preferences import read_preferences
from releaf.corpus.validation import CONTENT_LIMIT, Validated

Read = Callable[[Path], Validated]


def instructions(path: Path) -> Validated:
    """Read a file and everything that is said of it."""
    read = read_instructions([path])
    assert instruction_report(read.frame)["records"] == read.frame.height
    assert isinstance(instruction_examples(read.frame), list)
    return read


def preferences(path: Path) -> Validated:
    """Read a file and everything that is said of it."""
    read = read_preferences([path])
    assert preference_report(read.frame)["records"] == read.frame.height
    assert isinstance(preference_examples(read.frame), list)
    return read


both = pytest.mark.parametrize("read", [instructions, preferences])


def row(text: Any) -> dict[str, Any]:
    """A record of both kinds at once would be neither: the one that the reader in turn makes of `text`."""
    return {"instruction": "Where does it go?", "output": text}


def pair(text: Any) -> dict[str, Any]:
    return {"prompt": "Where does it go?", "chosen": text, "rejected": "I would not know, sorry."}


def record(read: Read, text: Any) -> dict[str, Any]:
    return row(text) if read is instructions else pair(text)


def written(folder: Path, content: str | bytes, name: str = "odd.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reasons(result: Validated) -> list[str]:
    assert result.frame.height == 0
    return result.quarantine["reason"].to_list()


@both
@pytest.mark.parametrize("name", ["odd.json", "odd.jsonl", "odd.yaml"])
@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "[]"], ids=["nothing", "blank", "mark", "list"])
def test_an_empty_file_is_an_empty_table(tmp_path: Path, read: Read, name: str, content: str) -> None:
    result = read(written(tmp_path, content, name))
    assert (result.frame.height, result.read, result.lost_share) == (0, 0, 0.0)


@both
@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-16", "not UTF-8 text (byte 0xff)"), ("utf-16-le", "byte 0xfc"), ("cp1252", "byte 0xfc")],
)
def test_another_encoding_is_named_and_the_way_out(tmp_path: Path, read: Read, encoding: str, told: str) -> None:
    text = json.dumps([record(read, "In die grüne Tonne damit.")], ensure_ascii=False)
    (reason,) = reasons(read(written(tmp_path, text.encode(encoding))))
    assert told in reason
    assert "save it as UTF-8" in reason


@both
def test_a_mark_and_the_line_ends_of_windows_are_no_matter(tmp_path: Path, read: Read) -> None:
    text = "\ufeff" + json.dumps([record(read, "To glass it goes.")], indent=1).replace("\n", "\r\n")
    assert read(written(tmp_path, text)).frame.height == 1


@both
@pytest.mark.parametrize("name", ["odd.json", "odd.jsonl"])
@pytest.mark.parametrize("half", ["\\ud83d", "\\udc00 and more", "\\uD83D\\u0041"])
def test_half_a_surrogate_pair_is_quarantined_and_a_whole_one_is_text(
    tmp_path: Path, read: Read, name: str, half: str
) -> None:
    rows = [json.dumps(record(read, f"To glass it {end}")) for end in ("HALF", "goes \U0001f600")]
    text = rows[0].replace("HALF", half) + "\n" + rows[1]
    if name == "odd.json":
        text = f"[{rows[0].replace('HALF', half)},\n{rows[1]}]"
    result = read(written(tmp_path, text, name))
    assert result.frame.height == 1
    (reason,) = result.quarantine["reason"].to_list()
    assert "half of a surrogate pair" in reason


@both
def test_a_surrogate_in_yaml_is_quarantined(tmp_path: Path, read: Read) -> None:
    fields = {**record(read, "HALF of it is lost"), "topic": "reuse", "source": "me", "id": "one", "fault": "evasive"}
    if read is instructions:
        del fields["fault"]
    lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
    text = "- " + "\n  ".join(lines)
    assert read(written(tmp_path, text, "good.yaml")).frame.height == 1
    (reason,) = reasons(read(written(tmp_path, text.replace("HALF", "\\ud83d"), "bad.yaml")))
    assert "not valid YAML" in reason


@both
@pytest.mark.parametrize("escape", ["\\u0000", "\\u001b[31m", "\\b", "\\f"])
def test_control_characters_in_escapes_are_quarantined(tmp_path: Path, read: Read, escape: str) -> None:
    text = json.dumps([record(read, "To glass HERE it goes.")]).replace("HERE", escape)
    (reason,) = reasons(read(written(tmp_path, text)))
    assert "holds the control character" in reason


@both
@pytest.mark.parametrize(
    "text",
    [
        "玻璃瓶要放进回收箱。",
        "ガラス瓶は資源ごみです。",
        "ขวดแก้วไปที่ถังรีไซเคิล",
        "زجاجة في سلة إعادة التدوير",
        "Стеклянная бутылка идёт в контейнер",
        "유리병은 재활용 통에 넣습니다",
        "e\u0301 ﬁne \u202eright to left\u202c zero\u200bwidth",
    ],
)
def test_other_scripts_are_read_and_counted_as_not_english(tmp_path: Path, read: Read, text: str) -> None:
    frame = read(written(tmp_path, json.dumps([record(read, text)]))).frame
    assert frame.height == 1
    assert text in frame.row(0)


@both
def test_a_huge_record_is_too_long_and_kept_short_in_the_quarantine(tmp_path: Path, read: Read) -> None:
    result = read(written(tmp_path, json.dumps([record(read, "jar " * 500_000)])))
    assert "500000 words, at most 1024 are expected" in reasons(result)[0]
    assert len(result.quarantine["content"][0]) == CONTENT_LIMIT


@both
def test_one_endless_word_is_too_short(tmp_path: Path, read: Read) -> None:
    assert (
        "1 words, at least 2 are expected"
        in reasons(read(written(tmp_path, json.dumps([record(read, "x" * 10**6)]))))[0]
    )


@both
@pytest.mark.parametrize("depth", [50, 900, 100_000])
@pytest.mark.parametrize("key", ["output", "conversations", "chosen", "unknown"])
def test_nesting_of_any_depth_costs_its_record_alone(tmp_path: Path, read: Read, depth: int, key: str) -> None:
    nested = "[" * depth + "]" * depth
    text = "\n".join([json.dumps(record(read, "To glass it goes.")), f'{{"prompt": "a b", "{key}": {nested}}}'])
    result = read(written(tmp_path, text, "deep.jsonl"))
    assert result.frame.height == 1
    assert result.quarantine.height == 1


@both
@pytest.mark.parametrize("value", ["NaN", "1e999", "9" * 5000, "true", "{}", '["a b", "c d"]', "null"])
def test_a_value_that_is_no_text_is_quarantined(tmp_path: Path, read: Read, value: str) -> None:
    text = json.dumps([record(read, "HERE")]).replace('"HERE"', value)
    assert len(reasons(read(written(tmp_path, text)))) == 1


@both
@pytest.mark.parametrize(
    "content", ["{", '{"a": 1}', "null", "3", '"text"', "[1, [2], null]", "[[", "<html></html>", "a,b\n1,2"]
)
def test_what_is_no_list_of_records_is_quarantined(tmp_path: Path, read: Read, content: str) -> None:
    assert reasons(read(written(tmp_path, content)))
