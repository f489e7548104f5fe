from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from releaf.errors import InputError
from releaf.language.alignment.features import (
    BUCKETS,
    Features,
    decoder_block,
    encoder_block,
    sentence_block,
    words_block,
)
from releaf.language.alignment.pairs import Answered
from releaf.language.decoder import Base

AXES = {"q": [1.0, 0.0], "a": [0.6, 0.8], "q\na": [0.0, 1.0]}


def by_hand(texts: Sequence[str]) -> np.ndarray:
    return np.array([AXES.get(text, [0.0, 1.0]) for text in texts])


def test_the_encoder_block_by_hand() -> None:
    found = encoder_block(by_hand)([Answered("q", "", "a")])

    np.testing.assert_allclose(found, [[0.6, 0.8, 0.0, 1.0, 0.6 * np.sqrt(2), 0.0, 0.6]])


def test_a_text_that_comes_twice_is_read_once() -> None:
    seen: list[str] = []

    def counting(texts: Sequence[str]) -> np.ndarray:
        seen.extend(texts)
        return by_hand(texts)

    encoder_block(counting)([Answered("q", "", "a"), Answered("q", "", "b"), Answered("q", "", "a")])

    assert sorted(seen) == ["a", "b", "q", "q\na", "q\nb"]


def test_the_sentence_block_by_hand() -> None:
    vectors = {"Q?": [1.0, 0.0], "One here.": [0.6, 0.8], "Two there.": [0.0, -1.0]}
    found = sentence_block(lambda texts: np.array([vectors[t] for t in texts]))(
        [Answered("Q?", "", "One here. Two there.")]
    )

    np.testing.assert_allclose(found, [[0.3, -0.1, 0.0, -1.0, 0.0, 0.6]])


def test_the_words_block_has_length_one_and_knows_no_order_of_rows() -> None:
    answers = [Answered("q", "", "Rinse the jar"), Answered("q", "", "tape it"), Answered("q", "", "")]
    found = words_block(answers)

    assert found.shape == (3, BUCKETS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 0])
    np.testing.assert_array_equal(found[::-1], words_block(answers[::-1]))
    np.testing.assert_array_equal(found[0], words_block([Answered("other", "", "RINSE the jar")])[0])


def test_the_decoder_block_reads_each_answer_as_alone(base: Base) -> None:
    answers = [Answered("Where?", "", "In the bin."), Answered("Where does the long thing go?", "Yes.", "No.")]
    block = decoder_block(base.model, base)

    together = block(answers)

    assert together.shape == (2, 24)
    np.testing.assert_allclose(together[0], block(answers[:1])[0], atol=1e-5)


def test_an_answer_longer_than_the_context_is_read_from_its_start(base: Base) -> None:
    assert np.isfinite(decoder_block(base.model, base)([Answered("Where?", "", "word " * 400)])).all()


def test_a_prompt_longer_than_the_context_is_refused(base: Base) -> None:
    with pytest.raises(InputError, match="tokens and 126 are free"):
        decoder_block(base.model, base)([Answered("where " * 400, "", "Here.")])


def test_a_block_that_gives_no_number_is_named() -> None:
    features = Features({"odd": lambda answers: np.array([[1.0], [np.nan]])})

    with pytest.raises(InputError, match="feature block odd of the answer 'second' is not finite"):
        features([Answered("q", "", "first"), Answered("q", "", "second")])
