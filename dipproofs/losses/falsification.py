"""Trying to refute what is claimed of a loss: predictions chosen to be hard (docs/theory.md §1 A2, §5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

SIZES = tuple(10.0**k for k in range(-12, 4))


def adversarial_patterns(m: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield patterns of displacements of largest entry 1: one coordinate, equal, alternating, sparse, decaying, random.

    Example:
        >>> patterns = list(adversarial_patterns(3, np.random.default_rng(0)))
        >>> patterns[0].tolist(), all(abs(np.abs(p).max() - 1) < 1e-12 for p in patterns)
        ([1.0, 0.0, 0.0], True)
    """
    for place in {0, m // 2, m - 1}:
        for sign in (1.0, -1.0):
            one = np.zeros(m)
            one[place] = sign
            yield one
    yield np.ones(m)
    yield -np.ones(m)
    yield np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    yield 2.0 ** -np.arange(m, dtype=float)
    for _ in range(6):
        dense = rng.normal(size=m)
        yield dense / np.abs(dense).max()
        few = np.where(rng.random(m) < 2 / m, dense, 0.0)
        few[rng.integers(m)] = 1.0
        yield few / np.abs(few).max()
        heavy = rng.standard_cauchy(m)
        yield heavy / np.abs(heavy).max()


@dataclass(frozen=True)
class Refutation:
    """A prediction at which a ratio that should be at least 1 is below it.

    Args:
        prediction: (m,) v.
        level: L(v).
        ratio: e.g. ψ'(L(v))‖∇L(v)‖.
    """

    prediction: np.ndarray
    level: float
    ratio: float


@dataclass(frozen=True)
class Search:
    """A search for a prediction where a ratio is below 1.

    Args:
        value_and_gradient: L and ∇L at a prediction.
        argmin: (m,) minimiser of L.
        smallest_level, largest_level: only predictions with L between them count.
        slack: relative rounding error of the evaluation; only violations beyond it count.
        seed: of the random patterns.
    """

    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]]
    argmin: np.ndarray
    smallest_level: float
    largest_level: float
    slack: float
    seed: int = 0

    def refute(self, ratio: Callable[[np.ndarray, float, float], float]) -> Refutation | None:
        """Return the worst violation of ratio(v − argmin, L, ‖∇L‖) ≥ 1, or None, which proves nothing."""
        rng = np.random.default_rng(self.seed)
        worst: Refutation | None = None
        for pattern in adversarial_patterns(self.argmin.size, rng):
            for size in SIZES:
                worst = self._worse(worst, ratio, size * pattern)
        spread = 0.3
        for _ in range(60):
            shift = (self.argmin if worst is None else worst.prediction) - self.argmin
            noise = np.exp(spread * rng.normal(size=shift.size)) * np.exp(spread * rng.normal())
            better = self._worse(worst, ratio, shift * noise)
            spread = spread if better is not worst else max(spread * 0.9, 1e-3)
            worst = better
        return worst if worst is not None and worst.ratio < 1 - self.slack else None

    def _worse(
        self, worst: Refutation | None, ratio: Callable[[np.ndarray, float, float], float], shift: np.ndarray
    ) -> Refutation | None:
        prediction = self.argmin + shift
        with np.errstate(all="ignore"):
            level, gradient = self.value_and_gradient(prediction)
            steepness = float(np.linalg.norm(gradient))
            if not (self.smallest_level < level < self.largest_level and 0 <= steepness < np.inf):
                return worst
            found = ratio(shift, level, steepness)
        if not np.isfinite(found) or (worst is not None and found >= worst.ratio):
            return worst
        return Refutation(prediction, level, found)
