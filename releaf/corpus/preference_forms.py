"""Imported preference pairs: plain, ShareGPT, and Hugging Face chat form.

Conversations as such are in `conversations`; checks and splits are in `preferences`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from releaf.artifacts import content_hash
from releaf.corpus.conversations import Turn, of_one_form, read_turn, read_turns, transcript
from releaf.corpus.preference_quality import TEXTS, Pair
from releaf.corpus.reading import Entry, check_row
from releaf.corpus.validation import LineError, Quarantine, Row

EXPECTED = (
    "a plain pair (texts prompt, chosen and rejected), a ShareGPT one (conversations, chosen and rejected) "
    "or a chat one (chosen and rejected are lists of messages)"
)
_PLAIN, _SHAREGPT, _CHAT = "plain", "ShareGPT", "chat"


class PlainRow(Row):
    """An imported pair of texts; keys beyond these are ignored."""

    model_config = ConfigDict(extra="ignore")

    prompt: str
    input: str | None = None
    chosen: str
    rejected: str


def imported_pairs(entries: Sequence[Entry], path: Path, quarantine: Quarantine) -> list[tuple[Entry, Pair]]:
    """The pairs of an imported file, each with its entry; what is no pair goes to `quarantine`.

    Pairs are named after their content. The last thing that a person says is the prompt; what was said before it, the
    system's words included, is the input.
    """
    pairs: list[tuple[Entry, Pair]] = []
    for entry, form in of_one_form(entries, _form, EXPECTED, quarantine):
        try:
            pair = {_PLAIN: _plain, _SHAREGPT: _sharegpt, _CHAT: _chat}[form](entry)
        except LineError as error:
            quarantine.add_error(error, entry.text)
            continue
        texts = {key: pair[key] for key in TEXTS}
        pairs.append((entry, texts | {"id": f"{path.stem}-{content_hash(texts)[:12]}"}))
    return pairs


def _form(value: dict[str, Any]) -> str | None:
    if "chosen" not in value and "rejected" not in value:
        return None  # an instruction; it has one answer and no worse one
    if "conversations" in value:
        return _SHAREGPT
    if isinstance(value.get("chosen"), list) and isinstance(value.get("rejected"), list):
        return _CHAT
    return _PLAIN if "prompt" in value else None


def _plain(entry: Entry) -> Pair:
    row = check_row(PlainRow, entry)
    return row.model_dump() | {"input": row.input or ""}


def _sharegpt(entry: Entry) -> Pair:
    turns = read_turns(entry, entry.value["conversations"], "conversations")
    system = entry.value.get("system")
    if isinstance(system, str) and system.strip() and turns[0].speaker != "System":
        turns = (Turn("System", system.strip()), *turns)
    answers = [read_turn(entry, entry.value.get(side), side) for side in ("chosen", "rejected")]
    return _pair(entry, turns, answers)


def _chat(entry: Entry) -> Pair:
    chosen, rejected = (read_turns(entry, entry.value[side], side) for side in ("chosen", "rejected"))
    prompt = entry.value.get("prompt")
    turns: tuple[Turn, ...]
    if isinstance(prompt, list):
        turns = read_turns(entry, prompt, "prompt")
    else:
        # Both sides repeat the conversation, and a prompt beside it is a copy of what the person says in it.
        turns = tuple(left for left, right in zip(chosen[:-1], rejected[:-1], strict=False) if left == right)
        chosen, rejected = chosen[len(turns) :], rejected[len(turns) :]
        if not turns and isinstance(prompt, str):
            turns = (Turn("Human", prompt.strip()),)
    if len(chosen) != 1 or len(rejected) != 1:
        raise LineError(entry.file, entry.line, "chosen and rejected must differ in their last turn alone")
    return _pair(entry, turns, [chosen[0], rejected[0]])


def _pair(entry: Entry, turns: Sequence[Turn], answers: Sequence[Turn]) -> Pair:
    if not turns or turns[-1].speaker != "Human":
        last = turns[-1].speaker if turns else "nobody"
        raise LineError(entry.file, entry.line, f"the last turn before the answers is by {last}; a person must ask")
    for side, answer in zip(("chosen", "rejected"), answers, strict=True):
        if answer.speaker != "Assistant":
            raise LineError(entry.file, entry.line, f"{side} is by {answer.speaker}; the assistant must answer")
    chosen, rejected = (answer.text for answer in answers)
    return {"prompt": turns[-1].text, "input": transcript(turns[:-1]), "chosen": chosen, "rejected": rejected}
