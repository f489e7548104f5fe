from __future__ import annotations

from pathlib import Path

import pytest

from releaf.errors import InputError, UnknownNameError
from releaf.taxonomy import Taxonomy, load_taxonomy


def test_the_taxonomy_has_twenty_items_fifteen_materials_and_four_bins(taxonomy: Taxonomy) -> None:
    assert (len(taxonomy.items), len(taxonomy.materials), len(taxonomy.bins)) == (20, 15, 4)
    assert len(taxonomy.families) >= 6


def test_names_are_found_by_alias_whatever_their_case_and_hyphens(taxonomy: Taxonomy) -> None:
    assert taxonomy.item("Soda Can").id == "beverage_can"
    assert taxonomy.item("plastic-bottle").id == "plastic_bottle"
    assert taxonomy.family("trash").id == "residual"


def test_an_unknown_name_lists_the_closest(taxonomy: Taxonomy) -> None:
    with pytest.raises(UnknownNameError, match="unknown item 'plastic botle'; did you mean plastic_bottle"):
        taxonomy.item("plastic botle")


def test_every_material_points_at_its_family(taxonomy: Taxonomy) -> None:
    index = taxonomy.family_of_material[taxonomy.material_ids.index("steel")]
    assert taxonomy.family_ids[index] == "metal"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bins: []", "'bins' must be a non-empty list|'items' must be a non-empty list"),
        ("a: [", "not readable YAML"),
        ("hello", "must hold a mapping"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_taxonomy(path)


def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="RELEAF_DATA_DIR"):
        load_taxonomy(tmp_path / "none.yaml")
