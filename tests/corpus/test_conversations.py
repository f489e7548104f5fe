from __future__ import annotations

from typing import Any

import pytest

from releaf.corpus.conversations import Turn, of_one_form, read_turns, transcript
from releaf.corpus.reading import Entry
from releaf.corpus.validation import LineError, Quarantine


def entry(value: Any, line: int = 7) -> Entry:
    return Entry(value, "talks.json", line, str(value)[:50])


def said(*turns: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"from": speaker, "value": text} for speaker, text in turns]


def read(value: Any) -> tuple[Turn, ...]:
    return read_turns(entry(value), value, "conversations")


def test_both_shapes_of_turns_say_the_same() -> None:
    sharegpt = said(("system", "Be brief."), ("human", " Where? "), ("gpt", "Glass."))
    roles = {"system": "system", "human": "user", "gpt": "assistant"}
    chat = [{"role": roles[turn["from"]], "content": turn["value"]} for turn in sharegpt]
    expected = (Turn("System", "Be brief."), Turn("Human", "Where?"), Turn("Assistant", "Glass."))
    assert read(sharegpt) == read(chat) == expected


def test_a_transcript_names_each_speaker() -> None:
    assert transcript(read(said(("human", "Where?"), ("gpt", "Glass.")))) == "Human: Where?\nAssistant: Glass."
    assert transcript(()) == ""


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("hello", "conversations: expected a list of turns, found str"),
        ([], "conversations: expected a list of turns, found an empty list"),
        ([["human", "hi"]], "turn 1 of conversations is no turn: neither from and value nor role and content"),
        (said(("human", None)), "turn 1 of conversations has no text under 'value'"),
        ([{"role": "user", "content": [{"type": "text"}]}], "turn 1 of conversations has no text under 'content'"),
        (
            said(("human", "a"), ("observation", "b")),
            "turn 2 of conversations is by 'observation'; known: system, human",
        ),
        (said(("human", "a"), ("human", "b")), "turn 2 of conversations is by Human after Human; people and assistant"),
        (said(("human", "a"), ("system", "b")), "turn 2 of conversations is by System after Human"),
        ([{"from": ["x"] * 99, "value": "a"}], "turn 1 of conversations is by ['x', 'x'"),
    ],
)
def test_what_is_no_conversation_is_refused_with_its_turn_and_line(value: Any, reason: str) -> None:
    with pytest.raises(LineError) as caught:
        read(value)
    assert reason in caught.value.reason
    assert (caught.value.file, caught.value.line) == ("talks.json", 7)
    assert len(caught.value.reason) < 200


def test_a_file_keeps_to_the_form_that_it_began_with() -> None:
    entries = [
        entry({"c": 1}, 1),
        entry({"a": 1}, 2),
        entry({"b": 1}, 3),
        entry([], 4),
        entry({}, 5),
        entry({"a": 2}, 6),
    ]
    quarantine = Quarantine("sample")
    kept = of_one_form(entries, lambda value: next((key for key in value if key in "ab"), None), "a or b", quarantine)
    assert [(one.line, form) for one, form in kept] == [(2, "a"), (6, "a")]
    assert [(row["line"], row["reason"]) for row in quarantine.rows] == [
        (1, "expected a or b; found the keys 'c'"),
        (3, "a record in b form, in a file that began with a at line 2; keep one form a file"),
        (4, "expected a or b; found list"),
        (5, "expected a or b; found no keys"),
    ]
