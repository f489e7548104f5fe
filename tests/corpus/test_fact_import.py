from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from releaf.corpus.fact_checks import FactTables, check_facts
from releaf.corpus.fact_import import (
    QUARANTINE_FILE,
    TRIPLES_FILE,
    UNREVIEWED,
    ImportedTriples,
    Refused,
    TripleBook,
    import_triples,
    read_set_aside,
)
from releaf.corpus.fact_names import KnownNames, name_key, new_id
from releaf.corpus.facts import read_facts
from releaf.errors import InputError
from releaf.taxonomy import Taxonomy


@pytest.fixture
def book(taxonomy: Taxonomy) -> TripleBook:
    names = KnownNames.of(taxonomy, ["transparent", "watertight"], {"planter": "Self-watering planter"})
    held = {("material:pet", "has_property", "property:transparent"): "materials.yaml:2"}
    made_of = {("item:plastic_bottle", "made_of", "material:pet"): "taxonomy.yaml"}
    return TripleBook(names, {**held, **made_of}, {"consists of": "made_of"})


def done(tmp_path: Path, book: TripleBook, text: str) -> ImportedTriples:
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    (tmp_path / "out").mkdir()
    return import_triples(tmp_path / "in.csv", tmp_path / "out", book)


@pytest.mark.parametrize(
    "name",
    ["plastic bottle", "Plastic-Bottles", "PLÁSTIC_bottle", "water bottle", "item:plastic bottle", "ｐlastic bottle"],
)
def test_a_node_is_found_under_any_spelling(book: TripleBook, name: str) -> None:
    assert book.take(name, "made of", "HDPE", "x:1") == ("item:plastic_bottle", "made_of", "material:hdpe")


@pytest.mark.parametrize("relation", ["made_of", "madeOf", "Made Of", "made-of", "consists of", "Consists Of"])
def test_a_relation_is_found_under_any_spelling_and_by_the_map(book: TripleBook, relation: str) -> None:
    assert book.take("plastic bottle", relation, "hdpe", "x:1")[1] == "made_of"


