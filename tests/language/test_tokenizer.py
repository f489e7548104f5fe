from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from releaf.errors import ArtifactError, DataError, InputError, ModelSourceError
from releaf.language.settings import TokenizerSettings
from releaf.language.tokenizer import (
    decode,
    encode,
    load_tokenizer,
    open_tokenizer,
    save_tokenizer,
    text_figures,
    tokenizer_fingerprint,
    train_tokenizer,
)

CORPUS = ["low lower lowest", "new newer newest", "Küche, 70 °C, ♻"] * 3


@pytest.fixture(scope="module")
def small() -> PreTrainedTokenizerFast:
    return train_tokenizer(CORPUS, TokenizerSettings(vocabulary=300))


@given(text=st.text())
def test_any_text_comes_back_unchanged(small: PreTrainedTokenizerFast, text: str) -> None:
    assert decode(small, encode(small, text)) == text


@pytest.mark.parametrize("text", ["<eos>", "a<bos>b <pad>", "  two  spaces ,and . stops\n\n\t", "\r\n\0", "don 't", ""])
def test_awkward_text_comes_back_unchanged(small: PreTrainedTokenizerFast, text: str) -> None:
    assert decode(small, encode(small, text)) == text


def test_a_special_token_spelled_out_in_text_stays_text(small: PreTrainedTokenizerFast) -> None:
    assert not set(encode(small, "<eos><bos><pad>")) & set(small.all_special_ids)


def test_special_tokens_take_the_first_ids(small: PreTrainedTokenizerFast) -> None:
    assert (small.pad_token_id, small.bos_token_id, small.eos_token_id) == (0, 1, 2)


def test_the_most_frequent_pair_is_merged_first() -> None:
    # In "aab aab aab" the pairs (a, a) and (a, b) occur three times each, in "aac" (a, a) once more.
    tokenizer = train_tokenizer(["aab aab aab aac"], TokenizerSettings(vocabulary=260))

    assert [tokenizer.convert_ids_to_tokens(index) for index in (259,)] == ["aa"]


def test_the_same_texts_give_the_same_tokenizer_byte_for_byte(tmp_path: Path) -> None:
    for name in ("first", "second"):
        save_tokenizer(train_tokenizer(CORPUS, TokenizerSettings(vocabulary=300)), tmp_path / name)

    files = sorted(file.name for file in (tmp_path / "first").iterdir())
    assert files == ["tokenizer.json", "tokenizer_config.json"]
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_a_saved_tokenizer_loads_here_and_in_transformers(small: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    save_tokenizer(small, tmp_path)
    text = "newest lower Küche"

    for loaded in (load_tokenizer(tmp_path), AutoTokenizer.from_pretrained(str(tmp_path), local_files_only=True)):
        assert encode(loaded, text) == encode(small, text)
        assert (loaded.bos_token, loaded.eos_token, loaded.pad_token) == ("<bos>", "<eos>", "<pad>")


def test_learning_from_no_text_is_refused() -> None:
    with pytest.raises(DataError, match="at least one non-empty document"):
        train_tokenizer(["", "  \n"], TokenizerSettings())


def test_a_lone_surrogate_is_refused_with_the_text(small: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match="not valid Unicode"):
        encode(small, "broken \ud800 text")


def test_a_directory_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"tokenizer\.json is missing"):
        load_tokenizer(tmp_path)


def test_bytes_a_token_and_the_round_trip_are_counted(small: PreTrainedTokenizerFast) -> None:
    texts = ["low lower", "\N{SNOWMAN} new"]
    tokens = sum(len(encode(small, text)) for text in texts)
    figures = text_figures(small, texts)

    # 9 bytes, and 3 of the snowman with 4 more.
    assert figures.bytes_per_token == 16 / tokens
    assert figures.round_trip == 1
    assert figures.vocabulary == len(small)


def test_figures_of_no_text_are_refused(small: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match="no text"):
        text_figures(small, [""])


def test_the_fingerprint_is_kept_by_saving_and_changes_with_the_merges(
    small: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    save_tokenizer(small, tmp_path)
    small(["padded", "to one length"], padding=True)

    assert tokenizer_fingerprint(load_tokenizer(tmp_path)) == tokenizer_fingerprint(small)
    assert tokenizer_fingerprint(open_tokenizer(f"path:{tmp_path}")) == tokenizer_fingerprint(small)
    other = train_tokenizer(CORPUS[:1], TokenizerSettings(vocabulary=300))
    assert tokenizer_fingerprint(other) != tokenizer_fingerprint(small)


def test_a_tokenizer_that_cannot_be_opened_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ModelSourceError, match="or to scratch"):
        open_tokenizer(f"path:{tmp_path}")
