"""A tiny base on a tiny corpus, made once; whoever attaches an adapter opens a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from releaf.language.decoder import Base, as_base, build_decoder, open_base, save_base
from releaf.language.settings import DecoderSettings, TokenizerSettings
from releaf.language.tokenizer import train_tokenizer
from releaf.training.device import Hardware

TEXTS = [
    "Rinse the bottle and put it in the recycling bin. The cap stays on the bottle.",
    "Glass jars go to the glass bank. Lids are steel and go with the cans.",
    "A banana peel goes to the compost. Worms eat the peel within a month.",
    "Batteries are hazardous. Tape the ends and bring the batteries to a shop.",
    "Cardboard is flattened and kept dry. Wet cardboard tears in the machine.",
    "Paper cups have a thin plastic film and go to landfill in many cities.",
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    return Hardware("cpu", "fp32", memory_bytes=2**30, threads=1)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS, TokenizerSettings(vocabulary=320))


@pytest.fixture(scope="session")
def shape() -> DecoderSettings:
    return DecoderSettings(24, layers=2, heads=4, key_value_heads=2, feed_forward=40, context=128, tie_embeddings=True)


@pytest.fixture(scope="session")
def base_directory(
    tokenizer: PreTrainedTokenizerFast, shape: DecoderSettings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    directory = tmp_path_factory.mktemp("base")
    save_base(as_base(build_decoder(shape, tokenizer, seed=0), tokenizer), directory)
    return directory


@pytest.fixture
def open_copy(base_directory: Path) -> Callable[[], Base]:
    return lambda: open_base(f"path:{base_directory}")


@pytest.fixture
def base(open_copy: Callable[[], Base]) -> Base:
    return open_copy()


@pytest.fixture(scope="session")
def documents() -> pl.DataFrame:
    return pl.DataFrame({"id": [f"d{i}" for i in range(6)], "title": ["Sorting"] * 6, "text": TEXTS})


@pytest.fixture(scope="session")
def instructions() -> pl.DataFrame:
    rows = [
        (f"ins-{index:02}", f"Where does the {thing} go?", "", f"The {thing} goes to the {place}.", split)
        for index, (thing, place, split) in enumerate(
            [
                ("bottle", "recycling bin", "train"),
                ("jar", "glass bank", "train"),
                ("peel", "compost", "train"),
                ("battery", "shop", "train"),
                ("can", "recycling bin", "train"),
                ("lid", "recycling bin", "validation"),
                ("cup", "landfill", "validation"),
                ("box", "recycling bin", "test"),
                ("cap", "recycling bin", "test"),
            ]
        )
    ]
    return pl.DataFrame(rows, schema=["id", "instruction", "input", "output", "split"], orient="row")
