"""`releaf evaluate retrieval` on small collections in each form that is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command.main import app

DOCUMENTS = {
    "cans": "Empty drink cans are melted into new cans",
    "jars": "Glass jars are crushed and melted in a furnace",
    "peel": "Fruit peel rots into compost within weeks",
}
QUERIES = {"q1": "where do drink cans go", "q2": "does fruit peel rot"}
QRELS = [("q1", "cans", 1), ("q2", "peel", 1)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RELEAF_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    _lines(folder / "corpus.jsonl", [{"_id": name, "title": "", "text": text} for name, text in DOCUMENTS.items()])
    _lines(folder / "queries.jsonl", [{"_id": name, "text": text} for name, text in QUERIES.items()])
    rows = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in QRELS)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(rows) + "\n")
    return folder


def _lines(file: Path, rows: list[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def evaluate(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", "retrieval", *arguments])


@pytest.mark.usefixtures("home")
def test_a_beir_folder_is_measured_and_one_document_comes_back(beir: Path) -> None:
    result = evaluate(str(beir), "--method", "sparse", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["dataset"], found["queries"], found["documents"], found["method"]) == ("tiny", 2, 3, "sparse")
    assert found["metrics"] == {"ndcg@10": 1.0, "recall@100": 1.0, "mrr@10": 1.0}


@pytest.mark.usefixtures("home")
def test_a_folder_of_csv_files_gives_the_same_figures(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "documents.csv").write_text(
        "id,title,text\n" + "".join(f'{name},,"{text}"\n' for name, text in DOCUMENTS.items())
    )
    (folder / "queries.csv").write_text("id,query\n" + "".join(f"{name},{text}\n" for name, text in QUERIES.items()))
    rows = "".join(f"{query},{document},{grade}\n" for query, document, grade in QRELS)
    (folder / "qrels.csv").write_text("query_id,document_id,grade\n" + rows)
    result = evaluate(str(folder), "--method", "sparse", "--json")
    assert json.loads(result.stdout)["metrics"]["ndcg@10"] == 1.0


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "magic"], "unknown search method 'magic'"),
        (["--method", "weighted", "--train"], "--train needs judgements of a split 'train' beside those of 'test'"),
        (["--method", "reranked"], "reranker_checkpoint"),
    ],
)
def test_what_cannot_be_measured_is_one_error_with_the_way_out(beir: Path, options: list[str], message: str) -> None:
    result = evaluate(str(beir), *options)
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output


@pytest.mark.usefixtures("home")
def test_judgements_of_unknown_documents_are_named_with_their_line(beir: Path) -> None:
    file = beir / "qrels" / "test.tsv"
    file.write_text(file.read_text() + "q1\tboots\t1\n")
    result = evaluate(str(beir), "--method", "sparse")
    assert result.exit_code != 0
    assert "'boots' is not among the 3 documents" in str(result.exception)
