"""A dozen pairs, a stand-in for the sentence encoder, and a tiny tuned adapter on the base of the folder above."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from transformers import PreTrainedTokenizerFast

from releaf.language.adapters import attach, save_adapter
from releaf.language.alignment.pairs import Pair, read_pairs
from releaf.language.alignment.policy import Policy
from releaf.language.decoder import Base, as_base, build_decoder, save_base
from releaf.language.settings import AdapterSettings, DecoderSettings

PLACES = {
    "bottle": "recycling bin",
    "jar": "glass bank",
    "peel": "compost",
    "battery": "shop",
    "can": "recycling bin",
    "lid": "recycling bin",
    "cup": "landfill",
    "box": "recycling bin",
    "cap": "recycling bin",
    "tin": "recycling bin",
    "bag": "landfill",
    "core": "compost",
}


def embed(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors of hashed words: texts that share words lie close."""
    vectors = np.full((len(texts), 32), 1e-3)
    for vector, text in zip(vectors, texts, strict=True):
        for word in text.lower().replace(".", " ").split():
            vector[zlib.crc32(word.encode()) % 32] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def preferences() -> pl.DataFrame:
    rows = [
        (
            f"pref-{index:02}",
            f"Where does the {thing} go?",
            "",
            f"Put the {thing} in the {place}.",
            f"Who knows. It depends on so many things, {thing} or not.",
            "sorting",
            "evasive" if index % 2 else "unsafe",
            "train" if index < 8 else "validation" if index < 10 else "test",
        )
        for index, (thing, place) in enumerate(PLACES.items())
    ]
    columns = ["id", "prompt", "input", "chosen", "rejected", "topic", "fault", "split"]
    return pl.DataFrame(rows, schema=columns, orient="row")


@pytest.fixture(scope="session")
def training_pairs(preferences: pl.DataFrame) -> list[Pair]:
    return read_pairs(preferences, "train")


@pytest.fixture(scope="session")
def held_pairs(preferences: pl.DataFrame) -> list[Pair]:
    return read_pairs(preferences, "validation", "test")


@pytest.fixture(scope="session")
def base_directory(
    tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The base of the folder above with opinions: fresh embeddings are too small for a policy to move."""
    directory = tmp_path_factory.mktemp("opinionated")
    model = build_decoder(shape, tokenizer, seed=0)
    model.model.embed_tokens.weight.data *= 10
    save_base(as_base(model, tokenizer), directory)
    return directory


@pytest.fixture
def adapter(open_copy: Callable[[], Base], tmp_path: Path) -> Path:
    base = open_copy()
    directory = tmp_path / "adapter"
    save_adapter(attach(base, AdapterSettings(rank=8, alpha=16), seed=0), base, directory)
    return directory


@pytest.fixture
def open_policy(open_copy: Callable[[], Base], adapter: Path) -> Callable[[], Policy]:
    return lambda: Policy(open_copy(), adapter, adapter, seed=0)
