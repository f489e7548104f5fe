"""One object of effective settings: defaults, then the profile's file, then the environment.

Every field is read somewhere; an unknown key in a profile or a `RELEAF_` variable is an error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from releaf.artifacts import content_hash
from releaf.corpus.settings import CorpusSettings, RenderingSettings
from releaf.errors import InputError, UnknownNameError
from releaf.graph.settings import GraphSettings
from releaf.language.settings import LanguageSettings
from releaf.retrieval.settings import RetrievalSettings
from releaf.vision.settings import VisionSettings

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PREFIX = "RELEAF_"


class Settings(BaseSettings):
    """Everything that can be set. Sections are the subjects' own frozen settings, explained where they are defined."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    profile: Literal["local", "full"] = Field("local", description="Which file of `profiles/` gives the defaults.")
    home: Path = Field(Path(".releaf"), description="Everything a run makes; deleting it is a clean start.")
    data_dir: Path = Field(PROJECT_ROOT / "data", description="Authored input, read-only.")
    device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="Where models run.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="What they compute in.")
    corpus: CorpusSettings = CorpusSettings()
    rendering: RenderingSettings = RenderingSettings()
    vision: VisionSettings = VisionSettings()
    graph: GraphSettings = GraphSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    language: LanguageSettings = LanguageSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the profile's file."""
        profile = init_settings().get("profile") or env_settings().get("profile") or "local"
        file = PROJECT_ROOT / "profiles" / f"{profile}.yaml"
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=file)

    def section_hash(self, *sections: str) -> str:
        """Short hash of sections, part of the code version of the assets that they steer."""
        return content_hash(self.model_dump(mode="json", include=set(sections)))[:8]


def load_settings(**overrides: Any) -> Settings:
    """Read the effective settings; `overrides` win over everything.

    Raises `InputError` showing the setting, its value and what is possible.
    """
    known = set(Settings.model_fields)
    for variable in sorted(os.environ):
        name = variable.removeprefix(PREFIX).split("__")[0].lower()
        if variable.startswith(PREFIX) and name not in known:
            raise UnknownNameError("setting", name, known, f"the environment ({variable})")
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise InputError(_readable(error)) from error
    return settings.model_copy(update={"home": settings.home.absolute(), "data_dir": settings.data_dir.absolute()})


def _readable(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        variable = PREFIX + place.replace(".", "__").upper()
        lines.append(f"setting {place} = {problem['input']!r}: {problem['msg']} (set {variable} or edit profiles/)")
    return "; ".join(lines)
