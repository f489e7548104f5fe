"""What every dataset shares after it was checked: its good rows, and a quarantine for the others.

A row that cannot be used becomes a row of the quarantine with the reason, the file and the line; it never stops the
rows around it. Which rows are good is each dataset's own business; how files become rows is in `reading`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

import polars as pl
from polars.datatypes import DataType, DataTypeClass
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from releaf.errors import InputError

Schema: TypeAlias = dict[str, DataType | DataTypeClass]
"""Column names and types of a table."""

CONTENT_LIMIT = 500
"""Characters of a bad row that the quarantine keeps."""

QUARANTINE_SCHEMA: Schema = {
    "dataset": pl.String,
    "file": pl.String,
    "line": pl.Int64,
    "reason": pl.String,
    "content": pl.String,
}

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Text with at least one visible character."""
KebabId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""An id such as `pet-bottle-recycling`."""
SnakeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")]
"""An id such as `self_watering_planter`."""


class LineError(InputError):
    """A place in a file that cannot be used: `file`, `line` (from 1; None for the file as a whole) and `reason`."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line is not None else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class Row(BaseModel):
    """Base of the row schemas: nothing is coerced and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True, eq=False)
class Validated:
    """A dataset after its checks: the good rows, the quarantined ones, and how many rows were read."""

    frame: pl.DataFrame
    quarantine: pl.DataFrame
    read: int

    @property
    def lost_share(self) -> float:
        """Share of the rows read that did not reach the frame, 0 to 1; 0 where nothing was read."""
        return 1 - self.frame.height / self.read if self.read else 0.0


@dataclass
class Quarantine:
    """Collects the rows of one dataset that cannot be used."""

    dataset: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, file: str, line: int | None, reason: str, content: str = "") -> None:
        """Set a row aside; `content` is cut after `CONTENT_LIMIT` characters."""
        self.rows.append(
            {
                "dataset": self.dataset,
                "file": file,
                "line": line,
                "reason": reason,
                "content": content[:CONTENT_LIMIT],
            }
        )

    def add_error(self, error: LineError, content: str = "") -> None:
        """Set aside the row that an error is about."""
        self.add(error.file, error.line, error.reason, content)

    def frame(self) -> pl.DataFrame:
        """The quarantine as a table with `QUARANTINE_SCHEMA`, also when it is empty."""
        return pl.DataFrame(self.rows, schema=QUARANTINE_SCHEMA)

    def __len__(self) -> int:
        return len(self.rows)


def describe(error: ValidationError) -> tuple[str, tuple[str | int, ...]]:
    """Every problem of a row in one line, and the path to the first of them."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{'.'.join(map(str, problem['loc'])) or 'row'}: {_problem(problem['msg'])}" for problem in problems]
    return "; ".join(told), tuple(problems[0]["loc"])


def _problem(message: str) -> str:
    return message[0].lower() + message[1:]
