from __future__ import annotations

import json

import pytest

from releaf.corpus.documents import read_documents
from releaf.corpus.tables import Defaults, DocumentColumns, read_document_table, read_markdown
from releaf.errors import InputError
from tests.corpus.test_documents import document

GIVEN = Defaults("recycling", "A book, 2020", ("toronto",))


def as_documents(imported, folder, taxonomy):
    """The rows of what was imported, read back as documents, by id."""
    folder.mkdir()
    for name, text in imported.documents.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    result = read_documents([folder], taxonomy)
    assert result.quarantine.rows() == []
    return {row["id"]: row for row in result.frame.iter_rows(named=True)}


def table(folder, content, name="notes.csv"):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_row_that_says_everything_needs_no_defaults(tmp_path, taxonomy):
    path = table(
        tmp_path,
        "id,title,text,topic,items,materials,jurisdictions,source\n"
        "Jar 1,Jars,Rinse them.,reuse,jam jar; glass_bottle,glass,toronto|seattle,A leaflet\n",
    )
    imported = read_document_table(path, taxonomy)
    row = as_documents(imported, tmp_path / "out", taxonomy)["jar-1"]
    assert (row["title"], row["text"], row["topic"], row["source"]) == ("Jars", "Rinse them.", "reuse", "A leaflet")
    assert (row["items"], row["materials"]) == (["glass_jar", "glass_bottle"], ["glass"])
    assert row["jurisdictions"] == ["toronto", "seattle"]
    assert (imported.read, imported.quarantine.height, imported.unread) == (1, 0, ())


def test_defaults_stand_in_for_what_a_row_leaves_open(tmp_path, taxonomy):
    rows = [{"text": "# Jars\n\nRinse them."}, {"text": "Cans.", "topic": "reuse", "jurisdictions": ["seattle"]}]
    path = table(tmp_path, "\n".join(map(json.dumps, rows)), "notes.jsonl")
    first, second = as_documents(
        read_document_table(path, taxonomy, defaults=GIVEN), tmp_path / "out", taxonomy
    ).values()
    jars, cans = (first, second) if first["title"] == "Jars" else (second, first)
    assert (jars["topic"], jars["source"], jars["jurisdictions"]) == ("recycling", "A book, 2020", ["toronto"])
    assert (cans["topic"], cans["title"], cans["jurisdictions"]) == ("reuse", "Cans.", ["seattle"])


def test_an_id_that_is_not_given_depends_on_what_the_row_says_alone(tmp_path, taxonomy):
    rows = [{"title": "Jars", "text": "Rinse."}, {"title": "Jars", "text": "Keep."}]
    one = read_document_table(table(tmp_path, json.dumps(rows), "a.json"), taxonomy, defaults=GIVEN)
    other = read_document_table(table(tmp_path, json.dumps(rows[::-1]), "b.json"), taxonomy, defaults=GIVEN)
    assert one.documents == other.documents
    assert len(one.documents) == 2
    assert all(name.startswith("jars-") for name in one.documents)


def test_columns_of_other_names_are_declared_and_the_rest_is_told(tmp_path, taxonomy):
    path = table(tmp_path, "nr\theading\tcontent\tauthor\n7\tJars\tRinse.\tme\n", "notes.tsv")
    columns = DocumentColumns(id="nr", title="heading", text="content")
    imported = read_document_table(path, taxonomy, columns=columns, defaults=GIVEN)
    assert list(imported.documents) == ["7"]
    assert imported.unread == ("author",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": " "}, "no text"),
        ({"text": None}, "no text"),
        ({"text": ["a"]}, "the text is list, not a text"),
        ({"text": "a", "topic": "astrology"}, "topic: "),
        ({"text": "a", "items": "mithril jar"}, "unknown item 'mithril jar'"),
        ({"text": "a", "materials": ["mithril"]}, "unknown material 'mithril'"),
        ({"text": "a", "jurisdictions": "New York"}, "jurisdictions.0: "),
        ({"text": "a", "id": "one"}, "id 'one' was given before, by "),
    ],
)
def test_a_row_that_does_not_fit_is_set_aside_with_file_and_line(tmp_path, taxonomy, row, reason):
    path = table(tmp_path, f'{{"id": "one", "text": "first"}}\n{json.dumps(row)}\n', "notes.jsonl")
    imported = read_document_table(path, taxonomy, defaults=GIVEN)
    (bad,) = imported.quarantine.to_dicts()
    assert (bad["file"], bad["line"]) == (f"{tmp_path.name}/notes.jsonl", 2)
    assert reason in bad["reason"]
    assert list(imported.documents) == ["one"]


