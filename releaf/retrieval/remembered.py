"""Scores of pairs, kept: what one step read of the candidates, the next need not read again (R4).

For measuring, where the steps of one run ask a reranker about the same candidates. What scores pairs is in `rerank`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from releaf.artifacts import storage_errors
from releaf.errors import ArtifactError
from releaf.progress import Progress, silent
from releaf.retrieval.rerank import PairScorer, pair

PAIRS_FILE = "pairs.npz"


class Remembering:
    """A scorer whose every score is kept: a pair that is asked for again costs nothing and gives the same."""

    def __init__(self, scorer: PairScorer, *folders: Path) -> None:
        """Start from what the same scorer's scores were in `folders` where they were saved; others add nothing.

        Raises `ArtifactError` for a damaged file.
        """
        self._scorer = scorer
        self._scores: dict[bytes, float] = {}
        for folder in folders:
            if (folder / PAIRS_FILE).is_file():
                self._scores |= _read(folder / PAIRS_FILE)

    def score(self, query: str, passages: Sequence[str], progress: Progress = silent) -> list[float]:
        """See `PairScorer.score`."""
        keys = [_key(query, text) for text in passages]
        fresh = {key: text for key, text in zip(keys, passages, strict=True) if key not in self._scores}
        if fresh:
            self._scores |= zip(fresh, self._scorer.score(query, list(fresh.values()), progress), strict=True)
        return [self._scores[key] for key in keys]

    def save(self, directory: Path) -> None:
        """Write every score into a directory, as float32: what a model in fp32 or less gives keeps its value."""
        keys = np.frombuffer(b"".join(self._scores), dtype=np.uint8).reshape(-1, hashlib.sha256().digest_size)
        with storage_errors(directory):
            np.savez(directory / PAIRS_FILE, keys=keys, scores=np.asarray(list(self._scores.values()), np.float32))


def _key(query: str, text: str) -> bytes:
    """What is read of a pair, hashed; a normalized text holds no line feed."""
    return hashlib.sha256("\n".join(pair(query, text)).encode()).digest()


def _read(file: Path) -> dict[bytes, float]:
    try:
        # Opened here: of a file that is no archive, NumPy forgets to close what it opened itself.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
            keys, scores = saved["keys"], saved["scores"]
            return {bytes(key): float(score) for key, score in zip(keys, scores, strict=True)}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{file} holds no scores of pairs ({error}); run `releaf run`") from error
