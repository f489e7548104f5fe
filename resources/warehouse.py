"""Tables: Parquet files named by their content, and one DuckDB file of views over the current ones.

A reader opens the DuckDB file read-only and a writer replaces it whole, so neither ever waits for the other.
What the tables mean is in `releaf.corpus`; the SQL an analyst opens first is in the folder `duckdb/`.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import ConfigurableResource

from releaf.artifacts import atomic_write_bytes, content_hash, sha256_file, storage_errors
from releaf.errors import ArtifactError, InputError
from resources.pointers import current_pointers

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    from dagster_duckdb import DuckDBResource

QUARANTINE = "_quarantine"


@dataclass(frozen=True)
class Table:
    """One immutable Parquet file. `version` is the hash of its bytes, `path` is absolute."""

    name: str
    version: str
    path: Path
    rows: int

    def read(self) -> pl.DataFrame:
        """Load the table; raises `ArtifactError` when the file is gone or its bytes were changed."""
        import polars as pl

        self.verify()
        return pl.read_parquet(self.path)

    def verify(self) -> None:
        """Check the bytes; raises `ArtifactError` when the file is gone or was changed."""
        if not self.path.is_file():
            raise ArtifactError(f"table {self.name} is missing at {self.path}; run `releaf run` to make it again")
        if sha256_file(self.path)[: len(self.version)] != self.version:
            raise ArtifactError(
                f"table {self.name} at {self.path} was changed after it was written; run `releaf run` to make it again"
            )


@dataclass(frozen=True)
class Dataset:
    """The tables one asset made, by name, and figures about them that gates look at.

    `version` covers the tables' content but not the quarantine's.
    """

    tables: Mapping[str, Table]
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Content hash over all tables but the quarantine: rows nobody uses make nothing stale."""
        return content_hash({name: t.version for name, t in self.tables.items() if not name.endswith(QUARANTINE)})[:32]

    def read(self, name: str) -> pl.DataFrame:
        """Load one of the tables."""
        return self.tables[name].read()


class Warehouse(ConfigurableResource):  # type: ignore[type-arg]
    """Writes tables below `home` and keeps `warehouse.duckdb` pointing at the current ones."""

    home: str
    queries: str

    @property
    def database(self) -> Path:
        """The DuckDB file of views."""
        return Path(self.home) / "warehouse.duckdb"

    def write(self, frames: Mapping[str, pl.DataFrame], metrics: Mapping[str, float] | None = None) -> Dataset:
        """Write frames as tables; equal content gives the equal version and is written once."""
        return Dataset({name: self._write(name, frame) for name, frame in frames.items()}, dict(metrics or {}))

    def _write(self, name: str, frame: pl.DataFrame) -> Table:
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", statistics=True)
        data = buffer.getvalue()
        version = hashlib.sha256(data).hexdigest()[:32]
        path = Path(self.home) / "tables" / name / f"{version}.parquet"
        if not path.is_file() or sha256_file(path)[:32] != version:
            atomic_write_bytes(path, data)
        return Table(name, version, path, frame.height)

    def refresh_views(self) -> None:
        """Build the DuckDB file anew beside the old one and put it in its place."""
        import duckdb

        current = self._current_tables()
        with storage_errors(self.database):
            self.database.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.database.parent, prefix=f".staging-{os.getpid()}-") as folder:
                draft = Path(folder) / "warehouse.duckdb"
                with duckdb.connect(str(draft)) as connection:
                    for name, path in current.items():
                        quoted = str(path).replace("'", "''")
                        connection.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM read_parquet('{quoted}')")
                    self._create_reports(connection, set(current))
                os.replace(draft, self.database)

    def _current_tables(self) -> dict[str, Path]:
        tables: dict[str, Path] = {}
        for pointer in current_pointers(Path(self.home)).values():
            if pointer["type"] == "dataset":
                tables |= {name: Path(self.home) / entry["path"] for name, entry in pointer["tables"].items()}
        return {name: path for name, path in sorted(tables.items()) if path.is_file()}

    def _create_reports(self, connection: duckdb.DuckDBPyConnection, present: set[str]) -> None:
        """One view for each file in `duckdb/`; its first line `-- needs: a, b` names the tables it reads."""
        for file in sorted(Path(self.queries).glob("*.sql")):
            text = file.read_text(encoding="utf-8")
            head = text.splitlines()[0]
            needs = {name.strip() for name in head.removeprefix("-- needs:").split(",")}
            if needs <= present:
                connection.execute(f'CREATE VIEW "{file.stem}" AS {text}')

    def reader(self) -> DuckDBResource:
        """The views as a read-only DuckDB resource; raises `InputError` before the first run."""
        from dagster_duckdb import DuckDBResource

        if not self.database.is_file():
            raise InputError(f"no warehouse at {self.database} yet; run `releaf run` first")
        return DuckDBResource(database=str(self.database), connection_config={"access_mode": "READ_ONLY"})
