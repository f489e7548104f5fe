from __future__ import annotations

import pytest

from releaf.corpus.instruction_quality import Limits, folded, length_problem, problem_of, prompt_of, record_groups
from releaf.errors import InputError


def record(instruction: str, output: str, input_: str = "") -> dict[str, str]:
    return {"instruction": instruction, "input": input_, "output": output}


def test_a_prompt_is_instruction_and_input_on_two_lines():
    assert prompt_of(record("Sort this", "x", "a jar")) == "Sort this\na jar"
    assert prompt_of(record("Sort this", "x")) == "Sort this"


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        (record("", "It goes to glass."), "empty", "the instruction is empty"),
        (record("Sort this", " "), "empty", "the output is empty"),
        (record("Sort", "It goes to glass."), "too_short", "the instruction has 1 words, at least 2 are expected"),
        (record("Sort this", "Glass"), "too_short", "the output has 1 words, at least 2"),
        (record("a " * 300, "It goes", "b " * 300), "too_long", "instruction and input have 600 words, at most 512"),
        (record("Sort this", "a " * 1025), "too_long", "the output has 1025 words, at most 1024"),
    ],
)
def test_lengths_outside_the_limits_are_named(row, kind, reason):
    problem = length_problem(row, Limits())
    assert problem is not None
    assert problem[0] == kind
    assert reason in problem[1]


def test_a_record_within_the_limits_has_no_problem():
    assert length_problem(record("Sort this", "To glass."), Limits()) is None


@pytest.mark.parametrize(
    "values",
    [{"shortest_output": 2000}, {"shortest_instruction": 600}, {"highest_overlap": 0.0}, {"highest_overlap": 2.0}],
)
def test_limits_that_contradict_each_other_are_refused(values):
    with pytest.raises(InputError):
        Limits(**values)


def test_records_that_differ_in_case_and_punctuation_are_exact_duplicates():
    assert folded(record("Sort this!", "To glass.")) == folded(record("sort  this", "to GLASS"))
    assert folded(record("sort this", "to glass")) != folded(record("sort this to", "glass"))


def test_records_with_one_prompt_form_a_group_whatever_they_answer():
    prompt = "Explain in one paragraph why glass jars are rinsed before recycling"
    rows = [
        record(prompt, "Food left inside spoils the paper that is collected beside it."),
        record("What is the bin for batteries in the city of Berlin called", "Hazardous."),
        record(prompt, "Because sorting plants smell otherwise and pests come to them."),
    ]
    assert record_groups(rows) == [0, 1, 0]


def test_the_turns_of_one_conversation_form_a_group():
    rows = [
        record("Where does this jar go", "Glass.") | {"id": "talk-0123456789ab"},
        record("Explain how cans are sorted", "A magnet.") | {"id": "talk-ba9876543210.2"},
        record("What about the lid then", "With the cans.") | {"id": "talk-0123456789ab.2"},
        record("Is that so everywhere", "Mostly.") | {"id": "talk-ba9876543210.3"},
    ]
    assert record_groups(rows) == [0, 1, 0, 1]


@pytest.mark.parametrize("key", ["instruction", "input", "output"])
def test_control_characters_are_named_with_their_place(key):
    row = record("Sort this jar", "To glass it goes.", "a jar")
    assert problem_of(row, Limits()) is None
    assert (
        problem_of(row | {key: row[key] + "\x07"}, Limits())
        == f"the {key} holds the control character '\\x07'; remove it"
    )


def test_an_answer_that_repeats_its_prompt_is_a_problem():
    row = record("First rinse the jar and dry it", "rinse the jar and dry it")
    assert problem_of(row, Limits()) == "the output repeats the instruction (overlap 1.00)"