@pytest.mark.parametrize(
    ("defaults", "reason"), [(Defaults(source="S"), "no topic; give"), (Defaults(topic="reuse"), "no source; give")]
)
def test_topic_and_source_must_come_from_somewhere(tmp_path, taxonomy, defaults, reason):
    imported = read_document_table(table(tmp_path, "text\na\n"), taxonomy, defaults=defaults)
    assert imported.documents == {}
    assert reason in imported.quarantine["reason"][0]


def test_a_table_without_the_column_of_the_text_is_one_error(tmp_path, taxonomy):
    with pytest.raises(InputError, match=r"no column 'text' \(declared as the text\); its columns: id, body"):
        read_document_table(table(tmp_path, "id,body\n1,a\n"), taxonomy, defaults=GIVEN)
    columns = DocumentColumns(text="body", title="headline")
    with pytest.raises(InputError, match=r"no column 'headline' \(declared as the title\)"):
        read_document_table(table(tmp_path, "id,body\n1,a\n"), taxonomy, columns=columns, defaults=GIVEN)


def test_control_characters_are_taken_out_of_a_text_and_its_lines_stay(tmp_path, taxonomy):
    path = table(tmp_path, json.dumps([{"id": "a", "text": "one\x00\r\n\ntwo"}]), "notes.json")
    imported = read_document_table(path, taxonomy, defaults=GIVEN)
    assert as_documents(imported, tmp_path / "out", taxonomy)["a"]["text"] == "one\n\ntwo"


# Markdown


def notes(folder):
    folder.mkdir()
    (folder / "sub").mkdir()
    (folder / "Jar Rules.md").write_text("Intro.\n\n# All about *jars* #\n\nRinse them.\n", encoding="utf-8")
    (folder / "sub" / "cans.md").write_text("Crush\n=====\n\nCrush cans.\n")
    (folder / "sub" / "foil-and_trays.md").write_text("Fold it.\n")
    return folder


def test_a_file_without_front_matter_is_titled_by_its_first_heading_or_its_name(tmp_path, taxonomy):
    rows = as_documents(read_markdown(notes(tmp_path / "in"), taxonomy, GIVEN), tmp_path / "out", taxonomy)
    assert {name: (row["title"], row["text"]) for name, row in rows.items()} == {
        "jar-rules": ("All about *jars*", "Intro.\n\n\n\nRinse them."),
        "sub-cans": ("Crush", "Crush cans."),
        "sub-foil-and-trays": ("Foil and trays", "Fold it."),
    }
    assert {row["topic"] for row in rows.values()} == {"recycling"}


def test_files_with_front_matter_are_taken_as_they_are_beside_those_without(tmp_path, taxonomy):
    folder = notes(tmp_path / "in")
    path = document(folder / "sub", id="pet-bottles", topic="policy")
    imported = read_markdown(folder, taxonomy, GIVEN)
    assert imported.documents["pet-bottles"] == path.read_text()
    assert (len(imported.documents), imported.quarantine.height, imported.read) == (4, 0, 4)


def test_without_topic_and_source_such_files_are_set_aside_and_say_what_would_help(tmp_path, taxonomy):
    folder = notes(tmp_path / "in")
    document(folder, topic="policy")
    imported = read_markdown(folder, taxonomy)
    assert list(imported.documents) == ["pet-bottles"]
    assert imported.quarantine.height == 3
    assert "expected front matter" in imported.quarantine["reason"][0]
    assert imported.quarantine["reason"][0].endswith("give a topic and a source for files without front matter")


def test_broken_front_matter_is_no_missing_front_matter(tmp_path, taxonomy):
    folder = tmp_path / "in"
    document(folder, topic="astrology")
    (folder / "heading.md").write_text("# Only a heading\n")
    (folder / "bytes.md").write_bytes(b"caf\xe9")
    imported = read_markdown(folder, taxonomy, GIVEN)
    assert imported.documents == {}
    told = {row["file"]: row["reason"] for row in imported.quarantine.to_dicts()}
    assert told["in/pet-bottles.md"].startswith("topic: ")
    assert told["in/heading.md"] == "no text"
    assert told["in/bytes.md"].startswith("not UTF-8")


def test_two_files_of_one_id_cost_the_second(tmp_path, taxonomy):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a b.md").write_text("One.")
    (folder / "a-b.md").write_text("Two.")
    imported = read_markdown(folder, taxonomy, GIVEN)
    assert list(imported.documents) == ["a-b"]
    assert imported.quarantine["reason"].to_list() == ["id 'a-b' was given before, by in/a b.md:1"]


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path, taxonomy):
    with pytest.raises(InputError, match="no folder of documents at"):
        read_markdown(tmp_path / "absent", taxonomy)
