"""Which token comes next: temperature, top-p, and a random stream of its own for every answer.

From logits to a token; where logits come from and when an answer ends is the business of whoever calls.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Of a trained model these hold all of the nucleus nearly always, and are found in a third of the time of a sort.
LIKELIEST = 64


def answer_stream(seed: int, prompt: Sequence[int]) -> random.Random:
    """The random numbers that an answer is drawn with, one a token: they follow from the seed and the prompt alone.

    So an answer does not depend on what is answered beside it, and two prompts under one seed are independent.
    """
    digest = hashlib.sha256(f"{seed}:{','.join(map(str, prompt))}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def draw(logits: Tensor, uniforms: Sequence[float], *, temperature: float, top_p: float) -> Tensor:
    """One token id a row, (B,) int64, of logits (B, V) and a number in [0, 1) a row.

    The token is where the cumulative probability, in the order of the vocabulary, passes the row's number; at
    `temperature` 0 it is the likeliest one and the numbers are not used.
    """
    import torch

    if temperature == 0:
        return logits.argmax(-1)
    sums = nucleus(logits, temperature=temperature, top_p=top_p).double().cumsum(-1)
    places = torch.tensor(uniforms, dtype=torch.float64, device=logits.device)[:, None] * sums[:, -1:]
    return torch.searchsorted(sums, places, right=True)[:, 0].clamp_(max=logits.shape[-1] - 1)


def nucleus(logits: Tensor, *, temperature: float, top_p: float) -> Tensor:
    """Probabilities (…, V) of what may be drawn: the smallest set of the likeliest tokens whose sum reaches `top_p`.

    At `temperature` 0 the likeliest token has probability 1. Holtzman et al. 2020, section 3.1.
    """
    import torch

    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    probabilities = (logits.float() / temperature).softmax(-1)
    if top_p == 1:
        return probabilities
    ordered, order = probabilities.topk(min(LIKELIEST, logits.shape[-1]))
    if bool((ordered.sum(-1) < top_p).any()):
        ordered, order = probabilities.sort(descending=True, stable=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.where(before < top_p, ordered, 0.0)
    return torch.zeros_like(probabilities).scatter_(-1, order, kept / kept.sum(-1, keepdim=True))


def log_probabilities(logits: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """Ln of each row's token's probability, (B,) fp32: of softmax(logits / temperature) before top-p takes any away.

    At `temperature` 0 of softmax(logits).
    """
    scaled = logits.float() / (temperature or 1.0)
    return scaled.log_softmax(-1).gather(-1, tokens[:, None])[:, 0]
