"""Decide whether a polynomial is nowhere negative on an interval: Bernstein coefficients in Arb, bisected."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import flint

#: Halvings of the interval before giving up.
DEPTH = 40


def is_nonnegative(coefficients: list[flint.arb], low: flint.arb, high: flint.arb, depth: int = DEPTH) -> bool:
    """Prove p(X) ≥ 0 for all X in [low, high]; False where that is not proved.

    Args:
        coefficients: balls, constant term first. low, high: exact ends, low ≤ high.

    Notes:
        On [0, 1] a polynomial lies between the least and the largest of its Bernstein coefficients, and two halves are
        found by de Casteljau's averages.

    Example:
        >>> X = [flint.arb(c) for c in (1, -2, 1.01)]  # (X−1)² + X²/100
        >>> is_nonnegative(X, flint.arb(0), flint.arb(2)), is_nonnegative(X[:2], flint.arb(0), flint.arb(2))
        (True, False)
    """
    if not low <= high:
        return False
    work = [(_bernstein(_moved(coefficients, low, high - low)), depth)]
    while work:
        b, left = work.pop()
        if all(c >= 0 for c in b):
            continue
        if left == 0 or b[0] < 0 or b[-1] < 0:
            return False
        work += [(half, left - 1) for half in _halves(b)]
    return True


def _moved(coefficients: list[flint.arb], start: flint.arb, width: flint.arb) -> list[flint.arb]:
    """Coefficients of p(start + width·t)."""
    p = list(coefficients)
    for i in range(len(p)):
        for k in range(len(p) - 2, i - 1, -1):
            p[k] = p[k] + start * p[k + 1]
    scale = flint.arb(1)
    for k in range(len(p)):
        p[k] = p[k] * scale
        scale = scale * width
    return p


def _bernstein(p: list[flint.arb]) -> list[flint.arb]:
    n = len(p) - 1
    return [sum((p[k] * flint.fmpq(comb(i, k), comb(n, k)) for k in range(i + 1)), flint.arb(0)) for i in range(n + 1)]


def _halves(b: list[flint.arb]) -> tuple[list[flint.arb], list[flint.arb]]:
    left, right, row = [b[0]], [b[-1]], b
    while len(row) > 1:
        row = [(x + y) / 2 for x, y in pairwise(row)]
        left.append(row[0])
        right.append(row[-1])
    return left, right[::-1]
