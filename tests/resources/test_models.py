from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from releaf.retrieval import onnx_encoder
from releaf.retrieval.settings import RetrievalSettings
from resources.models import exported_encoder


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    def export(source: str, directory: Path, **options: Any) -> Path:
        made.append(f"{source} {options['precision']} {options['max_tokens']}")
        if source == "path:broken":
            raise OSError("no weights")
        (directory / "model.onnx").write_text(source)
        return directory / "model.onnx"

    monkeypatch.setattr(onnx_encoder, "export_encoder", export)
    return made


def test_an_encoder_is_exported_once_and_again_for_another_precision_or_length(
    tmp_path: Path, exports: list[str]
) -> None:
    first = exported_encoder(RetrievalSettings(encoder="path:one"), tmp_path)
    assert exported_encoder(RetrievalSettings(encoder="path:one", batch_size=3), tmp_path) == first
    assert (first / "model.onnx").read_text() == "path:one"
    assert exported_encoder(RetrievalSettings(encoder="path:one", precision="fp32"), tmp_path) != first
    assert exported_encoder(RetrievalSettings(encoder="path:one", max_tokens=64), tmp_path) != first
    assert exports == ["path:one int8 256", "path:one fp32 256", "path:one int8 64"]


@pytest.mark.usefixtures("exports")
def test_an_export_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no weights"):
        exported_encoder(RetrievalSettings(encoder="path:broken"), tmp_path)
    assert not list(tmp_path.iterdir())
