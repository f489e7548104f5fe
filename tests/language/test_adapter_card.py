from __future__ import annotations

import json
from pathlib import Path

import pytest

from releaf.language.adapter_card import CARD, README, card_of, write_card
from releaf.language.decoder import Base
from releaf.language.settings import TuningSettings
from releaf.language.tokenizer import tokenizer_fingerprint


@pytest.fixture
def folder(base: Base, tmp_path: Path) -> Path:
    card = card_of(
        base,
        TuningSettings(),
        data={"instructions": "abc123"},
        counts={"training_examples": 1234},
        figures={"validation_loss": 2.5},
    )
    write_card(card, tmp_path)
    return tmp_path


def test_the_card_names_base_tokenizer_shape_data_and_figures(folder: Path, base: Base) -> None:
    card = json.loads((folder / CARD).read_text())

    assert card["base_fingerprint"] == base.fingerprint
    assert card["tokenizer_fingerprint"] == tokenizer_fingerprint(base.tokenizer)
    assert (card["rank"], card["alpha"], len(card["targets"])) == (64, 128, 7)
    assert card["data_versions"] == {"instructions": "abc123"}
    assert card["figures"] == {"validation_loss": 2.5}


def test_a_person_reads_the_same(folder: Path, base: Base) -> None:
    text = (folder / README).read_text(encoding="utf-8")

    assert "r = 64, α = 128" in text
    assert f"base `{base.fingerprint}`" in text
    assert "| training examples | 1,234 |" in text
    assert "| validation loss | 2.5 |" in text
    assert "| instructions | `abc123` |" in text
