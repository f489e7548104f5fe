"""Retrieval collections in the formats of TREC: tagged documents and topics, and qrels of four columns.

    <DOC> <DOCNO> AP-1 </DOCNO> <TITLE> … </TITLE> <TEXT> … </TEXT> </DOC>
    <top> <num> Number: 301 <title> … <desc> … </top>
    301 0 AP-1 2

The BEIR layout is read by `beir`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from releaf.corpus.collection import Collection, Grade, build_collection
from releaf.corpus.reading import read_text
from releaf.corpus.validation import LineError
from releaf.errors import InputError

_DOCUMENT = re.compile(r"<doc>(.*?)</doc>", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"<docno>(.*?)</docno>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<(title|headline|hl)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_TEXT = re.compile(r"<text>(.*?)</text>", re.IGNORECASE | re.DOTALL)
_TOPIC = re.compile(r"<top>(.*?)</top>", re.IGNORECASE | re.DOTALL)
_TOPIC_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)", re.IGNORECASE)
_TOPIC_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*([^<]+)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")


def read_trec(documents: Path, topics: Path, qrels: Path) -> Collection:
    """Read a collection, named after the qrels file; `documents` is a file or a folder of files.

    A topic's title is the query. Grades below 0 (junk) count as 0. Raises `InputError` naming the file and line for a
    missing file, a document or topic without its number, and a malformed or dangling judgement.
    """
    files = sorted(path for path in documents.rglob("*") if path.is_file()) if documents.is_dir() else [documents]
    texts: dict[str, tuple[str, str]] = {}
    for path in files:
        for name, title, text, line in _documents(path):
            if name in texts:
                raise LineError(str(path), line, f"document {name!r} was given before; ids are unique in a collection")
            texts[name] = (title, text)
    if not texts:
        raise InputError(f"no <DOC> … </DOC> in {documents}; expected TREC documents")
    return build_collection(qrels.stem, texts, dict(_topics(topics)), list(_grades(qrels)))


def _documents(path: Path) -> Iterator[tuple[str, str, str, int]]:
    content = read_text(path, str(path))
    for match in _DOCUMENT.finditer(content):
        line = content.count("\n", 0, match.start()) + 1
        body = match.group(1)
        number = _NUMBER.search(body)
        if number is None:
            raise LineError(str(path), line, "expected <DOCNO> … </DOCNO> in a document, found none")
        title = _TITLE.search(body)
        texts = " ".join(text.group(1) for text in _TEXT.finditer(body))
        yield number.group(1).strip(), _plain(title.group(2) if title else ""), _plain(texts), line


def _topics(path: Path) -> Iterator[tuple[str, str]]:
    content = read_text(path, str(path))
    for match in _TOPIC.finditer(content):
        number, title = _TOPIC_NUMBER.search(match.group(1)), _TOPIC_TITLE.search(match.group(1))
        if number is None or title is None:
            line = content.count("\n", 0, match.start()) + 1
            raise LineError(str(path), line, "expected <num> and <title> in a topic, found one of them at most")
        yield number.group(1), _plain(title.group(1))


def _grades(path: Path) -> Iterator[Grade]:
    for number, line in enumerate(read_text(path, str(path)).split("\n"), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 4 or not re.fullmatch(r"-?\d+", parts[3]):
            raise LineError(str(path), number, f"expected topic, iteration, document and grade, found {line:.80}")
        yield Grade(parts[0], parts[2], int(parts[3]), str(path), number)


def _plain(text: str) -> str:
    return " ".join(_TAG.sub(" ", text).split())
