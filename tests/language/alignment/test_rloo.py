from __future__ import annotations

import pytest
import torch

from releaf.errors import InputError
from releaf.language.alignment.rloo import answer_scores, leave_one_out, reinforce_loss


def test_an_answer_is_compared_with_the_mean_of_the_others() -> None:
    found = leave_one_out(torch.tensor([[1.0, 2.0, 6.0]]))

    torch.testing.assert_close(found, torch.tensor([[-3.0, -1.5, 4.5]]))  # 1 − 4, 2 − 3.5, 6 − 1.5


def test_a_level_that_all_answers_share_changes_nothing() -> None:
    scores = torch.tensor([[0.5, -1.0], [2.0, 2.0]])

    torch.testing.assert_close(leave_one_out(scores + 7), leave_one_out(scores))
    assert leave_one_out(scores)[1].tolist() == [0, 0]


def test_one_answer_alone_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 answers to a question, not 1"):
        leave_one_out(torch.tensor([[1.0]]))


def test_the_penalty_is_summed_over_the_answer() -> None:
    mask = torch.tensor([[0.0, 1, 1]])
    found = answer_scores(torch.tensor([2.0]), torch.tensor([[9.0, 1.0, 3.0]]), mask, kl_weight=0.05)

    assert float(found) == pytest.approx(2 - 0.05 * 4)


def test_the_loss_is_the_advantage_times_the_answers_log_probability() -> None:
    logs = torch.tensor([[9.0, -1.0, -2.0], [9.0, -0.5, 9.0]])
    mask = torch.tensor([[0.0, 1, 1], [0, 1, 0]])

    loss = reinforce_loss(logs, torch.tensor([2.0, -1.0]), mask)

    assert float(loss) == pytest.approx(-(2 * -3 + -1 * -0.5) / 2)
