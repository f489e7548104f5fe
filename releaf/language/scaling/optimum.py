"""What a joint law says about a budget of compute, and what the published laws say of the same.

Closed forms only; the law comes from `laws`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from releaf.errors import DataError
from releaf.language.scaling.laws import JointLaw

FLAT = 1e-3
# Kaplan et al. 2020, equations 1.1 to 1.3: L(N) = (N_c / N)^α_N, L(D) = (D_c / D)^α_D, L(C) = (C_c / C)^α_C, no offset.
KAPLAN = {"α_N": 0.076, "N_c": 8.8e13, "α_D": 0.095, "D_c": 5.4e13, "α_C": 0.050}
# Hoffmann et al. 2022: exponents of N and D with compute (table 2, first approach), and the joint law (section D.3).
CHINCHILLA = JointLaw(1.69, 406.4, 0.34, 410.7, 0.28)
CHINCHILLA_EXPONENTS = {"N": 0.50, "D": 0.50}
CHINCHILLA_TOKENS_A_PARAMETER = 20.0


@dataclass(frozen=True)
class Optimum:
    """The size and the tokens that a budget is best spent on, and the loss that the law gives for them."""

    compute: float
    parameters: float
    tokens: float
    loss: float

    @property
    def tokens_a_parameter(self) -> float:
        """D / N."""
        return self.tokens / self.parameters


def falls_with_both(law: JointLaw) -> bool:
    """Whether more parameters and more tokens both lower the loss."""
    return min(law.parameter_exponent, law.token_exponent) > FLAT


def exponents(law: JointLaw) -> tuple[float, float]:
    """What N and D grow with at the optimum, N ∝ C^a and D ∝ C^b: a = β/(α+β), b = α/(α+β).

    Hoffmann et al. 2022, equation 4. Raises `DataError` for a law that does not fall with both.
    """
    if not falls_with_both(law):
        raise DataError(
            f"the law's exponents are {law.parameter_exponent:.3g} in parameters and {law.token_exponent:.3g} in "
            "tokens: what does not lower the loss has no best amount; fit runs over a wider range"
        )
    total = law.parameter_exponent + law.token_exponent
    return law.token_exponent / total, law.parameter_exponent / total


def compute_exponent(law: JointLaw) -> float:
    """How fast the loss above the offset falls with compute that is split best: L(C) − E ∝ C^−(αβ/(α+β)).

    Raises `DataError` as `exponents` does.
    """
    return law.parameter_exponent * exponents(law)[0]


def optimum(law: JointLaw, compute: float) -> Optimum:
    """Where the law is least on 6·N·D = C: N = G·(C/6)^a, D = (C/6)^b / G, G = (αA / βB)^(1/(α+β)).

    Hoffmann et al. 2022, equation 4. Raises `DataError` as `exponents` does.
    """
    a, b = exponents(law)
    total = law.parameter_exponent + law.token_exponent
    ratio = (law.parameter_exponent * law.parameter_scale) / (law.token_exponent * law.token_scale)
    balance = ratio ** (1 / total)
    parameters, tokens = balance * (compute / 6) ** a, (compute / 6) ** b / balance
    return Optimum(compute, parameters, tokens, float(law.loss(parameters, tokens)))


def interval(values: Sequence[float], share: float = 0.9) -> tuple[float, float]:
    """The middle `share` of the values."""
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
