"""Every verb as a new user would try it, on a lineage that takes seconds to make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from releaf.retrieval.choice import METHODS
from tests.command.conftest import Command

Json = Callable[..., Any]


def test_search_answers_with_documents_and_confidence(releaf_json: Json) -> None:
    found = releaf_json("search", "what do I do with an old battery")
    assert {"query", "method", "confidence", "results", "answered", "milliseconds"} <= set(found)
    assert found["method"] in METHODS
    assert set(found["results"][0]) >= {"id", "title", "score", "text"}


def test_classify_answers_one_object_a_file_and_an_error_for_what_is_no_picture(
    releaf_json: Json, tmp_path: Path
) -> None:
    Image.new("RGB", (40, 40), "green").save(tmp_path / "green.png")
    (tmp_path / "words.jpg").write_text("these are words")
    good, bad = releaf_json("classify", str(tmp_path / "green.png"), str(tmp_path / "words.jpg"))
    assert set(good["bin"][0]) == {"label", "probability"}
    assert 0.75 <= sum(entry["probability"] for entry in good["bin"]) <= 1 + 1e-6  # three of four bins
    assert "words.jpg" in bad["file"]
    assert bad["error"]


def test_recommend_takes_an_alias_and_gives_the_supporting_path(releaf_json: Json) -> None:
    found = releaf_json("recommend", "jam jar")
    assert found["item"] == "glass_jar"
    assert len(found["results"]) == 10
    assert all(entry["path"][0] == "item:glass_jar" for entry in found["results"])
    assert {"project", "title", "score", "known", "path", "covered", "missing", "difficulty", "minutes", "tools",
            "safety"} == set(found["results"][0])  # fmt: skip
    assert found["fallback"] is None


def test_recommend_takes_materials_and_a_text_for_what_the_graph_never_saw(releaf_json: Json) -> None:
    found = releaf_json("recommend", "--materials", "PET,tin", "--text", "an old bicycle wheel", "-k", "3")
    assert (found["materials"], found["text"]) == (["pet", "steel"], "an old bicycle wheel")
    assert [entry["known"] for entry in found["results"]] == [False] * 3
    assert all(entry["path"][1] in ("material:pet", "material:steel") for entry in found["results"])
    assert not any(entry["missing"] for entry in found["results"])
    easy = releaf_json("recommend", "--materials", "steel", "--difficulty", "easy", "--max-minutes", "1")
    assert easy["results"] == []
    assert "--max-minutes 1 removed" in easy["fallback"]


def test_status_lists_every_asset_with_its_checks_and_the_release(releaf_json: Json) -> None:
    status = releaf_json("status")
    states = {asset["key"]: asset for asset in status["assets"]}
    assert {"waste_taxonomy", "vision_checkpoint", "release"} <= set(states)
    assert {"name", "passed", "value", "threshold"} == set(states["vision_report"]["checks"][0])
    assert status["release"]["version"]


def test_report_names_the_page_and_its_figures(releaf_json: Json) -> None:
    report = releaf_json("report")
    page = Path(report["page"]).read_text()
    assert page.startswith("<!DOCTYPE html>") or page.startswith("<!doctype html>")
    assert report["figures"]


def test_query_reads_tables_and_views(releaf_json: Json, made_home: Path) -> None:
    written = len(list((made_home / "data" / "knowledge").glob("*.md")))
    assert releaf_json("query", "SELECT count(*) AS n FROM documents") == [{"n": written}]
    assert {"subject_kind", "relation", "object_kind", "facts"} == set(releaf_json("query", "facts_by_relation")[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["query", "no_such_table"], "'no_such_table' cannot be answered"),
        (["query", "DROP VIEW documents"], "cannot be answered"),
        (["recommend", "unicorn"], "for anything else: releaf recommend --text 'unicorn'"),
        (["recommend"], "name an item of the taxonomy, or say what the object is"),
        (["recommend", "jar", "--materials", "steel"], "give either an item of the taxonomy"),
        (["recommend", "--materials", ","], "names none"),
        (["recommend", "--text", "x\x07"], "control character"),
        (["recommend", "jam jar", "-k", "0"], "k=0 projects"),
        (["recommend", "jam jar", "--tool", "saw", "--without-tool", "saw"], "ruled out at once"),
        (["search", ""], "the query is empty"),
        (["search", "glass", "--method", "magic"], "unknown method 'magic'"),
        (["search", "glass", "-k", "0"], "k must be at least 1"),
        (["classify", "/nowhere/at/all.jpg"], "/nowhere/at/all.jpg"),
        (["evaluate", "retrieval", "/nowhere"], "/nowhere"),
        (["evaluate", "vision", "/nowhere"], "/nowhere"),
        (["evaluate", "graph", "/nowhere.npz"], "/nowhere.npz"),
        (["import", "images", "/nowhere"], "/nowhere"),
        (["import", "documents", "/nowhere"], "/nowhere"),
        (["import", "instructions", "/nowhere.json"], "/nowhere.json"),
        (["run", "--select", "no_such_asset"], "no_such_asset"),
        (["run", "--force"], "--force needs --select"),
    ],
)
def test_what_cannot_be_done_is_one_clear_message_and_a_failing_exit(
    releaf: Command, arguments: list[str], message: str
) -> None:
    done = releaf(*arguments)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_empty_folder_is_refused_and_says_what_was_expected(releaf: Command, tmp_path: Path) -> None:
    done = releaf("evaluate", "vision", str(tmp_path))
    assert done.returncode == 2
    assert "holds no pictures" in done.stderr


def test_nothing_can_be_asked_before_the_first_run(releaf: Command, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(Path(__file__).resolve().parents[2] / "data")
    for arguments in (["search", "glass"], ["recommend", "battery"], ["report"]):
        done = releaf(*arguments, root=tmp_path)
        assert done.returncode == 2
        assert "run `releaf run`" in done.stderr
