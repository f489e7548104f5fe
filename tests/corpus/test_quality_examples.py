from __future__ import annotations

from releaf.corpus.quality_examples import Measured, examples


def one(
    name: str, answer: str, prompt: str = "Where does this go in the town", group: int = 0, side: str = ""
) -> Measured:
    return Measured(name, prompt, answer, group, side)


def names(rows: list[dict[str, str]], kind: str) -> list[tuple[str, str]]:
    return [(row["record"], row["figure"]) for row in rows if row["kind"] == kind]


def test_the_extremes_of_each_kind_are_shown() -> None:
    records = [
        one("a", "It is for the paper bin", group=0),
        one("b", "this go in the town bin, as it should", group=1),
        one("c", "In die Tonne", "Wohin damit", group=2),
        one("d", "It is for the paper bin and for no other", group=0),
    ]
    found = examples(records, count=2)
    assert names(found, "near duplicates") == [("a = d", "2 records")]
    assert names(found, "high overlap") == [("b", "0.43")]
    assert names(found, "not English") == [("c", "")]
    assert names(found, "shortest") == [("c", "3 words"), ("a", "6 words")]
    assert names(found, "longest") == [("d", "10 words"), ("b", "9 words")]


def test_the_two_sides_of_a_pair_are_no_near_duplicates() -> None:
    records = [one("a", "yes it is", side="chosen"), one("a", "no it is not", side="rejected")]
    found = examples(records)
    assert names(found, "near duplicates") == []
    assert names(found, "shortest") == [("a (chosen)", "3 words"), ("a (rejected)", "4 words")]


def test_nothing_has_no_examples() -> None:
    assert examples([]) == []
