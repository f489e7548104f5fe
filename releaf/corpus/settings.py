"""The settings of the datasets."""

from __future__ import annotations

from dataclasses import dataclass

from releaf.errors import InputError


@dataclass(frozen=True)
class CorpusSettings:
    """How documents are cut: words a chunk at most, and sentences that two neighbouring chunks share."""

    chunk_words: int = 120
    chunk_overlap: int = 1

    def __post_init__(self) -> None:
        if self.chunk_words < 10 or not 0 <= self.chunk_overlap < 5:
            raise InputError(
                f"chunk_words {self.chunk_words} must be at least 10 and chunk_overlap {self.chunk_overlap} 0 to 4"
            )


@dataclass(frozen=True)
class RenderingSettings:
    """Images rendered for each of the items, their side in pixels, and the seed: same seed, same pixels, anywhere."""

    per_item: int = 80
    size: int = 96
    seed: int = 0

    def __post_init__(self) -> None:
        if self.per_item < 4 or self.size < 32:
            raise InputError(f"per_item {self.per_item} must be at least 4 and size {self.size} at least 32")
