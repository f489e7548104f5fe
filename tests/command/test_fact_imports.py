"""`releaf import facts` in this process: what lands in the home, and what it says."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from command.imports import app
from releaf.corpus.facts import read_facts
from releaf.errors import InputError
from releaf.taxonomy import Taxonomy
from resources.sources import imported_files

TABLE = """subject,relation,object,source
plastic bottles,can become,project:Café lamp,a blog
cafe-lamp,needs,transparent,
sofa,made of,wood,
"""


@pytest.fixture
def data(tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Authored facts and taxonomy, and an empty home beside them."""
    for variable in [name for name in os.environ if name.startswith("RELEAF_")]:
        monkeypatch.delenv(variable)
    shutil.copytree(project_root / "data" / "facts", tmp_path / "data" / "facts")
    shutil.copy2(project_root / "data" / "taxonomy.yaml", tmp_path / "data")
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEAF_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["facts", *map(str, arguments)])


def table(folder: Path, text: str = TABLE, name: str = "lamps.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_facts_land_where_the_pipeline_reads_them_and_the_rest_is_told(
    data: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    done = call(table(tmp_path), "--relation", "needs=requires_property")
    assert done.exit_code == 0, done.exception
    assert "3 lines read: 2 facts imported, 1 set aside" in done.stdout
    assert "1 new: project:cafe_lamp" in done.stdout
    assert "line 4: unknown item 'sofa'" in done.stdout
    files = imported_files("imported_facts", data, tmp_path / "home")
    assert [file.parent.name for file in files] == ["lamps"]
    read = read_facts(data / "facts", taxonomy, files)
    assert read.facts.quarantine.rows() == []
    assert read.facts.frame["file"].to_list()[-2:] == [f"{tmp_path.name}/lamps.csv"] * 2


def test_an_import_again_replaces_the_former_one_and_may_build_on_others(data: Path, tmp_path: Path) -> None:
    assert call(table(tmp_path), "--relation", "needs=requires_property").exit_code == 0
    again = call(table(tmp_path), "--relation", "needs=requires_property", "--json")
    found = json.loads(again.stdout)
    assert (found["read"], found["facts"], found["reasons"]) == (3, 2, {"unknown item": 1})
    more = table(tmp_path, "glass jar,can_become,café lamps\nplastic bottle,can_become,cafe lamp\n", "more.csv")
    found = json.loads(call(more, "--json").stdout)
    assert (found["facts"], found["reasons"], found["new_nodes"]) == (1, {"stated before": 1}, [])


def test_what_holds_nothing_usable_is_refused_and_leaves_the_former_import(data: Path, tmp_path: Path) -> None:
    assert call(table(tmp_path), "--relation", "needs=requires_property").exit_code == 0
    before = (tmp_path / "home" / "imports" / "facts" / "lamps" / "triples.tsv").read_bytes()
    refused = call(table(tmp_path, "sofa,made_of,wood\n"))
    assert isinstance(refused.exception, InputError)
    assert "holds nothing that can be used; 1 of 1 lines: unknown item, as line 1" in str(refused.exception)
    assert (tmp_path / "home" / "imports" / "facts" / "lamps" / "triples.tsv").read_bytes() == before
    assert [path.name for path in (tmp_path / "home" / "imports" / "facts").iterdir()] == ["lamps"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere.csv"], "nowhere.csv cannot be read: No such file"),
        (["empty.csv"], "holds no triples"),
        (["lamps.csv", "--relation", "needs"], "is not of the form THEIRS=OURS"),
        (["lamps.csv", "--relation", "needs=eats"], "unknown relation 'eats'"),
        (["lamps.csv", "--name", "../x"], "cannot name"),
        (["lamps.xlsx"], "must end in .csv, .tsv or .nt"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], reason: str
) -> None:
    table(tmp_path)
    table(tmp_path, "", "empty.csv")
    table(tmp_path, "x", "lamps.xlsx")
    monkeypatch.chdir(tmp_path)
    refused = call(*arguments)
    assert isinstance(refused.exception, InputError)
    assert reason in str(refused.exception)
