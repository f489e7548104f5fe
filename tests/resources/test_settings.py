from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from releaf.errors import InputError, UnknownNameError
from resources.settings import Settings, load_settings

SECTIONS = {
    "corpus": {"chunk_words": 77},
    "rendering": {"per_item": 11},
    "vision": {"epochs": 5},
    "descriptors": {"words": 3},
    "graph": {"hidden": 32},
    "retrieval": {"batch_size": 9},
    "reranker": {"layers": 2},
    "language": {"base": {"epochs": 3}},
    "alignment": {"seed": 3},
}

pytestmark = pytest.mark.usefixtures("no_environment")


def test_the_profile_file_gives_the_defaults() -> None:
    settings = load_settings()
    assert settings.profile == "local"
    assert (settings.vision.backbone, settings.vision.source) == ("resnet10t", "scratch")


def test_a_section_that_the_profile_leaves_out_keeps_its_own_defaults() -> None:
    assert load_settings().corpus.chunk_words == 120


def test_the_environment_wins_over_the_profile_file(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings().vision
    monkeypatch.setenv("RELEAF_VISION__EPOCHS", "3")
    assert load_settings().vision == dataclasses.replace(before, epochs=3)


def test_arguments_win_over_the_environment_and_leave_the_rest_of_their_section(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RELEAF_VISION__EPOCHS", "3")
    monkeypatch.setenv("RELEAF_VISION__SEED", "8")
    vision = load_settings(vision={"epochs": 5}).vision
    assert (vision.epochs, vision.seed, vision.backbone) == (5, 8, "resnet10t")


def test_a_nested_setting_is_reached_through_double_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_LANGUAGE__BASE__DECODER__WIDTH", "64")
    assert load_settings().language.base.decoder.width == 64


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_the_profile_chooses_its_file_whichever_way_it_is_given(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "environment":
        monkeypatch.setenv("RELEAF_PROFILE", "full")
    settings = load_settings(**({"profile": "full"} if way == "argument" else {}))
    assert settings.profile == "full"
    assert settings.vision.source.startswith("hub:")


@pytest.mark.parametrize("profile", ["local", "full"])
def test_both_shipped_profiles_can_be_read_and_name_themselves(profile: str, project_root: Path) -> None:
    assert load_settings(profile=profile).profile == profile
    assert f"profile: {profile}\n" in (project_root / "profiles" / f"{profile}.yaml").read_text()


def test_every_shipped_profile_is_one_that_can_be_chosen(project_root: Path) -> None:
    assert sorted(file.stem for file in (project_root / "profiles").iterdir()) == ["full", "local"]


def test_an_unknown_variable_is_refused_with_the_closest_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_VISON__EPOCHS", "3")
    with pytest.raises(UnknownNameError, match=r"'vison' in the environment \(RELEAF_VISON__EPOCHS\).*vision"):
        load_settings()


def test_a_variable_of_another_program_is_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAFY", "3")
    monkeypatch.setenv("OTHER_RELEAF_HOM", "3")
    load_settings()


def test_an_unknown_key_inside_a_section_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_VISION__EPOCS", "3")
    with pytest.raises(InputError, match="'epocs' in vision; did you mean epochs"):
        load_settings()


def test_an_unknown_argument_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="devce"):
        load_settings(devce="cpu")


@pytest.mark.parametrize("line", ["visoin: {}", "vision: {epocs: 3}"])
def test_an_unknown_key_in_a_profile_file_is_refused_by_name(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "local.yaml").write_text(f"profile: local\n{line}\n")
    monkeypatch.setattr("resources.settings.PROJECT_ROOT", tmp_path)
    with pytest.raises(InputError, match=r"visoin|epocs"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "setting", "hint"),
    [
        ("RELEAF_DEVICE", "gpu", "device = 'gpu'", "cuda"),
        ("RELEAF_VISION__EPOCHS", "many", "vision.epochs = 'many'", "integer"),
        ("RELEAF_LANGUAGE__BASE__EPOCHS", "x", "language.base.epochs = 'x'", "integer"),
    ],
)
def test_a_bad_value_names_the_setting_its_value_and_the_variable(
    variable: str, value: str, setting: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError) as raised:
        load_settings()
    message = str(raised.value)
    assert setting in message
    assert variable in message
    assert hint in message


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_DEVICE", "gpu")
    monkeypatch.setenv("RELEAF_VISION__SEED", "one")
    with pytest.raises(InputError, match=r"device = 'gpu'.*; setting vision\.seed = 'one'"):
        load_settings()


def test_a_section_refuses_what_contradicts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEAF_CORPUS__CHUNK_WORDS", "3")
    with pytest.raises(InputError, match="chunk_words 3 must be at least 10"):
        load_settings()


def test_paths_are_absolute_so_that_a_run_may_change_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(home="h", data_dir="d")
    assert (settings.home, settings.data_dir) == (tmp_path / "h", tmp_path / "d")


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().profile = "full"  # type: ignore[misc]


@pytest.mark.parametrize("changed", SECTIONS)
def test_the_hash_of_a_section_changes_with_that_section_alone(changed: str) -> None:
    before, after = load_settings(), load_settings(**{changed: SECTIONS[changed]})
    different = {name for name in SECTIONS if before.section_hash(name) != after.section_hash(name)}
    assert different == {changed}


def test_the_hash_of_several_sections_does_not_depend_on_the_order_they_are_named_in() -> None:
    settings = load_settings()
    assert settings.section_hash("graph", "retrieval") == settings.section_hash("retrieval", "graph")
    assert settings.section_hash("graph", "retrieval") != settings.section_hash("graph")


def test_the_hash_of_a_part_of_a_section_changes_with_that_part_alone() -> None:
    before, after = load_settings(), load_settings(language={"tuning": {"epochs": 9}})
    parts = ("language.source", "language.base", "language.base.tokenizer", "language.tuning", "language.tuning.seed")
    assert {part for part in parts if before.section_hash(part) != after.section_hash(part)} == {"language.tuning"}


def test_a_hash_of_what_is_no_setting_says_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown setting 'tunings' in language.tunings; did you mean tuning"):
        load_settings().section_hash("language.tunings")


def test_where_a_run_puts_its_files_is_in_no_hash_of_a_section(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path).section_hash(*SECTIONS) == load_settings().section_hash(*SECTIONS)


def test_the_sections_tested_here_are_all_there_are() -> None:
    plain = {"profile", "home", "data_dir", "device", "precision", "lanes", "qdrant_url", "qdrant_api_key"}
    assert set(Settings.model_fields) == plain | set(SECTIONS)
