from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from transformers import PreTrainedTokenizerFast

from releaf.errors import DataError
from releaf.language.pretraining import CorpusTask, document_ids, document_texts, hold_out, pieces, pretrain
from releaf.language.settings import BaseSettings, DecoderSettings, TokenizerSettings
from releaf.training.device import Hardware

TEXTS = [f"Document number {number} about sorting." for number in range(200)]


@pytest.fixture(scope="module")
def settings(shape: DecoderSettings) -> BaseSettings:
    return BaseSettings(
        TokenizerSettings(vocabulary=320), shape, held_out_share=0.3, window=16, batch_size=3, epochs=3, patience=None
    )


@pytest.fixture
def task(documents: pl.DataFrame, tokenizer: PreTrainedTokenizerFast, settings: BaseSettings) -> CorpusTask:
    texts = document_texts(documents)
    return CorpusTask(texts[:4], texts[4:], tokenizer, settings)


def test_documents_are_read_with_their_title_by_id(documents: pl.DataFrame) -> None:
    texts = document_texts(documents.reverse())

    assert texts[0] == "Sorting\n\nRinse the bottle and put it in the recycling bin. The cap stays on the bottle."


def test_about_the_wanted_share_is_held_out_and_nothing_is_lost() -> None:
    training, held_out = hold_out(TEXTS, 0.25)

    assert 35 < len(held_out) < 65
    assert sorted(training + held_out) == sorted(TEXTS)


def test_a_new_document_moves_no_other_between_the_sides() -> None:
    _, before = hold_out(TEXTS[:100], 0.25)
    _, after = hold_out(TEXTS, 0.25)

    assert set(before) <= set(after)


def test_a_repeated_document_stands_on_one_side_only() -> None:
    training, held_out = hold_out(TEXTS[:10] * 2, 0.3)

    assert not set(training) & set(held_out)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_each_side_has_a_document_whatever_the_share(share: float) -> None:
    training, held_out = hold_out(["one", "two"], share)

    assert len(training) == len(held_out) == 1


@pytest.mark.parametrize("texts", [[], ["alone"], ["same", "same"]])
def test_fewer_than_two_documents_cannot_be_split(texts: list[str]) -> None:
    with pytest.raises(DataError, match="at least two"):
        hold_out(texts, 0.1)


def test_an_epoch_sees_every_training_token_once(task: CorpusTask) -> None:
    expected = Counter(token for ids in task.documents for token in ids)

    for epoch in (0, 1):
        seen = Counter(token for ids, _ in task.windows(epoch) for token in ids)
        assert (expected - seen).total() <= 1  # a last window of one token predicts nothing and is left out
        assert not seen - expected


def test_windows_are_repeatable_and_differ_between_epochs(task: CorpusTask) -> None:
    assert task.windows(3) == task.windows(3) != task.windows(4)


def test_steps_per_epoch_is_the_number_of_batches(task: CorpusTask) -> None:
    assert [len(list(task.batches(epoch))) for epoch in (0, 1, 2)] == [task.steps_per_epoch()] * 3


@pytest.mark.parametrize("length", [2, 5, 6, 9, 10])
def test_pieces_predict_each_token_after_the_first_once(length: int) -> None:
    predicted = [token for ids, _ in pieces(list(range(length)), 5) for token in ids[1:]]

    assert predicted == list(range(1, length))


def test_a_document_stands_between_begin_and_end(tokenizer: PreTrainedTokenizerFast) -> None:
    ids = document_ids(tokenizer, "glass")

    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)


def test_pretraining_learns_and_repeats_bit_for_bit(
    documents: pl.DataFrame, settings: BaseSettings, hardware: Hardware
) -> None:
    first, second = (pretrain(documents, settings, hardware) for _ in range(2))
    curve = first.history.epochs

    assert curve[-1]["loss"] < curve[0]["loss"]
    assert curve[0]["validation_loss"] < math.log(first.counts["vocabulary"]) + 0.1
    assert curve[0]["perplexity"] == pytest.approx(math.exp(curve[0]["validation_loss"]))
    assert first.base.fingerprint == second.base.fingerprint
    assert [row["validation_loss"] for row in curve] == [row["validation_loss"] for row in second.history.epochs]
    assert first.counts["training_documents"] + first.counts["validation_documents"] == 6
    assert 1 < first.trigram_perplexity < first.counts["vocabulary"]


class KilledError(Exception):
    """Stands for a kill after an epoch."""


def test_a_killed_pretraining_goes_on_to_the_same_weights(
    documents: pl.DataFrame, settings: BaseSettings, hardware: Hardware, tmp_path: Path
) -> None:
    def kill(done: int, total: int, note: str = "") -> None:
        if done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        pretrain(documents, settings, hardware, state_dir=tmp_path, progress=kill)
    resumed = pretrain(documents, settings, hardware, state_dir=tmp_path)

    assert resumed.base.fingerprint == pretrain(documents, settings, hardware).base.fingerprint


def test_an_empty_corpus_is_refused(settings: BaseSettings, hardware: Hardware) -> None:
    empty = pl.DataFrame(schema={"id": pl.String, "title": pl.String, "text": pl.String})

    with pytest.raises(DataError, match="0 different documents"):
        pretrain(empty, settings, hardware)
