"""Records to look at beside the figures of a quality report: what the figures mean is best seen in the extremes.

The figures themselves are in `instructions` and `preferences`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from releaf.corpus.text_quality import count_words, is_english, overlap

EXAMPLES = 3
"""How many of each kind are shown."""


@dataclass(frozen=True)
class Measured:
    """One answer and its prompt. `group` is equal for near duplicates; `side` says which answer of a pair it is."""

    id: str
    prompt: str
    answer: str
    group: int
    side: str = ""

    @property
    def name(self) -> str:
        """The id, with the side in brackets where there are two."""
        return f"{self.id} ({self.side})" if self.side else self.id


def examples(records: Sequence[Measured], count: int = EXAMPLES) -> list[dict[str, str]]:
    """Up to `count` rows (`kind`, `record`, `figure`, `prompt`, `answer`) of each kind.

    Near duplicates (one row a group of several records), answers that repeat the most of their prompt (none that
    repeat nothing), records that do not look English, and the shortest and longest answers.
    """
    repeated = sorted(((overlap(one.prompt, one.answer), one) for one in records), key=lambda found: -found[0])
    foreign = [one for one in records if not is_english(f"{one.prompt} {one.answer}")]
    by_length = sorted(((count_words(one.answer), one) for one in records), key=lambda found: found[0])
    return [
        *_near_duplicates(records, count),
        *_rows("high overlap", ((f"{share:.2f}", one) for share, one in repeated[:count] if share > 0)),
        *_rows("not English", (("", one) for one in foreign[:count])),
        *_rows("shortest", ((f"{words} words", one) for words, one in by_length[:count])),
        *_rows("longest", ((f"{words} words", one) for words, one in by_length[::-1][:count])),
    ]


def _near_duplicates(records: Sequence[Measured], count: int) -> Iterable[dict[str, str]]:
    together: dict[int, dict[str, Measured]] = {}
    for one in records:
        together.setdefault(one.group, {}).setdefault(one.id, one)
    several = [members for members in together.values() if len(members) > 1][:count]
    for members in several:
        first = next(iter(members.values()))
        yield _row("near duplicates", " = ".join(members), f"{len(members)} records", first)


def _rows(kind: str, found: Iterable[tuple[str, Measured]]) -> Iterable[dict[str, str]]:
    return (_row(kind, one.name, figure, one) for figure, one in found)


def _row(kind: str, record: str, figure: str, one: Measured) -> dict[str, str]:
    return {"kind": kind, "record": record, "figure": figure, "prompt": one.prompt, "answer": one.answer}
