"""`releaf import` in this process: what lands in the home, and what it says."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from command.imports import app
from releaf.corpus.documents import read_documents
from releaf.errors import InputError
from releaf.policy.schema import load_policies
from releaf.taxonomy import Taxonomy
from tests.corpus.rule_table import MAP, ROWS, row, write_map, write_table
from tests.corpus.test_documents import document


@pytest.fixture
def imports(tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The imports of an empty home over the authored taxonomy and policies."""
    for variable in [name for name in os.environ if name.startswith("RELEAF_")]:
        monkeypatch.delenv(variable)
    data = tmp_path / "data"
    shutil.copytree(project_root / "data" / "policies", data / "policies")
    shutil.copy2(project_root / "data" / "taxonomy.yaml", data)
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELEAF_DATA_DIR", str(data))
    return tmp_path / "home" / "imports"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def refused(*arguments: object) -> str:
    result = call(*arguments)
    assert isinstance(result.exception, InputError)
    return str(result.exception)


def found(folder: Path, taxonomy: Taxonomy) -> list[str]:
    """The ids of documents that an asset would take up."""
    result = read_documents([folder], taxonomy)
    assert result.quarantine.rows() == []
    return sorted(result.frame["id"])


# Rules


def rules(folder: Path, rows: list[dict[str, Any]] | None = None, **changes: Any) -> tuple[Path, str, Path]:
    return write_table(folder, rows), "--columns", write_map(folder, **changes)


