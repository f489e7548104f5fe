"""Documents cut into passages at sentence boundaries, with overlap and ids that survive edits elsewhere.

A passage is a verbatim slice of its document and never crosses from one paragraph into another, except that a list
stays in one piece and a heading or a last colon keeps what it introduces. So an edit changes the passages of its own
paragraph only. How passages are indexed lives elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from releaf.artifacts import content_hash, sha256_bytes
from releaf.corpus.validation import Schema
from releaf.errors import InputError
from releaf.sentences import Span, blocks, sentences

# Raised when the same document would be cut otherwise: vectors of its chunks are then made again.
CHUNKER = "sentences-1"

CHUNK_SCHEMA: Schema = {
    "id": pl.String,
    "document_id": pl.String,
    "position": pl.Int64,
    "title": pl.String,
    "text": pl.String,
    "topic": pl.String,
    "items": pl.List(pl.String),
    "materials": pl.List(pl.String),
    "jurisdictions": pl.List(pl.String),
    "sha256": pl.String,
}

_WORD = re.compile(r"\S+")


def chunk_documents(documents: pl.DataFrame, *, max_words: int = 120, overlap_sentences: int = 1) -> pl.DataFrame:
    """Cut the table `documents` into the table `chunks`, in document order.

    A chunk holds at most `max_words` whitespace-separated words; its first `overlap_sentences` sentences repeat the end
    of the chunk before it in the same paragraph, as far as they fit. A sentence longer than `max_words` is cut between
    words. Ids are `<document id>#<8 hex digits of the text's sha256>`, with `-1`, `-2`, … where a document repeats
    itself. `sha256` covers all columns but the id and the position. Raises `InputError` for impossible limits.
    """
    if max_words < 1 or overlap_sentences < 0:
        raise InputError(f"max_words is {max_words} (at least 1), overlap_sentences {overlap_sentences} (at least 0)")
    rows = [
        row
        for document in documents.iter_rows(named=True)
        for row in _chunk_document(document, max_words, overlap_sentences)
    ]
    return pl.DataFrame(rows, schema=CHUNK_SCHEMA)


def _chunk_document(document: dict[str, Any], max_words: int, overlap: int) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for position, (start, end) in enumerate(chunk_spans(document["text"], max_words, overlap)):
        text = document["text"][start:end]
        name = f"{document['id']}#{sha256_bytes(text.encode())[:8]}"
        content = {
            "document_id": document["id"],
            "title": document["title"],
            "text": text,
            "topic": document["topic"],
            "items": document["items"],
            "materials": document["materials"],
            "jurisdictions": document["jurisdictions"],
        }
        repeated = f"-{seen[name]}" if seen[name] else ""
        seen[name] += 1
        yield content | {"id": name + repeated, "position": position, "sha256": content_hash(content)}


def chunk_spans(text: str, max_words: int, overlap_sentences: int) -> list[tuple[int, int]]:
    """Where the chunks of a text start and end, in characters."""
    spans: list[tuple[int, int]] = []
    for block in blocks(text):
        pieces = [piece for span in sentences(text, *block) for piece in _cut(text, span, max_words)]
        spans.extend(_pack(pieces, max_words, overlap_sentences))
    return spans


def _pack(pieces: Sequence[Span], max_words: int, overlap: int) -> Iterator[tuple[int, int]]:
    first, end = 0, 0
    while end < len(pieces):
        words = sum(piece.words for piece in pieces[first:end])
        new = end
        while end < len(pieces) and words + pieces[end].words <= max_words:
            words += pieces[end].words
            end += 1
        if end == new:  # the overlap leaves no room for the next sentence
            first += 1
            continue
        yield pieces[first].start, pieces[end - 1].end
        first = max(end - overlap, first + 1)


def _cut(text: str, span: Span, max_words: int) -> list[Span]:
    if span.words <= max_words:
        return [span]
    words = [(match.start(), match.end()) for match in _WORD.finditer(text, span.start, span.end)]
    groups = [words[first : first + max_words] for first in range(0, len(words), max_words)]
    return [Span(group[0][0], group[-1][1], len(group)) for group in groups]
