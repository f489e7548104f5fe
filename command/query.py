"""`releaf query`: SQL over the current tables and the views of `duckdb/`, read-only."""

from __future__ import annotations

from typing import Annotated

import typer

from command.output import out, print_json
from command.session import settings
from releaf.errors import InputError

SHOWN = 50


def query(
    sql: Annotated[str, typer.Argument(help="A query, or the name of a table or view; 'SHOW TABLES' lists them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print every row as one JSON document.")] = False,
) -> None:
    """Ask the warehouse: tables of every dataset, and the views of the folder `duckdb/`."""
    import json

    import duckdb
    from rich.table import Table

    from resources.settings import PROJECT_ROOT
    from resources.warehouse import Warehouse

    warehouse = Warehouse(home=str(settings().home), queries=str(PROJECT_ROOT / "duckdb"))
    text = sql if " " in sql.strip() else f'SELECT * FROM "{sql.strip()}"'
    with warehouse.reader().get_connection() as connection:
        try:
            answer = connection.execute(text)
            names = [column[0] for column in answer.description or []]
            rows = answer.fetchall()
        except duckdb.Error as error:
            raise InputError(f"{sql!r} cannot be answered: {error}") from error
    if as_json:
        # Dates and decimals have no JSON form of their own.
        print_json(json.loads(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str)))
        return
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in rows[:SHOWN]:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)
    if len(rows) > SHOWN:
        out.print(f"[dim]… and {len(rows) - SHOWN:,} more rows (--json prints all)[/]")
