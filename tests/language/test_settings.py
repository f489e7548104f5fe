from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from releaf.errors import InputError, UnknownNameError
from releaf.language.settings import (
    AdapterSettings,
    BaseSettings,
    DecoderSettings,
    GenerationSettings,
    LanguageSettings,
    TokenizerSettings,
    TuningSettings,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TokenizerSettings(vocabulary=1), "vocabulary of 1 tokens is too small.*at least 259"),
        (lambda: TokenizerSettings(minimum_frequency=0), "minimum_frequency 0"),
        (lambda: DecoderSettings(layers=0), "layers 0 must be at least 1"),
        (lambda: DecoderSettings(width=100, heads=3, key_value_heads=1), "width 100 must be an even multiple of 3"),
        (lambda: DecoderSettings(width=12, heads=4), "width 12 must be an even multiple of 4"),
        (lambda: DecoderSettings(heads=4, key_value_heads=3), "4 heads cannot share 3"),
        (lambda: DecoderSettings(context=1), "context 1 must be at least 2"),
        (lambda: BaseSettings(window=600), "window 600 must be between 2 and the decoder's context 512"),
        (lambda: BaseSettings(held_out_share=0), "held_out_share 0 between 0 and 1"),
        (lambda: AdapterSettings(rank=0), "rank 0"),
        (lambda: AdapterSettings(dropout=1), "dropout 1"),
        (lambda: AdapterSettings(targets=()), "at least one"),
        (lambda: AdapterSettings(targets=("q_proj", "q_proj")), "each projection once"),
        (lambda: TuningSettings(batch_size=0), "batch_size 0"),
        (lambda: GenerationSettings(max_new_tokens=0), "max_new_tokens 0"),
        (lambda: GenerationSettings(temperature=-1), "temperature -1"),
        (lambda: GenerationSettings(top_p=0), "top_p 0"),
        (lambda: GenerationSettings(stop=("",)), "stop string is empty"),
        (lambda: LanguageSettings(source="hub:"), "'hub:' is none of scratch"),
    ],
)
def test_contradictory_settings_are_refused_when_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_an_unknown_projection_is_answered_with_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean q_proj"):
        AdapterSettings(targets=("q_pro",))


def test_settings_and_interfaces_load_without_torch() -> None:
    code = (
        "import sys, releaf.language.settings, releaf.language.pretraining, releaf.language.evaluation;"
        "print(sorted({'torch', 'transformers', 'peft', 'tokenizers'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"
