from __future__ import annotations

import json

import pytest

from releaf.policy.json_text import UnreadableError, line_of, parse_json, pointer

TEXT = """{
  "rules": [
    {"id": "a"},
    {
      "id": "b",
      "a/b": {"~": 1}
    }
  ]
}"""


def test_a_key_that_stands_twice_is_refused_since_json_would_drop_the_first() -> None:
    assert json.loads('{"rules": 1, "rules": 2}') == {"rules": 2}
    with pytest.raises(UnreadableError, match="form: the key 'rules' stands twice in one mapping; remove one"):
        parse_json('{"rules": 1, "rules": 2}', "form")


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(UnreadableError, match="form is not valid JSON at line 2, column 3") as caught:
        parse_json('{"a": 1,\n  b}', "form")
    assert (caught.value.line, caught.value.content) == (2, "  b}")


def test_a_pointer_escapes_slash_and_tilde_as_rfc_6901_does() -> None:
    assert pointer() == ""
    assert pointer("a/b", 0, "m~n") == "/a~1b/0/m~0n"


@pytest.mark.parametrize(
    ("place", "line"),
    [("", 1), ("/rules", 2), ("/rules/0/id", 3), ("/rules/1", 4), ("/rules/1/id", 5), ("/rules/1/a~1b/~0", 6)],
)
def test_the_line_of_a_pointer_is_where_its_value_begins(place: str, line: int) -> None:
    assert line_of(TEXT, place) == line


@pytest.mark.parametrize("text", ["", "\t{"])
def test_a_text_that_yaml_cannot_follow_has_no_lines(text: str) -> None:
    assert line_of(text, "/rules") is None
