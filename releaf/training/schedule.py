"""Learning rate by step: linear warm-up, then cosine; or warm-up, then lower when validation stalls."""

from __future__ import annotations

import math


def warmup_factor(step: int, warmup_steps: int) -> float:
    """Share of the full rate at `step` (from 0) of a linear warm-up: (step + 1) / warmup_steps, then 1."""
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps > 0 else 1.0


def cosine_rate(step: int, *, peak: float, minimum: float, warmup_steps: int, total_steps: int) -> float:
    """Rate at `step` (from 0): linear warm-up to `peak`, then half a cosine down to `minimum` at the last step.

    Loshchilov & Hutter 2017 (SGDR), equation 5 with one cycle.
    """
    if step < warmup_steps:
        return peak * warmup_factor(step, warmup_steps)
    remaining = max(1, total_steps - warmup_steps - 1)
    done = min(1.0, (step - warmup_steps) / remaining)
    return minimum + 0.5 * (peak - minimum) * (1 + math.cos(math.pi * done))


class PlateauRate:
    """Multiply the rate by `factor` after `patience` epochs without a better figure, down to `minimum`."""

    def __init__(self, peak: float, *, minimum: float, patience: int = 5, factor: float = 0.5) -> None:
        self.rate = peak
        self.stalled = 0
        self._minimum = minimum
        self._patience = patience
        self._factor = factor

    def observe(self, improved: bool) -> float:
        """Take one epoch's verdict and give the rate for the next."""
        self.stalled = 0 if improved else self.stalled + 1
        if self.stalled > self._patience:
            self.rate = max(self._minimum, self.rate * self._factor)
            self.stalled = 0
        return self.rate
