"""Which words two nodes share: what an embedding of a whole description blurs, such as the name of the thing itself."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, eq=False)
class NodeWords:
    """Stems of each node's name and of its whole text as sparse rows (N, V) of 0 and 1, V the `vocabulary`'s size.

    `rarity` (V) is ln(1 + N / n) for a stem that n texts hold.
    """

    vocabulary: tuple[str, ...]
    names: sp.csr_array
    texts: sp.csr_array
    rarity: FloatArray

    ARRAYS: ClassVar[tuple[str, ...]] = ("name_starts", "name_stems", "text_starts", "text_stems", "rarity")

    @classmethod
    def of(cls, names: Sequence[str], texts: Sequence[str]) -> NodeWords:
        """Words of nodes from their names and whole texts, both (N)."""
        stems = [_stems(text) for text in texts]
        held = Counter(stem for one in stems for stem in one)
        vocabulary = tuple(sorted(held))
        rarity = np.array([math.log(1 + len(texts) / held[stem]) for stem in vocabulary])
        of_names = _rows([_stems(name) for name in names], vocabulary)
        return cls(vocabulary, of_names, _rows(stems, vocabulary), rarity)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All but the vocabulary as plain arrays, named by `ARRAYS`."""
        parts = (self.names.indptr, self.names.indices, self.texts.indptr, self.texts.indices)
        return dict(zip(self.ARRAYS, (*(part.astype(np.int64) for part in parts), self.rarity), strict=True))

    @classmethod
    def from_arrays(cls, vocabulary: Sequence[str], arrays: Mapping[str, npt.NDArray[Any]]) -> NodeWords:
        """The words that `arrays` took apart."""

        def rows(kind: str) -> sp.csr_array:
            starts, stems = arrays[f"{kind}_starts"], arrays[f"{kind}_stems"]
            return sp.csr_array((np.ones(len(stems)), stems, starts), shape=(len(starts) - 1, len(vocabulary)))

        return cls(tuple(vocabulary), rows("name"), rows("text"), arrays["rarity"])

    def with_text(self, text: str) -> NodeWords:
        """The words with one more node at the end, of which there is a text and no name apart from it."""
        row = _rows([_stems(text)], self.vocabulary)
        longer = [sp.csr_array(sp.vstack([rows, row], format="csr")) for rows in (self.names, self.texts)]
        return replace(self, names=longer[0], texts=longer[1])

    def shared(self, nodes: IntArray, others: IntArray) -> tuple[FloatArray, FloatArray]:
        """Rarity summed over stems of the nodes' names, and of their texts, in the others' texts: (nodes, others)."""
        weighed = (self.texts[others] @ sp.diags_array(self.rarity)).T
        by_name, by_text = ((rows[nodes] @ weighed).toarray() for rows in (self.names, self.texts))
        return np.asarray(by_name), np.asarray(by_text)


@cache
def _stems(text: str) -> frozenset[str]:
    return frozenset(_stemmer().stemWords(_WORD.findall(text.casefold())))


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def _rows(stems: Sequence[frozenset[str]], vocabulary: Sequence[str]) -> sp.csr_array:
    place = {stem: column for column, stem in enumerate(vocabulary)}
    columns = [sorted(place[stem] for stem in one if stem in place) for one in stems]
    starts = np.cumsum([0, *map(len, columns)])
    flat = np.array([column for one in columns for column in one], dtype=np.int64)
    return sp.csr_array((np.ones(len(flat)), flat, starts), shape=(len(stems), len(vocabulary)))
