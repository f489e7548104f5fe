from __future__ import annotations

import polars as pl
import pytest

from releaf.corpus.validation import CONTENT_LIMIT, QUARANTINE_SCHEMA, LineError, Quarantine, Validated
from releaf.errors import InputError


def test_an_empty_quarantine_has_the_columns_of_a_full_one():
    assert Quarantine("documents").frame().schema == pl.Schema(QUARANTINE_SCHEMA)
    full = Quarantine("documents")
    full.add("a.md", 3, "too short", "x")
    assert full.frame().schema == pl.Schema(QUARANTINE_SCHEMA)
    assert full.frame().rows() == [("documents", "a.md", 3, "too short", "x")]


def test_quarantined_content_is_cut_after_its_limit():
    quarantine = Quarantine("facts")
    quarantine.add("f.yaml", None, "bad", "x" * 2000)
    assert quarantine.frame()["content"].str.len_chars().to_list() == [CONTENT_LIMIT]
    assert CONTENT_LIMIT == 500


def test_lost_share_is_what_was_read_and_did_not_arrive():
    frame = pl.DataFrame({"id": ["a", "b", "c"]})
    assert Validated(frame, Quarantine("d").frame(), 4).lost_share == pytest.approx(0.25)
    assert Validated(frame.clear(), Quarantine("d").frame(), 0).lost_share == 0.0


def test_a_line_error_names_file_and_line_and_is_an_input_error():
    error = LineError("facts/items.yaml", 12, "unknown item 'botle'")
    assert isinstance(error, InputError)
    assert str(error) == "facts/items.yaml:12: unknown item 'botle'"
    assert str(LineError("facts/items.yaml", None, "empty")) == "facts/items.yaml: empty"
