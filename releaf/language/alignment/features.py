"""What a reward model sees of an answer: blocks of numbers from a sentence encoder, the decoder, or the words.

Each block maps N answered questions to a float64 matrix (N, F), row by row. Scoring with them is `reward`'s business.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from releaf.errors import InputError
from releaf.language.alignment.pairs import Answered
from releaf.language.batches import collate
from releaf.language.decoder import Base
from releaf.language.template import encode_prompt
from releaf.language.tokenizer import encode
from releaf.sentences import split_sentences

if TYPE_CHECKING:
    from torch import nn

Matrix = NDArray[np.float64]
Block = Callable[[Sequence[Answered]], Matrix]
Embed = Callable[[Sequence[str]], NDArray[Any]]

BUCKETS = 4096
_WORD = re.compile(r"[a-z0-9']+")


class Features:
    """Named blocks side by side."""

    def __init__(self, blocks: Mapping[str, Block]) -> None:
        self.blocks = dict(blocks)

    def __call__(self, answers: Sequence[Answered]) -> dict[str, Matrix]:
        """Each block's matrix (N, F). Raises `InputError` where a block gives something that is no number."""
        matrices = {name: block(answers) for name, block in self.blocks.items()}
        for name, matrix in matrices.items():
            broken = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
            if broken.size:
                text = answers[int(broken[0])].text
                raise InputError(f"feature block {name} of the answer {text[:60]!r} is not finite; look at its model")
        return matrices


def encoder_block(embed: Embed) -> Block:
    """From unit vectors q of the question, a of the answer, j of both in one text: a, j, √D q ⊙ a, q · a (3D + 1)."""

    def block(answers: Sequence[Answered]) -> Matrix:
        asked = [_question(answer) for answer in answers]
        texts = [answer.text for answer in answers]
        joint = [f"{question}\n{text}" for question, text in zip(asked, texts, strict=True)]
        vectors = _vectors(embed, [*asked, *texts, *joint])
        q, a, j = (np.stack([vectors[text] for text in group]) for group in (asked, texts, joint))
        return np.hstack([a, j, q * a * np.sqrt(q.shape[1]), (q * a).sum(axis=1, keepdims=True)])

    return block


def decoder_block(model: nn.Module, base: Base, *, batch_size: int = 16) -> Block:
    """The decoder's last hidden state at the last token of prompt and answer (width)."""

    def block(answers: Sequence[Answered]) -> Matrix:
        import torch

        device = next(model.parameters()).device
        network: Any = model
        states = []
        rows = [_ids(base, answer) for answer in answers]
        for start in range(0, len(rows), batch_size):
            part = rows[start : start + batch_size]
            batch = collate([(ids, ids) for ids in part], pad=0)
            with torch.no_grad():
                output = network(
                    input_ids=batch.ids.to(device),
                    attention_mask=batch.mask.to(device),
                    use_cache=False,
                    output_hidden_states=True,
                )
            last = torch.tensor([len(ids) - 1 for ids in part], device=device)
            states.append(output.hidden_states[-1][torch.arange(len(part), device=device), last].double().cpu().numpy())
        return np.concatenate(states)

    return block


def sentence_block(embed: Embed) -> Block:
    """From unit vectors of the answer's sentences: their mean, the last one, and the least and greatest q · s (2D + 2).

    Another reading of the encoder than `encoder_block`, which sees the answer as one text.
    """

    def block(answers: Sequence[Answered]) -> Matrix:
        parts = [split_sentences(answer.text) or [""] for answer in answers]
        asked = [_question(answer) for answer in answers]
        vectors = _vectors(embed, [*asked, *(sentence for part in parts for sentence in part)])
        rows = []
        for question, part in zip(asked, parts, strict=True):
            stack = np.stack([vectors[sentence] for sentence in part])
            near = stack @ vectors[question]
            rows.append(np.concatenate([stack.mean(axis=0), stack[-1], [near.min(), near.max()]]))
        return np.stack(rows)

    return block


def words_block(answers: Sequence[Answered]) -> Matrix:
    """Which words and pairs of words the answer holds, hashed into `BUCKETS` columns; rows have length 1 (or 0)."""
    matrix = np.zeros((len(answers), BUCKETS))
    for row, answer in zip(matrix, answers, strict=True):
        words = _WORD.findall(answer.text.lower())
        for gram in {*words, *(f"{first} {second}" for first, second in pairwise(words))}:
            row[zlib.crc32(gram.encode()) % BUCKETS] += 1
        row /= np.linalg.norm(row) or 1.0
    return matrix


def _vectors(embed: Embed, texts: Sequence[str]) -> dict[str, Matrix]:
    """The vector of each different text: a question stands beside each of its answers and is read once."""
    unique = list(dict.fromkeys(texts))
    return dict(zip(unique, np.asarray(embed(unique), dtype=np.float64), strict=True))


def _question(answer: Answered) -> str:
    return f"{answer.prompt}\n{answer.input}".strip()


def _ids(base: Base, answer: Answered) -> list[int]:
    """Prompt and answer as they are generated; an answer that does not fit loses its end, the end token stays."""
    prompt = encode_prompt(base.tokenizer, answer.prompt, answer.input, room=base.context - 2)
    text = encode(base.tokenizer, answer.text)[: base.context - len(prompt.ids) - 1]
    return [*prompt.ids, *text, int(base.tokenizer.eos_token_id)]
