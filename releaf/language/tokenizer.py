"""The decoder's tokenizer: byte-level BPE trained on given texts.

Training, saving, loading, and turning text into ids and back. How a prompt is put together is `template`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.artifacts import content_hash, storage_errors
from releaf.errors import ArtifactError, DataError, InputError, ModelSourceError
from releaf.language.settings import SPECIAL_TOKENS, TokenizerSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def train_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> PreTrainedTokenizerFast:
    """Learn byte-pair merges from `texts`; the same texts in the same order give the same tokenizer, byte for byte.

    Every byte is a token, so any text can be encoded and nothing is unknown (Sennrich et al. 2016; over bytes as in
    GPT-2). Raises `DataError` when there is no text.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    corpus = [text for text in texts if text.strip()]
    if not corpus:
        raise DataError("no text to learn a vocabulary from; give at least one non-empty document")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        min_frequency=settings.minimum_frequency,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return _wrap(tokenizer_object=tokenizer)


@dataclass(frozen=True)
class TextFigures:
    """What a tokenizer makes of texts: its vocabulary, UTF-8 bytes a token, and the share that comes back unchanged."""

    vocabulary: int
    bytes_per_token: float
    round_trip: float


def text_figures(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> TextFigures:
    """Encode and decode each text. Raises `InputError` where there is nothing to encode."""
    encoded = [encode(tokenizer, text) for text in texts]
    tokens = sum(map(len, encoded))
    if not tokens:
        raise InputError("there is no text to measure a tokenizer on; give at least one that is not empty")
    size = sum(len(text.encode()) for text in texts)
    kept = sum(decode(tokenizer, ids) == text for ids, text in zip(encoded, texts, strict=True))
    return TextFigures(len(tokenizer), size / tokens, kept / len(texts))


def open_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """The tokenizer of `path:<directory>` or `hub:<owner>/<name>`; raises `ModelSourceError` that says what to set."""
    from transformers import AutoTokenizer

    kind, _, name = source.partition(":")
    loader: Any = AutoTokenizer
    try:
        tokenizer: PreTrainedTokenizerFast = loader.from_pretrained(name, local_files_only=kind == "path")
    except (OSError, ValueError) as error:
        why = str(error).strip().split("\n", 1)[0]
        raise ModelSourceError(
            f"cannot open the tokenizer of {source}: {why}; check the name and the network (gated models also need "
            "HF_TOKEN), or set the base to path:<directory> of a copy, or to scratch"
        ) from error
    return tokenizer


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`, which transformers' `AutoTokenizer` reads too."""
    with storage_errors(directory):
        tokenizer.save_pretrained(str(directory))


def load_tokenizer(directory: Path) -> PreTrainedTokenizerFast:
    """Read a tokenizer that `save_tokenizer` wrote. Raises `ArtifactError` when it is not there."""
    file = directory / "tokenizer.json"
    if not file.is_file():
        raise ArtifactError(f"{file} is missing; {directory} holds no tokenizer")
    return _wrap(tokenizer_file=str(file))


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """Hex sha256 over what turns text into ids: vocabulary, merges, and how text is cut before and after."""
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    parts = [described[name] for name in ("model", "normalizer", "pre_tokenizer", "decoder")]
    return content_hash([*parts, sorted(tokenizer.get_vocab().items())])


def encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Token ids of `text` alone, no special token added.

    A special token spelled out in the text is text: nobody can end a prompt by typing `<eos>`.
    Raises `InputError` for text that is not valid Unicode.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"text {text[:40]!r} is not valid Unicode ({error.reason}); remove the lone surrogate"
        ) from error
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
    return ids


def decode(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int]) -> str:
    """Text of token ids without the special tokens; `decode(encode(text))` is `text`."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(text)


def _wrap(**source: object) -> PreTrainedTokenizerFast:
    from transformers import PreTrainedTokenizerFast

    pad, bos, eos = SPECIAL_TOKENS
    wrapped: Any = PreTrainedTokenizerFast
    tokenizer: PreTrainedTokenizerFast = wrapped(
        **source, pad_token=pad, bos_token=bos, eos_token=eos, clean_up_tokenization_spaces=False, padding_side="right"
    )
    return tokenizer
