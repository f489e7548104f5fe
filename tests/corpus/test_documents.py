from __future__ import annotations

from pathlib import Path

import pytest

from releaf.corpus.documents import DOCUMENT_SCHEMA, read_documents
from releaf.errors import InputError

HEADER = {
    "id": "pet-bottles",
    "title": "Recycling PET bottles",
    "topic": "recycling",
    "items": "[plastic_bottle]",
    "materials": "[pet]",
    "jurisdictions": "[]",
    "source": '"A book, 2020"',
}


def document(folder: Path, name: str | None = None, body: str = "Rinse it. Crush it.", **changes: str | None) -> Path:
    header = {key: value for key, value in (HEADER | changes).items() if value is not None}
    path = folder / (name or f"{header['id']}.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(f"{key}: {value}" for key, value in header.items())
    path.write_text(f"---\n{lines}\n---\n\n{body}\n", encoding="utf-8")
    return path


def read_one(folder: Path, taxonomy) -> dict:
    """The only quarantined row."""
    result = read_documents([folder], taxonomy)
    assert (result.frame.height, result.quarantine.height, result.read) == (0, 1, 1)
    assert result.lost_share == 1.0
    return result.quarantine.row(0, named=True)


def test_a_document_is_read_with_all_its_columns(tmp_path, taxonomy):
    folder = tmp_path / "knowledge"
    document(folder)
    result = read_documents([folder], taxonomy)
    row = result.frame.row(0, named=True)
    assert result.frame.columns == list(DOCUMENT_SCHEMA)
    assert row["file"] == "knowledge/pet-bottles.md"
    assert row["text"] == "Rinse it. Crush it."
    assert (row["items"], row["materials"], row["jurisdictions"]) == (["plastic_bottle"], ["pet"], [])
    assert row["source"] == "A book, 2020"
    assert (result.quarantine.height, result.lost_share) == (0, 0.0)


def test_names_are_replaced_by_taxonomy_ids_once(tmp_path, taxonomy):
    document(tmp_path, items="[Water Bottle, plastic-bottle]", materials="[polyethylene terephthalate]")
    row = read_documents([tmp_path], taxonomy).frame.row(0, named=True)
    assert (row["items"], row["materials"]) == (["plastic_bottle"], ["pet"])


@pytest.mark.parametrize(
    ("changes", "line", "reason"),
    [
        ({"source": None}, 2, "source: field required"),
        ({"items": "[plastic_botle]"}, 5, "unknown item 'plastic_botle'; did you mean plastic_bottle"),
        ({"materials": "[mithril]"}, 6, "unknown material 'mithril'"),
        ({"topic": "astrology"}, 4, "topic: "),
        ({"title": '"  "'}, 3, "title: "),
        ({"id": "Pet_Bottles"}, 2, "id: "),
        ({"colour": "red"}, 9, "colour: extra inputs"),
        ({"title": '"open'}, None, "not valid YAML"),
        ({"body": "  \n "}, 10, "the body is empty"),
        ({"name": "other.md"}, 2, "id 'pet-bottles' belongs in a file named pet-bottles.md"),
    ],
)
def test_a_bad_document_is_quarantined_with_its_line(tmp_path, taxonomy, changes, line, reason):
    document(tmp_path, **changes)
    row = read_one(tmp_path, taxonomy)
    assert reason in row["reason"]
    assert row["dataset"] == "documents"
    if line is not None:
        assert row["line"] == line


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no front matter", "expected front matter"),
        (b"", "expected front matter"),
        (b"---\nid: a\n", "not closed"),
        (b"---\n---\nbody", "the front matter is empty"),
        (b"---\n- a\n---\nbody", "expected keys and values"),
        (b"---\nid: caf\xe9\n---\nbody", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_document_is_quarantined(tmp_path, taxonomy, content, reason):
    (tmp_path / "a.md").write_bytes(content)
    assert reason in read_one(tmp_path, taxonomy)["reason"]


def test_the_first_of_two_documents_with_one_id_is_kept(tmp_path, taxonomy):
    document(tmp_path / "one", body="First.")
    document(tmp_path / "two", body="Second.")
    result = read_documents([tmp_path / "one", tmp_path / "two"], taxonomy)
    assert result.frame["text"].to_list() == ["First."]
    assert result.quarantine["file"].to_list() == ["two/pet-bottles.md"]
    assert "was read before, from one/pet-bottles.md" in result.quarantine["reason"][0]


def test_the_hash_follows_the_content_and_not_the_way_it_is_written(tmp_path, taxonomy):
    document(tmp_path / "a")
    path = document(tmp_path / "b", title='"Recycling PET bottles"')
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    document(tmp_path / "c", body="Rinse it. Crush it well.")
    hashes = [read_documents([tmp_path / name], taxonomy).frame["sha256"][0] for name in "abc"]
    assert hashes[0] == hashes[1] != hashes[2]


def test_hidden_files_are_no_documents_and_an_empty_folder_is_an_empty_table(tmp_path, taxonomy):
    (tmp_path / "._pet-bottles.md").write_bytes(b"\x00\x05")
    result = read_documents([tmp_path], taxonomy)
    assert (result.read, result.frame.height, result.frame.columns) == (0, 0, list(DOCUMENT_SCHEMA))


def test_a_missing_folder_is_an_input_error(tmp_path, taxonomy):
    with pytest.raises(InputError, match=r"no folder of documents at .*absent"):
        read_documents([tmp_path / "absent"], taxonomy)


def test_no_authored_document_is_lost(project_root, taxonomy):
    result = read_documents([project_root / "data" / "knowledge"], taxonomy)
    assert result.quarantine.rows() == []
    assert result.frame.height >= 100
