from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from releaf.language.batches import RowScore, Scores, batched, bucketed, collate, labelled, mean_loss, score_rows
from releaf.language.decoder import Base
from releaf.metrics.text import IGNORED, token_accuracy

ROWS = [
    ((1, 50, 60, 70, 80), (IGNORED, IGNORED, 60, 70, 80)),
    ((1, 90, 91), (IGNORED, 90, 91)),
    ((1, 33, 34, 35), (IGNORED, IGNORED, IGNORED, 35)),
]


def test_rows_are_padded_on_the_right_and_masked() -> None:
    batch = collate(ROWS[:2], pad=0)

    assert batch.ids.tolist() == [[1, 50, 60, 70, 80], [1, 90, 91, 0, 0]]
    assert batch.mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch.labels.tolist() == [[-100, -100, 60, 70, 80], [-100, 90, 91, -100, -100]]


def test_batches_keep_the_order_and_the_last_may_be_short() -> None:
    assert [len(batch.ids) for batch in batched(ROWS, 2, pad=0)] == [2, 1]


def test_examples_of_alike_length_come_together_and_each_comes_once() -> None:
    lengths = [9, 1, 8, 2, 7, 3, 6, 4, 5]
    groups = bucketed(lengths, [4, 0, 8, 1, 7, 2, 6, 3, 5], 2)

    assert [[lengths[index] for index in group] for group in groups] == [[1, 2], [3, 4], [5, 6], [7, 8], [9]]


def test_pools_keep_batches_random() -> None:
    # 40 examples in batches of 1: two pools of 16 and one of 8, each sorted for itself.
    groups = bucketed(list(range(40)), list(reversed(range(40))), 1)

    assert [group[0] for group in groups] == [*range(24, 40), *range(8, 24), *range(8)]


def test_only_labelled_positions_are_projected_and_padding_needs_no_mask(base: Base) -> None:
    batch = collate(ROWS, pad=0)
    with torch.no_grad():
        logits, labels, rows = labelled(base.model, batch)
        whole = base.model(batch.ids, attention_mask=batch.mask).logits[:, :-1]
    wanted = batch.labels[:, 1:] != IGNORED

    assert (labels.tolist(), rows.tolist()) == ([60, 70, 80, 90, 91, 35], [0, 0, 0, 1, 1, 2])
    torch.testing.assert_close(logits, whole[wanted])


def test_a_model_with_a_head_of_its_own_is_asked_for_its_logits(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = collate(ROWS, pad=0)
    with torch.no_grad():
        quick, _, _ = labelled(base.model, batch)
        monkeypatch.setattr(base.model.config, "model_type", "capped")
        whole, _, _ = labelled(base.model, batch)

    torch.testing.assert_close(quick, whole)


def test_the_mean_loss_is_that_of_transformers_on_one_row(base: Base) -> None:
    ids, labels = (torch.tensor([part]) for part in ROWS[0])

    ours = mean_loss(base.model, collate(ROWS[:1], pad=0))
    torch.testing.assert_close(ours, base.model(input_ids=ids, labels=labels).loss)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_scores_do_not_depend_on_the_batch_size(base: Base, size: int) -> None:
    alone = [mean_loss(base.model, collate([row], pad=0)).item() for row in ROWS]
    scores = score_rows(base.model, ROWS, size, pad=0)

    assert [row.tokens for row in scores.rows] == [3, 2, 1]
    assert [row.loss / row.tokens for row in scores.rows] == pytest.approx(alone, rel=1e-5)


def test_the_first_guess_is_compared_with_the_next_token(base: Base) -> None:
    batch = collate(ROWS, pad=0)
    with torch.no_grad():
        guesses = base.model(batch.ids, attention_mask=batch.mask).logits.argmax(-1)
    rows = [(ids, (IGNORED, *guess[: len(ids) - 1].tolist())) for (ids, _), guess in zip(ROWS, guesses, strict=True)]

    assert score_rows(base.model, rows, 3, pad=0).figures()["token_accuracy"] == 1
    expected = token_accuracy(guesses[:, :-1].numpy(), batch.labels[:, 1:].numpy().astype(np.int64))
    assert score_rows(base.model, ROWS, 3, pad=0).figures()["token_accuracy"] == expected


def test_figures_weigh_tokens_not_rows() -> None:
    # One row of 1 token at ln 16 and one of 3 tokens at ln 2 each: (4 + 3)/4 ln 2 a token.
    scores = Scores((RowScore(1, math.log(16), 0), RowScore(3, 3 * math.log(2), 2)))

    assert scores.figures() == {
        "validation_loss": pytest.approx(1.75 * math.log(2)),
        "perplexity": pytest.approx(2**1.75),
        "token_accuracy": 0.5,
    }
