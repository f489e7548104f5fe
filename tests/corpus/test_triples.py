from __future__ import annotations

from pathlib import Path

import pytest

from releaf.corpus.triples import Statement, local_name, read_triples, unescape
from releaf.errors import InputError


def read(folder: Path, text: str, name: str = "x.csv") -> list[Statement]:
    (folder / name).write_text(text, encoding="utf-8")
    return list(read_triples(folder / name))


def parts(statements: list[Statement]) -> list[tuple[str, ...]]:
    return [
        (one.problem.split(":")[0],) if one.problem else (one.subject, one.relation, one.object, one.source)
        for one in statements
    ]


@pytest.mark.parametrize(
    "text",
    [
        "subject,relation,object,source\nbottle,made_of,pet,me\n",
        "bottle,made_of,pet,me\n",
        "Source,Object,Predicate,Subject\nme,pet,made_of,bottle\n",
        '"bottle","made_of","pet","me"\n',
        "subject;predicate;object;source\nbottle;made_of;pet;me\n",
        "\ufeffs,p,o,source\n\n  bottle , made_of ,pet,me\n",
        "head,note,relation,tail,source\nbottle,x,made_of,pet,me\n",
    ],
)
def test_a_table_is_read_with_and_without_a_header(tmp_path, text):
    assert parts(read(tmp_path, text)) == [("bottle", "made_of", "pet", "me")]


def test_tabs_part_the_cells_of_a_tsv(tmp_path):
    assert parts(read(tmp_path, "bottle\tmade_of\tpet, clear\n", "x.tsv")) == [("bottle", "made_of", "pet, clear", "")]


def test_lines_that_are_no_triples_are_told_with_their_number(tmp_path):
    found = read(tmp_path, 's,p,o\na,b\na,b,c,d\n"a,b,c\n,b,c\na, ,c\na,b,c\n')
    assert parts(found) == [
        ("cells",),
        ("cells",),
        ("quoting",),
        ("missing part",),
        ("missing part",),
        ("a", "b", "c", ""),
    ]
    assert [one.line for one in found] == [2, 3, 4, 5, 6, 7]
    assert found[0].problem == "cells: 2 where there are 3"


NT = r"""# a comment
<http://x.org/item/plastic%20bottle> <http://x.org/v#madeOf> <http://x.org/material/pet> . # trailing
<http://x.org/n/17> <http://www.w3.org/2000/01/rdf-schema#label> "Caf\u00E9 \"lamp\""@fr .
<http://x.org/item/glass_jar> <http://x.org/v#canBecome> <http://x.org/n/17> .
<http://x.org/item/glass_jar> <http://x.org/v#made_of> "gl\u0061ss"^^<http://x.org/string> .
"""


def test_n_triples_give_last_parts_labels_literals_and_escapes(tmp_path):
    assert parts(read(tmp_path, NT, "x.nt")) == [
        ("item:plastic bottle", "madeOf", "material:pet", ""),
        ("item:glass_jar", "canBecome", 'Café "lamp"', ""),
        ("item:glass_jar", "made_of", "glass", ""),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("<http://x/a> <http://x/p> <http://x/b>", "N-Triples"),
        ("_:b0 <http://x/p> <http://x/b> .", "blank node"),
        ('"a" <http://x/p> <http://x/b> .', "literal"),
        (r'<http://x/a> <http://x/p> "\q" .', "escape"),
        (r'<http://x/a> <http://x/p> "\uD800" .', "escape"),
        ("<http://x> <http://x/p> <http://x/b> .", "missing part"),
    ],
)
def test_what_is_no_n_triple_is_told(tmp_path, line, problem):
    (one,) = read(tmp_path, line + "\n", "x.nt")
    assert (one.problem.split(":")[0], one.line, one.text) == (problem, 1, line)


def test_the_kind_of_a_name_is_taken_from_the_part_above_it():
    assert local_name("https://x.org/project/desk_lamp") == "project:desk_lamp"
    assert local_name("https://x.org/a#project:desk_lamp") == "project:desk_lamp"
    assert local_name("https://x.org/things/desk_lamp/") == "desk_lamp"
    assert local_name("desk lamp") == "desk lamp"
    assert unescape(r"\U0001F331\t") == "🌱\t"


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.csv, \.tsv or \.nt"):
        list(read_triples(tmp_path / "x.xlsx"))
