from __future__ import annotations

import numpy as np
import pytest
import torch

from releaf.language.sampling import answer_stream, draw, log_probabilities, nucleus


def test_top_p_keeps_the_smallest_set_that_reaches_it() -> None:
    # Probabilities 0.5, 0.3, 0.15, 0.05: 0.7 needs the first two, which become 5/8 and 3/8.
    logits = torch.tensor([0.15, 0.5, 0.05, 0.3]).log()

    kept = nucleus(logits, temperature=1.0, top_p=0.7)
    torch.testing.assert_close(kept, torch.tensor([0.0, 0.625, 0.0, 0.375]))


def test_top_p_of_one_keeps_the_softmax() -> None:
    logits = torch.tensor([0.3, -1.0, 2.0])

    torch.testing.assert_close(nucleus(logits, temperature=1.0, top_p=1.0), logits.softmax(0))


def test_temperature_divides_the_logits() -> None:
    logits = torch.tensor([0.3, -1.0, 2.0])

    torch.testing.assert_close(nucleus(logits, temperature=0.5, top_p=1.0), (logits * 2).softmax(0))


def test_the_likeliest_token_is_always_kept() -> None:
    assert nucleus(torch.tensor([0.0, 3.0, 1.0]), temperature=5.0, top_p=1e-9).tolist() == [0, 1, 0]


def test_temperature_zero_is_certain() -> None:
    assert nucleus(torch.tensor([0.0, 3.0, 1.0]), temperature=0, top_p=0.5).tolist() == [0, 1, 0]


def test_the_quick_way_through_the_likeliest_gives_what_sorting_gives() -> None:
    random = torch.Generator().manual_seed(0)
    flat, peaked = torch.randn(400, generator=random), 9 * torch.randn(400, generator=random)
    both = nucleus(torch.stack([flat, peaked]), temperature=1.0, top_p=0.9)

    torch.testing.assert_close(both[1], nucleus(peaked, temperature=1.0, top_p=0.9))
    assert int((both[1] > 0).sum()) < 64 < int((both[0] > 0).sum())


def test_a_token_is_where_the_cumulative_probability_passes_the_number() -> None:
    # Cumulative 0.2, 0.7, 1: 0.19 is in the first, 0.2 and 0.69 in the second, 0.7 in the third.
    logits = torch.tensor([[0.2, 0.5, 0.3]]).double().log().expand(4, 3)

    assert draw(logits, [0.19, 0.21, 0.69, 0.71], temperature=1.0, top_p=1.0).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1 - 2**-53])
def test_a_token_outside_the_nucleus_is_never_drawn(uniform: float) -> None:
    logits = torch.tensor([[-50.0, 1.0, -50.0, 2.0, -50.0]])

    assert int(draw(logits, [uniform], temperature=1.0, top_p=0.9)) in (1, 3)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    logits = torch.tensor([0.1, 0.6, 0.3]).log().expand(4000, 3)
    numbers = answer_stream(0, [1])
    drawn = draw(logits, [numbers.random() for _ in range(4000)], temperature=1.0, top_p=1.0)

    np.testing.assert_allclose(drawn.bincount().numpy() / 4000, [0.1, 0.6, 0.3], atol=0.025)


def test_the_random_stream_depends_on_seed_and_prompt() -> None:
    first = [answer_stream(*key).random() for key in ((0, [1, 2]), (0, [1, 2]), (1, [1, 2]), (0, [1, 3]), (0, [12]))]

    assert first[0] == first[1]
    assert len(set(first)) == 4


def test_log_probabilities_are_those_of_the_tempered_softmax() -> None:
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    tokens = torch.tensor([1, 1])
    # By hand: ln(e² / (1 + e²)) and ln(1 / (e⁴ + 1)) at temperature ½; at 0 as at 1.
    torch.testing.assert_close(log_probabilities(logits, tokens, temperature=0.5), torch.tensor([-0.126928, -4.018150]))
    torch.testing.assert_close(log_probabilities(logits, tokens, temperature=0), torch.tensor([-0.313262, -2.126928]))