def test_rules_become_documents_and_a_policy_that_the_pipeline_reads(
    imports: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    told = done("rules", *rules(tmp_path, [*ROWS, row("Rest", "Grey", "jam jar"), row("Odd", "Purple")]))
    assert len(found(imports / "documents" / "testville-leaflet", taxonomy)) == 6
    (policy,), rejected = load_policies(imports / "policies", taxonomy)
    assert (policy.id, policy.name, rejected) == ("testville-leaflet", "Testville: Leaflet", ())
    assert {rule.match.items for rule in policy.rules} == {("plastic_bottle",), ("fruit_peel",), ("battery",)}
    assert "7 rows read" in told
    assert "6 documents imported, 1 set aside" in told
    assert "table.json:8: category 'Purple' is not in the column map" in told
    assert "policy testville-leaflet with 3 rules" in told
    assert "no rule for glass_jar: the table contradicts itself about jam jars, jam jar" in told
    assert "no entry carries the declared keyword 'newsprint sheet'" in told


def test_the_same_is_told_as_one_json_document(imports: Path, tmp_path: Path) -> None:
    table = rules(tmp_path, [*ROWS, row("Rest", "Grey", "jam jar"), row("Odd", "Purple")])
    told = json.loads(done("rules", *table, "--name", "mine", "--json"))
    assert (told["read"], told["documents"], told["repeated"]) == (7, 6, 0)
    assert told["left_out"][0] == "glass_jar: the table contradicts itself about jam jars, jam jar"
    assert told["folder"] == str(imports / "documents" / "mine")
    assert told["policy"] == str(imports / "policies" / "testville-leaflet.json")
    assert [entry["keyword"] for entry in told["contradictions"]] == ["jam jars"]
    assert told["contradictions"][0]["categories"] == ["Yellow", "Grey"]
    assert [entry["line"] for entry in told["set_aside"]] == [8]
    assert told["unused_names"] == ["newsprint sheet"]
    assert {rule["item"] for rule in told["rules"]} == {"plastic_bottle", "fruit_peel", "battery"}


def test_a_second_import_replaces_the_first_and_takes_back_a_policy_without_rules(
    imports: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    done("rules", *rules(tmp_path))
    told = done("rules", *rules(tmp_path, [row("Things", "Grey")]))
    assert len(found(imports / "documents" / "testville-leaflet", taxonomy)) == 1
    assert list((imports / "policies").iterdir()) == []
    assert "no policy: no rule could be made" in told


def test_the_id_of_an_authored_policy_is_refused_with_the_way_out(imports: Path, tmp_path: Path) -> None:
    place = MAP["jurisdiction"] | {"id": "toronto"}
    message = refused("rules", *rules(tmp_path, jurisdiction=place))
    assert (
        "an authored policy has the id 'toronto'; give the jurisdiction another id, such as 'toronto-leaflet'"
        in message
    )
    assert not imports.exists()


def test_what_cannot_be_imported_leaves_what_was_there(imports: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    done("rules", *rules(tmp_path))
    before = found(imports / "documents" / "testville-leaflet", taxonomy)
    assert "holds nothing that can be used; the first of 1 was refused because category 'Purple'" in refused(
        "rules", *rules(tmp_path, [row("Odd", "Purple")])
    )
    assert "no file at" in refused("rules", tmp_path / "absent.json", "--columns", tmp_path / "map.yaml")
    assert "cannot name a folder" in refused("rules", *rules(tmp_path), "--name", "../other")
    assert found(imports / "documents" / "testville-leaflet", taxonomy) == before


# Documents


def test_a_folder_with_front_matter_is_imported_as_it_is(imports: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = document(tmp_path / "mine" / "deep", topic="policy")
    document(tmp_path / "mine", id="bad", topic="astrology")
    told = done("documents", tmp_path / "mine")
    assert found(imports / "documents" / "mine", taxonomy) == ["pet-bottles"]
    assert (imports / "documents" / "mine" / "pet-bottles.md").read_bytes() == path.read_bytes()
    assert "1 documents imported, 1 set aside" in told
    assert "mine/bad.md:4: topic: " in told


def test_plain_markdown_is_imported_with_a_topic_and_a_source(
    imports: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "jars.md").write_text("# Jars [new]\n\nRinse them.\n")
    options = ("--topic", "recycling", "--source", "A book", "--jurisdiction", "toronto", "--jurisdiction", "seattle")
    done("documents", tmp_path / "notes", *options)
    row = read_documents([imports / "documents" / "notes"], taxonomy).frame.row(0, named=True)
    assert (row["id"], row["title"], row["text"]) == ("jars", "Jars [new]", "Rinse them.")
    assert (row["topic"], row["source"], row["jurisdictions"]) == ("recycling", "A book", ["toronto", "seattle"])
    assert "give a topic and a source for files without front matter" in refused("documents", tmp_path / "notes")


def test_a_table_of_documents_is_imported_with_declared_columns(
    imports: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("nr,about,words,theme,by\n1,Jars,Rinse.,reuse,me\n2,Cans,,reuse,me\n3,Foil,Fold.,[b]x[/b],me\n")
    columns = ("--id-column", "nr", "--title-column", "about", "--text-column", "words", "--topic-column", "theme")
    told = done("documents", path, *columns, "--source", "A book")
    assert found(imports / "documents" / "notes", taxonomy) == ["1"]
    assert "1 documents imported, 2 set aside" in told
    assert "notes.csv:3: no text" in told
    assert "columns that were not read: by" in told


def test_columns_of_a_folder_and_a_source_that_is_not_there_are_refused(imports: Path, tmp_path: Path) -> None:
    document(tmp_path / "mine")
    assert "columns are declared for a table" in refused("documents", tmp_path / "mine", "--id-column", "nr")
    assert "nothing at" in refused("documents", tmp_path / "absent.csv")
    (tmp_path / "notes.docx").write_text("x")
    assert "its name must end in .json, .jsonl, .csv, .tsv" in refused("documents", tmp_path / "notes.docx")


# Instructions and preferences

TALK = {"conversations": [{"from": "human", "value": "Where do jars go?"}, {"from": "gpt", "value": "To glass."}]}
PAIR = {"prompt": "Where do jars go?", "chosen": "To glass they go.", "rejected": "It depends, I suppose."}


def listed(path: Path, rows: list[Any]) -> Path:
    path.write_text(json.dumps(rows, indent=1))
    return path


def test_instructions_in_either_form_are_copied_as_they_are(imports: Path, tmp_path: Path) -> None:
    alpaca = listed(tmp_path / "a.json", [{"instruction": "Sort this jar", "output": "To glass it goes."}])
    sharegpt = listed(tmp_path / "b.json", [TALK, {"instruction": "Sort this can", "output": "To metal it goes."}])
    assert "1 instructions imported, 0 set aside" in done("instructions", alpaca)
    told = done("instructions", sharegpt, "--name", "talks")
    assert "1 instructions imported, 1 set aside" in told
    assert "a record in Alpaca form, in a file that began with ShareGPT at line 2; keep one form a file" in told
    assert sorted(path.name for path in (imports / "instructions").iterdir()) == ["a.json", "talks.json"]
    assert (imports / "instructions" / "talks.json").read_bytes() == sharegpt.read_bytes()


def test_preferences_are_imported_and_the_way_on_is_told(imports: Path, tmp_path: Path) -> None:
    path = listed(tmp_path / "pairs.json", [PAIR, PAIR | {"rejected": PAIR["chosen"]}])
    told = done("preferences", path, "--name", "mine")
    assert "1 preferences imported, 1 set aside" in told
    assert "`releaf run --select preferences` takes them up" in told
    assert "chosen and rejected are the same; one must be better" in told
    assert (imports / "preferences" / "mine.json").read_bytes() == path.read_bytes()


def test_what_is_no_file_of_records_is_refused_with_the_way_out(imports: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n")
    (tmp_path / "empty.json").write_text("")
    pairs = listed(tmp_path / "pairs.json", [PAIR])
    for verb in ("instructions", "preferences"):
        assert "its name must end in .json or .jsonl" in refused(verb, tmp_path / "a.csv")
        assert f"give a .json or .jsonl file of {verb}" in refused(verb, tmp_path / "absent.json")
        assert "holds nothing that can be used" in refused(verb, tmp_path / "empty.json")
    assert "expected an Alpaca record (instruction, output) or a ShareGPT one" in refused("instructions", pairs)
    assert "expected a plain pair" in refused("preferences", listed(tmp_path / "talk.json", [TALK]))
    assert "cannot name a folder or file of preferences" in refused("preferences", pairs, "--name", "../x")
    assert not imports.exists()


def test_a_real_file_of_preferences_is_imported(imports: Path, shared_data: Path) -> None:
    told = done("preferences", shared_data / "preference_dpo_en_demo" / "train.json")
    assert "229 preferences imported, 11 set aside" in told
    assert "the same pair was read before" in told
