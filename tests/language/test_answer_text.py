from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from transformers import PreTrainedTokenizerFast

from releaf.language import answer_text
from releaf.language.answer_text import AnswerText, Detokenizer
from releaf.language.tokenizer import decode, encode

SCRIPTS = [
    "Müll gehört in die Tonne.",
    "ごみを分ける",
    "أعد التدوير",
    "Переработка",
    "♻️👩‍🔬🗑",
    "a\x00b\x1b[2J\r\n\t",
    "",
]


def pieces(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> list[str]:
    text = Detokenizer(tokenizer)
    return [*[text.push(token) for token in ids], text.finish()]


@pytest.mark.parametrize("text", SCRIPTS)
def test_pieces_joined_are_the_text(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    found = pieces(tokenizer, encode(tokenizer, text))

    assert "".join(found) == text
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(found)


@pytest.mark.parametrize("seed", range(5))
def test_any_tokens_give_the_text_of_decoding_them_at_once(tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    ids = random.Random(seed).choices(range(len(tokenizer)), k=300)

    assert "".join(pieces(tokenizer, ids)) == decode(tokenizer, ids)


@pytest.mark.parametrize("byte", [0x80, 0xC3, 0xE2, 0xF0, 0xFF])
def test_a_run_of_broken_bytes_is_shown_as_it_grows(tokenizer: PreTrainedTokenizerFast, byte: int) -> None:
    # The alphabet of byte-level BPE: token ids of single bytes stand in the vocabulary under these names.
    names = {value: name for name, value in tokenizer.get_vocab().items()}
    broken = next(i for i in names if decode(tokenizer, [i]) == "\ufffd" and _byte(names[i]) == byte)
    found = pieces(tokenizer, [broken] * 200)

    assert "".join(found) == decode(tokenizer, [broken] * 200)
    assert len(found[-1]) < 40


def test_no_token_costs_a_decode_of_the_whole_answer(
    tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counted(own: PreTrainedTokenizerFast, ids: Sequence[int]) -> str:
        read.append(len(ids))
        return decode(own, ids)

    monkeypatch.setattr(answer_text, "decode", counted)
    ids = (encode(tokenizer, "Rinse ♻ the jar. ") + [tokenizer.pad_token_id] * 40) * 20
    assert "".join(pieces(tokenizer, ids)) == "Rinse ♻ the jar. " * 20

    assert sum(read) < 80 * len(ids)
    assert max(read) < 60


@pytest.mark.parametrize(
    ("stops", "text", "shown"),
    [
        (("##END", "\n\n"), "ok # ##EN ##END more", "ok # ##EN "),
        (("bc", "abcd"), "xabcd", "xa"),  # of two, the one that is complete first counts
        (("♻",), "a ♻ b", "a "),
    ],
)
def test_an_answer_stops_before_a_stop_string(
    tokenizer: PreTrainedTokenizerFast, stops: tuple[str, ...], text: str, shown: str
) -> None:
    answer, pushed = AnswerText(tokenizer, stops), ""
    for token in encode(tokenizer, text):
        pushed += answer.push(token)
        assert shown.startswith(pushed)
        if answer.stopped:
            break

    assert (pushed, answer.stopped) == (shown, True)


def _byte(name: str) -> int:
    """The byte that a character of the byte-level alphabet stands for (GPT-2): printable ones for themselves."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    alphabet = {chr(value): value for value in printable} | {chr(256 + n): value for n, value in enumerate(others)}
    return alphabet.get(name, -1)
