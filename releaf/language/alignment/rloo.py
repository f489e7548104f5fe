"""REINFORCE with a leave-one-out baseline, the simpler way without a value head (Ahmadian et al. 2024, section 2.4)."""

from __future__ import annotations

from torch import Tensor

from releaf.errors import InputError


def leave_one_out(scores: Tensor) -> Tensor:
    """R_i − mean of the other answers' R, for scores (questions, answers) of at least two answers a question.

    Raises `InputError` for fewer.
    """
    answers = scores.shape[1]
    if answers < 2:
        raise InputError(f"leave-one-out needs at least 2 answers to a question, not {answers}")
    return scores - (scores.sum(dim=1, keepdim=True) - scores) / (answers - 1)


def answer_scores(scores: Tensor, log_ratio: Tensor, mask: Tensor, *, kl_weight: float) -> Tensor:
    """R − β Σ_t (ln π(a_t) − ln π_ref(a_t)): the whole answer is one action, (B,)."""
    return scores - kl_weight * (log_ratio * mask).sum(dim=1)


def reinforce_loss(new: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
    """−mean over answers of A · Σ_t ln π(a_t); `advantage` is (B,)."""
    return -(advantage * (new * mask).sum(dim=1)).mean()
