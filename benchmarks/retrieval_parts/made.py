"""Made collections of any size, the same from the same seed: vectors on disk, chunks on disk, queries for both.

20,000 made vectors beside those of 20,000 sentences of SciFact (all-MiniLM-L6-v2): local intrinsic dimension 18.6 and
19.9 (Levina and Bickel 2004, 20 neighbours), participation ratio of the covariance's eigenvalues 104 and 89, cosine of
two rows 0.04 ± 0.11 and 0.11 ± 0.11, recall@10 of the graph 0.999 and 0.995: they are a little easier than real ones.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
DIMENSION = 384
REVISION = "made-1"
# Clusters whose centres and inner directions lean to the same leading axes, as variances of real vectors do: i^-0.7.
_CLUSTERS, _DECAY, _MEAN = 60, 0.7, 0.6
_LATENT, _SPREAD, _LATENT_DECAY, _NOISE = 48, 0.9, 0.3, 0.2
_VECTORS = 10_000
_CHUNKS = 25_000
VOCABULARY = 50_000
WORDS = 60
# Zipf-Mandelbrot: the commonest word stands in a quarter of all chunks, as where stop words are gone already.
_SHIFT = 30
_SEED = 0


def write_vectors(file: Path, count: int, seed: int = _SEED) -> None:
    """Write `count` clustered unit vectors as a float32 .npy of (count, 384), block by block."""
    matrix = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(count, DIMENSION))
    for block, start in enumerate(range(0, count, _VECTORS)):
        size = min(_VECTORS, count - start)
        matrix[start : start + size] = _vectors(size, np.random.default_rng([seed, 1, block]), seed)
    matrix.flush()


def query_vectors(count: int, seed: int = _SEED) -> Matrix:
    """Queries (count, 384) of the same distribution, none of them stored."""
    return _vectors(count, np.random.default_rng([seed, 2]), seed)


def _vectors(count: int, draw: np.random.Generator, seed: int) -> Matrix:
    centres, directions = _shape(seed)
    scales = _SPREAD * np.arange(1, _LATENT + 1) ** -_LATENT_DECAY
    chosen = draw.integers(_CLUSTERS, size=count)
    inside = (draw.normal(size=(count, _LATENT)) * scales).astype(np.float32)
    made = centres[chosen]  # (count, D)
    for cluster in range(_CLUSTERS):
        rows = chosen == cluster
        made[rows] += inside[rows] @ directions[cluster]
    made += _NOISE / np.sqrt(DIMENSION) * draw.standard_normal(size=(count, DIMENSION), dtype=np.float32)
    unit: Matrix = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


@lru_cache(maxsize=1)
def _shape(seed: int) -> tuple[Matrix, Matrix]:
    """Centres (clusters, D) and the directions inside each cluster (clusters, latent, D)."""
    draw = np.random.default_rng([seed, 0])
    scales = np.arange(1, DIMENSION + 1) ** (-_DECAY / 2)
    scales /= np.linalg.norm(scales)
    centres = draw.normal(size=(_CLUSTERS, DIMENSION)) * scales
    centres[:, 0] += _MEAN
    directions = draw.normal(size=(_CLUSTERS, _LATENT, DIMENSION)) * scales
    return centres.astype(np.float32), directions.astype(np.float32)


def chunk_id(row: int) -> str:
    """The id of a made chunk."""
    return f"made-{row:07d}#{row % 65536:04x}"


def chunks(start: int, count: int, seed: int = _SEED) -> pl.DataFrame:
    """Rows `start` to `start + count` of a made `chunks` table: about 60 words each under a title of four."""
    words, reach = _words(seed)
    draw = np.random.default_rng([seed, 3, start])
    lengths = 4 + draw.integers(WORDS // 2, WORDS * 3 // 2 + 1, size=count)
    drawn = words[np.searchsorted(reach, draw.random(int(lengths.sum())))].tolist()
    ends = np.cumsum(lengths).tolist()
    rows = [drawn[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    names = [chunk_id(row) for row in range(start, start + count)]
    lists = {
        name: pl.Series([[]] * count, dtype=pl.List(pl.String)) for name in ("items", "materials", "jurisdictions")
    }
    return pl.DataFrame(
        {
            "id": names,
            "document_id": [name.split("#")[0] for name in names],
            "position": pl.Series([0] * count, dtype=pl.Int64),
            "title": [" ".join(row[:4]) for row in rows],
            "text": [" ".join(row[4:]) for row in rows],
            "topic": ["recycling"] * count,
            **lists,
        }
    )


def write_chunks(folder: Path, count: int, seed: int = _SEED) -> None:
    """Write `count` chunks into a new folder of Parquet files, which `read_chunks` reads."""
    folder.mkdir(parents=True)
    for start in range(0, count, _CHUNKS):
        part = chunks(start, min(_CHUNKS, count - start), seed)
        part.write_parquet(folder / f"{start:09d}.parquet")


def read_chunks(folder: Path) -> pl.DataFrame:
    """The whole table that `write_chunks` wrote."""
    return pl.read_parquet(sorted(folder.glob("*.parquet")))


def query_texts(count: int, words: int = 8, seed: int = _SEED) -> list[str]:
    """Queries of so many words each, drawn as those of the chunks are."""
    vocabulary, reach = _words(seed)
    drawn = vocabulary[np.searchsorted(reach, np.random.default_rng([seed, 4]).random((count, words)))]
    return [" ".join(row) for row in drawn.tolist()]


@lru_cache(maxsize=1)
def _words(seed: int) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Made words, commonest first, and up to where in [0, 1] the share of each reaches."""
    consonants, vowels = np.asarray(list("bdfgklmnprstvz")), np.asarray(list("aeiou"))
    draw = np.random.default_rng([seed, 5])
    made: dict[str, None] = {}
    while len(made) < VOCABULARY:
        syllables = np.char.add(draw.choice(consonants, (VOCABULARY, 4)), draw.choice(vowels, (VOCABULARY, 4)))
        lengths = draw.integers(2, 5, size=VOCABULARY)
        made.update(dict.fromkeys("".join(row[:n]) + "k" for row, n in zip(syllables.tolist(), lengths, strict=True)))
    shares = 1 / (np.arange(1, VOCABULARY + 1) + _SHIFT)
    return np.asarray(list(made)[:VOCABULARY]), np.cumsum(shares / shares.sum()).clip(max=1)
