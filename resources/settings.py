"""One object of effective settings: defaults, then the profile's file, then the environment.

Every field is read somewhere; an unknown key in a profile or a `RELEAF_` variable is an error.
"""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from releaf.artifacts import content_hash
from releaf.corpus.settings import CorpusSettings, RenderingSettings
from releaf.errors import InputError, UnknownNameError
from releaf.graph.settings import GraphSettings
from releaf.language.settings import AlignmentSettings, LanguageSettings
from releaf.retrieval.settings import RerankerSettings, RetrievalSettings
from releaf.vision.settings import DescriptorSettings, VisionSettings

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PREFIX = "RELEAF_"


class Settings(BaseSettings):
    """Everything that can be set. Sections are the subjects' own frozen settings, explained where they are defined."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    profile: Literal["local", "full"] = Field("local", description="Which file of `profiles/` gives the defaults.")
    home: Path = Field(Path(".releaf"), description="Everything a run makes; deleting it is a clean start.")
    data_dir: Path = Field(PROJECT_ROOT / "data", description="Authored input, read-only.")
    device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="Where models run.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="What they compute in.")
    lanes: int = Field(1, ge=1, description="Assets that `releaf run` makes at once, each with its share of the cores.")
    qdrant_url: str | None = Field(
        None, description="A Qdrant server or cluster; unset, the engine runs in the process."
    )
    qdrant_api_key: SecretStr | None = Field(None, description="Its key, where it asks for one; shown nowhere.")
    corpus: CorpusSettings = CorpusSettings()
    rendering: RenderingSettings = RenderingSettings()
    vision: VisionSettings = VisionSettings()
    descriptors: DescriptorSettings = DescriptorSettings()
    graph: GraphSettings = GraphSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    reranker: RerankerSettings = RerankerSettings()
    language: LanguageSettings = LanguageSettings()
    alignment: AlignmentSettings = AlignmentSettings()

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
        if not file.is_file():
            raise UnknownNameError("profile", str(profile), [path.stem for path in file.parent.glob("*.yaml")])
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=file)

    def section_hash(self, *sections: str) -> str:
        """Short hash of sections, or of what is in them (`language.base`): part of the code version of what they steer.

        Raises `UnknownNameError` for a name that is none.
        """
        every = self.model_dump(mode="json")
        return content_hash({name: _at(every, name) for name in sections})[:8]


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
        raise _readable(error) from error
    except (SettingsError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"settings cannot be read: {error}; look at profiles/ and the {PREFIX}* variables") from error
    return settings.model_copy(update={"home": settings.home.absolute(), "data_dir": settings.data_dir.absolute()})


def _at(settings: dict[str, Any], path: str) -> Any:
    value: Any = settings
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise UnknownNameError("setting", part, value if isinstance(value, dict) else (), path)
        value = value[part]
    return value


def _readable(error: ValidationError) -> InputError:
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            section = ".".join(str(part) for part in problem["loc"][:-1])
            return UnknownNameError("setting", str(problem["loc"][-1]), _known_below(problem["loc"][:-1]), section)
        variable = PREFIX + place.replace(".", "__").upper()
        lines.append(f"setting {place} = {problem['input']!r}: {problem['msg']} (set {variable} or edit profiles/)")
    return InputError("; ".join(lines))


def _known_below(path: tuple[str | int, ...]) -> list[str]:
    """The settings of the section at `path`."""
    value: Any = Settings.model_construct()
    for part in path:
        value = getattr(value, str(part), value)
    return list(Settings.model_fields) if isinstance(value, Settings) else [field.name for field in fields(value)]
