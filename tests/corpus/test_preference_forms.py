from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from releaf.corpus.preferences import read_preferences
from releaf.corpus.validation import Validated

SYSTEM, FIRST, REPLY, LAST = "You sort waste.", "Where do jars go?", "To glass they go.", "And the lids?"
CHOSEN, REJECTED = "With the cans, please.", "It depends, who knows."
INPUT = f"System: {SYSTEM}\nHuman: {FIRST}\nAssistant: {REPLY}"


def sharegpt(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"from": speaker, "value": text} for speaker, text in turns]


def chat(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": speaker, "content": text} for speaker, text in turns]


BEFORE = chat(("system", SYSTEM), ("user", FIRST), ("assistant", REPLY), ("user", LAST))
GOOD, BAD = chat(("assistant", CHOSEN)), chat(("assistant", REJECTED))
FORMS = {
    "plain": {"prompt": LAST, "input": INPUT, "chosen": CHOSEN, "rejected": REJECTED, "score": 3},
    "ShareGPT": {
        "conversations": sharegpt(("system", SYSTEM), ("human", FIRST), ("gpt", REPLY), ("human", LAST)),
        "chosen": {"from": "gpt", "value": CHOSEN},
        "rejected": {"from": "gpt", "value": REJECTED},
    },
    "ShareGPT with a system key": {
        "system": SYSTEM,
        "conversations": sharegpt(("human", FIRST), ("gpt", REPLY), ("human", LAST)),
        "chosen": {"from": "gpt", "value": CHOSEN},
        "rejected": {"from": "gpt", "value": REJECTED},
    },
    "chat": {"prompt": BEFORE, "chosen": GOOD, "rejected": BAD},
    "chat that repeats the conversation": {"prompt": LAST, "chosen": [*BEFORE, *GOOD], "rejected": [*BEFORE, *BAD]},
    "chat without a prompt": {"chosen": [*BEFORE, *GOOD], "rejected": [*BEFORE, *BAD]},
}
ONE = {"prompt": LAST, "chosen": CHOSEN, "rejected": REJECTED}


def read(folder: Path, rows: list[Any], name: str = "mine.json") -> Validated:
    path = folder / name
    path.write_text(json.dumps(rows, indent=1) if name.endswith("json") else "\n".join(map(json.dumps, rows)))
    return read_preferences([path])


def reason(folder: Path, row: Any) -> str:
    result = read(folder, [row])
    assert result.frame.height == 0
    assert result.lost_share == 1.0
    return str(result.quarantine.row(0, named=True)["reason"])


@pytest.mark.parametrize("name", ["mine.json", "mine.jsonl"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pair(tmp_path: Path, form: str, name: str) -> None:
    result = read(tmp_path, [FORMS[form]], name)
    assert result.quarantine.rows() == []
    row = result.frame.row(0, named=True)
    assert (row["prompt"], row["chosen"], row["rejected"]) == (LAST, CHOSEN, REJECTED)
    assert row["input"] == INPUT
    assert row["id"].startswith("mine-")
    assert (row["topic"], row["fault"], row["source"]) == (None, None, f"{tmp_path.name}/{name}")


def test_a_prompt_alone_has_no_input(tmp_path: Path) -> None:
    rows = [ONE, FORMS["chat"] | {"prompt": LAST}, {**FORMS["ShareGPT"], "conversations": sharegpt(("human", LAST))}]
    for row in rows:
        assert read(tmp_path, [row]).frame["input"].to_list() == [""]


def test_equal_pairs_have_equal_ids_whatever_their_form(tmp_path: Path) -> None:
    assert len({read(tmp_path, [row]).frame["id"][0] for row in FORMS.values()}) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (ONE | {"rejected": CHOSEN}, "chosen and rejected are the same"),
        (ONE | {"rejected": None}, "rejected: input should be a valid string"),
        ({"prompt": LAST, "chosen": CHOSEN}, "rejected: field required"),
        ({"chosen": CHOSEN, "rejected": REJECTED}, "expected a plain pair (texts prompt, chosen and rejected)"),
        ({"instruction": LAST, "output": CHOSEN}, "found the keys 'instruction', 'output'"),
        (["not", "a", "pair"], "found list"),
        (FORMS["ShareGPT"] | {"chosen": CHOSEN}, "chosen is no turn: neither from and value nor role and content"),
        (FORMS["ShareGPT"] | {"rejected": None}, "rejected is no turn"),
        (FORMS["ShareGPT"] | {"chosen": {"from": "human", "value": "Me."}}, "chosen is by Human; the assistant must"),
        (
            FORMS["ShareGPT"] | {"conversations": sharegpt(("human", FIRST), ("gpt", REPLY))},
            "the last turn before the answers is by Assistant; a person must ask",
        ),
        (FORMS["ShareGPT"] | {"conversations": []}, "conversations: expected a list of turns, found an empty list"),
        (FORMS["chat"] | {"prompt": 3}, "the last turn before the answers is by nobody; a person must ask"),
        (FORMS["chat"] | {"chosen": []}, "chosen: expected a list of turns, found an empty list"),
        (
            {"chosen": [*BEFORE, *GOOD], "rejected": chat(("user", FIRST), ("assistant", REJECTED))},
            "chosen and rejected must differ in their last turn alone",
        ),
    ],
)
def test_what_is_no_pair_is_quarantined_with_the_reason(tmp_path: Path, row: Any, told: str) -> None:
    assert told in reason(tmp_path, row)


def test_a_file_of_mixed_forms_keeps_the_first_and_says_so(tmp_path: Path) -> None:
    result = read(tmp_path, [ONE, FORMS["ShareGPT"], FORMS["chat"]])
    assert result.frame.height == 1
    assert result.quarantine["reason"].to_list() == [
        f"a record in {form} form, in a file that began with plain at line 2; keep one form a file"
        for form in ("ShareGPT", "chat")
    ]