@pytest.mark.parametrize(
    ("triple", "what", "reason"),
    [
        (("plastic bottel", "made_of", "hdpe"), "unknown item", "did you mean plastic_bottle"),
        (("sofa", "made_of", "hdpe"), "unknown item", "the taxonomy has no such"),
        (("item:sofa", "made_of", "hdpe"), "unknown item", "the taxonomy has no such"),
        (("plastic bottle", "can_become", "desk lamp"), "unknown project", "write project:desk lamp to bring in a new"),
        (("plastic bottle", "eats", "hdpe"), "unknown relation", "known: made_of"),
        (("pet", "made_of", "plastic bottle"), "unknown item", "unknown item 'pet'"),
        (("item:plastic_bottle", "made_of", "project:x"), "wrong kind", "is a project, and here a material must stand"),
        (("pet", "compatible_with", "PET"), "self-loop", "material:pet is joined to itself"),
        (("pet", "has_property", "Transparent"), "stated before", "at materials.yaml:2"),
        (("plastic bottle", "can_become", "project:机"), "no name", "no letter from a to z"),
        (("plastic bottle", "can_become", "project:" + "x" * 90), "no name", "a name has at most 80"),
        (("plastic bottle", "can_become", "project: "), "no name", "names nothing"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(
    book: TripleBook, triple: tuple[str, str, str], what: str, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        book.take(*triple, "x:1")
    assert caught.value.what == what
    assert reason in str(caught.value)
    assert book.created == {}


def test_a_project_written_with_its_kind_is_new_and_then_known(book: TripleBook) -> None:
    book.take("plastic bottle", "can_become", "project:Café lamp", "x:1")
    assert book.created == {"project:cafe_lamp": "Café lamp"}
    assert book.take("cafe-lamps", "requires_property", "transparent", "x:2")[0] == "project:cafe_lamp"


def test_good_lines_are_kept_with_their_place_and_all_others_set_aside(tmp_path: Path, book: TripleBook) -> None:
    found = done(
        tmp_path,
        book,
        "subject,relation,object,source\n"
        "plastic bottle,can_become,project:Café lamp,a blog\n"
        "cafe lamp,requires_property,transparent,\n"
        "sofa,made_of,pet,\n"
        "glass jar,can_become,cafe lamp,\n"
        "one,two\n",
    )
    assert (found.read, found.kept, found.set_aside) == (5, 2, 3)
    # A jar of glass, which is not known to be transparent here, cannot become what must be.
    assert dict(found.reasons) == {"unknown item": 1, "cells": 1, "contradiction": 1}
    assert found.created == {"project:cafe_lamp": "Café lamp"}
    rows = pl.read_csv(tmp_path / "out" / TRIPLES_FILE, separator="\t").rows()
    place = f"{tmp_path.name}/in.csv"
    assert rows == [
        ("item:plastic_bottle", "can_become", "project:Café lamp", "a blog", place, 2),
        ("project:Café lamp", "requires_property", "property:transparent", "imported from in.csv", place, 3),
    ]
    aside = read_set_aside([tmp_path / "out", tmp_path / "nowhere"])
    assert aside.select("file", "line").rows() == [(place, 4), (place, 6), (place, 5)]
    assert aside["reason"][2].startswith("no material of glass_jar holds all that cafe_lamp requires")


def test_equal_files_give_equal_bytes(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (tmp_path / "in.csv").write_text("plastic bottle,made_of,steel\nsofa,made_of,steel\n")
    for name in "ab":
        (tmp_path / name).mkdir()
        import_triples(tmp_path / "in.csv", tmp_path / name, TripleBook(KnownNames.of(taxonomy, [], {})))
    for file in (TRIPLES_FILE, QUARANTINE_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert b"sofa" in gzip.decompress((tmp_path / "a" / QUARANTINE_FILE).read_bytes())


def test_imported_facts_join_the_authored_ones_with_their_provenance(
    tmp_path: Path, project_root: Path, taxonomy: Taxonomy
) -> None:
    authored = read_facts(project_root / "data" / "facts", taxonomy)
    names = KnownNames.of(taxonomy, ["transparent"], {})
    text = "plastic bottle,can_become,project:Desk lamp,me\nproject:desk lamp,requires_property,transparent,me\n"
    done(tmp_path, TripleBook(names, {("item:plastic_bottle", "made_of", "material:pet"): "", (
        "material:pet", "has_property", "property:transparent"): ""}), text)  # fmt: skip
    read = read_facts(project_root / "data" / "facts", taxonomy, [tmp_path / "out" / TRIPLES_FILE])
    assert read.facts.quarantine.rows() == []
    assert read.facts.frame.tail(2).select("subject", "object", "source", "file", "line").rows() == [
        ("item:plastic_bottle", "project:desk_lamp", "me", f"{tmp_path.name}/in.csv", 1),
        ("project:desk_lamp", "property:transparent", "me", f"{tmp_path.name}/in.csv", 2),
    ]
    assert read.facts.frame.height == authored.facts.frame.height + 2
    (project,) = read.projects.filter(pl.col("id") == "desk_lamp").to_dicts()
    assert (project["title"], project["safety"], project["tools"], project["minutes"]) == (
        "Desk lamp", UNREVIEWED, None, None,
    )  # fmt: skip
    assert check_facts(FactTables(read.facts.frame, read.nodes, read.projects)) == []


def test_an_unknown_target_of_the_relation_map_is_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(InputError, match="unknown relation 'eaten_by'"):
        TripleBook(KnownNames.of(taxonomy, [], {}), relations={"x": "eaten_by"})


@pytest.mark.parametrize(
    ("name", "key"),
    [("Café-Lamps", "cafe lamp"), ("batteries", "battery"), ("boxes", "box"), ("glass", "glass"), ("BUS", "bus")],
)
def test_keys_fold_case_accents_hyphens_and_plurals(name: str, key: str) -> None:
    assert name_key(name) == key


def test_ids_are_ascii() -> None:
    assert new_id("Café  Lamp (big)!") == "cafe_lamp_big"
