from __future__ import annotations

import pytest

from releaf.errors import InputError
from releaf.graph.new_items import LONGEST_TEXT, described, named_materials
from releaf.taxonomy import Taxonomy


def test_a_text_is_kept_with_single_spaces() -> None:
    assert described("  an old\n bicycle\twheel ") == "an old bicycle wheel"
    assert described("自転車の車輪") == "自転車の車輪"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "says nothing"),
        (" \n ", "says nothing"),
        ("?!…", "says nothing"),
        ("wheel\x00", "control character"),
        ("wheel\x9b", "control character"),
        ("x" * 100_000, "has 100,000 characters; say in at most 2,000"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        described(text)
    assert len(described("x" * LONGEST_TEXT)) == LONGEST_TEXT


def test_materials_are_found_in_a_text_by_name_and_alias(taxonomy: Taxonomy) -> None:
    assert named_materials("a steel wheel with cotton tape", taxonomy) == ["steel", "textile"]
    assert named_materials("a PET tray", taxonomy) == ["pet"]
    assert named_materials("a pet food dish of moulded pulp", taxonomy) == ["cardboard"]
    assert named_materials("glasses and woods", taxonomy) == ["wood"]
    assert named_materials("an old bicycle wheel", taxonomy) == []
