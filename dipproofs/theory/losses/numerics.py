"""Float evaluation that loses no digits near 0, for NumPy and JAX alike (`xp` is either module)."""

from __future__ import annotations

from typing import Any


def difference(xp: Any, v: Any, y: Any, parameters: Any) -> Any:
    """d = v − y."""
    return v - y


def x_minus_log1p(xp: Any, x: Any) -> Any:
    """x − ln(1 + x) ≥ 0 for x > −1; inf beyond.

    With t = x/(2 + x), ln(1 + x) = 2 artanh(t) and x − 2t = xt, so near 0 no difference of equal numbers is left.
    """
    small = xp.abs(x) < 0.25
    near = xp.where(small, x, 0)
    t = near / (2 + near)
    t2 = t * t
    series = 1 / 19 + 0 * t2
    for odd in (17, 15, 13, 11, 9, 7, 5, 3):
        series = series * t2 + 1 / odd
    inside = (x > -1) & ~small
    far = xp.where(inside, x, 1)
    return xp.where(small, near * t - 2 * t * t2 * series, xp.where(inside, far - xp.log1p(far), xp.inf))


def expm1_minus_x(xp: Any, x: Any) -> Any:
    """exp(x) − 1 − x ≥ 0, for x that does not overflow exp."""
    small = xp.abs(x) < 0.5
    near = xp.where(small, x, 0)
    series = 1 + 0 * near
    for k in range(16, 2, -1):
        series = 1 + series * near / k
    return xp.where(small, near * near / 2 * series, xp.expm1(x) - x)


def log_cosh(xp: Any, r: Any) -> Any:
    """ln cosh r, as ln(1 + 2 sinh²(r/2)) near 0 and |r| + ln(1 + exp(−2|r|)) − ln 2 beyond 1."""
    size = xp.abs(r)
    half = xp.sinh(xp.minimum(size, 1) / 2)
    far = size + xp.log1p(xp.exp(-2 * size)) - 0.6931471805599453
    return xp.where(size < 1, xp.log1p(2 * half * half), far)
