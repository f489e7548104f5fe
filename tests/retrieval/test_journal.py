"""A run of `embed` that was killed goes on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from releaf.progress import Progress, silent
from releaf.retrieval.encode import Matrix
from releaf.retrieval.vectors import embed

from .conftest import WordEncoder

TEXTS = [f"jar number {n}" for n in range(8)]
IDS = [f"c{n}" for n in range(8)]


class KilledError(Exception):
    """What stands for a kill."""


class DyingEncoder(WordEncoder):
    """Fails once in the block that is asked for."""

    def __init__(self, dies_in: int) -> None:
        super().__init__()
        self.blocks_left = dies_in

    def encode(self, texts: Sequence[str], progress: Progress = silent, *, queries: bool = False) -> Matrix:
        self.blocks_left -= 1
        if self.blocks_left == 0:
            raise KilledError
        return super().encode(texts, progress, queries=queries)


@pytest.fixture(autouse=True)
def _blocks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("releaf.retrieval.vectors.BLOCK", 2)


@pytest.fixture
def killed(tmp_path: Path) -> DyingEncoder:
    """An encoder that raised in the third of four blocks of a journalled run into `tmp_path`."""
    encoder = DyingEncoder(dies_in=3)
    with pytest.raises(KilledError):
        embed(IDS, TEXTS, encoder, tmp_path / "first", journal=tmp_path / "journal")
    assert encoder.encoded == TEXTS[:4]
    return encoder


def test_after_a_kill_nothing_is_encoded_twice(killed: DyingEncoder, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    vectors, change = embed(
        IDS,
        TEXTS,
        killed,
        tmp_path / "second",
        journal=tmp_path / "journal",
        progress=lambda done, total, note="": seen.append((done, total)),
    )
    assert killed.encoded == TEXTS
    assert np.array_equal(vectors.matrix, WordEncoder().encode(TEXTS))
    assert change.encoded == 8
    assert seen == [(6, 8), (8, 8)]


def test_a_run_that_was_killed_leaves_no_vectors_that_can_be_opened(killed: DyingEncoder, tmp_path: Path) -> None:
    assert not (tmp_path / "first" / "vectors.json").exists()


@pytest.mark.parametrize("damage", ["empty", "half", "flipped", "foreign"])
def test_a_damaged_block_is_encoded_again(killed: DyingEncoder, tmp_path: Path, damage: str) -> None:
    block = sorted((tmp_path / "journal").glob("*.npz"))[0]
    with np.load(block) as file:
        lost = {TEXTS[row] for row in range(4) if _holds(file["vectors"], TEXTS[row])}
    content = block.read_bytes()
    middle = len(content) // 2
    block.write_bytes(
        {
            "empty": b"",
            "half": content[:middle],
            "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
            "foreign": b"PK" + b"\0" * 100,
        }[damage]
    )
    killed.encoded.clear()
    vectors, _ = embed(IDS, TEXTS, killed, tmp_path / "second", journal=tmp_path / "journal")
    assert set(killed.encoded) == lost | set(TEXTS[4:])
    assert len(lost) == 2
    assert np.array_equal(vectors.matrix, WordEncoder().encode(TEXTS))


def test_no_flipped_byte_of_a_block_is_believed(killed: DyingEncoder, tmp_path: Path) -> None:
    block = sorted((tmp_path / "journal").glob("*.npz"))[0]
    content = block.read_bytes()
    sound = WordEncoder().encode(TEXTS)
    for place in range(0, len(content), 7):
        block.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        # Encoding the rest writes the blocks anew, which is not what is asked here.
        copy = tmp_path / f"journal-{place}"
        copy.mkdir()
        (copy / block.name).write_bytes(block.read_bytes())
        vectors, _ = embed(IDS, TEXTS, WordEncoder(), tmp_path / "second", journal=copy)
        assert np.array_equal(vectors.matrix, sound), f"byte {place}"


def test_blocks_of_another_encoder_are_left_alone(killed: DyingEncoder, tmp_path: Path) -> None:
    other = WordEncoder("words-2")
    vectors, _ = embed(IDS, TEXTS, other, tmp_path / "second", journal=tmp_path / "journal")
    assert other.encoded == TEXTS
    assert np.array_equal(vectors.matrix, WordEncoder("words-2").encode(TEXTS))


def test_a_block_of_another_length_of_vectors_is_left_alone(killed: DyingEncoder, tmp_path: Path) -> None:
    shorter = WordEncoder(dimension=8)  # of the same name, so that the keys agree
    vectors, _ = embed(IDS, TEXTS, shorter, tmp_path / "second", journal=tmp_path / "journal")
    assert shorter.encoded == TEXTS
    assert vectors.dimension == 8


def test_texts_that_were_reused_are_not_looked_for_in_the_journal(tmp_path: Path) -> None:
    before, _ = embed(IDS[:4], TEXTS[:4], WordEncoder(), tmp_path / "before")
    encoder = DyingEncoder(dies_in=2)
    journal = tmp_path / "journal"
    with pytest.raises(KilledError):
        embed(IDS, TEXTS, encoder, tmp_path / "first", previous=before, journal=journal)
    vectors, change = embed(IDS, TEXTS, encoder, tmp_path / "second", previous=before, journal=journal)
    assert encoder.encoded == TEXTS[4:]
    assert (change.reused, change.encoded) == (4, 4)
    assert np.array_equal(vectors.matrix, WordEncoder().encode(TEXTS))


def _holds(vectors: Matrix, text: str) -> bool:
    return bool((vectors == WordEncoder().encode([text])[0]).all(axis=1).any())
