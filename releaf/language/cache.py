"""Keys and values of what a model has read, in memory that is set aside ahead and from which rows can be dropped.

transformers' own dynamic cache copies everything it holds for each token; its static cache attends to places that are
still empty. This one does neither. Import it where it is used: it needs transformers.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

_FIRST_ROOM = 64


class RowCache(Cache):
    """The cache of one batch of answers; layers come into being as the model writes to them."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=_Layer)

    def keep(self, rows: Tensor) -> None:
        """Drop every row but these, in this order; `rows` (B,) int64."""
        for layer in self.layers:
            if isinstance(layer, _Layer):
                layer.batch_select_indices(rows)


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values as views of the filled part of (B, H, room, D); room doubles when it is full."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self._length = 0
        self._store = [_with_room(key_states), _with_room(value_states)]

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append (B, H, T, D) and return all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self._length = self._length, self._length + key_states.shape[-2]
        if self._length > self._store[0].shape[-2]:
            self._store = [self._grown(held, start) for held in self._store]
        for held, new in zip(self._store, (key_states, value_states), strict=True):
            held.narrow(-2, start, new.shape[-2]).copy_(new)
        return self._view()

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows."""
        self._store = [held.index_select(0, indices.to(held.device)) for held in self._store]
        self._view()

    def _view(self) -> tuple[Tensor, Tensor]:
        keys, values = (held.narrow(-2, 0, self._length) for held in self._store)
        self.keys, self.values = keys, values
        return keys, values

    def _grown(self, held: Tensor, filled: int) -> Tensor:
        rows, heads, _, width = held.shape
        larger = held.new_empty(rows, heads, 2 * self._length, width)
        larger.narrow(-2, 0, filled).copy_(held.narrow(-2, 0, filled))
        return larger


def _with_room(states: Tensor) -> Tensor:
    rows, heads, tokens, width = states.shape
    return states.new_empty(rows, heads, tokens + _FIRST_ROOM, width)
