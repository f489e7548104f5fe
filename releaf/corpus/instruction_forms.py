"""Imported instruction records: Alpaca (`instruction`, `input`, `output`) and ShareGPT (`conversations`).

Conversations as such are in `conversations`; checks and splits are in `instructions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from releaf.artifacts import content_hash
from releaf.corpus.conversations import Turn, of_one_form, read_turns, transcript
from releaf.corpus.instruction_quality import Record
from releaf.corpus.reading import Entry, check_row
from releaf.corpus.validation import LineError, Quarantine, Row

EXPECTED = "an Alpaca record (instruction, output) or a ShareGPT one (conversations)"


class AlpacaRow(Row):
    """An imported record; keys beyond these are ignored."""

    model_config = ConfigDict(extra="ignore")

    instruction: str
    input: str | None = None
    output: str


def imported_records(entries: Sequence[Entry], path: Path, quarantine: Quarantine) -> list[tuple[Entry, Record]]:
    """The records of an imported file, each with the entry it stands in; what is no record goes to `quarantine`.

    Records are named after their content. A conversation gives one record for each answered turn of a person: what was
    said before it, the system's words included, is its `input`, and its id is the conversation's with `.2`, `.3` and so
    on. A person's last turn without an answer gives none.
    """
    records: list[tuple[Entry, Record]] = []
    for entry, form in of_one_form(entries, _form, EXPECTED, quarantine):
        try:
            found = _alpaca(entry, path) if form == "Alpaca" else _sharegpt(entry, path)
        except LineError as error:
            quarantine.add_error(error, entry.text)
            continue
        records += [(entry, record) for record in found]
    return records


def _form(value: dict[str, Any]) -> str | None:
    if "chosen" in value or "rejected" in value:
        return None  # a preference, whose prompt alone would be an instruction without an answer
    if "conversations" in value:
        return "ShareGPT"
    return "Alpaca" if "instruction" in value or "output" in value else None


def _alpaca(entry: Entry, path: Path) -> list[Record]:
    row = check_row(AlpacaRow, entry)
    texts = {"instruction": row.instruction, "input": row.input or "", "output": row.output}
    return [texts | {"id": f"{path.stem}-{content_hash(texts)[:12]}"}]


def _sharegpt(entry: Entry, path: Path) -> list[Record]:
    turns = read_turns(entry, entry.value["conversations"], "conversations")
    system = entry.value.get("system")
    if isinstance(system, str) and system.strip() and turns[0].speaker != "System":
        turns = (Turn("System", system.strip()), *turns)
    name = f"{path.stem}-{content_hash([[turn.speaker, turn.text] for turn in turns])[:12]}"
    asked = [
        at for at, turn in enumerate(turns[:-1]) if (turn.speaker, turns[at + 1].speaker) == ("Human", "Assistant")
    ]
    if not asked:
        raise LineError(entry.file, entry.line, "no turn of a person (human) is answered by the assistant (gpt)")
    return [
        {
            "id": name if number == 1 else f"{name}.{number}",
            "instruction": turns[at].text,
            "input": transcript(turns[:at]),
            "output": turns[at + 1].text,
        }
        for number, at in enumerate(asked, start=1)
    ]
