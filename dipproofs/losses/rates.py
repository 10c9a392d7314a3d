"""What a rate exponent guarantees: ψ, Ψ, Ψ⁻¹ enclosed, iterations to a target, envelopes (docs/theory.md §3, §5)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import flint
import numpy as np
import sympy as sp

from dipproofs.certificate.format import LARGEST_COUNT
from dipproofs.enclosures import Bound, Evidence
from dipproofs.losses.evaluation import lower_of, upper_of

if TYPE_CHECKING:
    from dipproofs.losses.base import Loss

Constants = Mapping[sp.Symbol, Bound]


def psi_bound(loss: Loss, f: Bound, constants: Constants) -> Bound:
    """Enclose ψ(f); ψ is increasing with ψ(0) = 0."""
    low = max(lower_of(loss.psi_at(f.lower, constants)), 0.0) if f.lower > 0 else 0.0
    high = math.inf if math.isinf(f.upper) else 0.0 if f.upper <= 0 else upper_of(loss.psi_at(f.upper, constants))
    return Bound(low, max(low, high), _evidence(loss, f, constants))


def Psi_bound(loss: Loss, f: Bound, constants: Constants) -> Bound:
    """Enclose Ψ(f); Ψ is decreasing."""
    low = -math.inf if math.isinf(f.upper) or f.upper <= 0 else lower_of(loss.Psi_at(f.upper, constants))
    high = math.inf if f.lower <= 0 else upper_of(loss.Psi_at(f.lower, constants))
    return Bound(low, high, _evidence(loss, f, constants))


def Psi_inv_bound(loss: Loss, level: Bound, constants: Constants) -> Bound:
    """Enclose Ψ⁻¹(ξ); Ψ⁻¹ is decreasing."""
    low = 0.0 if math.isinf(level.upper) else max(lower_of(loss.Psi_inv_at(level.upper, constants)), 0.0)
    high = math.inf if level.lower == -math.inf else upper_of(loss.Psi_inv_at(level.lower, constants))
    return Bound(low, high, _evidence(loss, level, constants))


def iterations_to(loss: Loss, f0: Bound, target: float, rate_exponent: Bound, constants: Constants) -> int | None:
    """Smallest proved τ with Ψ⁻¹(Ψ(f_0) + τ·rate_exponent) ≤ target.

    Args:
        loss: the loss.
        f0: enclosure of the loss at the certified iterate.
        target: loss to be reached.
        rate_exponent: enclosure of the increase of Ψ(f) per iteration (F_∞²γκ̃).
        constants: `loss.constants(y, f0)`.

    Returns:
        The number of iterations, 0 when f_0 ≤ target already, None when nothing is guaranteed below `LARGEST_COUNT`.

    Notes:
        Ψ is decreasing, so Ψ(f_0) + τκ ≥ Ψ(target) suffices: no inversion is involved.
    """
    if f0.upper <= target:
        return 0
    if not target > 0 or math.isinf(f0.upper) or not rate_exponent.lower > 0:
        return None
    for bits in (128, 512, 2048):
        with flint.ctx.workprec(bits):
            gap = loss.Psi_at(target, constants) - loss.Psi_at(f0.upper, constants)
            steps = gap / flint.arb(rate_exponent.lower)
            whole = steps.upper().ceil().unique_fmpz() if steps.is_finite() else None
        if whole is not None:
            return max(int(whole), 0) if whole < LARGEST_COUNT else None
    return None


def envelope(loss: Loss, f0: Bound, rate_exponent: Bound, taus: Iterable[int], constants: Constants) -> np.ndarray:
    """Upper bounds of f_τ at the iterations `taus`, counted from the certified iterate.

    Returns:
        Array of floats, each ≥ Ψ⁻¹(Ψ(f_0) + τ·rate_exponent) and at most f0.upper.
    """
    start = Psi_bound(loss, f0, constants)
    if start.lower == -math.inf:
        return np.full(len(list(taus)), f0.upper)
    begin, kappa = Fraction(start.lower), Fraction(max(rate_exponent.lower, 0.0))
    levels = (begin + int(tau) * kappa for tau in taus)
    return np.array([min(f0.upper, upper_of(loss.Psi_inv_at(level, constants))) for level in levels])


def _evidence(loss: Loss, f: Bound, constants: Constants) -> Evidence:
    asserted = [Evidence.ASSUMED] if loss.assumed else []
    return Evidence.weakest([f.evidence, *(bound.evidence for bound in constants.values()), *asserted])
