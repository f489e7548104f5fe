from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.language.batches import collate, labelled, mean_loss
from releaf.language.decoder import Base
from releaf.language.packing import pack, pack_rows
from releaf.metrics.text import IGNORED

ROWS = [
    ((1, 50, 60, 70, 80), (IGNORED, IGNORED, 60, 70, 80)),
    ((1, 90, 91), (IGNORED, 90, 91)),
    ((1, 33, 34, 35), (IGNORED, IGNORED, IGNORED, 35)),
]


def test_the_longest_go_first_to_the_emptier_row() -> None:
    # 12 tokens in rows of 7 are two rows: 5 | 4, then 3 to the row of 4.
    assert pack([5, 3, 4], 7) == [[0], [2, 1]]


def test_a_row_more_is_opened_where_the_least_number_does_not_hold_them() -> None:
    assert pack([4, 4, 4], 6) == [[0], [1], [2]]


def test_nothing_is_no_rows() -> None:
    assert pack([], 5) == []


def test_what_is_longer_than_a_row_is_refused() -> None:
    with pytest.raises(InputError, match="9 tokens does not fit a row of 8"):
        pack([3, 9], 8)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.integers(20, 60))
def test_every_example_stands_in_one_row_and_no_row_is_too_long(lengths: list[int], capacity: int) -> None:
    rows = pack(lengths, capacity)

    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= capacity for row in rows)


def test_positions_restart_and_the_first_token_of_an_example_is_not_predicted() -> None:
    batch = pack_rows(ROWS, capacity=8, pad=0)

    assert batch.positions is not None
    assert batch.ids.tolist() == [[1, 50, 60, 70, 80, 0, 0], [1, 33, 34, 35, 1, 90, 91]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 0, 0], [0, 1, 2, 3, 0, 1, 2]]
    assert batch.labels.tolist()[1] == [-100, -100, -100, 35, -100, 90, 91]
    assert batch.count == 3


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_packed_example_has_the_logits_of_it_alone(base: Base, attention: str) -> None:
    base.model.set_attn_implementation(attention)
    with torch.no_grad():
        packed, labels, _ = labelled(base.model, pack_rows(ROWS, capacity=16, pad=0))
        alone = [labelled(base.model, collate([row], pad=0)) for row in (ROWS[0], ROWS[2], ROWS[1])]

    assert labels.tolist() == [label for _, these, _ in alone for label in these.tolist()]
    torch.testing.assert_close(packed, torch.cat([logits for logits, _, _ in alone]), atol=1e-5, rtol=0)


def test_a_packed_batch_has_the_loss_and_gradient_of_the_padded_one(base: Base) -> None:
    weight = base.model.model.layers[0].self_attn.q_proj.weight
    found = []
    for batch in (pack_rows(ROWS, capacity=16, pad=0), collate(ROWS, pad=0)):
        loss = mean_loss(base.model, batch)
        found.append((loss.detach(), torch.autograd.grad(loss, weight)[0]))

    torch.testing.assert_close(found[0], found[1])
